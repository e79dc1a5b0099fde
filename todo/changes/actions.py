"""What one does with changes: ask what happened since, look at a task's past, take a change back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    Boolean,
    ColumnElement,
    FromClause,
    Select,
    Text,
    any_,
    bindparam,
    case,
    func,
    literal_column,
    null,
    outerjoin,
    select,
    true,
    update,
)
from sqlalchemy.orm import Mapped
from sqlmodel import col

from todo.accounts.models import User
from todo.accounts.tokens import Caller
from todo.changes.models import Change
from todo.changes.undoing import Logged, in_the_way, reversal
from todo.database import ACCOUNTS, Database
from todo.flights import Row
from todo.problems import Conflict, Gone, NotFound, Unauthorized
from todo.statements import Statement
from todo.tasks.models import FIELDS, Task
from todo.transactions import Transaction, Tx

CHANGE = ("revision", "task_id", "kind", "at", "via", "undoes")
"""What a row tells of a change; behind it come the fields of the task and its `deleted_at`."""

_mine = col(Change.user_id) == bindparam("user_id")
_me = col(User.id) == bindparam("user_id")


def _number(name: str) -> BindParameter[int]:
    return bindparam(name, type_=BigInteger)


def _bool(name: str) -> BindParameter[bool]:
    return bindparam(name, type_=Boolean)


def _log(*more: Mapped[Any]) -> Select[Any]:
    """The log with each task in the columns that the table has today, so that it is shown like any task.

    Fields that came since are null in what is older.
    """
    fields = [*FIELDS, "deleted_at"]
    task: Any = func.jsonb_populate_record(literal_column("null::tasks"), col(Change.after)).table_valued(
        *fields, name="task"
    )
    kept = {"id": col(Change.task_id), "user_id": col(Change.user_id), "revision": col(Change.revision)}
    return (
        select(
            *(getattr(Change, name) for name in CHANGE),
            *(kept.get(name, task.c[name]).label(f"its_{name}") for name in fields),
            *more,
        )
        .select_from(Change)
        .join(task, true())
        .where(_mine)
    )


def _since(*more: ColumnElement[bool]) -> Statement:
    """The log after `since`, with the user's revision and the oldest that is kept in each row, in one snapshot."""
    log: FromClause = (
        _log()
        .where(col(Change.revision) > _number("since"), *more)
        .order_by(col(Change.revision))
        .limit(_number("most"))
        .lateral("log")
    )
    oldest = select(func.min(col(Change.revision))).where(_mine).scalar_subquery()
    return Statement.of(
        select(*log.c, col(User.revision), oldest)
        .select_from(outerjoin(User, log, true()))
        .where(_me)
        .order_by(log.c.revision),
        reads=True,
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
    .limit(_number("most")),
    reads=True,
)
EXISTS = Statement.of(
    select(col(Task.id)).where(col(Task.user_id) == bindparam("user_id"), col(Task.id) == bindparam("id")), reads=True
)

REVISION = Statement.of(select(col(User.revision)).where(_me), reads=True)

_these = col(User.id) == any_(bindparam("ids", type_=ARRAY(Text)))
REVISIONS = Statement.of(select(col(User.id), col(User.revision)).where(_these), reads=True)

_changed_task = select(col(Change.task_id)).where(_mine, col(Change.revision) == _number("undone")).scalar_subquery()
HOLD = Statement.of(
    select(col(Task.id))
    .where(col(Task.user_id) == bindparam("user_id"), col(Task.id) == _changed_task)
    .with_for_update(key_share=True)
)
FROM_THERE = Statement.of(
    select(*(getattr(Change, name) for name in ("task_id", "revision", "kind", "undoes", "before")))
    .where(_mine, col(Change.task_id) == _changed_task, col(Change.revision) >= _number("undone"))
    .order_by(col(Change.revision)),
    reads=True,
)
TAKE_BACK = Statement.of(
    update(Task)
    .where(col(Task.user_id) == bindparam("user_id"), col(Task.id) == bindparam("id"))
    .values(
        title=func.coalesce(bindparam("title", type_=Text), col(Task.title)),
        description=case(
            (_bool("sets_description"), bindparam("description", type_=Text)), else_=col(Task.description)
        ),
        completed=func.coalesce(_bool("completed"), col(Task.completed)),
        deleted_at=case(
            (_bool("trashes"), func.clock_timestamp()), (_bool("restores"), null()), else_=col(Task.deleted_at)
        ),
    )
)
NEWEST = Statement.of(
    _log()
    .where(col(Change.task_id) == bindparam("id"))
    .order_by(col(Change.revision).desc())
    .limit(literal_column("1"))
)


