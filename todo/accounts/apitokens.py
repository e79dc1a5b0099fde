"""Personal API tokens: made, listed, revoked, and known again when somebody calls with one."""

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from psycopg.errors import ForeignKeyViolation
from sqlalchemy import DateTime, LargeBinary, Text, Uuid, bindparam, delete, func, insert, or_, select, update
from sqlmodel import col

from todo.accounts.models import ApiToken
from todo.accounts.secrets import api_token_hash, new_api_token
from todo.accounts.shapes import ApiTokenOut
from todo.accounts.tokens import Caller
from todo.database import ACCOUNTS, Database
from todo.flights import Row
from todo.problems import Conflict, Invalid, NotFound, Unauthorized
from todo.statements import Statement
from todo.transactions import Tx

REMEMBERED = 30.0
"""Seconds for which a token that was found is not looked up again, and so may outlive its revocation."""

MOST = 100
"""Tokens of one user."""

SHOWN = tuple(ApiToken.__table__.c[name] for name in ApiTokenOut.model_fields)  # type: ignore[attr-defined] # SQLModel sets it

_mine = col(ApiToken.user_id) == bindparam("user_id")
_theirs = select(func.count()).where(_mine).scalar_subquery()

MAKE = Statement.of(
    insert(ApiToken)
    .from_select(
        ["id", "user_id", "name", "scope", "token_hash", "expires_at"],
        select(
            bindparam("id", type_=Uuid),
            bindparam("user_id", type_=Text),
            bindparam("name", type_=Text),
            bindparam("scope", type_=Text),
            bindparam("token_hash", type_=LargeBinary),
            bindparam("expires_at", type_=DateTime(timezone=True)),
        ).where(_theirs < MOST),
    )
    .returning(*SHOWN)
)

LIST = Statement.of(select(*SHOWN).where(_mine).order_by(col(ApiToken.created_at).desc()), reads=True)

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
    select(col(ApiToken.user_id), col(ApiToken.scope), func.extract("epoch", col(ApiToken.expires_at)).cast(Text))
    .where(_this)
    .where(or_(col(ApiToken.expires_at).is_(None), col(ApiToken.expires_at) > func.now()))
    .add_cte(_touched)
)


async def make(database: Database, user_id: str, name: str, scope: str, expires_at: datetime | None) -> tuple[Row, str]:
    """A new token: its row, and itself. Raises Invalid for an end in the past, Conflict when there are MOST already."""
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise Invalid.at("body", "expires_at", msg="must be in the future")
    token = new_api_token()
    try:
        rows = await Tx(database, user_id, ACCOUNTS).one(
            MAKE, id=uuid4(), name=name, scope=scope, token_hash=api_token_hash(token), expires_at=expires_at
        )
    except ForeignKeyViolation:
        raise Unauthorized("This account no longer exists.") from None
    if not rows:
        raise Conflict(f"There are {MOST} tokens already: revoke one first.")
    return rows[0], token


async def of_user(database: Database, user_id: str) -> list[Row]:
    """The user's tokens, newest first."""
    return await Tx(database, user_id, ACCOUNTS).one(LIST)


async def revoke(database: Database, user_id: str, id: UUID) -> None:
    """End a token of the user. Raises NotFound."""
    if not await Tx(database, user_id, ACCOUNTS).one(REVOKE, id=id):
        raise NotFound("There is no such token.")


async def caller(database: Database, token: str) -> Caller:
    """Whose token it is, for the next REMEMBERED seconds. Raises Unauthorized.

    When it was last used is written at most once a minute, in the same round trip.
    """
    hashed = api_token_hash(token)
    rows = await Tx(database, "", ACCOUNTS).one(FIND, token_hash=hashed) if hashed else []
    if not rows:
        raise Unauthorized("The API token is unknown, revoked or over.")
    user_id, scope, ends_at = rows[0]
    until = min(time.time() + REMEMBERED, float(ends_at or "inf"))
    return Caller(user_id, until, personal=True, may_write=scope == "write")
