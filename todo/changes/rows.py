"""Rows of the log as statements return them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from todo.tasks.rows import FIELDS, TrashedTaskRow


class ChangeRow(msgspec.Struct, gc=False):
    """A change, as it is encoded."""

    revision: int
    task_id: UUID
    kind: str
    at: datetime
    via: str
    undoes: int | None
    task: TrashedTaskRow | None
    """The task as the change left it; None once it is purged."""


class PastChangeRow(ChangeRow, gc=False):
    """A change as the history of a task shows it."""

    before: dict[str, Any] | None


CHANGE_COLUMNS = ChangeRow.__struct_fields__[:-1]
TASK_COLUMNS = (*FIELDS, "deleted_at")
_TITLE = FIELDS.index("title")


def change(*columns: Any) -> ChangeRow:
    """A change, of its own columns and those of its task."""
    revision, task_id, kind, at, via, undoes, *task = columns
    return ChangeRow(revision, task_id, kind, at, via, undoes, _task(task))


def past_change(*columns: Any) -> PastChangeRow:
    """The same, with `before` as the last column."""
    revision, task_id, kind, at, via, undoes, *task, before = columns
    return PastChangeRow(revision, task_id, kind, at, via, undoes, _task(task), before)


def _task(columns: Sequence[Any]) -> TrashedTaskRow | None:
    """The task, whose `deleted_at` is absent outside the trash; a purged one has no title any more."""
    if columns[_TITLE] is None:
        return None
    task = TrashedTaskRow(*columns)
    if task.deleted_at is None:
        task.deleted_at = msgspec.UNSET
    return task
