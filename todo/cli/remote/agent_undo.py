"""Taking back what an agent did: the question before, and what is said afterwards."""

from typing import TYPE_CHECKING

import typer

from todo.cli.errors import CommandError, say
from todo.cli.remote.output import print_json, write
from todo.cli.text import one_line

if TYPE_CHECKING:
    from datetime import datetime

    from todo.client import Agent, AgentUndo, Client, UndoConflict

NAMED = 20
"""Conflicts that are printed."""


def take_back(
    client: "Client", agent: "Agent", since: "datetime | None", *, dry_run: bool, ask: bool, json: bool
) -> None:
    """Do it, or say what it would be. Raises CommandError where there is nothing to take back, Abort after a no."""
    name = one_line(agent.name)
    if dry_run or ask:
        tried = client.undo_agent(agent.id, since=since, dry_run=True)
        _require_something(tried, name)
        if dry_run:
            _print(tried, f"would take back {_counted(tried)} by {name}", json=json)
            return
        typer.confirm(f"Take back {_counted(tried)} by {name}?", abort=True, err=True)
    done = client.undo_agent(agent.id, since=since)
    _require_something(done, name)
    _print(done, f"took back {_counted(done)} by {name}{_again(done)}", json=json)


def _require_something(undo: "AgentUndo", name: str) -> None:
    if not undo.undone and not undo.conflicts:
        raise CommandError(f"there is nothing by {name} to take back")


def _counted(undo: "AgentUndo") -> str:
    if not undo.undone:
        return "nothing"
    changes, tasks = ("1 change" if undo.undone == 1 else f"{undo.undone:,} changes"), f"{undo.tasks:,}"
    return f"{changes} of {tasks} {'task' if undo.tasks == 1 else 'tasks'}"


def _again(undo: "AgentUndo") -> str:
    """The batches in the order in which their undo works: the newest first."""
    commands = "; ".join(f"todo undo {revision}" for revision in reversed(undo.revisions))
    return f"; to do it again: {commands}" if commands else ""


def _print(undo: "AgentUndo", line: str, *, json: bool) -> None:
    if json:
        print_json(undo)
        return
    for conflict in undo.conflicts[:NAMED]:
        say(_stays(conflict))
    if len(undo.conflicts) > NAMED:
        say(f"and {len(undo.conflicts) - NAMED} more: --json has all of them")
    write(line)


def _stays(conflict: "UndoConflict") -> str:
    if conflict.title is None:
        return f"{conflict.task_id}: erased since, so it stays"
    fields = " and ".join(conflict.fields)
    return f"“{one_line(conflict.title)}”: {fields or 'the task'} altered by somebody else since, so it stays"
