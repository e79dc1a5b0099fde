"""Rows of accounts as statements return them, and as they are encoded."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Column

from todo.accounts.tables import ApiToken
from todo.auth.tables import User


class UserRow(msgspec.Struct):
    """An account."""

    id: str
    email: str | None
    name: str | None
    created_at: datetime | None


class MeRow(UserRow):
    """The caller's account; `email_confirmed` is left out of the answer with an external issuer."""

    email_confirmed: bool | msgspec.UnsetType = msgspec.UNSET


class SessionRow(msgspec.Struct):
    """A device that is signed in."""

    id: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    client: str | None
    current: bool


class ApiTokenRow(msgspec.Struct):
    """A personal API token, without the token."""

    id: UUID
    name: str
    scope: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    agent: bool
    permissions: list[str] | None
    tag: str | None
    deletions_per_hour: int | None


USER_COLUMNS: tuple[Column[Any], ...] = tuple(User.__table__.c[name] for name in UserRow.__struct_fields__)  # type: ignore[attr-defined] # SQLModel sets it
API_TOKEN_COLUMNS: tuple[Column[Any], ...] = tuple(ApiToken.__table__.c[name] for name in ApiTokenRow.__struct_fields__)  # type: ignore[attr-defined] # the same
