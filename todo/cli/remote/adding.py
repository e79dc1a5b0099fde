"""`todo add`."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from todo.cli.errors import CommandError, UsageError, say
from todo.cli.remote.connection import connected, explained
from todo.cli.remote.fields import Due, Note, Priority, Repeat, Tag, given_fields
from todo.cli.remote.known import known_ids
from todo.cli.remote.output import JsonLines, print_json_line, write
from todo.cli.remote.task_output import summary_line

if TYPE_CHECKING:
    from todo.client import Client, Task

QUICK_ADD_LIMIT = 1000
"""Characters of a line that the API reads."""


def add(
    words: Annotated[
        list[str],
        typer.Argument(help="The task, such as: Pay rent tomorrow 9am '#home' '!high' every month. `-` reads lines."),
    ],
    note: Note = None,
    due: Due = None,
    priority: Priority = None,
    tag: Tag = None,
    repeat: Repeat = None,
    json: JsonLines = False,
) -> None:
    """Add a task, or one for each line of standard input.

    What stands at the end of the line about its date, time, tags, priority and repetition is understood; options win.
    """
    with connected() as client:
        fields = given_fields(client, note=note, due=due, priority=priority, repeat=repeat)
        if words == ["-"]:
            _add_lines(client, fields, tag or [], json=json)
        else:
            _print(client, _added(client, " ".join(words), fields, tag or []), json=json)


def _added(client: "Client", line: str, fields: dict[str, Any], tags: list[str]) -> "Task":
    if not line.strip():
        raise UsageError("a task needs a title")
    if len(line) > QUICK_ADD_LIMIT:
        raise CommandError(f"the line has more than {QUICK_ADD_LIMIT} characters: put the rest into --note")
    if not fields and not tags:
        return client.quick_add(line)
    read = client.quick_add(line, dry_run=True)
    understood = {
        "due_date": read.due_date,
        "time_zone": read.time_zone,
        "priority": read.priority,
        "recurrence": read.recurrence,
        "recurrence_from": read.recurrence_from,
    }
    if "due_date" in fields:  # the zone of another date does not count
        understood["time_zone"] = None
    return client.create(read.title, **{**understood, **fields, "tags": [*read.tags, *tags]})


def _add_lines(client: "Client", fields: dict[str, Any], tags: list[str], *, json: bool) -> None:
    """A line that is refused is named, and the others are added."""
    from todo.client import Conflict, Invalid

    refused = 0
    for number, line in _lines():
        try:
            task = _added(client, line, fields, tags)
        except (Invalid, Conflict) as error:
            refused += 1
            say(f"todo: line {number}: {explained(error)}")
        except CommandError as error:
            refused += 1
            say(f"todo: line {number}: {error}")
        else:
            _print(client, task, json=json)
    if refused:
        raise CommandError(f"{refused} {'line was' if refused == 1 else 'lines were'} not added")


def _lines() -> Iterator[tuple[int, str]]:
    for number, line in enumerate(sys.stdin, 1):
        if text := line.removeprefix("\ufeff").strip():
            yield number, text


def _print(client: "Client", task: "Task", *, json: bool) -> None:
    if json:
        print_json_line(task)
    elif sys.stdout.isatty():
        write(f"added {summary_line(task, known_ids(client))}")
    else:
        write(task.id)
