"""What one does with tasks: one function an action, its statement beside it.

Every statement names its owner, although the row-level policy would hide other people's rows anyway.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from psycopg.errors import ForeignKeyViolation, UniqueViolation
from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    Boolean,
    DateTime,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    not_,
    select,
    tuple_,
    update,
)
from sqlalchemy import delete as delete_from
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlmodel import col
from uuid_utils.compat import uuid7

from todo.accounts.models import Departed, User
from todo.accounts.tokens import Caller
from todo.database import Row, Statement, Tx
from todo.problems import Conflict, NotFound, Unauthorized
from todo.tasks.cursors import Cursor
from todo.tasks.models import NewTask, Status, Task, TaskEdit, TaskOut

FIELDS = tuple(TaskOut.model_fields)
SHOWN = tuple(Task.__table__.c[name] for name in FIELDS)  # type: ignore[attr-defined] # SQLModel sets it
CREATED_AT, ID = FIELDS.index("created_at"), FIELDS.index("id")

STREAM_PAGE = 500
"""Rows of a whole list that are read at a time, each page in a transaction of its own."""

START = Cursor(datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))
FLAGS = {"all": [False, True], "pending": [False], "completed": [True]}

_mine = col(Task.user_id) == bindparam("user_id")
_listed = _mine & col(Task.deleted_at).is_(None)
_this = _mine & (col(Task.id) == bindparam("id"))
_live = _this & col(Task.deleted_at).is_(None)


def _bool(name: str) -> BindParameter[bool]:
    return bindparam(name, type_=Boolean)


_page: Select[Row] = (
    select(*SHOWN)
    .where(_listed)
    .where(
        tuple_(col(Task.created_at), col(Task.id))
        < tuple_(bindparam("after_at", type_=DateTime(timezone=True)), bindparam("after_id", type_=Uuid))
    )
    .where(col(Task.completed) == any_(bindparam("flags", type_=ARRAY(Boolean))))
    .order_by(col(Task.created_at).desc(), col(Task.id).desc())
    .limit(bindparam("most", type_=BigInteger))
)
PAGE = Statement.of(_page, reads=True)

_create = (
    insert(Task)
    .values(
        user_id=bindparam("user_id"),
        id=bindparam("id"),
        title=bindparam("title"),
        description=bindparam("description"),
        completed=bindparam("completed"),
    )
    .returning(*SHOWN)
)
CREATE = Statement.of(_create)

_departed = (
    select(col(Departed.at))
    .where(
        col(Departed.user_hash)
        == func.sha256(func.convert_to(bindparam("user_id", type_=Text), literal_column("'UTF8'"))),
        col(Departed.at) >= bindparam("issued_at", type_=DateTime(timezone=True)),
    )
    .exists()
)
_owner = (
    insert_or(User)
    .from_select(
        ["id", "email"],
        select(bindparam("user_id", type_=Text), bindparam("email", type_=Text)).where(~_departed),
    )
    .on_conflict_do_nothing()
    .cte("owner")
)
CREATE_WITH_OWNER = Statement.of(_create.add_cte(_owner), alone_by="user_id")
"""For a user of another issuer, whose row comes with their first write, unless they left since the token was issued.

