"""`todo done`, `todo undone`, `todo rm`, `todo restore`, `todo move`."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from todo.cli.errors import CommandError, UsageError, say
from todo.cli.remote.completion import Id, Ids, complete_id
from todo.cli.remote.connection import connected
from todo.cli.remote.known import known_ids, resolved
from todo.cli.remote.output import Json, on_terminal, print_json, write
from todo.cli.remote.task_output import summary_line

if TYPE_CHECKING:
    from todo.client import Client, Task

BATCH = 100
"""Operations that one request has at most."""


def done(
    ids: Ids,
    undo: Annotated[bool, typer.Option("--undo", help="Take the completion back.")] = False,
    json: Json = False,
) -> None:
    """Mark tasks as done. One that repeats makes the next one."""
    _change(ids, {"op": "complete", "completed": not undo}, "not done" if undo else "done", json=json)


def undone(ids: Ids, json: Json = False) -> None:
    """Mark tasks as not done: the same as `todo done --undo`."""
    _change(ids, {"op": "complete", "completed": False}, "not done", json=json)


def restore(ids: Ids, json: Json = False) -> None:
    """Take tasks out of the trash."""
    _change(ids, {"op": "restore"}, "restored", json=json)


def rm(
    ids: Ids,
    permanent: Annotated[bool, typer.Option("--permanent", help="Erase them with their history, for good.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before erasing.")] = False,
    json: Json = False,
) -> None:
    """Move tasks to the trash, where they are kept for 30 days."""
    if not permanent:
        _change(ids, {"op": "delete"}, "in the trash", json=json)
        return
    with connected() as client:
        whole = resolved(client, ids)
        if sys.stdin.isatty() and not yes:
            typer.confirm(
                f"Erase {len(whole)} {'task' if len(whole) == 1 else 'tasks'} for good?", abort=True, err=True
            )
        for each in whole:
            client.delete(each, permanent=True)
        if json:
            print_json({"erased": whole})
        else:
            say(f"erased {len(whole)}")


def move(
    id: Id,
    after: Annotated[
        str | None, typer.Option(metavar="ID", autocompletion=complete_id, help="Right behind this task.")
    ] = None,
    first: Annotated[bool, typer.Option("--first", help="To the front.")] = False,
    last: Annotated[bool, typer.Option("--last", help="To the end.")] = False,
    json: Json = False,
) -> None:
    """Move a task in your own order, that of `todo ls --inbox`."""
    if (after is not None) + first + last != 1:
        raise UsageError("say where to: --after ID, --first or --last")
    with connected() as client:
        [whole, *others] = resolved(client, [id, *([after] if after is not None else [])])
        target = others[0] if others else (_last(client, whole) if last else None)
        task = client.move(whole, target) if target != whole else client.task(whole)
        _print(client, [task], "moved", json=json)


def _last(client: "Client", moved: str) -> str | None:
    """The task at the end of the order, apart from the one that is moved."""
    tasks = client.list_tasks(page_size=2, sort="-position")
    return next((task.id for task in tasks if task.id != moved), None)


def _change(ids: list[str], operation: dict[str, Any], said: str, *, json: bool) -> None:
    """One request, and one undo, for up to a hundred tasks."""
    with connected() as client:
        whole = list(dict.fromkeys(resolved(client, ids)))
        tasks: list[Task] = []
        for first in range(0, len(whole), BATCH):
            tasks += _batch(client, whole[first : first + BATCH], operation)
        _print(client, tasks, said, json=json)


def _batch(client: "Client", ids: list[str], operation: dict[str, Any]) -> "list[Task]":
    """The tasks as they are afterwards; deleted ones as they were. All are changed, or none."""
    from todo.client import Invalid

    before = {each: client.task(each) for each in ids} if operation["op"] == "delete" else {}
    try:
        results = client.batch([{**operation, "id": each} for each in ids]).results
    except Invalid as error:
        named = [f"{_named(each.loc, ids)}{each.msg}" for each in error.errors]
        raise CommandError(f"{'; '.join(named) or error.detail} (nothing was changed)") from None
    return [task for each, result in zip(ids, results, strict=True) if (task := result.task or before.get(each))]


def _named(loc: tuple[str | int, ...], ids: list[str]) -> str:
    """The id of the operation that an error is about."""
    index = next((each for each in loc if isinstance(each, int)), -1)
    return f"{ids[index]}: " if 0 <= index < len(ids) else ""


def _print(client: "Client", tasks: "list[Task]", said: str, *, json: bool) -> None:
    if json:
        print_json(tasks)
    elif on_terminal():
        ids = known_ids(client)
        for task in tasks:
            write(f"{said}: {summary_line(task, ids)}")
    else:
        for task in tasks:
            write(task.id)
