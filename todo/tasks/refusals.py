"""Why a write was not done: what PostgreSQL's error means, and why nothing was found to change."""

from datetime import datetime
from typing import NoReturn
from uuid import UUID

import psycopg
from psycopg.errors import CheckViolation, ForeignKeyViolation, InvalidParameterValue
from sqlalchemy import bindparam, outerjoin, select
from sqlmodel import col

from todo.auth.caller import Caller
from todo.auth.tables import User
from todo.db.database import ScopedDatabase
from todo.db.statement import Statement
from todo.tasks.errors import StaleTask, TaskError, TaskNotFound, TooManyTasks, UnknownTimeZone, UserGone
from todo.tasks.rows import COLUMNS_WITH_TRASH, TrashedTaskRow, task_or_none
from todo.tasks.tables import Task

Matches = list[int] | None
"""The revisions of which the task must have one; None for any."""

REFUSED = (CheckViolation, ForeignKeyViolation, InvalidParameterValue)
"""Errors of a write of a task that may mean that PostgreSQL refuses it."""


def meaning(error: psycopg.Error) -> TaskError:
    """What PostgreSQL's error says of a write of a task: UserGone, UnknownTimeZone or TooManyTasks.

    Raises the error itself where it is a bug.
    """
    match error:
        case ForeignKeyViolation():
            return UserGone()
        case InvalidParameterValue():
            return UnknownTimeZone()
        case CheckViolation() if error.diag.constraint_name == "max_tasks":
            return TooManyTasks(error.diag.message_primary or "")
    raise error


CURRENT = Statement.of(
    select(*COLUMNS_WITH_TRASH)
    .select_from(outerjoin(User, Task, (col(Task.user_id) == col(User.id)) & (col(Task.id) == bindparam("id"))))
    .where(col(User.id) == bindparam("user_id")),
    row=task_or_none,
    read_only=True,
)
"""Why a write found nothing: no row without a user, None without a task, else the task, in the trash or not."""


async def refused(
    db: ScopedDatabase, caller: Caller, id: UUID | None, matches: Matches, *, in_trash: bool = False
) -> NoReturn:
    """Say why a write found nothing to change: a second round trip, since it rarely happens."""
    await refuse(db, caller, id, matches, in_trash=in_trash)
    raise TaskNotFound


async def refuse(
    db: ScopedDatabase, caller: Caller, id: UUID | None, matches: Matches, *, in_trash: bool = False
) -> None:
    """Raise why a write found nothing to change, unless the task is there as the write wants it.

    A stale write gets the task as it is now, so that the client can merge without asking again.
    """
    found: list[TrashedTaskRow | None] = await db.run(CURRENT, id=id)
    if not found and not caller.external:
        raise UserGone
    task = found[0] if found else None
    if task is None or (isinstance(task.deleted_at, datetime) and not in_trash):
        raise TaskNotFound
    if matches is not None and task.revision not in matches:
        raise StaleTask(task)
