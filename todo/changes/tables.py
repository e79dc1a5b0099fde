"""The log of changes, which the trigger on tasks writes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from todo.db.tables import Table


class Change(Table, table=True):
    """What a change altered, and the task as it left it; a purge erases both from all changes of the task."""

    __tablename__ = "changes"
    __table_args__ = (
        CheckConstraint("kind IN ('create', 'update', 'delete', 'restore', 'purge')", name="kind_known"),
        CheckConstraint(
            "via IN ('session', 'api_token', 'command_line', 'sweep', 'database', 'agent')", name="via_known"
        ),
        Index("ix_changes_task", "user_id", "task_id", "revision"),
        Index("ix_changes_batch", "user_id", "batch", postgresql_where=text("batch IS NOT NULL")),
        Index("ix_changes_agent", "user_id", "agent_id", "revision", postgresql_where=text("agent_id IS NOT NULL")),
        Index("ix_changes_at", "at", postgresql_using="brin"),
    )

    user_id: str = Field(primary_key=True, sa_type=Text)
    """Without a foreign key: the trigger `log` writes under the user's row lock, `forget` deletes a user's changes."""
    revision: int = Field(primary_key=True, sa_type=BigInteger)
    task_id: UUID = Field(sa_type=Uuid)
    kind: str = Field(sa_type=Text)
    at: datetime
    via: str = Field(sa_type=Text)
    undoes: int | None = Field(default=None, sa_type=BigInteger)
    before: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """The values that the altered fields had."""
    after: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    size: int | None = Field(default=None, sa_type=Integer)
    """Bytes, approximately; None for a change from before sizes were kept."""
    total: int | None = Field(default=None, sa_type=BigInteger)
    """The sizes of the user's changes up to this one together, those that were deleted included."""
    batch: int | None = Field(default=None, sa_type=BigInteger)
    """The revision of the first of the changes that were made together with this one; None for a change of its own."""
    agent_id: UUID | None = Field(default=None, sa_type=Uuid)
    """The agent that made it: the id of its token, or what `access.declared_agent` makes of its name."""
    agent: str | None = Field(default=None, sa_type=Text)
    """The agent's name, as it was then."""
