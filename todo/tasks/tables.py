"""The table of tasks. Its checks hold the bounds of `fields` for every writer."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, FetchedValue, Index, LargeBinary, Text, Uuid
from sqlmodel import Field, col

from todo.db.tables import Table
from todo.tasks.fields import DESCRIPTION_LENGTH, TITLE_LENGTH, TaskFields

CONTROLS = r"[\u0001-\u001f\u007f-\u009f]"
CONTROLS_BUT_LINES = r"[\u0001-\u0008\u000b-\u001f\u007f-\u009f]"


def _by_trigger() -> dict[str, FetchedValue]:
    """Options of a column that the trigger sets: the ORM leaves it out and reads it back."""
    return {"server_default": FetchedValue(), "server_onupdate": FetchedValue()}


class Task(TaskFields, Table, table=True):
    """A task. The owner leads the key and every index, so a user's rows lie together.

    The trigger on the table sets every column that is not in TaskFields, but for the key and `deleted_at`.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint(f"char_length(title) BETWEEN 1 AND {TITLE_LENGTH}", name="title_length"),
        CheckConstraint(f"title = btrim(title) AND title !~ '{CONTROLS}'", name="title_clean"),
        CheckConstraint(f"char_length(description) <= {DESCRIPTION_LENGTH}", name="description_length"),
        CheckConstraint(f"description !~ '{CONTROLS_BUT_LINES}'", name="description_clean"),
        CheckConstraint("completed = (completed_at IS NOT NULL)", name="completed_at_with_completed"),
        CheckConstraint("updated_at >= created_at", name="updated_after_created"),
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
    "ix_tasks_trash",
    col(Task.user_id),
    col(Task.created_at).desc(),
    col(Task.id).desc(),
    postgresql_where=col(Task.deleted_at).is_not(None),
)
Index("ix_tasks_deleted_at", col(Task.deleted_at), postgresql_where=col(Task.deleted_at).is_not(None))
