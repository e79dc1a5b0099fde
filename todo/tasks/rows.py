"""Rows of tasks as statements return them, and as they are encoded: structs, since no model is validated here."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Column

from todo.tasks.shapes import TaskOut
from todo.tasks.tables import Task

FIELDS = tuple(TaskOut.model_fields)
"""The names of the fields that the API shows, in their order."""

COLUMNS: tuple[Column[Any], ...] = tuple(Task.__table__.c[name] for name in FIELDS)  # type: ignore[attr-defined] # SQLModel sets it
COLUMNS_WITH_TRASH: tuple[Column[Any], ...] = (*COLUMNS, Task.__table__.c.deleted_at)  # type: ignore[attr-defined] # the same

if TYPE_CHECKING:  # what the server itself reads of a task; the structs have the other fields too

    class TaskRow(msgspec.Struct):
        """A task as it is encoded."""

        id: UUID
        created_at: datetime
        revision: int

        def __init__(self, *columns: Any) -> None: ...

    class TrashedTaskRow(TaskRow):
        """The same of a task that may be in the trash."""

        deleted_at: datetime | msgspec.UnsetType | None

else:
    TaskRow = msgspec.defstruct("TaskRow", FIELDS, gc=False)
    TrashedTaskRow = msgspec.defstruct("TrashedTaskRow", (*FIELDS, "deleted_at"), gc=False)


def task_or_none(*columns: Any) -> TrashedTaskRow | None:
    """The task in these columns of an outer join, or None; `deleted_at` is absent outside the trash."""
    if columns[0] is None:
        return None
    task = TrashedTaskRow(*columns)
    if task.deleted_at is None:
        task.deleted_at = msgspec.UNSET
    return task


class ListedTask(NamedTuple):
    """A row of a page: the user's revision, and a task unless the page is empty."""

    user_revision: int
    task: TaskRow | None


def listed(*columns: Any) -> ListedTask:
    """A row of a page of the list."""
    return ListedTask(columns[-1], None if columns[0] is None else TaskRow(*columns[:-1]))


def listed_in_trash(*columns: Any) -> ListedTask:
    """A row of a page of the trash."""
    return ListedTask(columns[-1], None if columns[0] is None else TrashedTaskRow(*columns[:-1]))
