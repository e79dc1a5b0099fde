"""Many operations on tasks in one transaction: all of them are done, in their order, or none.

First all tasks that are named are locked, in the order of their ids, and it is judged which operations cannot be
done. Then the statements of the single actions travel together; a move has to wait for those before it.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, Uuid, any_, bindparam, select
from sqlmodel import col
from uuid_utils.compat import uuid7

from todo.auth.caller import Caller
from todo.auth.tables import User
from todo.db.database import ScopedDatabase
from todo.db.statement import Statement
from todo.db.transaction import Transaction
from todo.tasks import moves
from todo.tasks.batch_shapes import Create, Delete, MoveTo, Operation, Restore
from todo.tasks.errors import BatchRefused, IdInTrash, Outdated, PlaceNotFound, TaskError, TaskNotFound, UserGone
from todo.tasks.execution import Execution, Known, Result, id_of
from todo.tasks.tables import Task

LOCK_NAMED = Statement.of(
    select(
        col(Task.id),
        col(Task.revision),
        col(Task.deleted_at).is_not(None),
        col(Task.recurrence).is_not(None) | col(Task.series).is_not(None),
    )
    .where(col(Task.user_id) == bindparam("user_id"), col(Task.id) == any_(bindparam("ids", type_=ARRAY(Uuid))))
    .order_by(col(Task.id))
    .with_for_update(key_share=True),
    row=Known,
)
REVISION = Statement.of(select(col(User.revision)).where(col(User.id) == bindparam("user_id")), read_only=True)


class Done(msgspec.Struct):
    """What became of a batch, as it is encoded."""

    results: list[Result]
    revision: int


async def run(
    db: ScopedDatabase, caller: Caller, operations: Sequence[Operation], *, dry_run: bool, time_zone: str | None = None
) -> Done:
    """Do all operations, or with `dry_run` say what would become of them.

    `time_zone` is the clock of the person, for repeating tasks that have none.
    Raises BatchRefused with what keeps some from being done, or UserGone.
    """
    for operation in operations:
        if isinstance(operation, Create) and operation.task.id is None:
            operation.task.id = uuid7()

    async def done(transaction: Transaction) -> Done:
        known = await _locked(transaction, db, caller, operations)
        if errors := impossible(operations, known):
            raise BatchRefused(errors)
        transaction.begin_batch()
        results = await Execution(transaction, caller, known, time_zone).results_of(operations)
        revision = transaction.queue(REVISION)
        rows = await transaction.fetch_all()
        done = Done(results, rows[revision][0][0] if rows[revision] else 0)
        if shown := {result.task.id for result in results if result.task is not None}:
            db.mentions(*shown)
        return done

    return await (db.dry_run(done) if dry_run else db.in_transaction(done))


async def _locked(
    transaction: Transaction, db: ScopedDatabase, caller: Caller, operations: Sequence[Operation]
) -> dict[UUID, Known]:
    """Lock the tasks that are named, as far as they exist, after what is locked by a name. Raises UserGone."""
    if caller.external and any(isinstance(each, Create) for each in operations):
        transaction.lock(db.user_id)
    if any(isinstance(each, MoveTo) for each in operations):
        moves.lock(transaction, db.user_id)
    named = {id_of(each) for each in operations} | {
        each.after for each in operations if isinstance(each, MoveTo) and each.after is not None
    }
    user, locked = transaction.queue(REVISION), transaction.queue(LOCK_NAMED, ids=[*named])
    rows = await transaction.fetch_all()
    if not rows[user] and not caller.external:
        raise UserGone
    return {known.id: known for known in LOCK_NAMED.typed(rows[locked])}


def impossible(operations: Sequence[Operation], known: Mapping[UUID, Known]) -> dict[int, TaskError]:
    """The operations that cannot be done, by index, as far as it follows from which tasks there are."""
    live = {task.id: not task.in_trash for task in known.values()}
    errors: dict[int, TaskError] = {}
    for index, operation in enumerate(operations):
        task_id = id_of(operation)
        error = _obstacle(operation, live, known.get(task_id))
        if error is not None:
            errors[index] = error
        else:
            live[task_id] = not isinstance(operation, Delete)
    return errors


def _obstacle(operation: Operation, live: Mapping[UUID, bool], known: Known | None) -> TaskError | None:
    """What keeps the operation from being done, where `live` are the tasks before it, in the trash or not."""
    task_id = id_of(operation)
    if isinstance(operation, Create):
        return IdInTrash() if live.get(task_id) is False else None
    if not (task_id in live if isinstance(operation, Restore) else live.get(task_id)):
        return TaskNotFound()
    revision = known.revision if known else 0
    if operation.revision is not None and operation.revision != revision:
        return Outdated(revision)
    if isinstance(operation, MoveTo) and operation.after is not None and not live.get(operation.after):
        return PlaceNotFound()
    return None
