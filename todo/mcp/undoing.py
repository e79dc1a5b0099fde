"""The tool that takes changes back."""

from typing import Any

import msgspec

from todo.client import Change, NotFound
from todo.mcp.answers import ROWS, Answer, present, task_data
from todo.mcp.arguments import UndoOf
from todo.mcp.client import ToolClient

NO_CHANGE = "There is no such change: call history to find its revision."


class TakenBack(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the changes of an agent."""

    undone: int
    tasks: int
    conflicts: tuple[dict[str, Any], ...] = ()
    revision: int | None = None
    before: int | None = None


async def undo(client: ToolClient, arguments: UndoOf) -> Answer:
    """One change, with those that were made together with it; or all of this agent's since a time."""
    if arguments.revision is not None:
        return await _one(client, arguments, arguments.revision)
    which = arguments.given("since", "before")
    try:
        done = await client.post(
            TakenBack, "agents", "me", "undo", key=arguments.key, dry_run=arguments.dry_run, json=which
        )
    except NotFound:  # one that has changed nothing yet
        done = TakenBack(undone=0, tasks=0)
    data = {
        "undone": done.undone,
        "tasks": done.tasks,
        "conflicts": [_conflict(each) for each in done.conflicts[:ROWS]],
        "conflict_count": len(done.conflicts),
        **present(before=done.before, dry_run=arguments.dry_run),
        **present(undo_revision=None if arguments.dry_run else done.revision),
    }
    said = f"Changes taken back: {done.undone}; tasks with conflicts, which somebody changed afterwards: "
    return Answer(_said(arguments, f"{said}{len(done.conflicts)}."), data)


async def _one(client: ToolClient, arguments: UndoOf, revision: int) -> Answer:
    path = ("changes", revision, "undo")
    change = await client.post(Change, *path, key=arguments.key, dry_run=arguments.dry_run)
    data = {
        "undone": 1,
        **present(task=change.task and task_data(change.task), dry_run=arguments.dry_run),
        **present(undo_revision=None if arguments.dry_run else change.revision),
    }
    return Answer(_said(arguments, "It is taken back, with the changes that were made together with it."), data)


def _conflict(conflict: dict[str, Any]) -> dict[str, Any]:
    return present(**{name: conflict.get(name) for name in ("task_id", "title", "fields", "reason")})


def _said(arguments: UndoOf, done: str) -> str:
    return "Nothing was changed: this is what would be." if arguments.dry_run else done
