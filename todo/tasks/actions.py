"""What one does with tasks: one function an action, its statement beside it.

Every statement names its owner, although the row-level policy would hide other people's rows anyway.
"""

from collections.abc import Mapping
from typing import NoReturn
from uuid import UUID

from psycopg.errors import CheckViolation, ForeignKeyViolation, UniqueViolation
from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    Boolean,
    Text,
    any_,
    bindparam,
    case,
    func,
    insert,
    not_,
    null,
    outerjoin,
    select,
    true,
    update,
)
from sqlalchemy import delete as delete_from
from sqlmodel import col
from uuid_utils.compat import uuid7

from todo.accounts.arrivals import arrival, claims
from todo.accounts.models import User
from todo.accounts.tokens import Caller
from todo.etags import strong
from todo.flights import Row
from todo.problems import Conflict, Interrupted, NotFound, PreconditionFailed, Unauthorized
from todo.statements import Statement
from todo.tasks.answers import shown
from todo.tasks.models import ID, REVISION, SHOWN, NewTask, Task, TaskEdit
from todo.transactions import Tx

NEW = ("title", "description", "completed")
"""The fields that a task is created with."""

_mine = col(Task.user_id) == bindparam("user_id")
_this = _mine & (col(Task.id) == bindparam("id"))
_live = _this & col(Task.deleted_at).is_(None)


def _bool(name: str) -> BindParameter[bool]:
    return bindparam(name, type_=Boolean)


_matches = func.coalesce(col(Task.revision) == any_(bindparam("matches", type_=ARRAY(BigInteger))), true())
"""What If-Match lets through; without it, everything."""


_new = {name: bindparam(name, type_=Task.__table__.c[name].type) for name in ("user_id", "id", *NEW)}  # type: ignore[attr-defined] # SQLModel sets it
CREATE = Statement.of(insert(Task).values(**_new).returning(*SHOWN))

_arrived = select(func.count()).select_from(arrival()).scalar_subquery()
CREATE_WITH_OWNER = Statement.of(
    insert(Task).from_select([*_new], select(*_new.values()).where(_arrived >= 0)).returning(*SHOWN),
    alone_by="user_id",
)
"""For a user of another issuer, whose row must be there before the trigger counts: so the count of it is asked."""

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
    .where(_live, _matches)
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
    .where(_live, _matches)
    .values(completed=func.coalesce(_bool("completed"), not_(col(Task.completed))))
    .returning(*SHOWN)
)

DELETE = Statement.of(
    update(Task).where(_live, _matches).values(deleted_at=func.clock_timestamp()).returning(col(Task.id))
)
PURGE = Statement.of(delete_from(Task).where(_this, _matches).returning(col(Task.id)), slow=True)
RESTORE = Statement.of(update(Task).where(_this).values(deleted_at=null()).returning(*SHOWN))

AS_IT_IS = Statement.of(
    select(*SHOWN, col(Task.deleted_at))
    .select_from(outerjoin(User, Task, (col(Task.user_id) == col(User.id)) & (col(Task.id) == bindparam("id"))))
    .where(col(User.id) == bindparam("user_id")),
    reads=True,
)
"""Why a write found nothing: no row for nobody, an empty one for no task, else the task, in the trash or not."""