@dataclass(frozen=True, slots=True)
class Happened:
    """Changes after a revision, and what to ask from next time."""

    rows: list[Row]
    revision: int
    more: bool


async def since(tx: Tx, revision: int, *, most: int, compact: bool = False) -> Happened:
    """At most `most` changes after `revision`; `compact` keeps of each task the newest one alone.

    Raises Gone when `revision` is older than what is kept, or newer than what there is.
    """
    found = await tx.one(SINCE_COMPACT if compact else SINCE, since=revision, most=most + 1)
    *_, current, oldest = found[0] if found else (0, None)  # no row: a user of another issuer who has written nothing
    if revision > current or (revision < current and (oldest is None or oldest > revision + 1)):
        raise Gone(
            f"There are no changes to be had from {revision} on: read the list anew, and go on from the revision "
            "that its ETag tells."
        )
    rows = [row[:-2] for row in found if row[0] is not None]
    if len(rows) > most:
        return Happened(rows[:most], rows[most - 1][0], more=True)
    return Happened(rows, current, more=False)


async def now(tx: Tx) -> int:
    """The user's revision."""
    rows = await tx.one(REVISION)
    return int(rows[0][0]) if rows else 0


async def history(tx: Tx, id: UUID | None, *, below: int, most: int) -> list[Row]:
    """The changes of one task with numbers below `below`, newest first. Raises NotFound when there was no such task."""
    rows = await tx.one(HISTORY, id=id, below=below, most=most)
    if not rows and not await tx.one(EXISTS, id=id):
        raise NotFound("There is no such task.")
    return rows


async def undo(tx: Tx, caller: Caller, revision: int | None) -> Row:
    """Take a change back; the change that does it.

    Raises NotFound when there is no such change (any more), Conflict for a purge and when a later change of the
    same task altered the same fields, Unauthorized when the account is gone.
    """

    async def taken_back(steps: Transaction) -> Row:
        steps.run(HOLD, undone=revision)  # so that nothing comes between what is read and what is written
        found = await steps.rows(FROM_THERE, undone=revision)
        log = [Logged(*row) for _, *row in found]
        if revision is None or not log or log[0].revision != revision:
            if not caller.foreign and not await steps.rows(REVISION):
                raise Unauthorized("This account no longer exists.")
            raise NotFound("There is no such change, or it is kept no longer.")
        change, later = log[0], log[1:]
        if change.kind == "purge":
            raise Conflict("A purge cannot be taken back: nothing is left of the task.")
        hindrance = in_the_way(change, later)
        if hindrance is not None:
            what = "which took it back" if hindrance.undoes == revision else f"a later {hindrance.kind}"
            raise Conflict(
                f"Change {hindrance.revision} of the same task, {what}, stands in the way.",
                hindrance=hindrance.revision,
            )
        task_id = found[0][0]
        tx.about(task_id)
        steps.undoes(revision)
        steps.run(TAKE_BACK, id=task_id, **reversal(change))
        [row] = await steps.rows(NEWEST, id=task_id)
        return row

    return await tx.atomically(taken_back)


async def revisions(database: Database, user_ids: Sequence[str]) -> dict[str, int]:
    """The revisions of these users, as far as they are there: one look-up for all."""
    return dict(await Tx(database, "", ACCOUNTS).one(REVISIONS, ids=[*user_ids]))
