"""One-time links: made, found, and used to reset a password, to confirm an e-mail address or to change it."""

from datetime import timedelta
from typing import Any, Literal

from psycopg.errors import UniqueViolation
from sqlalchemy import (
    CTE,
    ColumnElement,
    Interval,
    LargeBinary,
    SQLColumnExpression,
    Text,
    bindparam,
    column,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    table,
    update,
)
from sqlmodel import col

from todo.accounts.passwords import Passwords
from todo.accounts.secrets import link_token_hash, new_link_token
from todo.accounts.tables import ApiToken, Credential, OneTimeLink, Session
from todo.auth.tables import User
from todo.db.database import Database
from todo.db.statement import Statement
from todo.problems import Conflict, Gone

Purpose = Literal["reset", "confirm", "change"]

LIFETIMES: dict[Purpose, timedelta] = {
    "reset": timedelta(minutes=30),
    "confirm": timedelta(hours=24),
    "change": timedelta(hours=24),
}

MAX_LINKS = 3
"""Links of one user and purpose; one more replaces the oldest."""

DEAD = "This link was used already or has expired: ask for a new one."

_mine = col(OneTimeLink.user_id) == bindparam("user_id")
_of_purpose = col(OneTimeLink.purpose) == bindparam("purpose")
_surplus = (
    select(col(OneTimeLink.hash))
    .where(_mine, _of_purpose)
    .order_by(col(OneTimeLink.created_at).desc())
    .offset(literal_column(str(MAX_LINKS - 1)))
)
_replaced = delete(OneTimeLink).where(col(OneTimeLink.hash).in_(_surplus)).cte("replaced")
_any_password = bindparam("password_hash", type_=Text).is_(None)
MAKE = Statement.of(
    insert(OneTimeLink)
    .from_select(
        ["hash", "user_id", "purpose", "email", "expires_at"],
        select(
            bindparam("hash", type_=LargeBinary),
            col(Credential.user_id),
            bindparam("purpose", type_=Text),
            bindparam("email", type_=Text),
            func.now() + bindparam("lifetime", type_=Interval),
        )
        .where(col(Credential.user_id) == bindparam("user_id"))
        .where(or_(_any_password, col(Credential.password_hash) == bindparam("password_hash", type_=Text))),
    )
    .returning(col(OneTimeLink.user_id))
    .add_cte(_replaced),
    lock_by="user_id",
)

_this = (col(OneTimeLink.hash) == bindparam("hash")) & (col(OneTimeLink.expires_at) > func.now())
FIND = Statement.of(select(col(OneTimeLink.user_id), col(OneTimeLink.purpose)).where(_this), read_only=True)

_address = (
    select(func.lower(col(Credential.email)))
    .where(col(Credential.user_id) == col(OneTimeLink.user_id))
    .correlate(OneTimeLink)
    .scalar_subquery()
)
_to_address = or_(
    col(OneTimeLink.purpose) == "change",
    col(OneTimeLink.email).is_(None),
    func.lower(col(OneTimeLink.email)) == _address,
)
"""A link that was mailed to an address which is no longer the account's is of no use."""
_used = (
    delete(OneTimeLink)
    .where(_this, _mine, _of_purpose, _to_address)
    .returning(col(OneTimeLink.user_id), col(OneTimeLink.email))
    .cte("used")
)
_is_used = select(_used.c.user_id).exists()
_email = select(_used.c.email).scalar_subquery()
_others = (
    delete(OneTimeLink)
    .where(col(OneTimeLink.user_id) == bindparam("user_id"), _is_used, col(OneTimeLink.hash) != bindparam("hash"))
    .cte("other_links")
)


def _is_email(column: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    return func.lower(column) == func.lower(_email)


_unproven = (
    select(col(User.id)).where(col(User.id) == bindparam("user_id"), col(User.email_confirmed_at).is_(None)).exists()
)
_feed = table("feeds", column("user_id"))  # a table of todo.transfer, which this package does not import


def _of_a_stranger(owned: Any, owner: SQLColumnExpression[Any], name: str) -> CTE:
    """Delete what the user of a mailed link may not have made, since anybody may have signed up with the address."""
    return delete(owned).where(owner == bindparam("user_id"), _email.is_not(None), _unproven).cte(name)


_ended = delete(Session).where(col(Session.user_id) == bindparam("user_id"), _is_used).cte("ended_sessions")
_proven = (
    update(User)
    .where(col(User.id) == bindparam("user_id"), _is_used, _is_email(col(User.email)))
    .values(email_confirmed_at=func.coalesce(col(User.email_confirmed_at), func.now()))
)
RESET = Statement.of(
    update(Credential)
    .where(col(Credential.user_id) == bindparam("user_id"), _is_used)
    .values(password_hash=bindparam("password_hash"))
    .returning(col(Credential.user_id))
    .add_cte(
        _others,
        _ended,
        _of_a_stranger(ApiToken, col(ApiToken.user_id), "tokens"),
        _of_a_stranger(_feed, _feed.c.user_id, "feeds_of_user"),
        _proven.cte("proven"),
    ),
    lock_by="user_id",
)
"""A link that was mailed also confirms the address."""

CONFIRM = Statement.of(_proven.returning(col(User.id)), lock_by="user_id")

_changed = (
    update(Credential)
    .where(col(Credential.user_id) == bindparam("user_id"), _is_used)
    .values(email=_email)
    .cte("changed")
)
CHANGE = Statement.of(
    update(User)
    .where(col(User.id) == bindparam("user_id"), _is_used)
    .values(email=_email, email_confirmed_at=func.now())
    .returning(col(User.id))
    .add_cte(_others, _changed),
    lock_by="user_id",
)


async def make(
    database: Database, user_id: str, purpose: Purpose, email: str | None, password_hash: str | None = None
) -> str | None:
    """The secret of a new link, which is sent to `email`.

    None when the account is gone, or has another password than that of `password_hash`, where one is given.
    """
    token = new_link_token()
    values = {"hash": link_token_hash(token), "purpose": purpose, "email": email, "lifetime": LIFETIMES[purpose]}
    values["password_hash"] = password_hash
    return token if await database.as_accounts(user_id).run(MAKE, **values) else None


async def reset_password(database: Database, passwords: Passwords, token: str, password: str) -> None:
    """Set a new password by a link, end all sessions and all other links. Raises Gone for a dead link.

    If the address was never confirmed, API tokens and feeds end too.
    """
    user_id, _ = await _found(database, token, "reset")
    hashed = await passwords.hash(password)
    db = database.as_accounts(user_id)
    if not await db.run(RESET, hash=link_token_hash(token), purpose="reset", password_hash=hashed):
        raise Gone(DEAD)


async def confirm_email(database: Database, token: str) -> None:
    """Confirm the address that a link was sent to, or change to it.

    Raises Gone for a dead link, and Conflict when another account has taken the address meanwhile.
    """
    user_id, purpose = await _found(database, token, "confirm", "change")
    statement = CHANGE if purpose == "change" else CONFIRM
    try:
        done = await database.as_accounts(user_id).run(statement, hash=link_token_hash(token), purpose=purpose)
    except UniqueViolation:
        raise Conflict("This e-mail address has another account already: choose another address.") from None
    if not done:
        raise Gone(DEAD)


async def _found(database: Database, token: str, *purposes: Purpose) -> tuple[str, Purpose]:
    rows = await database.as_accounts().run(FIND, hash=link_token_hash(token))
    if not rows or rows[0][1] not in purposes:
        raise Gone(DEAD)
    user_id, purpose = rows[0]
    return user_id, purpose
