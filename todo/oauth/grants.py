"""What a person has allowed an app: a code, which is exchanged once for a personal API token, and its revocation.

A code is used up by the first request that has it, right or wrong. Used again, it revokes the token that it gave
(RFC 6749 §4.1.2).
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec
from psycopg.errors import ForeignKeyViolation
from sqlalchemy import Integer, LargeBinary, Text, Uuid, bindparam, delete, func, insert, literal_column, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col

from todo.accounts import api_tokens
from todo.accounts.secrets import api_token_hash
from todo.accounts.shapes import NewApiToken
from todo.accounts.tables import ApiToken
from todo.db.agents import Permission
from todo.db.database import Database
from todo.db.statement import Statement, text_array
from todo.db.transaction import Transaction
from todo.oauth.clients import Client
from todo.oauth.errors import OAuthError
from todo.oauth.tables import OAuthClient, OAuthGrant
from todo.problems import Conflict, Unauthorized

CODE_LIFETIME = timedelta(seconds=60)

MAX_PENDING = 20
"""Codes of one user that are not exchanged yet."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a person allows an app."""

    scope: Literal["read", "write"]
    permissions: Sequence[Permission] | None
    tag: str | None
    lifetime_days: int | None


class Grant(msgspec.Struct):
    """A code, as it is kept. `valid`: it has not ended."""

    client_id: UUID
    user_id: str
    redirect_uri: str
    code_challenge: str
    name: str
    scope: Literal["read", "write"]
    permissions: list[Permission] | None
    tag: str | None
    lifetime_days: int | None
    token_id: UUID | None
    valid: bool


_mine = col(OAuthGrant.user_id) == bindparam("user_id")
_pending = (
    select(func.count())
    .where(_mine, col(OAuthGrant.token_id).is_(None), col(OAuthGrant.expires_at) > func.now())
    .scalar_subquery()
)
_tokens = select(func.count()).where(col(ApiToken.user_id) == bindparam("user_id")).scalar_subquery()
_ended = delete(OAuthGrant).where(_mine, col(OAuthGrant.token_id).is_(None), col(OAuthGrant.expires_at) <= func.now())
_new = {
    "code_hash": bindparam("code_hash", type_=LargeBinary),
    "client_id": bindparam("client_id", type_=Uuid),
    "user_id": bindparam("user_id", type_=Text),
    "redirect_uri": bindparam("redirect_uri", type_=Text),
    "code_challenge": bindparam("code_challenge", type_=Text),
    "name": bindparam("name", type_=Text),
    "scope": bindparam("scope", type_=Text),
    "permissions": bindparam("permissions", type_=ARRAY(Text)),
    "tag": bindparam("tag", type_=Text),
    "lifetime_days": bindparam("lifetime_days", type_=Integer),
    "expires_at": func.now() + literal_column(f"interval '{CODE_LIFETIME.total_seconds():g} seconds'"),
}
ALLOW = Statement.of(
    insert(OAuthGrant)
    .from_select([*_new], select(*_new.values()).where(_tokens < api_tokens.MAX_TOKENS, _pending < MAX_PENDING))
    .returning(col(OAuthGrant.code_hash))
    .add_cte(_ended.cte("ended")),
    lock_by="user_id",
)

_this = col(OAuthGrant.code_hash) == bindparam("code_hash")
FIND = Statement.of(
    select(
        *(OAuthGrant.__table__.c[name] for name in Grant.__struct_fields__[:-1]),  # type: ignore[attr-defined] # SQLModel sets it
        col(OAuthGrant.expires_at) > func.now(),
    )
    .where(_this)
    .with_for_update(),
    row=Grant,
)
USE_UP = Statement.of(delete(OAuthGrant).where(_this))
_touched = (
    update(OAuthClient).where(col(OAuthClient.id) == bindparam("client_id")).values(last_used_at=func.now())
).cte("touched")
LINK = Statement.of(
    update(OAuthGrant).where(_this).values(token_id=bindparam("token_id", type_=Uuid)).add_cte(_touched)
)
REVOKE = Statement.of(delete(ApiToken).where(col(ApiToken.id) == bindparam("id")))

