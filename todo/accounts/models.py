"""The tables of accounts: users, what they sign in with, and what signs their tokens."""

import uuid
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, Text, Uuid, func, text, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from todo.schema import Table

USER_ID_LENGTH = 255
EMAIL_LENGTH = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets
TOKEN_NAME_LENGTH = 100


class User(Table, table=True):
    """A person with tasks; `id` is the subject of their tokens, whoever issued them."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint(f"char_length(id) BETWEEN 1 AND {USER_ID_LENGTH}", name="id_length"),
        CheckConstraint(f"char_length(email) BETWEEN 3 AND {EMAIL_LENGTH}", name="email_length"),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    email: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_column_kwargs={"server_default": func.now()})
    revision: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    """The number of the latest change of their tasks: the trigger on tasks counts."""
    task_count: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    changed_at: datetime = Field(sa_column_kwargs={"server_default": func.now()})


class Credential(Table, table=True):
    """What a built-in account signs in with. Only the accounts role reads it."""

    __tablename__ = "credentials"
    __table_args__ = (
        CheckConstraint(f"char_length(email) BETWEEN 3 AND {EMAIL_LENGTH}", name="email_length"),
        CheckConstraint("password_hash LIKE '$argon2id$%'", name="password_hash_argon2id"),
        Index("uq_credentials_email", text("lower(email)"), unique=True),
    )

    user_id: str = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE", sa_type=Text)
    email: str = Field(sa_type=Text)
    password_hash: str = Field(sa_type=Text)


class SigningKey(Table, table=True):
    """A key that signs access tokens; at most one of them is current. Only the accounts role reads it."""

    __tablename__ = "signing_keys"
    __table_args__ = (
        Index(
            "uq_signing_keys_current", text("(retired_at IS NULL)"), unique=True,
            postgresql_where=text("retired_at IS NULL"),
        ),
    )  # fmt: skip

    kid: str = Field(primary_key=True, sa_type=Text)
    private_key: str = Field(sa_type=Text)
    public_jwk: dict[str, Any] = Field(sa_type=JSONB)
    created_at: datetime = Field(sa_column_kwargs={"server_default": func.now()})
    retired_at: datetime | None = None


class Session(Table, table=True):
    """A device that is signed in. Its refresh token changes with every use; only the newest one's hash is kept."""

    __tablename__ = "sessions"

    id: UUID = Field(primary_key=True, sa_type=Uuid)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", sa_type=Text, index=True)
    token_hash: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_column_kwargs={"server_default": func.now()})
    expires_at: datetime


class ApiToken(Table, table=True):
    """A personal API token, kept as its hash."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        CheckConstraint(f"char_length(name) BETWEEN 1 AND {TOKEN_NAME_LENGTH}", name="name_length"),
        CheckConstraint("scope IN ('read', 'write')", name="scope_known"),
    )

    id: UUID = Field(primary_key=True, sa_type=Uuid)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", sa_type=Text, index=True)
    name: str = Field(sa_type=Text)
    scope: str = Field(sa_type=Text)
    token_hash: bytes = Field(sa_type=LargeBinary, unique=True)
    created_at: datetime = Field(sa_column_kwargs={"server_default": func.now()})
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


class Departed(Table, table=True):
    """An account that was deleted, as a hash: tokens from before `at` do not bring it back."""

    __tablename__ = "departed"

    user_hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    at: datetime = Field(sa_column_kwargs={"server_default": func.now()})
    revision: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    """Their last one: whoever comes back begins behind it, so that no ETag and no `since` of before means anything."""


class Deployment(Table, table=True):
    """Whose subjects the user ids are: one row, since another issuer's subjects would be other people."""

    __tablename__ = "deployment"
    __table_args__ = (CheckConstraint("singleton", name="one_row"),)

    singleton: bool = Field(default=True, primary_key=True, sa_column_kwargs={"server_default": true()})
    issuer: str = Field(sa_type=Text)


def new_user_id() -> str:
    """An id that tells nothing: random (UUID version 4)."""
    return str(uuid.uuid4())
