"""The table of stored answers."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, SmallInteger, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from todo.db.tables import Table

KEPT = timedelta(hours=24)

SEVERAL_TASKS = UUID(int=0)
"""The `task_id` of an answer that shows several tasks, each with its id; the trigger has the same."""

EVERY_TASK = UUID(int=2**128 - 1)
"""The `task_id` of an answer that may show something of any of the user's tasks; likewise."""


class Idempotency(Table, table=True):
    """The answer to a write that had a key, for 24 hours. The purge of a task erases the body."""

    __tablename__ = "idempotency"
    __table_args__ = (
        CheckConstraint("char_length(key) BETWEEN 1 AND 255", name="key_length"),
        Index("ix_idempotency_task", "user_id", "task_id"),
        Index("ix_idempotency_total", "user_id", "total", postgresql_where=text("total IS NOT NULL")),
        Index("ix_idempotency_at", "at", postgresql_using="brin"),
    )

    user_id: str = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE", sa_type=Text)
    key: str = Field(primary_key=True, sa_type=Text)
    request: bytes = Field(sa_type=LargeBinary)
    """A hash of the request."""
    at: datetime = Field(sa_column_kwargs={"server_default": func.now()})
    status: int = Field(sa_type=SmallInteger)
    headers: dict[str, str] = Field(sa_type=JSONB)
    body: bytes | None = Field(default=None, sa_type=LargeBinary)
    task_id: UUID | None = Field(default=None, sa_type=Uuid)
    """The task that the answer speaks of, SEVERAL_TASKS, EVERY_TASK, or None."""
    total: int | None = Field(default=None, sa_type=BigInteger)
    """Bytes of the user's answers up to this one together, those that were deleted included."""