_given_to = select(col(OAuthGrant.token_id)).where(col(OAuthGrant.client_id) == bindparam("client_id"))
REVOKE_BY_SECRET = Statement.of(
    delete(ApiToken).where(col(ApiToken.token_hash) == bindparam("token_hash"), col(ApiToken.id).in_(_given_to))
)


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode(errors="replace")).digest()


def _challenge(verifier: str) -> str:
    """The challenge of a verifier, by S256 (RFC 7636 §4.2)."""
    digest = hashlib.sha256(verifier.encode(errors="replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


async def allow(
    database: Database, user_id: str, client: Client, redirect_uri: str, code_challenge: str, allowed: Allowed
) -> str:
    """A new code. Raises Conflict when the user has too many tokens or codes, Unauthorized without an account."""
    code = secrets.token_urlsafe(32)
    try:
        rows = await database.as_accounts(user_id).run(
            ALLOW,
            code_hash=_hash(code),
            client_id=client.id,
            redirect_uri=redirect_uri,
            code_challenge=code_challenge,
            name=client.name,
            scope=allowed.scope,
            permissions=None if allowed.permissions is None else text_array(allowed.permissions),
            tag=allowed.tag,
            lifetime_days=allowed.lifetime_days,
        )
    except ForeignKeyViolation as error:
        if "client" in (error.diag.constraint_name or ""):
            raise Conflict("This app has been removed from this server.") from None
        raise Unauthorized("This account no longer exists.") from None
    if not rows:
        raise Conflict(f"You have {api_tokens.MAX_TOKENS} tokens already, or allow too much at once: revoke one first.")
    return code


async def exchange(
    database: Database, client: Client, code: str, verifier: str, redirect_uri: str | None
) -> tuple[str, Grant]:
    """The token for a code, and what was allowed. Raises OAuthError (invalid_grant)."""
    code_hash = _hash(code)

    async def work(transaction: Transaction) -> tuple[str, Grant] | None:
        rows = await transaction.fetch(FIND, code_hash=code_hash)
        if not rows:
            return None
        grant = rows[0]
        if grant.token_id is not None:
            transaction.queue(REVOKE, id=grant.token_id)
            return None
        if not (grant.valid and _fits(grant, client, verifier, redirect_uri)):
            transaction.queue(USE_UP, code_hash=code_hash)
            return None
        made = await _token(transaction, grant)
        if made is None:
            transaction.queue(USE_UP, code_hash=code_hash)
            return None
        token, token_id = made
        transaction.queue(LINK, code_hash=code_hash, client_id=client.id, token_id=token_id)
        return token, grant

    found = await database.as_accounts().in_transaction(work)
    if found is None:
        raise OAuthError("invalid_grant", "The code is unknown, ended, used, or not for this request.")
    return found


def _fits(grant: Grant, client: Client, verifier: str, redirect_uri: str | None) -> bool:
    proven = hmac.compare_digest(_challenge(verifier).encode(), grant.code_challenge.encode())
    return proven and grant.client_id == client.id and redirect_uri in (None, grant.redirect_uri)


async def _token(transaction: Transaction, grant: Grant) -> tuple[str, UUID] | None:
    """An agent's token of what was allowed, and its id; None when the user has too many meanwhile."""
    days = grant.lifetime_days
    wanted = NewApiToken(
        name=grant.name,
        scope=grant.scope,
        expires_at=None if days is None else datetime.now(UTC) + timedelta(days=days),
        agent=True,
        permissions=grant.permissions,
        tag=grant.tag,
        deletions_per_hour=None,
    )
    values, token = api_tokens.new(wanted)
    made = await transaction.fetch(api_tokens.MAKE, user_id=grant.user_id, **values)
    return (token, made[0].id) if made else None


async def revoke(database: Database, client: Client, token: str) -> None:
    """Revoke a token that this app was given; of any other nothing is done or said (RFC 7009 §2.2)."""
    hashed = api_token_hash(token)
    if hashed is not None:
        await database.as_accounts().run(REVOKE_BY_SECRET, token_hash=hashed, client_id=client.id)
