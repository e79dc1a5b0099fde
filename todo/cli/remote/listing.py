"""`todo ls`, `todo show`, `todo tags`, `todo summary`."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from todo.cli.errors import UsageError, say
from todo.cli.remote import output, views
from todo.cli.remote.completion import Id
from todo.cli.remote.connection import connected
from todo.cli.remote.known import kept_ids, known_ids, resolved
from todo.cli.remote.output import Json
from todo.cli.remote.task_output import print_task, task_row, task_table
from todo.cli.remote.views import View, chosen_view, with_day

if TYPE_CHECKING:
    from todo.client import Client, Task


def ls(
    all_: views.All = False,
    inbox: views.Inbox = False,
    done: views.Done = False,
    trash: views.Trash = False,
    tag: views.Tags = None,
    search: views.Search = None,
    priority: views.Priorities = None,
    due: views.DueDay = None,
    sort: views.Sort = None,
    limit: views.Limit = None,
    offline: Annotated[bool, typer.Option("--offline", help="Read the copy that `todo sync` made.")] = False,
    json: Json = False,
) -> None:
    """List what is due today and overdue, or other tasks.

    On a terminal it is a table; elsewhere each line has id, x where done, due date, priority, tags and title, with
    tabs.
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
        limit=limit,
    )
    if offline:
        from todo.cli.remote.offline import copied_tasks

        print_tasks(copied_tasks(with_day(view, None)), kept_ids, view, json=json)
        return
    with connected() as client:
        print_tasks(listed(client, with_day(view, client)), lambda: known_ids(client), view, json=json)


def listed(client: "Client", view: View) -> Iterator["Task"]:
    """The tasks of the view. A word or order that the server refuses is wrong use."""
    from todo.cli.remote.connection import explained
    from todo.client import Invalid

    page_size = min(view.limit or 1000, 1000)
    try:
        yield from islice(client.list_tasks(page_size=page_size, **view.filters()), view.limit)
    except Invalid as error:
        raise UsageError(explained(error)) from None


def print_tasks(tasks: Iterable["Task"], ids: Any, view: View, *, json: bool) -> None:
    """As JSON, as lines for other programs, or as a table for people; `ids` makes the short ids."""
    if json:
        output.print_json_array(tasks)
        return
    if not output.on_terminal():
        for task in tasks:
            output.print_row(*task_row(task))
        return
    if found := list(tasks):
        output.print_table(task_table(found, ids(), deleted=view.name == "trash"))
    else:
        say(nothing_in(view))


def nothing_in(view: View) -> str:
    return "nothing is due: `todo ls --inbox` shows all that is not done" if view.is_today else "no tasks"


def show(id: Id, json: Json = False) -> None:
    """Show all of one task."""
    with connected() as client:
        [whole] = resolved(client, [id])
        task = _task(client, whole)
        if json:
            output.print_json(task)
        else:
            print_task(task, known_ids(client))


def _task(client: "Client", id: str) -> "Task":
    """The task, also where it is in the trash."""
    from todo.client import NotFound

    try:
        return client.task(id)
    except NotFound:
        deleted = (task for task in client.list_tasks(status="deleted") if task.id == id)
        if (found := next(deleted, None)) is None:
            raise
        return found


def tags(
    rename: Annotated[
        tuple[str, str] | None, typer.Option(metavar="OLD NEW", help="Rename a tag in all tasks.")
    ] = None,
    remove: Annotated[str | None, typer.Option(help="Remove a tag from all tasks.")] = None,
    json: Json = False,
) -> None:
    """List the tags, or change one in all tasks."""
    if rename and remove:
        raise UsageError("--rename and --remove: choose one of them")
    with connected() as client:
        found = client.tags() if not rename else client.rename_tag(*rename)
        if remove:
            found = client.remove_tag(remove)
    if json:
        output.print_json(found)
    else:
        output.print_rows("", "", rows=[(each.tag, str(each.count)) for each in found])


def summary(json: Json = False) -> None:
    """Count the tasks by status, due date and tag."""
    with connected() as client:
        counted = client.summary()
    if json:
        output.print_json(counted)
        return
    week = sum(day.count for day in sorted(counted.completed_per_day, key=lambda day: day.date)[-7:])
    rows = [
        ("to do", counted.status.pending),
        ("overdue", counted.due.overdue),
        ("due today", counted.due.today),
        ("due within a week", counted.due.week),
        ("without a date", counted.due.none),
        ("done", counted.status.completed),
        ("done in seven days", week),
        ("in the trash", counted.status.deleted),
        *((f"#{each.tag}", each.count) for each in counted.tags[:10]),
    ]
    output.print_rows("", "", rows=[(name, str(count)) for name, count in rows])
