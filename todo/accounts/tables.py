"""The tables of the built-in accounts: credentials, signing keys, sessions, API tokens, one-time links."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Index, LargeBinary, Text, Uuid, false, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from todo.auth.tables import EMAIL_LENGTH
from todo.db.tables import Table

TOKEN_NAME_LENGTH = 100
CLIENT_LENGTH = 100


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
    """The public half of a key that signs access tokens. Only the accounts role reads it."""

    __tablename__ = "signing_keys"
    __table_args__ = (
        Index(
            "uq_signing_keys_current", text("(retired_at IS NULL)"), unique=True,
            postgresql_where=text("retired_at IS NULL"),
        ),
    )  # fmt: skip

    kid: str = Field(primary_key=True, sa_type=Text)
    private_key: str | None = Field(default=None, sa_type=Text)
    """Null. Servers from before `2026_11_28_sessions`, which may run beside this build during an upgrade, store it."""
    public_jwk: dict[str, Any] = Field(sa_type=JSONB)
    created_at: datetime = Field(sa_column_kwargs={"server_default": func.now()})
    retired_at: datetime | None = None
    """When its process stops signing with it."""


class Session(Table, table=True):
    """A device that is signed in. Its refresh token changes with every use; only hashes are kept."""

    __tablename__ = "sessions"
    __table_args__ = (CheckConstraint(f"char_length(client) BETWEEN 1 AND {CLIENT_LENGTH}", name="client_length"),)

    id: UUID = Field(primary_key=True, sa_type=Uuid)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", sa_type=Text, index=True)
    token_hash: bytes = Field(sa_type=LargeBinary)
    """Of the newest token."""
    rotations: list[dict[str, Any]] = Field(sa_type=JSONB, sa_column_kwargs={"server_default": text("'[]'::jsonb")})
    """The latest ones, as `sessions.Rotation` in JSON, oldest first."""
    created_at: datetime = Field(sa_column_kwargs={"server_default": func.now()})
    expires_at: datetime
    client: str | None = Field(default=None, sa_type=Text)
    """What signed in, as `clients.client_name` has it."""
    last_used_at: datetime | None = None
    """When its refresh token was last used; null before its first use."""


class ApiToken(Table, table=True):
    """A personal API token, kept as its hash."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        CheckConstraint(f"char_length(name) BETWEEN 1 AND {TOKEN_NAME_LENGTH}", name="name_length"),
        CheckConstraint("scope IN ('read', 'write')", name="scope_known"),
        CheckConstraint("permissions <@ '{create,edit,complete,delete,undo}'", name="permissions_known"),
        CheckConstraint("char_length(tag) BETWEEN 1 AND 50", name="tag_length"),
        CheckConstraint("deletions_per_hour >= 0", name="deletions_per_hour_positive"),
        CheckConstraint(
            "agent OR permissions IS NULL AND tag IS NULL AND deletions_per_hour IS NULL", name="limits_of_agents"
        ),
    )

    id: UUID = Field(primary_key=True, sa_type=Uuid)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", sa_type=Text, index=True)
    name: str = Field(sa_type=Text)
    scope: str = Field(sa_type=Text)
    token_hash: bytes = Field(sa_type=LargeBinary, unique=True)
    created_at: datetime = Field(sa_column_kwargs={"server_default": func.now()})
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    agent: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether an assistant has it. What follows limits agents, and is null for other tokens."""
    permissions: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    """Null for all."""
    tag: str | None = Field(default=None, sa_type=Text)
    """It sees and writes tasks with this tag only."""
    deletions_per_hour: int | None = None
    """Null for what the server allows."""


class OneTimeLink(Table, table=True):
    """A link that mail carries, or that the administrator made, kept as its hash."""

    __tablename__ = "one_time_links"
    __table_args__ = (
        CheckConstraint("purpose IN ('reset', 'confirm', 'change')", name="purpose_known"),
        CheckConstraint("purpose = 'reset' OR email IS NOT NULL", name="email_given"),
        CheckConstraint(f"char_length(email) BETWEEN 3 AND {EMAIL_LENGTH}", name="email_length"),
    )

    hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", sa_type=Text, index=True)
    purpose: str = Field(sa_type=Text)
    email: str | None = Field(default=None, sa_type=Text)
    """The address that it was sent to; null for a link that the administrator made."""
    created_at: datetime = Field(sa_column_kwargs={"server_default": func.clock_timestamp()})
    expires_at: datetime
