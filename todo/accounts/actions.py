"""What one does with an account: sign up, sign in, change the password, look at it, delete it."""

import hashlib
from datetime import UTC, datetime
from uuid import UUID

from psycopg.errors import UniqueViolation
from sqlalchemy import Boolean, DateTime, LargeBinary, Text, bindparam, delete, func, insert, select, true, update
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlmodel import col

from todo.accounts.models import Credential, Departed, Deployment, Session, User, new_user_id
from todo.accounts.passwords import Passwords
from todo.accounts.tokens import Caller
from todo.database import ACCOUNTS, Database, Row, Statement, Tx
from todo.problems import Conflict, Invalid, NotFound, Unauthorized, WrongPassword
from todo.settings import CannotStart

SHOWN = (col(User.id), col(User.email), col(User.created_at))

_user = insert(User).values(id=bindparam("id"), email=bindparam("email")).returning(*SHOWN).cte("new_user")
_credential = (
    insert(Credential)
    .values(user_id=bindparam("id"), email=bindparam("email"), password_hash=bindparam("password_hash"))
    .returning(col(Credential.user_id))
    .cte("new_credential")
)
SIGN_UP = Statement.of(select(_user).add_cte(_credential))

_this_email = func.lower(col(Credential.email)) == func.lower(bindparam("email", type_=Text))

SIGN_IN = Statement.of(
    select(*SHOWN, col(Credential.password_hash))
    .join(Credential, col(Credential.user_id) == col(User.id))
    .where(_this_email),
    reads=True,
)

PASSWORD_HASH = Statement.of(
    select(col(Credential.password_hash)).where(col(Credential.user_id) == bindparam("user_id")), reads=True
)

_other_sessions = (
    delete(Session)
    .where(col(Session.user_id) == bindparam("user_id"))
    .where(col(Session.id).is_distinct_from(bindparam("kept", type_=Session.__table__.c.id.type)))  # type: ignore[attr-defined] # SQLModel sets it
    .cte("other_sessions")
)
SET_PASSWORD = Statement.of(
    update(Credential)
    .where(col(Credential.user_id) == bindparam("user_id"))
    .values(password_hash=bindparam("password_hash"))
    .returning(col(Credential.user_id))
    .add_cte(_other_sessions)
)

ME = Statement.of(select(*SHOWN).where(col(User.id) == bindparam("user_id")), reads=True)

DEPARTED_SINCE = Statement.of(
    select(col(Departed.at)).where(
        col(Departed.user_hash) == bindparam("user_hash", type_=LargeBinary),
        col(Departed.at) >= bindparam("issued_at", type_=DateTime(timezone=True)),
    ),
    reads=True,
)

_departure = (
    insert_or(Departed)
    .values(user_hash=bindparam("user_hash", type_=LargeBinary))
    .on_conflict_do_update(index_elements=[col(Departed.user_hash)], set_={"at": func.now()})
    .cte("departure")
)
DELETE = Statement.of(
    delete(User).where(col(User.id) == bindparam("user_id")).returning(col(User.id)).add_cte(_departure)
)

EVERYBODY = Statement.of(select(*SHOWN).order_by(col(User.created_at), col(User.id)), reads=True)

SETTLE = Statement.of(
    insert_or(Deployment)
    .values(singleton=true(), issuer=bindparam("issuer"))
    .on_conflict_do_update(
        index_elements=[col(Deployment.singleton)],
        set_={"issuer": bindparam("issuer")},
        where=bindparam("accept", type_=Boolean) | ~select(col(User.id)).exists(),
    )
)
ISSUER = Statement.of(select(col(Deployment.issuer)), reads=True)

START_OF_TIME = datetime.min.replace(tzinfo=UTC)


async def sign_up(database: Database, passwords: Passwords, email: str, password: str) -> Row:
    """Make an account; the user's row. Raises Conflict when the e-mail has one already."""
    hashed = await passwords.hash(password)
    try:
        [user] = await _accounts(database).one(SIGN_UP, id=new_user_id(), email=email, password_hash=hashed)
    except UniqueViolation:
        raise Conflict("This e-mail address has an account already: sign in.") from None
    return user


async def sign_in(database: Database, passwords: Passwords, email: str, password: str) -> Row:
    """The user whose e-mail and password these are. Raises WrongPassword, equally slowly, for anybody else."""
    found = await _accounts(database).one(SIGN_IN, email=email)
    *user, hashed = found[0] if found else (None,)
    if not await passwords.verify(password, hashed):
        raise WrongPassword
    return tuple(user)


async def change_password(database: Database, passwords: Passwords, caller: Caller, current: str, new: str) -> None:
    """Set a new password and end every other session. Raises Invalid when the current one is wrong."""
    tx = _accounts(database, caller.user_id)
    found = await tx.one(PASSWORD_HASH)
    if not found:
        raise Unauthorized("This account no longer exists.")
    if not await passwords.verify(current, found[0][0]):
        raise Invalid.at("body", "current", msg="is not the password of this account")
    await tx.one(SET_PASSWORD, password_hash=await passwords.hash(new), kept=caller.session_id)


async def me(tx: Tx, caller: Caller) -> Row:
    """The caller's own row; of an issuer's user who has written nothing yet, what the token says.

    Raises Unauthorized when the account is gone.
    """
    if found := await tx.one(ME):
        return found[0]
    if not caller.foreign:
        raise Unauthorized("This account no longer exists.")
    gone = {"user_hash": _hash(caller.user_id), "issued_at": caller.issued_at or START_OF_TIME}
    if await tx.one(DEPARTED_SINCE, **gone):
        raise Unauthorized("This account was deleted: sign in again to begin anew.")
    return caller.user_id, caller.email, None


async def delete_account(database: Database, user_id: str) -> None:
    """Delete a user and everything of theirs, in one transaction. Tokens from before do not bring them back."""
    await _accounts(database, user_id).one(DELETE, user_hash=_hash(user_id))


async def everybody(database: Database) -> list[Row]:
    """Every user, oldest first."""
    return await _accounts(database).one(EVERYBODY)


async def of_email(database: Database, email: str) -> Row:
    """The user with this e-mail. Raises NotFound."""
    found = await _accounts(database).one(SIGN_IN, email=email)
    if not found:
        raise NotFound(f"There is no account for {email}.")
    return found[0][:3]


async def set_password(database: Database, passwords: Passwords, user_id: str, password: str) -> None:
    """Set a password without knowing the old one, and end every session."""
    no_session: UUID | None = None
    await _accounts(database, user_id).one(SET_PASSWORD, password_hash=await passwords.hash(password), kept=no_session)


async def settle_issuer(database: Database, issuer: str, *, accept: bool = False) -> None:
    """Record whose subjects the user ids are. Raises CannotStart when they are another issuer's.

    A database without users takes any issuer; with users another one only when told to `accept` it.
    """
    tx = _accounts(database)
    await tx.one(SETTLE, issuer=issuer, accept=accept)
    recorded = (await tx.one(ISSUER))[0][0]
    if recorded != issuer:
        raise CannotStart(
            f"the users of this database were vouched for by {recorded}; under {issuer} their ids would mean other "
            "people. Set the issuer back, or start with `todo serve --accept-issuer` when you are sure"
        )


def _hash(user_id: str) -> bytes:
    return hashlib.sha256(user_id.encode()).digest()


def _accounts(database: Database, user_id: str = "") -> Tx:
    return Tx(database, user_id, ACCOUNTS)
