"""Personal API tokens: made, listed, revoked, and verified."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from psycopg.errors import ForeignKeyViolation
from sqlalchemy import (
    ARRAY,
    Boolean,
    DateTime,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlmodel import col

from todo.accounts.rows import API_TOKEN_COLUMNS, ApiTokenRow
from todo.accounts.secrets import AGENT_TOKEN_PREFIX, api_token_hash, new_api_token
from todo.accounts.shapes import NewApiToken
from todo.accounts.tables import ApiToken
from todo.auth.caller import Caller
from todo.db.agents import Agent
from todo.db.database import Database
from todo.db.statement import Statement, text_array
from todo.problems import Conflict, Invalid, NotFound, Unauthorized

CACHED_FOR = 30.0
"""Seconds for which a token that was found is not looked up again, and so may outlive its revocation."""

MAX_TOKENS = 100
"""Tokens of one user."""

_mine = col(ApiToken.user_id) == bindparam("user_id")
_theirs = select(func.count()).where(_mine).scalar_subquery()

MAKE = Statement.of(
    insert(ApiToken)
    .from_select(
        [
            "id",
            "user_id",
            "name",
            "scope",
            "token_hash",
            "expires_at",
            "agent",
            "permissions",
            "tag",
            "deletions_per_hour",
        ],
        select(
            bindparam("id", type_=Uuid),
            bindparam("user_id", type_=Text),
            bindparam("name", type_=Text),
            bindparam("scope", type_=Text),
            bindparam("token_hash", type_=LargeBinary),
            bindparam("expires_at", type_=DateTime(timezone=True)),
            bindparam("agent", type_=Boolean),
            bindparam("permissions", type_=ARRAY(Text)),
            bindparam("tag", type_=Text),
            bindparam("deletions_per_hour", type_=Integer),
        ).where(_theirs < MAX_TOKENS),
    )
    .returning(*API_TOKEN_COLUMNS),
    row=ApiTokenRow,
)

LIST = Statement.of(
    select(*API_TOKEN_COLUMNS).where(_mine).order_by(col(ApiToken.created_at).desc()), row=ApiTokenRow, read_only=True
)

REVOKE = Statement.of(
    delete(ApiToken).where(_mine).where(col(ApiToken.id) == bindparam("id")).returning(col(ApiToken.id))
)

_this = col(ApiToken.token_hash) == bindparam("token_hash")
_touched = (
    update(ApiToken)
    .where(_this)
    .where(
        or_(
            col(ApiToken.last_used_at).is_(None),
            col(ApiToken.last_used_at) < func.now() - timedelta(minutes=1),
        )
    )
    .values(last_used_at=func.now())
    .cte("touched")
)
FIND = Statement.of(
    select(col(ApiToken.user_id), func.extract("epoch", col(ApiToken.expires_at)).cast(Text), *API_TOKEN_COLUMNS)
    .where(_this)
    .where(or_(col(ApiToken.expires_at).is_(None), col(ApiToken.expires_at) > func.now()))
    .add_cte(_touched),
    row=lambda user_id, ends_at, *token: (user_id, ends_at, ApiTokenRow(*token)),
)


def new(wanted: NewApiToken) -> tuple[dict[str, Any], str]:
    """The values of MAKE for a new token, and itself."""
    token = new_api_token(agent=wanted.agent)
    permissions = None if wanted.permissions is None else text_array(wanted.permissions)
    own = {"id": uuid4(), "permissions": permissions, "token_hash": api_token_hash(token)}
    return wanted.model_dump() | own, token


async def make(database: Database, user_id: str, wanted: NewApiToken) -> tuple[ApiTokenRow, str]:
    """A new token: what is kept of it, and itself.

    Raises Invalid for an end in the past, Conflict when there are MAX_TOKENS already.
    """
    if wanted.expires_at is not None and wanted.expires_at <= datetime.now(UTC):
        raise Invalid.at("body", "expires_at", msg="must be in the future")
    values, token = new(wanted)
    try:
        rows = await database.as_accounts(user_id).run(MAKE, **values)
    except ForeignKeyViolation:
        raise Unauthorized("This account no longer exists.") from None
    if not rows:
        raise Conflict(f"There are {MAX_TOKENS} tokens already: revoke one first.")
    return rows[0], token


async def of_user(database: Database, user_id: str) -> list[ApiTokenRow]:
    """The user's tokens, newest first."""
    return await database.as_accounts(user_id).run(LIST)


async def revoke(database: Database, user_id: str, id: UUID) -> None:
    """End a token of the user. Raises NotFound."""
    if not await database.as_accounts(user_id).run(REVOKE, id=id):
        raise NotFound("There is no such token.")


async def caller(database: Database, token: str) -> Caller:
    """The caller whose token it is, for the next CACHED_FOR seconds. Raises Unauthorized.

    When it was last used is written at most once a minute, in the same round trip.
    """
    hashed = api_token_hash(token)
    rows = await database.as_accounts().run(FIND, token_hash=hashed) if hashed else []
    if not rows or rows[0][2].agent != token.startswith(AGENT_TOKEN_PREFIX):  # an agent's without its limits
        raise Unauthorized("The API token is unknown, revoked or expired.")
    user_id, ends_at, found = rows[0]
    expires_at = min(time.time() + CACHED_FOR, float(ends_at or "inf"))
    agent = _agent(found, database.agent_deletions_per_hour) if found.agent else None
    return Caller(user_id, expires_at, api_token=True, may_write=found.scope == "write", agent=agent)


def _agent(token: ApiTokenRow, deletions_per_hour: int) -> Agent:
    if token.deletions_per_hour is not None:
        deletions_per_hour = token.deletions_per_hour
    permissions = None if token.permissions is None else tuple(token.permissions)
    return Agent(token.id, token.name, permissions, token.tag, deletions_per_hour)
