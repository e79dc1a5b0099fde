"""`todo edit`: by options, in an editor, or from a file. What was typed is kept until the server has it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from todo.cli.errors import CommandError, UsageError, say
from todo.cli.remote.completion import Id
from todo.cli.remote.connection import connected
from todo.cli.remote.edit_text import as_text, changed, parsed, shown, split_tags
from todo.cli.remote.fields import Due, Note, Priority, Repeat, due_fields, given_fields, repeat_fields
from todo.cli.remote.known import known_ids, resolved
from todo.cli.remote.output import Json, on_terminal, print_json, write
from todo.cli.remote.task_output import summary_line

if TYPE_CHECKING:
    from todo.client import Client, Task

ATTEMPTS = 5
"""How often an edit that does not conflict is sent, where others change the task all the time."""


def edit(
    id: Id,
    title: Annotated[str | None, typer.Option(help="A new title.")] = None,
    note: Note = None,
    due: Due = None,
    priority: Priority = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", "-t", help="Add this tag; may be repeated.")] = None,
    untag: Annotated[list[str] | None, typer.Option("--untag", help="Remove this tag; may be repeated.")] = None,
    repeat: Repeat = None,
    file: Annotated[
        str | None, typer.Option("--file", "-f", help="Read the text form from a file, or `-`, in place of an editor.")
    ] = None,
    json: Json = False,
) -> None:
    """Change a task by options, or in your editor.

    The editor is $VISUAL or $EDITOR. Where somebody else changed the same fields meanwhile, nothing is overwritten, and
    both texts are kept as files.
    """
    by_options = any(each is not None for each in (title, note, due, priority, repeat)) or tag or untag
    if by_options and file is not None:
        raise UsageError("--file: it has all fields; give no other option")
    with connected() as client:
        [whole] = resolved(client, [id])
        if by_options:
            fields = given_fields(client, note=note, due=due, priority=priority, repeat=repeat)
            if title is not None:
                fields["title"] = title
            task = _with_tags(client, whole, fields, tag or [], untag or [])
        else:
            task = _by_text(client, client.task(whole), file)
        if json:
            print_json(task)
        elif on_terminal():
            write(f"changed: {summary_line(task, known_ids(client))}")
        else:
            write(task.id)


def _with_tags(client: "Client", id: str, fields: dict[str, Any], added: list[str], removed: list[str]) -> "Task":
    """The tags are those of the task as it is, so they are sent only while it is so."""
    if not added and not removed:
        return client.update(id, **fields)
    gone = {tag.lower() for tag in removed}

    def with_tags(task: "Task") -> dict[str, Any]:
        return {**fields, "tags": [*(tag for tag in task.tags if tag.lower() not in gone), *added]}

    return _sent(client, client.task(id), with_tags)


def _sent(client: "Client", task: "Task", fields_for: Any) -> "Task":
    """Update the task as it is; where it was changed meanwhile, as it is then."""
    from todo.client import PreconditionFailed

    for _ in range(ATTEMPTS):
        try:
            return client.update(task.id, if_match=task.revision, **fields_for(task))
        except PreconditionFailed as error:
            task = error.current or client.task(task.id)
    raise CommandError("the task is changed by others all the time: try again")


def _by_text(client: "Client", task: "Task", file: str | None) -> "Task":
    from todo.cli.remote import drafts

    before = shown(task)
    text = as_text(before)
    with _kept_until_sent(task, text, file) as draft:
        written = drafts.edited(draft) if file is None else draft.read_text(encoding="utf-8")
        edits = {} if written == text else changed(before, parsed(written))
        if not edits:
            say("nothing was changed")
            return task
        fields = _fields(client, edits)

        def unless_conflicting(now: "Task") -> dict[str, Any]:
            current = shown(now)
            if both := [name for name in edits if current[name] not in {before[name], edits[name]}]:
                raise _ConflictError(now, both)
            return fields

        return _sent(client, task, unless_conflicting)


class _ConflictError(CommandError):
    """Others changed the same fields; `task` is as they left it."""

    def __init__(self, task: "Task", names: list[str]) -> None:
        super().__init__(f"somebody else changed {' and '.join(names)} meanwhile, and nothing was overwritten")
        self.task = task


@contextmanager
def _kept_until_sent(task: "Task", text: str, file: str | None) -> Iterator[Path]:
    """The file with the text, which is removed when the block succeeds, unless it is the user's own."""
    from todo.cli.remote import drafts
    from todo.client import ClientError

    if file is not None and file != "-":
        draft = Path(file)
        if not draft.is_file():
            raise CommandError(f"{file} is no file that can be read")
    else:
        draft = drafts.new(task.id, sys.stdin.read() if file else text)
    try:
        yield draft
    except _ConflictError as error:
        theirs = drafts.new(task.id, as_text(shown(error.task)))
        again = f"put them together and run `todo edit {task.id} --file {draft}`"
        raise CommandError(f"{error}: your text is in {draft}, the task as it is now in {theirs}: {again}") from None
    except (CommandError, ClientError, OSError, ValueError) as error:
        raise CommandError(f"{_cause(error)} (your text is kept: `todo edit {task.id} --file {draft}`)") from error
    if draft != Path(file or ""):
        draft.unlink(missing_ok=True)


def _cause(error: Exception) -> str:
    from todo.cli.remote.connection import explained
    from todo.client import ApiError

    return explained(error) if isinstance(error, ApiError) else str(error)


def _fields(client: "Client", edits: dict[str, str]) -> dict[str, Any]:
    """The fields of the API that the edited lines mean. Raises UsageError for a date that is none."""
    fields: dict[str, Any] = {}
    for name, value in edits.items():
        match name:
            case "due":
                fields |= due_fields(client, value)
            case "repeats":
                fields |= repeat_fields(client, value)
            case "tags":
                fields["tags"] = split_tags(value)
            case "priority":
                fields["priority"] = value.lower() or None
            case _:
                fields[name] = value or None
    return fields
