"""Tools that write.

All but `quick_add` are batches of the API: done as a whole or not at all, tried by `dry_run`, taken back by one undo.
"""

from collections.abc import Sequence
from typing import Any

from todo.client import AsyncClient, BatchResult, QuickTask
from todo.mcp.answers import Answer, plain, present, results_data, task_data
from todo.mcp.arguments import (
    FIELDS,
    AddTask,
    BatchOf,
    CompleteTask,
    Fields,
    MoveTask,
    Operation,
    QuickAdd,
    UpdateTask,
    Writing,
    WritingOne,
)


async def add_task(client: AsyncClient, arguments: AddTask) -> Answer:
    """A new task."""
    return await _one(client, arguments, {"op": "create", "task": arguments.given(*FIELDS)})


async def update_task(client: AsyncClient, arguments: UpdateTask) -> Answer:
    """Fields of a task."""
    fields = _edit(arguments, arguments.clear)
    return await _one(client, arguments, {"op": "update", **_named(arguments), "task": fields})


async def complete_task(client: AsyncClient, arguments: CompleteTask) -> Answer:
    """Done, or open again."""
    return await _one(client, arguments, {"op": "complete", **_named(arguments), "completed": arguments.completed})


async def move_task(client: AsyncClient, arguments: MoveTask) -> Answer:
    """Another place."""
    after = None if arguments.after is None else str(arguments.after)
    return await _one(client, arguments, {"op": "move", **_named(arguments), "after": after})


async def delete_task(client: AsyncClient, arguments: WritingOne) -> Answer:
    """To the trash."""
    done = await _batch(client, arguments, [{"op": "delete", **_named(arguments)}])
    data = {"deleted": str(arguments.id), **_written(arguments, done.revision)}
    return Answer(arguments.says("The task is in the trash."), data)


async def batch(client: AsyncClient, arguments: BatchOf) -> Answer:
    """Many operations."""
    done = await _batch(client, arguments, [_operation(each) for each in arguments.operations])
    data = {"results": results_data(done.results), **_written(arguments, done.revision)}
    return Answer(arguments.says(f"All {len(done.results)} operations are done."), data)


async def quick_add(client: AsyncClient, arguments: QuickAdd) -> Answer:
    """A task of a line of text."""
    added = await client.quick_add(
        arguments.text, time_zone=arguments.time_zone, dry_run=arguments.dry_run, key=arguments.key
    )
    if isinstance(added, QuickTask):
        return Answer(arguments.says(""), {"understood": plain(added), "dry_run": True})
    return Answer("Done.", {"task": task_data(added), "undo_revision": added.revision})


async def _one(client: AsyncClient, arguments: Writing, operation: dict[str, Any]) -> Answer:
    done = await _batch(client, arguments, [operation])
    task = done.results[0].task
    data = {**present(task=task and task_data(task)), **_written(arguments, done.revision)}
    return Answer(arguments.says("Done."), data)


async def _batch(client: AsyncClient, arguments: Writing, operations: list[dict[str, Any]]) -> BatchResult:
    return await client.batch(operations, arguments.dry_run, key=arguments.key)


def _operation(operation: Operation) -> dict[str, Any]:
    named = {"id": str(operation.id)} if operation.id else {}
    if operation.op == "create":
        return {"op": "create", "task": {**operation.given(*FIELDS), **named}}
    common: dict[str, Any] = {"op": operation.op, **named, **present(revision=operation.if_revision)}
    if operation.op == "update":
        common["task"] = _edit(operation, operation.clear)
    if operation.op == "complete":
        common["completed"] = operation.completed
    if operation.op == "move":
        common["after"] = str(operation.after) if operation.after else None
    return common


def _edit(fields: Fields, clear: Sequence[str]) -> dict[str, Any]:
    return fields.given(*FIELDS) | dict.fromkeys(clear)


def _named(arguments: WritingOne) -> dict[str, Any]:
    return {"id": str(arguments.id), **present(revision=arguments.if_revision)}


def _written(arguments: Writing, revision: int) -> dict[str, Any]:
    return {"dry_run": True} if arguments.dry_run else {"undo_revision": revision}
