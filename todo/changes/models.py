"""The log of changes, which the trigger on tasks writes, and the shapes in which it is read."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from todo.schema import Table
from todo.tasks.models import TrashedTaskOut

Kind = Literal["create", "update", "delete", "restore", "purge"]
Writer = Literal["session", "api_token", "command_line", "sweep", "database"]


class Change(Table, table=True):
    """What a change altered, and the task as it left it; a purge erases both from all changes of the task."""

    __tablename__ = "changes"
    __table_args__ = (
        CheckConstraint("kind IN ('create', 'update', 'delete', 'restore', 'purge')", name="kind_known"),
        CheckConstraint("via IN ('session', 'api_token', 'command_line', 'sweep', 'database')", name="via_known"),
        Index("ix_changes_task", "user_id", "task_id", "revision"),
        Index("ix_changes_at", "at", postgresql_using="brin"),
    )

    user_id: str = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE", sa_type=Text)
    revision: int = Field(primary_key=True, sa_type=BigInteger)
    task_id: UUID = Field(sa_type=Uuid)
    kind: str = Field(sa_type=Text)
    at: datetime
    via: str = Field(sa_type=Text)
    undoes: int | None = Field(default=None, sa_type=BigInteger)
    before: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """The values that the altered fields had."""
    after: dict[str, Any] | None = Field(default=None, sa_type=JSONB)


class ChangeOut(SQLModel):
    """A change."""

    revision: int = Field(description="Its number among the user's changes, in the order in which they happened.")
    task_id: UUID = Field(description="The task that it changed.")
    kind: Kind = Field(
        description="What it did. With `compact` only the newest change of a task is told, so go by `task`."
    )
    at: datetime = Field(description="When: RFC 3339, UTC.")
    via: Writer = Field(description="Who wrote: somebody signed in, an API token, the command line, …")
    undoes: int | None = Field(description="The revision of the change that it took back, or null.")
    task: TrashedTaskOut | None = Field(
        description="The task as the change left it, with `deleted_at` while in the trash; null once it is purged."
    )


class PastChange(ChangeOut):
    """A change as the history of a task tells it."""

    before: dict[str, Any] | None = Field(
        description="The values that the altered fields had; null for a creation, and once the task is purged."
    )


class Changes(SQLModel):
    """What happened since."""

    changes: list[ChangeOut] = Field(description="In the order in which they happened.")
    revision: int = Field(description="What to send as `since` the next time.")
    more: bool = Field(description="Whether there is more already.")
