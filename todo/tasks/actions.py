"""What a user does with tasks: one function for each action, its statement above it.

Every statement names its owner, although row-level security would hide other people's rows anyway.
"""

from typing import Any, NamedTuple
from uuid import UUID

from psycopg.errors import InvalidParameterValue, UniqueViolation
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    DateTime,
    Text,
    any_,
    bindparam,
    cast,
    func,
    insert,
    not_,
    null,
    select,
    true,
    update,
)
from sqlalchemy import delete as delete_from
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col
from uuid_utils.compat import uuid7

from todo.auth.caller import Caller
from todo.auth.provisioning import claims, provisioned_user
from todo.db.database import ScopedDatabase
from todo.db.statement import Statement, text_array
from todo.db.transaction import Transaction
from todo.problems import Interrupted, Invalid
from todo.tasks import repeating
from todo.tasks.errors import IdInTrash, IdTaken, StaleTask, TaskNotFound, TooManyTasks, UnknownTimeZone
from todo.tasks.fields import MAX_TAGS, WRITABLE
from todo.tasks.patches import json, patched
from todo.tasks.refusals import REFUSED, Matches, meaning, refuse, refused
from todo.tasks.rows import COLUMNS, TaskRow
from todo.tasks.shapes import NewTask, TaskEdit
from todo.tasks.tables import Task
from todo.values import folded

_table = Task.__table__  # type: ignore[attr-defined] # SQLModel sets it
_mine = col(Task.user_id) == bindparam("user_id")
_this = _mine & (col(Task.id) == bindparam("id"))
_live = _this & col(Task.deleted_at).is_(None)
matching = func.coalesce(col(Task.revision) == any_(bindparam("matches", type_=ARRAY(BigInteger))), true())
"""What If-Match lets through; without it, everything."""


_new = {name: bindparam(name, type_=_table.c[name].type) for name in ("user_id", "id", *WRITABLE)}
CREATE = Statement.of(insert(Task).values(**_new).returning(*COLUMNS), row=TaskRow)

_provisioned = select(func.count()).select_from(provisioned_user()).scalar_subquery()
CREATE_WITH_USER = Statement.of(
    insert(Task).from_select([*_new], select(*_new.values()).where(_provisioned >= 0)).returning(*COLUMNS),
    row=TaskRow,
    lock_by="user_id",
)
"""For a user of an external issuer. The condition on the count is always true: it makes PostgreSQL insert the user's
row before the task's, whose trigger needs it."""


class Created(NamedTuple):
    """The task of a chosen id, when it is to be created again."""

    same: bool
    """Whether it was created with the same fields."""
    in_trash: bool
    task: TaskRow


_fields = cast(bindparam("fields", type_=Text), JSONB)
_remind_at = cast(_fields["remind_at"].astext, DateTime(timezone=True))
_fingerprint = func.task_fingerprint(_fields.concat(func.jsonb_build_object("remind_at", _remind_at)))
"""As the trigger makes it, which writes times as PostgreSQL does."""
CREATED_BEFORE = Statement.of(
    select(col(Task.fingerprint) == _fingerprint, col(Task.deleted_at).is_not(None), *COLUMNS).where(_this),
    row=lambda same, in_trash, *task: Created(same, in_trash, TaskRow(*task)),
    read_only=True,
)


def creation(new: NewTask, id: UUID, caller: Caller) -> tuple[Statement[TaskRow], dict[str, Any]]:
    """The statement that creates a task with this id, and its parameters."""
    values = {name: getattr(new, name) for name in WRITABLE} | {"id": id, "tags": text_array(tags_of(new, caller))}
    return (CREATE_WITH_USER, values | claims(caller)) if caller.external else (CREATE, values)


def tags_of(new: NewTask, caller: Caller) -> list[str]:
    """The tags of a new task; one of an agent for one tag gets this tag."""
    tags = list(new.tags or ())
    tag = None if caller.agent is None else caller.agent.tag
    if tag is None or folded(tag) in map(folded, tags):
        return tags
    if len(tags) == MAX_TAGS:
        raise Invalid.at("body", "tags", msg=f"must leave room for {tag}, the tag of this token")
    return [*tags, tag]


def repetition(new: NewTask, caller: Caller) -> str:
    """The fields of a new task for CREATED_BEFORE."""
    return json({name: getattr(new, name) for name in WRITABLE} | {"tags": tags_of(new, caller) or None})


async def create(db: ScopedDatabase, new: NewTask, caller: Caller) -> tuple[TaskRow, bool]:
    """Create a task; it, and whether it is new.

    A chosen id sent again with the same fields gives the task as it is now. Raises IdTaken, IdInTrash, TooManyTasks,
    UnknownTimeZone or UserGone.
    """
    statement, values = creation(new, new.id or uuid7(), caller)
    try:
        [task] = await db.run(statement, **values)
    except REFUSED as error:
        refusal = meaning(error)
        full = isinstance(refusal, TooManyTasks) and new.id is not None
        if full and (before := await _created_before(db, new, caller)):
            return before, False
        raise refusal from None
    except UniqueViolation:
        if before := await _created_before(db, new, caller):
            return before, False
        if db.one_tag:
            raise IdTaken from None  # by a task that it may not see
        raise Interrupted(
            "The task with this id was purged just now; nothing was changed. Try again.", undone=True
        ) from None
    return task, True


