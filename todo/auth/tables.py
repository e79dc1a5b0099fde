"""The tables of identity: users, the deleted ones, and whose subjects the user ids are."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, LargeBinary, Text, func, text, true
from sqlmodel import Field

from todo.db.tables import Table

USER_ID_LENGTH = 255
EMAIL_LENGTH = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets
USER_NAME_LENGTH = 100


class User(Table, table=True):
    """A person with tasks; `id` is the subject of their tokens."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint(f"char_length(id) BETWEEN 1 AND {USER_ID_LENGTH}", name="id_length"),
        CheckConstraint(f"char_length(email) BETWEEN 3 AND {EMAIL_LENGTH}", name="email_length"),
        CheckConstraint(f"char_length(name) BETWEEN 1 AND {USER_NAME_LENGTH}", name="name_length"),
        CheckConstraint(r"name = btrim(name) AND name !~ '[\u0001-\u001f\u007f-\u009f]'", name="name_clean"),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    email: str | None = Field(default=None, sa_type=Text)
    name: str | None = Field(default=None, sa_type=Text)
    """What they want to be called; of a user of an external issuer null."""
    email_confirmed_at: datetime | None = None
    """When a link that was sent to `email` was used; of a user of an external issuer null."""
    created_at: datetime = Field(sa_column_kwargs={"server_default": func.now()})
    revision: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    """The number of the latest change of their tasks: the trigger on tasks counts."""
    task_count: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    changed_at: datetime = Field(sa_column_kwargs={"server_default": func.now()})
    logged_bytes: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    """Bytes of all changes that were ever logged: with a change's `total` it says how much was logged after it."""


class DeletedUser(Table, table=True):
    """An account that was deleted, as a hash: tokens from before `at` do not bring it back."""

    __tablename__ = "departed"

    user_hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    at: datetime = Field(sa_column_kwargs={"server_default": func.now()})
    revision: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    """Their last one: a user who returns begins after it, so that no earlier ETag or `since` means anything."""


class Deployment(Table, table=True):
    """Whose subjects the user ids are: one row, since another issuer's subjects would be other people."""

    __tablename__ = "deployment"
    __table_args__ = (CheckConstraint("singleton", name="one_row"),)

    singleton: bool = Field(default=True, primary_key=True, sa_column_kwargs={"server_default": true()})
    issuer: str = Field(sa_type=Text)
