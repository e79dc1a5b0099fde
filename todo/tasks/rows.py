"""Rows of tasks as statements return them, and as they are encoded: structs, since no model is validated here."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from sqlalchemy import Column, ColumnElement, Text, cast, func, literal

from todo.db.pipeline import Row
from todo.tasks.fields import WRITABLE
from todo.tasks.shapes import TaskOut
from todo.tasks.tables import Task

FIELDS = tuple(TaskOut.model_fields)
"""The names of the fields that the API shows, in their order."""

COLUMNS: tuple[Column[Any], ...] = tuple(Task.__table__.c[name] for name in FIELDS)  # type: ignore[attr-defined] # SQLModel sets it
COLUMNS_WITH_TRASH: tuple[Column[Any], ...] = (*COLUMNS, Task.__table__.c.deleted_at)  # type: ignore[attr-defined] # the same

ROW_BYTES = 300
"""What a task takes besides what its user wrote, approximately."""

_TITLE = FIELDS.index("title")

if TYPE_CHECKING:  # what the server itself reads of a task; the structs have the other fields too

    class TaskRow(msgspec.Struct):
        """A task as it is encoded."""

        id: UUID
        user_id: str
        completed: bool
        created_at: datetime
        due_date: str | None
        position: str
        revision: int

        def __init__(self, *columns: Any) -> None: ...

    class TrashedTaskRow(TaskRow):
        """The same of a task that may be in the trash."""

        deleted_at: datetime | msgspec.UnsetType | None

else:
    TaskRow = msgspec.defstruct("TaskRow", FIELDS, gc=False)
    TrashedTaskRow = msgspec.defstruct("TrashedTaskRow", (*FIELDS, "deleted_at"), gc=False)


def task_or_none(*columns: Any) -> TrashedTaskRow | None:
    """The task in these columns, or None where it has no title: in an outer join, or once it is purged.

    `deleted_at` is absent outside the trash.
    """
    if columns[_TITLE] is None:
        return None
    task = TrashedTaskRow(*columns)
    if task.deleted_at is None:
        task.deleted_at = msgspec.UNSET
    return task


def size(columns: Any) -> ColumnElement[int]:
    """What a row with these columns takes, in bytes, approximately."""
    written: list[Any] = [func.coalesce(func.octet_length(cast(columns[name], Text)), 0) for name in WRITABLE]
    return sum(written, literal(ROW_BYTES))


@dataclass(slots=True)
class Page:
    """Tasks, the user's revision when they were read, and whether there are more."""

    revision: int
    tasks: list[TaskRow]
    more: bool = False
    keys: list[Any] = field(default_factory=list)
    """Of each task the key of the order, where it has one."""


def plain_page(make: type[TaskRow], rows: list[Row], keys: int = 0) -> list[Page]:
    """The page in these rows of a list: each a task, its `keys`, and the user's revision.

    An empty page has one row, without a task.
    """
    if not rows:  # a user of an external issuer who has written nothing yet
        return [Page(0, [])]
    if rows[0][0] is None:
        return [Page(rows[0][-1], [])]
    end = -1 - keys
    return [Page(rows[0][-1], [make(*row[:end]) for row in rows], keys=[row[-2] for row in rows] if keys else [])]


def bounded_page(make: type[TaskRow], rows: list[Row], keys: int = 0) -> list[Page]:
    """The same where each row also has, before the revision, how many tasks there were within the limit of rows."""
    [page] = plain_page(make, [(*row[:-2], row[-1]) for row in rows], keys)
    page.more = bool(page.tasks) and len(page.tasks) < rows[0][-2]
    return [page]
