"""`todo watch`: what happens to the tasks, live."""

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from todo.cli.remote import views
from todo.cli.remote.connection import connected
from todo.cli.remote.known import known, known_ids
from todo.cli.remote.listing import listed, nothing_in
from todo.cli.remote.output import JsonLines, console, on_terminal, print_json_line, print_row
from todo.cli.remote.task_output import task_table
from todo.cli.remote.views import View, chosen_view, with_day

if TYPE_CHECKING:
    from rich.console import RenderableType

    from todo.client import Change, Client

PAUSE = 0.3
"""Seconds between two drawings at least, so that a thousand changes are not a thousand lists."""
MINUTE = 60.0
"""Seconds after which the list is drawn without a change: what is due today may be overdue now."""


def watch(
    all_: views.All = False,
    inbox: views.Inbox = False,
    done: views.Done = False,
    trash: views.Trash = False,
    tag: views.Tags = None,
    search: views.Search = None,
    priority: views.Priorities = None,
    due: views.DueDay = None,
    sort: views.Sort = None,
    json: JsonLines = False,
) -> None:
    """Show the list live, until Ctrl-C.

    On a terminal it is drawn again whenever something changes. Without a terminal, and with --json, print each change
    of any task in a line instead.
    """
    view = chosen_view(
        all_=all_,
        inbox=inbox,
        done=done,
        trash=trash,
        tag=tag,
        search=search,
        priority=priority,
        due=due,
        sort=sort,
        limit=None,
    )
    with connected() as client:
        if on_terminal() and not json:
            _draw(client, with_day(view, client))
        else:
            for change in client.stream(known(client).revision):
                _print(change, json=json)


def _print(change: "Change", *, json: bool) -> None:
    import sys

    if json:
        print_json_line(change)
    else:
        print_row(str(change.revision), change.kind, change.task_id, change.task.title if change.task else "")
        sys.stdout.flush()


def _draw(client: "Client", view: View) -> None:
    from rich.live import Live

    changes = _Changes(client)
    with Live(console=console(), auto_refresh=False, vertical_overflow="ellipsis", screen=True) as live:
        for _ in changes.moments():
            live.update(_drawn(client, view), refresh=True)


def _drawn(client: "Client", view: View) -> "RenderableType":
    from dataclasses import replace

    from rich.text import Text

    today = replace(view, day=View().day)
    tasks = list(listed(client, today))
    return task_table(tasks, known_ids(client), deleted=view.name == "trash") if tasks else Text(nothing_in(view))


class _Changes:
    """Whether there is something new, from the stream, which a thread reads."""

    def __init__(self, client: "Client") -> None:
        self._client, self._since = client, known(client).revision
        self._new = threading.Event()
        self._failed: BaseException | None = None
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        try:
            for _ in self._client.stream(self._since):
                self._new.set()
        except BaseException as error:  # noqa: BLE001 # it is raised where it is waited for
            self._failed = error
        self._new.set()

    def moments(self) -> Iterator[None]:
        """At once, after changes, and each minute. Raises what ended the stream."""
        while True:
            yield
            self._new.wait(MINUTE)
            self._new.clear()
            if self._failed:
                raise self._failed
            threading.Event().wait(PAUSE)
