"""The tables of OAuth: the apps that may ask, and what their persons have allowed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, LargeBinary, Text, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from todo.db.tables import Table

NAME_LENGTH = 60
REDIRECT_URIS = 10
URI_LENGTH = 500


class OAuthClient(Table, table=True):
    """An app that may ask people for access. It has no secret. Only the accounts role reads it."""

    __tablename__ = "oauth_clients"
    __table_args__ = (
        CheckConstraint(f"char_length(name) BETWEEN 1 AND {NAME_LENGTH}", name="name_length"),
        CheckConstraint(f"cardinality(redirect_uris) BETWEEN 1 AND {REDIRECT_URIS}", name="redirect_uris_count"),
        CheckConstraint(
            f"octet_length(array_to_string(redirect_uris, ' ')) <= {REDIRECT_URIS * (URI_LENGTH + 1)}",
            name="redirect_uris_length",
        ),
        CheckConstraint("origin IN ('operator', 'registration')", name="origin_known"),
    )

    id: UUID = Field(primary_key=True, sa_type=Uuid)
    name: str = Field(sa_type=Text)
    """What it calls itself; nobody has verified it."""
    redirect_uris: list[str] = Field(sa_type=ARRAY(Text))
    """Where people may be sent back to."""
    origin: str = Field(sa_type=Text)
    """Who made the row: the operator, or the app itself by dynamic registration."""
    created_at: datetime = Field(sa_column_kwargs={"server_default": func.now()})
    last_used_at: datetime | None = None
    """When it last got a token."""


class OAuthGrant(Table, table=True):
    """What a person has allowed an app: a code until it is exchanged, then the link from the app to its token."""

    __tablename__ = "oauth_grants"
    __table_args__ = (
        CheckConstraint(f"octet_length(redirect_uri) BETWEEN 1 AND {URI_LENGTH}", name="redirect_uri_length"),
        CheckConstraint("octet_length(code_challenge) = 43", name="code_challenge_length"),
    )

    code_hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    client_id: UUID = Field(foreign_key="oauth_clients.id", ondelete="CASCADE", sa_type=Uuid, index=True)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", sa_type=Text, index=True)
    redirect_uri: str = Field(sa_type=Text)
    code_challenge: str = Field(sa_type=Text)
    """The SHA-256 of the verifier that the app must show (RFC 7636)."""
    name: str = Field(sa_type=Text)
    """What the token will be called."""
    scope: str = Field(sa_type=Text)
    permissions: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    tag: str | None = Field(default=None, sa_type=Text)
    lifetime_days: int | None = None
    """Of the token; null for one that does not end."""
    created_at: datetime = Field(sa_column_kwargs={"server_default": func.now()})
    expires_at: datetime
    """When the code ends."""
    token_id: UUID | None = Field(
        default=None, foreign_key="api_tokens.id", ondelete="CASCADE", sa_type=Uuid, unique=True, nullable=True
    )
    """The token that was given for it; with the token goes the row."""
