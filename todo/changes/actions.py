"""What a user does with changes: undo one, and ask for the user's revision."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import (
    ARRAY,
    Text,
    any_,
    bindparam,
    literal_column,
    select,
    update,
)
from sqlmodel import col

from todo.auth.caller import Caller
from todo.auth.tables import User
from todo.changes.errors import CannotUndoPurge, ChangeNotFound, ConflictingChange
from todo.changes.pages import me, mine, number, shown
from todo.changes.rows import ChangeRow, change
from todo.changes.tables import Change
from todo.changes.undo_rules import EXISTENCE, Logged, conflicting_change, reversal
from todo.db.database import Database, ScopedDatabase
from todo.db.statement import Statement
from todo.db.transaction import Transaction
from todo.tasks import repeating
from todo.tasks.errors import StaleTask, UserGone
from todo.tasks.patch import patched
from todo.tasks.refusals import Matches
from todo.tasks.tables import LOGGED, Task

REVISION = Statement.of(select(col(User.revision)).where(me), read_only=True)

_these = col(User.id) == any_(bindparam("ids", type_=ARRAY(Text)))
REVISIONS = Statement.of(select(col(User.id), col(User.revision)).where(_these), read_only=True)

_changed_task = select(col(Change.task_id)).where(mine, col(Change.revision) == number("undone")).scalar_subquery()
LOCK_TASK = Statement.of(
    select(col(Task.id))
    .where(col(Task.user_id) == bindparam("user_id"), col(Task.id) == _changed_task)
    .with_for_update(key_share=True)
)
LOG_FROM_THERE = Statement.of(
    select(*(getattr(Change, name) for name in ("task_id", "revision", "kind", "undoes", "before")))
    .where(mine, col(Change.task_id) == _changed_task, col(Change.revision) >= number("undone"))
    .order_by(col(Change.revision)),
    row=lambda task_id, *logged: (task_id, Logged(*logged)),
    read_only=True,
)
UNDO = Statement.of(
    update(Task)
    .where(col(Task.user_id) == bindparam("user_id"), col(Task.id) == bindparam("id"))
    .values(**patched(*LOGGED, EXISTENCE))
)
NEWEST = Statement.of(
    shown(
        select(Change)
        .where(mine, col(Change.task_id) == bindparam("id"))
        .order_by(col(Change.revision).desc())
        .limit(literal_column("1"))
        .subquery("log")
    ),
    row=change,
)


async def current_revision(db: ScopedDatabase) -> int:
    """The user's revision."""
    rows = await db.run(REVISION)
    return int(rows[0][0]) if rows else 0


async def undo(db: ScopedDatabase, caller: Caller, revision: int | None, *, matches: Matches = None) -> ChangeRow:
    """Undo a change of a task that has one of the revisions in `matches`; the new change that does it.

    Raises ChangeNotFound, StaleTask, CannotUndoPurge, ConflictingChange or UserGone.
    """

    async def undone(transaction: Transaction) -> ChangeRow:
        transaction.queue(LOCK_TASK, undone=revision)  # so that nothing is written between the read and the write
        found = await transaction.fetch(LOG_FROM_THERE, undone=revision)
        log = [logged for _, logged in found]
        if revision is None or not log or log[0].revision != revision:
            if not caller.external and not await transaction.fetch(REVISION):
                raise UserGone
            raise ChangeNotFound
        first, later, task_id = log[0], log[1:], found[0][0]
        db.mentions(task_id)
        if matches is not None and log[-1].revision not in matches:
            [current] = await transaction.fetch(NEWEST, id=task_id)
            if current.task is not None:
                raise StaleTask(current.task)
        if first.kind == "purge":
            raise CannotUndoPurge
        conflict = conflicting_change(first, later)
        if conflict is not None:
            raise ConflictingChange(conflict.revision, conflict.kind, undid_it=conflict.undoes == revision)
        transaction.set_undoes(revision)
        patch = reversal(first)
        if "completed" in patch and (held := await repeating.held(transaction, task_id)) is not None:
            await repeating.apply(transaction, held, patch, None)
        else:
            transaction.queue(UNDO, id=task_id, patch=msgspec.json.encode(patch).decode())
        [newest] = await transaction.fetch(NEWEST, id=task_id)
        return newest

    return await db.in_transaction(undone)


async def revisions(database: Database, user_ids: Sequence[str]) -> dict[str, int]:
    """The revisions of these users, as far as they exist, in one query."""
    return dict(await database.as_accounts().run(REVISIONS, ids=[*user_ids]))
