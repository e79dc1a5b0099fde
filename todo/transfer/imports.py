"""The second pass of an import: all tasks in one transaction, as one batch, so that one undo takes it back.

The function `import_tasks` of the database creates them, with the times that the file says. It holds the user's row
from the first chunk on, as every write does: other writes of the user wait, and nobody sees half an import.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from psycopg.errors import UniqueViolation
from sqlalchemy import ARRAY, Boolean, Column, Text, Uuid, bindparam, cast, func, literal, literal_column, select, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased
from sqlmodel import col

from todo.auth.caller import Caller
from todo.auth.provisioning import claims, provisioned_user
from todo.auth.tables import User
from todo.changes.tables import Change
from todo.db.database import ScopedDatabase
from todo.db.statement import Statement
from todo.db.transaction import Transaction
from todo.problems import Interrupted
from todo.tasks.errors import TooManyTasks, UserGone
from todo.tasks.positions import spread
from todo.tasks.refusals import REFUSED, meaning
from todo.tasks.tables import Task
from todo.transfer.errors import ImportRunning
from todo.transfer.reading import Import

_lock = func.hashtextextended(literal("import ", Text) + bindparam("user_id", type_=Text), literal_column("0"))
TRY_LOCK = Statement.of(select(func.pg_try_advisory_xact_lock(_lock)), read_only=True)

PROVISION = Statement.of(select(func.count()).select_from(provisioned_user()), lock_by="user_id")
"""For a user of an external issuer."""

_imported = func.import_tasks(cast(bindparam("items", type_=Text), JSONB)).table_valued("created", "restored")
IMPORT = Statement.of(select(_imported.c.created + _imported.c.restored), long_running=True)

_now = func.clock_timestamp()
BEGIN = Statement.of(
    select(_now, func.left(func.task_position(_now), 13)), row=lambda moment, position: (moment, position)
)
"""What a task that is created now has: the times and positions of the import go there."""

BATCH = Statement.of(select(func.nullif(func.current_setting("app.batch"), "0")), read_only=True)

_undone, _made = aliased(Change, name="undone"), aliased(Change, name="made")
_taken_back = (
    select(literal_column("1"))
    .where(
        col(_undone.user_id) == bindparam("user_id"),
        col(_undone.revision) == col(Task.revision),
        col(_made.user_id) == bindparam("user_id"),
        col(_made.task_id) == col(Task.id),
        col(_made.kind) == literal_column("'create'"),
        col(_undone.undoes) == func.coalesce(col(_made.batch), col(_made.revision)),
    )
    .correlate(Task)
    .exists()
)
_item = (
    func.unnest(bindparam("ids", type_=ARRAY(Uuid)), bindparam("live", type_=ARRAY(Boolean)))
    .table_valued(Column("id", Uuid), Column("live", Boolean), name="item")
    .render_derived()
)
_found = (
    select((col(Task.deleted_at).is_not(None) & _item.c.live & _taken_back).label("restorable"))
    .where(col(Task.user_id) == bindparam("user_id"), col(Task.id) == _item.c.id)
    .offset(literal_column("0"))  # so that each is looked up by its key
    .lateral("found")
)
PRESENT = Statement.of(
    select(func.count(), func.count().filter(_found.c.restorable)).select_from(_item.join(_found, true())),
    read_only=True,
)
"""How many of these tasks there are, and how many of them an import restores, as `import_tasks` does."""

TASK_COUNT = Statement.of(select(col(User.task_count)).where(col(User.id) == bindparam("user_id")), read_only=True)


async def run(db: ScopedDatabase, caller: Caller, found: Import) -> tuple[int, int | None]:
    """Create the tasks; how many are new, and the revision that takes them back (None where none is).

    Raises ImportRunning, TooManyTasks or UserGone.
    """

    async def done(transaction: Transaction) -> tuple[int, int | None]:
        if caller.external:
            transaction.queue(PROVISION, **claims(caller))
        if not (await transaction.fetch(TRY_LOCK))[0][0]:
            raise ImportRunning
        transaction.begin_batch()
        transaction.queue(IMPORT, items="[]")  # which locks the user
        [(moment, position)] = await transaction.fetch(BEGIN)
        chunks = _placed(found, moment, position)
        created = 0
        while (items := await asyncio.to_thread(next, chunks, None)) is not None:
            created += (await transaction.fetch(IMPORT, items=items))[0][0]
        [[batch]] = await transaction.fetch_last(BATCH)
        return created, int(batch) if created else None

    try:
        return await db.in_transaction(done)
    except REFUSED as error:
        raise meaning(error) from None
    except UniqueViolation:
        raise Interrupted(
            "A task with an id of the file was created just now; nothing was changed.", undone=True
        ) from None


async def dry_run(db: ScopedDatabase, caller: Caller, found: Import) -> int:
    """How many tasks an import would create. Raises TooManyTasks or UserGone."""
    held = await db.run(TASK_COUNT)
    if not held and not caller.external:
        raise UserGone
    added = restored = 0
    chunks = found.chunks()
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        ids = [task["id"] for task in chunk]
        live = ["f" if task.get("deleted_at") else "t" for task in chunk]
        [(present, restorable)] = await db.run(PRESENT, ids=_array(ids), live=_array(live))
        added += len(ids) - present
        restored += restorable
    if held and held[0][0] + added > found.max_tasks:
        raise TooManyTasks(f"a user may have {found.max_tasks} tasks")
    return added + restored


def _array(values: Sequence[str]) -> str:
    return "{" + ",".join(values) + "}"


def _placed(found: Import, moment: datetime, position: str) -> Iterator[str]:
    """The chunks as JSON, with what the file leaves open.

    The first task of the file is to be the newest, and before the others: where the file has positions, the order is
    theirs. All positions begin with `position`, which those of later tasks come before.
    """
    keys = spread(position, position + "z", found.tasks)
    ranks: Sequence[int] = range(found.tasks)
    if found.positions is not None:
        order = sorted(ranks, key=found.positions.__getitem__)
        ranks = [0] * found.tasks
        for rank, number in enumerate(order):
            ranks[number] = rank
    number = 0
    for chunk in found.chunks():
        for task in chunk:
            task["position"] = keys[ranks[number]]
            if not task.get("created_at"):
                task["created_at"] = moment - timedelta(microseconds=number)
            number += 1
        yield _text(chunk)


def _text(chunk: list[Any]) -> str:
    return msgspec.json.encode(chunk).decode()
