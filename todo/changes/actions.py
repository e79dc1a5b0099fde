"""What a user does with changes: ask what happened since, read a task's history, undo a change."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ColumnElement,
    FromClause,
    Select,
    Text,
    any_,
    bindparam,
    func,
    literal_column,
    outerjoin,
    select,
    true,
    update,
)
from sqlalchemy.orm import Mapped
from sqlmodel import col

from todo.auth.caller import Caller
from todo.auth.tables import User
from todo.changes.errors import CannotUndoPurge, ChangeNotFound, ChangesNotKept, ConflictingChange
from todo.changes.rows import CHANGE_COLUMNS, TASK_COLUMNS, ChangeRow, PastChangeRow, change, past_change
from todo.changes.tables import Change
from todo.changes.undo_rules import EXISTENCE, Logged, conflicting_change, reversal
from todo.db.database import Database, ScopedDatabase
from todo.db.statement import Statement
from todo.db.transaction import Transaction
from todo.tasks.actions import Matches, patched
from todo.tasks.errors import StaleTask, TaskNotFound, UserGone
from todo.tasks.fields import WRITABLE
from todo.tasks.tables import Task

_mine = col(Change.user_id) == bindparam("user_id")
_me = col(User.id) == bindparam("user_id")


def _number(name: str) -> BindParameter[int]:
    return bindparam(name, type_=BigInteger)


def _log(*more: Mapped[Any]) -> Select[Any]:
    """The log with each task in the columns that the table has today, so that it is shown like any task.

    Fields that were added since are null in older changes.
    """
    task: Any = func.jsonb_populate_record(literal_column("null::tasks"), col(Change.after)).table_valued(
        *TASK_COLUMNS, name="task"
    )
    kept = {"id": col(Change.task_id), "user_id": col(Change.user_id), "revision": col(Change.revision)}
    return (
        select(
            *(getattr(Change, name) for name in CHANGE_COLUMNS),
            *(kept.get(name, task.c[name]).label(f"its_{name}") for name in TASK_COLUMNS),
            *more,
        )
        .select_from(Change)
        .join(task, true())
        .where(_mine)
    )


class _Page(NamedTuple):
    """A row of a page of the log: a change unless the page is empty, the user's revision, the oldest that is kept."""

    change: ChangeRow | None
    current: int
    oldest: int | None


def _page(*columns: Any) -> _Page:
    return _Page(None if columns[0] is None else change(*columns[:-2]), columns[-2], columns[-1])


def _since(*more: ColumnElement[bool]) -> Statement[_Page]:
    """The log after `since`, with the user's revision and the oldest that is kept in each row, in one snapshot."""
    log: FromClause = (
        _log()
        .where(col(Change.revision) > _number("since"), *more)
        .order_by(col(Change.revision))
        .limit(_number("limit"))
        .lateral("log")
    )
    oldest = select(func.min(col(Change.revision))).where(_mine).scalar_subquery()
    return Statement.of(
        select(*log.c, col(User.revision), oldest)
        .select_from(outerjoin(User, log, true()))
        .where(_me)
        .order_by(log.c.revision),
        row=_page,
        read_only=True,
    )


_later = Change.__table__.alias("later")  # type: ignore[attr-defined] # SQLModel sets it
_newest = ~(
    select(_later.c.revision)
    .where(
        _later.c.user_id == bindparam("user_id"),
        _later.c.task_id == col(Change.task_id),
        _later.c.revision > col(Change.revision),
    )
    .exists()
)
SINCE = _since()
SINCE_COMPACT = _since(_newest)

HISTORY = Statement.of(
    _log(col(Change.before))
    .where(col(Change.task_id) == bindparam("id"), col(Change.revision) < _number("below"))
    .order_by(col(Change.revision).desc())
    .limit(_number("limit")),
    row=past_change,
    read_only=True,
)
EXISTS = Statement.of(
    select(col(Task.id)).where(col(Task.user_id) == bindparam("user_id"), col(Task.id) == bindparam("id")),
    read_only=True,
)

REVISION = Statement.of(select(col(User.revision)).where(_me), read_only=True)

_these = col(User.id) == any_(bindparam("ids", type_=ARRAY(Text)))
REVISIONS = Statement.of(select(col(User.id), col(User.revision)).where(_these), read_only=True)

_changed_task = select(col(Change.task_id)).where(_mine, col(Change.revision) == _number("undone")).scalar_subquery()
LOCK_TASK = Statement.of(
    select(col(Task.id))
    .where(col(Task.user_id) == bindparam("user_id"), col(Task.id) == _changed_task)
    .with_for_update(key_share=True)
)
LOG_FROM_THERE = Statement.of(
    select(*(getattr(Change, name) for name in ("task_id", "revision", "kind", "undoes", "before")))
    .where(_mine, col(Change.task_id) == _changed_task, col(Change.revision) >= _number("undone"))
    .order_by(col(Change.revision)),
    row=lambda task_id, *logged: (task_id, Logged(*logged)),
    read_only=True,
)
UNDO = Statement.of(
    update(Task)
    .where(col(Task.user_id) == bindparam("user_id"), col(Task.id) == bindparam("id"))
    .values(**patched(*WRITABLE, EXISTENCE))
)
NEWEST = Statement.of(
    _log()
    .where(col(Change.task_id) == bindparam("id"))
    .order_by(col(Change.revision).desc())
    .limit(literal_column("1")),
    row=change,
)


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes after a revision, and what to ask from next time."""

    changes: list[ChangeRow]
    revision: int
    more: bool


async def since(db: ScopedDatabase, revision: int, *, limit: int, compact: bool = False) -> Changes:
    """At most `limit` changes after `revision`; `compact` keeps only the newest of each task.

    Raises ChangesNotKept when `revision` is older than what is kept, or newer than what there is.
    """
    page = await db.run(SINCE_COMPACT if compact else SINCE, since=revision, limit=limit + 1)
    current, oldest = (page[0].current, page[0].oldest) if page else (0, None)  # no row: an external user without any
    if revision > current or (revision < current and (oldest is None or oldest > revision + 1)):
        raise ChangesNotKept(revision)
    changes = [row.change for row in page if row.change is not None]
    if len(changes) > limit:
        return Changes(changes[:limit], changes[limit - 1].revision, more=True)
    return Changes(changes, current, more=False)


async def current_revision(db: ScopedDatabase) -> int:
    """The user's revision."""
    rows = await db.run(REVISION)
    return int(rows[0][0]) if rows else 0


async def history(db: ScopedDatabase, id: UUID | None, *, below: int, limit: int) -> list[PastChangeRow]:
    """The changes of one task with numbers below `below`, newest first. Raises TaskNotFound when there was none."""
    changes = await db.run(HISTORY, id=id, below=below, limit=limit)
    if not changes and not await db.run(EXISTS, id=id):
        raise TaskNotFound
    return changes


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
        transaction.queue(UNDO, id=task_id, patch=msgspec.json.encode(reversal(first)).decode())
        [newest] = await transaction.fetch(NEWEST, id=task_id)
        return newest

    return await db.in_transaction(undone)


async def revisions(database: Database, user_ids: Sequence[str]) -> dict[str, int]:
    """The revisions of these users, as far as they exist, in one query."""
    return dict(await database.as_accounts().run(REVISIONS, ids=[*user_ids]))