async def _created_before(db: ScopedDatabase, new: NewTask, caller: Caller) -> TaskRow | None:
    """The task that was created with this id and these fields, or None where there is none with this id."""
    found = await db.run(CREATED_BEFORE, id=new.id, fields=repetition(new, caller))
    return the_same(found[0]) if found else None


def the_same(found: Created) -> TaskRow:
    """The task that a repeated creation found. Raises IdInTrash or IdTaken."""
    if found.in_trash:
        raise IdInTrash
    if not found.same:
        raise IdTaken
    return found.task


READ = Statement.of(select(*COLUMNS).where(_live), row=TaskRow, read_only=True)


async def read(db: ScopedDatabase, id: UUID | None) -> TaskRow:
    """One task. Raises TaskNotFound."""
    tasks = await db.run(READ, id=id)
    if not tasks:
        raise TaskNotFound
    return tasks[0]


_patch = update(Task).where(_live, matching).values(**patched(WRITABLE)).returning(*COLUMNS)
EDIT = Statement.of(_patch, row=TaskRow)

_completed = bindparam("completed", type_=Boolean)
_alone = col(Task.recurrence).is_(None) & col(Task.series).is_(None)
"""It neither repeats nor belongs to a series: completing it is about this task only."""
EDIT_COMPLETED = Statement.of(_patch.where(_alone | (col(Task.completed) == _completed)), row=TaskRow)


async def edit(
    db: ScopedDatabase,
    caller: Caller,
    id: UUID | None,
    edit: TaskEdit,
    *,
    matches: Matches = None,
    time_zone: str | None = None,
) -> TaskRow:
    """Change the fields that `edit` names and keep the rest; complete a repeating task as `complete` does.

    Raises TaskNotFound, StaleTask, UnknownTimeZone or UserGone.
    """
    fields = edit.model_dump(mode="json", exclude_unset=True)
    patch = json(fields)
    tasks = []
    try:
        if "completed" not in fields:
            tasks = await db.run(EDIT, id=id, matches=matches, patch=patch)
        elif fields.get("recurrence") is None:
            tasks = await db.run(EDIT_COMPLETED, id=id, matches=matches, patch=patch, completed=fields["completed"])
        if not tasks:
            await refuse(db, caller, id, matches)
            return await _repeat(db, id, fields, matches, time_zone)
    except InvalidParameterValue:
        raise UnknownTimeZone from None
    return tasks[0]


_done = func.coalesce(_completed, not_(col(Task.completed)))
COMPLETE = Statement.of(
    update(Task)
    .where(_live, matching, col(Task.series).is_(None), col(Task.recurrence).is_(None) | not_(_done))
    .values(completed=_done)
    .returning(*COLUMNS),
    row=TaskRow,
)
"""Of a task that is about itself only."""


async def complete(
    db: ScopedDatabase,
    caller: Caller,
    id: UUID | None,
    completed: bool | None,
    *,
    matches: Matches = None,
    time_zone: str | None = None,
) -> TaskRow:
    """Set completion, or toggle it for None, in one atomic statement; of a repeating task in one transaction.

    Completing a repeating task makes the next one, on the clock of `time_zone` where the task has none; taking it
    back takes an untouched next one back. Raises as `edit` does, or TooManyTasks.
    """
    tasks = await db.run(COMPLETE, id=id, matches=matches, completed=completed)
    if tasks:
        return tasks[0]
    await refuse(db, caller, id, matches)
    return await _repeat(db, id, {"completed": completed}, matches, time_zone)


async def _repeat(
    db: ScopedDatabase, id: UUID | None, fields: dict[str, Any], matches: Matches, time_zone: str | None
) -> TaskRow:
    return await db.in_transaction(lambda transaction: repeat(transaction, id, fields, time_zone, matches=matches))


async def repeat(
    transaction: Transaction,
    id: UUID | None,
    fields: dict[str, Any],
    time_zone: str | None,
    *,
    matches: Matches = None,
) -> TaskRow:
    """Set the fields of a task of a series, of which `completed` may be None, to toggle. Raises as `complete` does."""
    held = await repeating.held(transaction, id)
    if held is None or held.in_trash:
        raise TaskNotFound
    if matches is not None and held.task.revision not in matches:
        raise StaleTask(held.task)
    toggle = "completed" in fields and fields["completed"] is None
    patch = fields | {"completed": not held.task.completed} if toggle else fields
    return await repeating.apply(transaction, held, patch, time_zone)


DELETE = Statement.of(
    update(Task).where(_live, matching).values(deleted_at=func.clock_timestamp()).returning(col(Task.id))
)
PURGE = Statement.of(delete_from(Task).where(_this, matching).returning(col(Task.id)), long_running=True)


async def delete(
    db: ScopedDatabase, caller: Caller, id: UUID | None, *, permanent: bool, matches: Matches = None
) -> None:
    """Move a task to the trash, or purge it from the list or the trash. Raises as `edit` does."""
    if not await db.run(PURGE if permanent else DELETE, id=id, matches=matches):
        await refused(db, caller, id, matches, in_trash=permanent)


RESTORE = Statement.of(update(Task).where(_this, matching).values(deleted_at=null()).returning(*COLUMNS), row=TaskRow)


async def restore(db: ScopedDatabase, caller: Caller, id: UUID | None, *, matches: Matches = None) -> TaskRow:
    """Take a task out of the trash; one that is not there stays as it is. Raises as `edit` does."""
    tasks = await db.run(RESTORE, id=id, matches=matches)
    return tasks[0] if tasks else await refused(db, caller, id, matches, in_trash=True)
