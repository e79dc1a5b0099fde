"""The table of calendar feeds."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, Text, Uuid, func
from sqlmodel import Field

from todo.db.tables import Table


class Feed(Table, table=True):
    """An address at which calendars read a user's due dates, kept as the hash of its secret."""

    __tablename__ = "feeds"

    user_id: str = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE", sa_type=Text)
    id: UUID = Field(primary_key=True, sa_type=Uuid)
    secret_hash: bytes = Field(sa_type=LargeBinary, unique=True)
    created_at: datetime = Field(sa_column_kwargs={"server_default": func.now()})
    last_used_at: datetime | None = None
    """To the hour; null before its first use."""
