"""What one does with an account: sign up, sign in, change the password, look at it, delete it."""

import hashlib
from datetime import datetime

from psycopg.errors import UniqueViolation
from sqlalchemy import (
    Boolean,
    DateTime,
    LargeBinary,
    Text,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlmodel import col

from todo.accounts.issuers import OWN
from todo.accounts.models import Credential, Departed, Deployment, Session, User, new_user_id
from todo.accounts.passwords import Passwords
from todo.accounts.tokens import Caller
from todo.database import ACCOUNTS, Database
from todo.flights import Row
from todo.problems import Conflict, Invalid, NotFound, Unauthorized, WrongPassword
from todo.settings import CannotStart
from todo.statements import Statement
from todo.tasks.models import Task
from todo.transactions import Transaction, Tx

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

_session_hash = func.sha256(func.convert_to(cast(col(Session.id), Text), literal_column("'UTF8'")))
_public_id = func.left(func.encode(_session_hash, literal_column("'hex'")), literal_column("32"))
_other_sessions = (
    delete(Session)
    .where(col(Session.user_id) == bindparam("user_id"))
    .where(_public_id.is_distinct_from(bindparam("kept", type_=Text)))
    .cte("other_sessions")
)
SET_PASSWORD = Statement.of(
    update(Credential)
    .where(col(Credential.user_id) == bindparam("user_id"))
    .values(password_hash=bindparam("password_hash"))
    .returning(col(Credential.user_id))
    .add_cte(_other_sessions),
    alone_by="user_id",
)

ME = Statement.of(select(*SHOWN).where(col(User.id) == bindparam("user_id")), reads=True)

_departed_since = select(col(Departed.at)).where(
    col(Departed.user_hash) == bindparam("user_hash", type_=LargeBinary),
    col(Departed.at) >= bindparam("issued_at", type_=DateTime(timezone=True)),
)
DEPARTED_SINCE = Statement.of(_departed_since, reads=True)

_gone = (
    delete(User)
    .where(col(User.id) == bindparam("user_id"))
    .where(~_departed_since.exists())
    .returning(col(User.revision))
    .cte("gone")
)
_departure = insert_or(Departed).from_select(
    ["user_hash", "at", "revision"],
    select(bindparam("user_hash", type_=LargeBinary), func.now(), _gone.c.revision),
)
DELETE = Statement.of(
    _departure.on_conflict_do_update(
        index_elements=[col(Departed.user_hash)], set_={"at": func.now(), "revision": _departure.excluded.revision}
    ).returning(col(Departed.at)),
    slow=True,
)

_their_tasks = (
    select(col(Task.id)).where(col(Task.user_id) == bindparam("user_id")).order_by(col(Task.id)).with_for_update()
)
HOLD_TASKS = Statement.of(select(func.count()).select_from(_their_tasks.subquery()), alone_by="user_id", slow=True)
"""Before their user is touched, in the order in which everybody locks."""

EVERYBODY = Statement.of(select(*SHOWN).order_by(col(User.created_at), col(User.id)), reads=True)

_may_settle = bindparam("accept", type_=Boolean) | ~select(col(User.id)).exists()
SETTLE = Statement.of(
    insert_or(Deployment)
    .from_select(["singleton", "issuer"], select(true(), bindparam("issuer", type_=Text)).where(_may_settle))
    .on_conflict_do_update(index_elements=[col(Deployment.singleton)], set_={"issuer": bindparam("issuer")})
)
ISSUER = Statement.of(select(col(Deployment.issuer)), reads=True)


async def sign_up(database: Database, passwords: Passwords, email: str, password: str) -> tuple[Row, str]:
    """Make an account; the user's row and their password's hash. Raises Conflict when the e-mail has one already."""
    hashed = await passwords.hash(password)
    try:
        [user] = await _accounts(database).one(SIGN_UP, id=new_user_id(), email=email, password_hash=hashed)
    except UniqueViolation:
        raise Conflict("This e-mail address has an account already: sign in.") from None
    return user, hashed


async def sign_in(database: Database, passwords: Passwords, email: str, password: str) -> tuple[Row, str]:
    """The user whose e-mail and password these are, and its hash.

    Raises WrongPassword, equally slowly, for anybody else.
    """
    found = await _accounts(database).one(SIGN_IN, email=email)
    *user, hashed = found[0] if found else (None,)
    if not await passwords.verify(password, hashed) or hashed is None:
        raise WrongPassword
    return tuple(user), hashed


async def change_password(database: Database, passwords: Passwords, caller: Caller, current: str, new: str) -> None:
    """Set a new password and end every other session. Raises Invalid when the current one is wrong."""
    tx = _accounts(database, caller.user_id)
    found = await tx.one(PASSWORD_HASH)
    if not found:
        raise Unauthorized("This account no longer exists.")
    if not await passwords.verify(current, found[0][0]):
        raise Invalid.at("body", "current", msg="is not the password of this account")
    await tx.one(SET_PASSWORD, password_hash=await passwords.hash(new), kept=caller.session)


async def me(tx: Tx, caller: Caller) -> Row:
    """The caller's own row; of an issuer's user who has written nothing yet, what the token says.

    Raises Unauthorized when the account is gone.
    """
    if found := await tx.one(ME):
        return found[0]
    if not caller.foreign:
        raise Unauthorized("This account no longer exists.")
    if await tx.one(DEPARTED_SINCE, user_hash=_hash(caller.user_id), issued_at=caller.issued_at):
        raise Unauthorized("This account was deleted: sign in again to begin anew.")
    return caller.user_id, caller.email, None


async def leave(database: Database, caller: Caller) -> None:
    """Delete the caller and everything of theirs. Raises Unauthorized for a token from before they left."""
    if not await delete_account(database, caller.user_id, caller.issued_at):
        since = {"user_hash": _hash(caller.user_id), "issued_at": caller.issued_at}
        if await _accounts(database).one(DEPARTED_SINCE, **since):
            raise Unauthorized("This account was deleted.")


async def delete_account(database: Database, user_id: str, issued_at: datetime) -> bool:
    """Delete a user and everything of theirs in one transaction, unless they left since `issued_at`.

    Tokens from before do not bring them back. Says whether there was somebody to delete.
    """

    async def gone(steps: Transaction) -> bool:
        steps.run(HOLD_TASKS)
        steps.become(ACCOUNTS)
        return bool(await steps.rows(DELETE, user_hash=_hash(user_id), issued_at=issued_at))

    return await Tx(database, user_id).atomically(gone)


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
    await _accounts(database, user_id).one(SET_PASSWORD, password_hash=await passwords.hash(password), kept=None)


async def settle_issuer(database: Database, issuer: str, *, accept: bool = False) -> None:
    """Record whose subjects the user ids are. Raises CannotStart when they are another issuer's.

    A database without users takes any issuer; with users another one only when told to `accept` it.
    """
    tx = _accounts(database)
    await tx.one(SETTLE, issuer=issuer, accept=accept)
    rows = await tx.one(ISSUER)
    recorded = rows[0][0] if rows else OWN
    if recorded != issuer:
        raise CannotStart(
            f"the users of this database were vouched for by {recorded}; under {issuer} their ids would mean other "
            "people. Set the issuer back, or start with `todo serve --accept-issuer` when you are sure"
        )


def _hash(user_id: str) -> bytes:
    return hashlib.sha256(user_id.encode()).digest()


def _accounts(database: Database, user_id: str = "") -> Tx:
    return Tx(database, user_id, ACCOUNTS)