One at a time with the deletion of the account, so that a departure in this very moment is seen.
"""

CREATED_BEFORE = Statement.of(
    select(
        col(Task.fingerprint)
        == func.task_fingerprint(
            bindparam("title", type_=Text), bindparam("description", type_=Text), _bool("completed")
        ),
        col(Task.deleted_at).is_not(None),
        *SHOWN,
    ).where(_this),
    reads=True,
)

READ = Statement.of(select(*SHOWN).where(_live), reads=True)

EDIT = Statement.of(
    update(Task)
    .where(_live)
    .values(
        title=func.coalesce(bindparam("title", type_=Text), col(Task.title)),
        description=case(
            (_bool("sets_description"), bindparam("description", type_=Text)), else_=col(Task.description)
        ),
        completed=func.coalesce(_bool("completed"), col(Task.completed)),
    )
    .returning(*SHOWN)
)

COMPLETE = Statement.of(
    update(Task)
    .where(_live)
    .values(completed=func.coalesce(_bool("completed"), not_(col(Task.completed))))
    .returning(*SHOWN)
)

DELETE = Statement.of(update(Task).where(_live).values(deleted_at=func.clock_timestamp()).returning(col(Task.id)))

SOMEBODY = Statement.of(select(col(User.id)).where(col(User.id) == bindparam("user_id")), reads=True)

PURGE = Statement.of(delete_from(Task).where(_this).returning(col(Task.id)))


async def page(tx: Tx, *, status: Status, after: Cursor = START, most: int) -> list[Row]:
    """At most `most` tasks of this status, newest first, after the cursor."""
    return await tx.one(PAGE, flags=FLAGS[status], after_at=after.created_at, after_id=after.id, most=most)


async def pages(tx: Tx, *, status: Status, after: Cursor = START) -> AsyncIterator[list[Row]]:
    """All of them, page after page; holds nothing between two pages."""
    while True:
        rows = await page(tx, status=status, after=after, most=STREAM_PAGE)
        yield rows
        if len(rows) < STREAM_PAGE:
            return
        after = cursor_after(rows)


def cursor_after(rows: Sequence[Row]) -> Cursor:
    """The cursor behind the last of `rows`."""
    last = rows[-1]
    return Cursor(datetime.fromisoformat(last[CREATED_AT]), last[ID])


async def create(tx: Tx, task: NewTask, caller: Caller) -> tuple[Row, bool]:
    """Create a task; the row, and whether it is new.

    Sending a chosen id again with the same fields gives the task as it is now. Raises Conflict when the id
    is taken otherwise, Unauthorized when the account is gone.
    """
    fields = {"title": task.title, "description": task.description, "completed": task.completed}
    try:
        if caller.foreign:
            claims = {"email": caller.email, "issued_at": caller.issued_at}
            [row] = await tx.one(CREATE_WITH_OWNER, id=task.id or uuid7(), **fields, **claims)
        else:
            [row] = await tx.one(CREATE, id=task.id or uuid7(), **fields)
    except ForeignKeyViolation:
        raise Unauthorized("This account no longer exists.") from None  # its row is gone, and its token lives on
    except UniqueViolation:
        return await _created_before(tx, task.id, fields), False
    return row, True


async def _created_before(tx: Tx, id: UUID | None, fields: Mapping[str, object]) -> Row:
    found = await tx.one(CREATED_BEFORE, id=id, **fields)
    if not found:
        raise Conflict("The task with this id was purged just now: send it again.")
    same, trashed, *row = found[0]
    if trashed:
        raise Conflict(
            "The task with this id is in the trash: purge it with DELETE ?permanent=true, or choose another id."
        )
    if not same:
        raise Conflict("There is a task with this id, created with other fields: choose another id.")
    return tuple(row)


async def read(tx: Tx, id: UUID | None) -> Row:
    """One task. Raises NotFound."""
    return _found(await tx.one(READ, id=id))


async def edit(tx: Tx, caller: Caller, id: UUID | None, wish: TaskEdit) -> Row:
    """Change what the wish names and keep the rest. Raises NotFound, or Unauthorized when the account is gone."""
    fields = {name: getattr(wish, name) if name in wish.model_fields_set else None for name in TaskEdit.model_fields}
    sets_description = "description" in wish.model_fields_set
    return await _changed(tx, caller, await tx.one(EDIT, id=id, sets_description=sets_description, **fields))


async def complete(tx: Tx, caller: Caller, id: UUID | None, completed: bool | None) -> Row:
    """Set completion, or toggle it for None, in one atomic statement. Raises as `edit` does."""
    return await _changed(tx, caller, await tx.one(COMPLETE, id=id, completed=completed))


async def delete(tx: Tx, caller: Caller, id: UUID | None, *, permanent: bool) -> None:
    """Move a task to the trash, or purge it from the list or the trash. Raises as `edit` does."""
    await _changed(tx, caller, await tx.one(PURGE if permanent else DELETE, id=id))


async def _changed(tx: Tx, caller: Caller, rows: list[Row]) -> Row:
    """The row that was changed; where there is none, it is asked whether there is anybody to have one."""
    if not rows and not caller.foreign and not await tx.one(SOMEBODY):
        raise Unauthorized("This account no longer exists.")
    return _found(rows)


def _found(rows: list[Row]) -> Row:
    if not rows:
        raise NotFound("There is no such task.")
    return rows[0]
