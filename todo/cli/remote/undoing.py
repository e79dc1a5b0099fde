"""`todo undo`."""

from contextlib import suppress
from itertools import takewhile
from typing import TYPE_CHECKING, Annotated

import typer

from todo.cli.errors import CommandError
from todo.cli.remote.connection import connected
from todo.cli.remote.known import known
from todo.cli.remote.output import Json, print_json, write
from todo.cli.text import one_line

if TYPE_CHECKING:
    from todo.client import Change, Client

LOOKED_AT = (1000, 100, 10, 1)
"""Changes among which the last one that may be undone is looked for; fewer where older ones are not kept."""
NAMED = 5
"""Tasks whose titles are printed."""

_KINDS = {"create": "the creation", "delete": "the deletion", "restore": "the restoration", "purge": "the erasure"}


def undo(
    revision: Annotated[
        int | None, typer.Argument(min=1, help="The revision to take back; the last without it.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what it would be.")] = False,
    json: Json = False,
) -> None:
    """Take back the last change, or that of a revision.

    What was changed together with it is taken back too. Called again, it takes back the change before. To redo, undo
    the revision that it prints.
    """
    with connected() as client:
        change = _named(client, revision) if revision else _last(client)
        together = _together(client, change)
        what = f"{_what(client, change)} of {_titles(client, together)} (revision {change.revision}, by {by(change)})"
        made = None if dry_run else client.undo(change.revision)
    if json:
        print_json(together if made is None else made)
    elif made is None:
        write(f"would take back {what}")
    else:
        write(f"took back {what}; to do it again: todo undo {made.revision}")


def _named(client: "Client", revision: int) -> "Change":
    from todo.client import Gone

    found = None
    with suppress(Gone):
        found = next(client.changes(revision - 1), None)
    if found is None or found.revision != revision:
        raise CommandError(f"there is no change {revision} that is kept: `todo undo --dry-run` shows the last one")
    return found


def _last(client: "Client") -> "Change":
    """The newest change that is no undo, and was not undone. Raises CommandError where there is none."""
    undone: set[int] = set()
    for change in reversed(_newest(client)):
        number = change.batch or change.revision
        if change.undoes is not None:
            if number not in undone:  # an undo that was itself undone does not count
                undone.add(change.undoes)
        elif number not in undone and change.revision not in undone and change.kind != "purge":
            return change
    raise CommandError("there is nothing to take back")


def _newest(client: "Client") -> "list[Change]":
    from todo.client import Gone

    newest = known(client).revision
    for count in LOOKED_AT:
        with suppress(Gone):
            return [*client.changes(max(newest - count, 0))]
    return []


def _together(client: "Client", change: "Change") -> "list[Change]":
    """The change, and those that were made together with it."""
    if change.batch is None:
        return [change]
    return [*takewhile(lambda each: each.batch == change.batch, client.changes(change.batch - 1))]


def by(change: "Change") -> str:
    """Who made it."""
    return f"{one_line(change.agent)} (agent)" if change.agent else change.via


def _what(client: "Client", change: "Change") -> str:
    """What a change altered, in words: the history has the values before it."""
    if change.kind != "update":
        return _KINDS.get(change.kind, change.kind)
    past = next((each for each in client.history(change.task_id) if each.revision == change.revision), None)
    fields = sorted((past and past.before) or {})
    if "completed" in fields:
        return "the completion" if change.task and change.task.completed else "the reopening"
    return f"the change of {' and '.join(fields)}" if fields else "the change"


def _titles(client: "Client", together: "list[Change]") -> str:
    titles = known(client).titles
    ids = dict.fromkeys(change.task_id for change in together)
    named = [f"“{titles.get(each, 'an erased task')}”" for each in ids][:NAMED]
    return ", ".join(named) + (f" and {len(ids) - NAMED} more" if len(ids) > NAMED else "")