async def create(tx: Tx, task: NewTask, caller: Caller) -> tuple[Row, bool]:
    """Create a task; the row, and whether it is new.

    Sending a chosen id again with the same fields gives the task as it is now. Raises Conflict when the id
    is taken otherwise or the user has too many tasks, Unauthorized when the account is gone.
    """
    fields = {name: getattr(task, name) for name in NEW}
    try:
        if caller.foreign:
            [row] = await tx.one(CREATE_WITH_OWNER, id=task.id or uuid7(), **fields, **claims(caller))
        else:
            [row] = await tx.one(CREATE, id=task.id or uuid7(), **fields)
    except ForeignKeyViolation:
        raise Unauthorized("This account no longer exists.") from None  # its row is gone, and its token lives on
    except CheckViolation as error:
        if error.diag.constraint_name != "max_tasks":
            raise
        if task.id is not None and (before := await _created_before(tx, task.id, fields)):
            return before, False
        raise Conflict(
            f"There is no room: {error.diag.message_primary}, those in the trash included. "
            "Purge some with DELETE ?permanent=true."
        ) from None
    except UniqueViolation:
        if before := await _created_before(tx, task.id, fields):
            return before, False
        raise Interrupted(
            "The task with this id was purged just now; nothing was changed. Try again.", undone=True
        ) from None
    return row, True


async def _created_before(tx: Tx, id: UUID | None, fields: Mapping[str, object]) -> Row | None:
    """The task that was created with this id and these fields, or None where there is none with this id."""
    found = await tx.one(CREATED_BEFORE, id=id, **fields)
    if not found:
        return None
    same, trashed, *row = found[0]
    if trashed:
        raise Conflict(
            "The task with this id is in the trash: restore it with POST …/restore, purge it with "
            "DELETE ?permanent=true, or choose another id."
        )
    if not same:
        raise Conflict("There is a task with this id, created with other fields: choose another id.")
    return tuple(row)


async def read(tx: Tx, id: UUID | None) -> Row:
    """One task. Raises NotFound."""
    rows = await tx.one(READ, id=id)
    if not rows:
        raise NotFound(NO_TASK)
    return rows[0]


async def edit(tx: Tx, caller: Caller, id: UUID | None, wish: TaskEdit, *, matches: list[int] | None = None) -> Row:
    """Change what the wish names and keep the rest.

    Raises NotFound, PreconditionFailed when its revision is none of `matches`, or Unauthorized when the account is
    gone.
    """
    fields = {name: getattr(wish, name) if name in wish.model_fields_set else None for name in TaskEdit.model_fields}
    sets_description = "description" in wish.model_fields_set
    rows = await tx.one(EDIT, id=id, matches=matches, sets_description=sets_description, **fields)
    return rows[0] if rows else await _refused(tx, caller, id, matches)


async def complete(
    tx: Tx, caller: Caller, id: UUID | None, completed: bool | None, *, matches: list[int] | None = None
) -> Row:
    """Set completion, or toggle it for None, in one atomic statement. Raises as `edit` does."""
    rows = await tx.one(COMPLETE, id=id, matches=matches, completed=completed)
    return rows[0] if rows else await _refused(tx, caller, id, matches)


async def delete(tx: Tx, caller: Caller, id: UUID | None, *, permanent: bool, matches: list[int] | None = None) -> None:
    """Move a task to the trash, or purge it from the list or the trash. Raises as `edit` does."""
    if not await tx.one(PURGE if permanent else DELETE, id=id, matches=matches):
        await _refused(tx, caller, id, matches, in_trash=permanent)


async def restore(tx: Tx, caller: Caller, id: UUID | None) -> Row:
    """Take a task out of the trash; one that is not there stays as it is. Raises as `edit` does."""
    rows = await tx.one(RESTORE, id=id)
    return rows[0] if rows else await _refused(tx, caller, id, None)


NO_TASK = "There is no such task."


async def _refused(
    tx: Tx, caller: Caller, id: UUID | None, matches: list[int] | None, *, in_trash: bool = False
) -> NoReturn:
    """Say why a write found nothing to change: it asks a second time, since it rarely happens."""
    rows = await tx.one(AS_IT_IS, id=id)
    if not rows and not caller.foreign:
        raise Unauthorized("This account no longer exists.")
    if rows and rows[0][ID] is not None and matches is not None and (in_trash or rows[0][-1] is None):
        raise PreconditionFailed(headers={"ETag": strong(rows[0][REVISION])}, current=shown(rows[0]))
    raise NotFound(NO_TASK)
