"""Rows of the log as statements return them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from todo.tasks.rows import FIELDS, TrashedTaskRow, task_or_none


class ChangeRow(msgspec.Struct, gc=False):
    """A change, as it is encoded."""

    revision: int
    task_id: UUID
    kind: str
    at: datetime
    via: str
    undoes: int | None
    batch: int | None
    agent_id: UUID | None
    agent: str | None
    task: TrashedTaskRow | None
    """The task as the change left it; None once it is purged."""


class PastChangeRow(ChangeRow, gc=False):
    """A change as the history of a task shows it."""

    before: dict[str, Any] | None


CHANGE_COLUMNS = ChangeRow.__struct_fields__[:-1]
TASK_COLUMNS = (*FIELDS, "deleted_at")


def change(*columns: Any) -> ChangeRow:
    """A change, of its own columns and those of its task."""
    revision, task_id, kind, at, via, undoes, batch, agent_id, agent, *task = columns
    return ChangeRow(revision, task_id, kind, at, via, undoes, batch, agent_id, agent, task_or_none(*task))


def past_change(*columns: Any) -> PastChangeRow:
    """The same, with `before` as the last column."""
    revision, task_id, kind, at, via, undoes, batch, agent_id, agent, *task, before = columns
    shown = task_or_none(*task)
    return PastChangeRow(revision, task_id, kind, at, via, undoes, batch, agent_id, agent, shown, before)
