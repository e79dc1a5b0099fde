"""The table of tasks. Its checks hold the bounds of `fields` for every writer."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, FetchedValue, Index, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlmodel import Field, col

from todo.db.tables import Table
from todo.tasks.fields import DESCRIPTION_LENGTH, PRIORITIES, TITLE_LENGTH, WRITABLE, TaskFields

TRASH_KEPT = timedelta(days=30)
"""How long a task stays in the trash before it is purged."""

CONTROLS = r"[\u0001-\u001f\u007f-\u009f]"
CONTROLS_BUT_LINES = r"[\u0001-\u0008\u000b-\u001f\u007f-\u009f]"


OPTIONAL_FIELDS = rf"""
    (num_nulls(due_date, time_zone, priority, recurrence, recurrence_from, remind_at) = 6 AND tags = '{{}}') OR (
        (due_date IS NULL OR due_date ~
            '^(19\d\d|2[01]\d\d|2200)-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{{1,6}})?)?(Z|[+-]\d\d:\d\d)?)?$')
        AND (time_zone IS NULL OR char_length(time_zone) BETWEEN 1 AND 64)
        AND (priority IS NULL OR priority IN {PRIORITIES})
        AND (tags = '{{}}' OR task_tags_valid(tags))
        AND (recurrence IS NULL OR recurrence ~ '^(daily|weekly|monthly|yearly|FREQ=[A-Z0-9;=,+-]{{5,195}})$')
        AND (recurrence_from IS NULL OR recurrence_from IN ('due', 'completion'))
        AND (remind_at IS NULL OR (remind_at >= '1900-01-01Z' AND remind_at < '2201-01-01Z')))"""
"""One check: PostgreSQL prepares every check of a table for each statement that writes it."""


def _by_trigger() -> dict[str, FetchedValue]:
    """Options of a column that the trigger sets: the ORM leaves it out and reads it back."""
    return {"server_default": FetchedValue(), "server_onupdate": FetchedValue()}


class Task(TaskFields, Table, table=True):
    """A task. The owner leads the key and every index, so a user's rows lie together.

    The trigger on the table sets every column that is not in TaskFields, but for the key, `deleted_at`, a `position`
    and a `series` that are given.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint(f"char_length(title) BETWEEN 1 AND {TITLE_LENGTH}", name="title_length"),
        CheckConstraint(f"title = btrim(title) AND title !~ '{CONTROLS}'", name="title_clean"),
        CheckConstraint(f"char_length(description) <= {DESCRIPTION_LENGTH}", name="description_length"),
        CheckConstraint(f"description !~ '{CONTROLS_BUT_LINES}'", name="description_clean"),
        CheckConstraint("completed = (completed_at IS NOT NULL)", name="completed_at_with_completed"),
        CheckConstraint("updated_at >= created_at", name="updated_after_created"),
        CheckConstraint(OPTIONAL_FIELDS, name="optional_fields"),
        CheckConstraint("position ~ '^[0-9A-Za-z]{1,100}$'", name="position_form"),
    )

    user_id: str = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE", sa_type=Text)
    id: UUID = Field(primary_key=True, sa_type=Uuid)
    completed_at: datetime | None = Field(None, sa_column_kwargs=_by_trigger())
    created_at: datetime = Field(sa_column_kwargs=_by_trigger())
    updated_at: datetime = Field(sa_column_kwargs=_by_trigger())
    deleted_at: datetime | None = Field(None, sa_column_kwargs={"server_default": FetchedValue()})
    fingerprint: bytes = Field(sa_type=LargeBinary, sa_column_kwargs=_by_trigger())
    """A hash of what the task was created with, to distinguish a repeated creation from a conflicting one."""
    revision: int = Field(sa_type=BigInteger, sa_column_kwargs=_by_trigger())
    """The number of the user's change that this task last changed with."""
    position: str = Field(sa_type=Text(collation="C"), sa_column_kwargs={"server_default": ""})
    """Sort key of the user's own order; a new task stands before all others."""
    series: dict[str, Any] | None = Field(None, sa_type=JSONB, sa_column_kwargs={"server_default": FetchedValue()})
    """Of a repeating task that is not the first of its series, or is done: `todo.tasks.repeating` describes it."""
    due_at: datetime | None = Field(None, sa_column_kwargs=_by_trigger())
    """The due date as a moment, to sort by: a day begins at midnight UTC, a local time without a zone is in UTC."""
    search: str | None = Field(None, sa_type=TSVECTOR, sa_column_kwargs=_by_trigger())
    """The words of title and description, without case and accents."""


LOGGED = (*WRITABLE, "position", "series")
"""The columns of which the log keeps the values, and that an undo sets."""

Index(
    "ix_tasks_list",
    col(Task.user_id),
    col(Task.created_at).desc(),
    col(Task.id).desc(),
    postgresql_where=col(Task.deleted_at).is_(None),
)
Index(
    "ix_tasks_status",
    col(Task.user_id),
    col(Task.completed),
    col(Task.created_at).desc(),
    col(Task.id).desc(),
    postgresql_where=col(Task.deleted_at).is_(None),
)
Index(
    "ix_tasks_due",
    col(Task.user_id),
    col(Task.due_at),
    col(Task.id),
    postgresql_where=col(Task.deleted_at).is_(None) & col(Task.due_at).is_not(None),
)
Index(
    "ix_tasks_position",
    col(Task.user_id),
    col(Task.position),
    col(Task.id),
    postgresql_where=col(Task.deleted_at).is_(None),
)
Index(
    "ix_tasks_trash",
    col(Task.user_id),
    col(Task.created_at).desc(),
    col(Task.id).desc(),
    postgresql_where=col(Task.deleted_at).is_not(None),
)
Index("ix_tasks_deleted_at", col(Task.deleted_at), postgresql_where=col(Task.deleted_at).is_not(None))
