"""What a user does with an account: sign up, sign in, change the password, look at it, delete it."""

import hashlib
import uuid
from datetime import datetime, timedelta
from typing import Any

import msgspec
from psycopg.errors import UniqueViolation
from sqlalchemy import (
    Boolean,
    DateTime,
    LargeBinary,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlmodel import col

from todo.accounts.passwords import Passwords
from todo.accounts.rows import USER_COLUMNS, MeRow, UserRow
from todo.accounts.session_list import PUBLIC_ID
from todo.accounts.tables import Credential, OneTimeLink, Session
from todo.auth.caller import Caller
from todo.auth.issuers import BUILT_IN
from todo.auth.tables import DeletedUser, Deployment, User
from todo.db.database import Database, ScopedDatabase
from todo.db.roles import ACCOUNTS
from todo.db.statement import Statement
from todo.db.transaction import Transaction
from todo.problems import Conflict, Invalid, NotFound, Unauthorized, WrongPassword
from todo.settings import CannotStart
from todo.tasks.tables import Task

MAX_LEEWAY = timedelta(seconds=300)
"""The most that JWT_LEEWAY may be."""

_user = (
    insert(User)
    .values(id=bindparam("id"), email=bindparam("email"), name=bindparam("name"))
    .returning(*USER_COLUMNS)
    .cte("new_user")
)
_credential = (
    insert(Credential)
    .values(user_id=bindparam("id"), email=bindparam("email"), password_hash=bindparam("password_hash"))
    .returning(col(Credential.user_id))
    .cte("new_credential")
)
SIGN_UP = Statement.of(select(_user).add_cte(_credential), row=UserRow)

_has_email = func.lower(col(Credential.email)) == func.lower(bindparam("email", type_=Text))


def _user_and_hash(*columns: Any) -> tuple[UserRow, str]:
    return UserRow(*columns[:-1]), columns[-1]


SIGN_IN = Statement.of(
    select(*USER_COLUMNS, col(Credential.password_hash))
    .join(Credential, col(Credential.user_id) == col(User.id))
    .where(_has_email),
    row=_user_and_hash,
    read_only=True,
)

PASSWORD_HASH = Statement.of(
    select(col(Credential.password_hash)).where(col(Credential.user_id) == bindparam("user_id")), read_only=True
)

_other_sessions = (
    delete(Session)
    .where(col(Session.user_id) == bindparam("user_id"))
    .where(PUBLIC_ID.is_distinct_from(bindparam("kept", type_=Text)))
    .cte("other_sessions")
)
_links = delete(OneTimeLink).where(col(OneTimeLink.user_id) == bindparam("user_id")).cte("links")
SET_PASSWORD = Statement.of(
    update(Credential)
    .where(col(Credential.user_id) == bindparam("user_id"))
    .values(password_hash=bindparam("password_hash"))
    .returning(col(Credential.user_id))
    .add_cte(_other_sessions, _links),
    lock_by="user_id",
)

ME = Statement.of(
    select(*USER_COLUMNS, col(User.email_confirmed_at).is_not(None)).where(col(User.id) == bindparam("user_id")),
    row=MeRow,
    read_only=True,
)

_deleted_since = select(col(DeletedUser.at)).where(
    col(DeletedUser.user_hash) == bindparam("user_hash", type_=LargeBinary),
    col(DeletedUser.at) >= bindparam("issued_at", type_=DateTime(timezone=True)),
)
DELETED_SINCE = Statement.of(_deleted_since, read_only=True)

_deleted_user = (
    delete(User)
    .where(col(User.id) == bindparam("user_id"))
    .where(~_deleted_since.exists())
    .returning(col(User.revision))
    .cte("deleted_user")
)
_deleted_at = func.least(
    func.greatest(func.now(), bindparam("issued_at", type_=DateTime(timezone=True))), func.now() + MAX_LEEWAY
)
"""Not before the token that asks for it was issued, by a clock that may be ahead: it must not bring the user back."""
_deletion = insert_or(DeletedUser).from_select(
    ["user_hash", "at", "revision"],
    select(bindparam("user_hash", type_=LargeBinary), _deleted_at, _deleted_user.c.revision),
)
DELETE = Statement.of(
    _deletion.on_conflict_do_update(
        index_elements=[col(DeletedUser.user_hash)],
        set_={"at": _deletion.excluded.at, "revision": _deletion.excluded.revision},
    ).returning(col(DeletedUser.at)),
    long_running=True,
)

_tasks_of_user = (
    select(col(Task.id)).where(col(Task.user_id) == bindparam("user_id")).order_by(col(Task.id)).with_for_update()
)
LOCK_TASKS = Statement.of(
    select(func.count()).select_from(_tasks_of_user.subquery()), lock_by="user_id", long_running=True
)
"""Before their user's row is locked: the lock order of all writers."""

ALL_USERS = Statement.of(
    select(*USER_COLUMNS).order_by(col(User.created_at), col(User.id)), row=UserRow, read_only=True
)

_may_record = bindparam("accept", type_=Boolean) | ~select(col(User.id)).exists()
RECORD_ISSUER = Statement.of(
    insert_or(Deployment)
    .from_select(["singleton", "issuer"], select(true(), bindparam("issuer", type_=Text)).where(_may_record))
    .on_conflict_do_update(index_elements=[col(Deployment.singleton)], set_={"issuer": bindparam("issuer")})
)
ISSUER = Statement.of(select(col(Deployment.issuer)), read_only=True)


async def sign_up(
    database: Database, passwords: Passwords, email: str, password: str, name: str | None = None
) -> tuple[UserRow, str]:
    """Make an account; the user and their password's hash. Raises Conflict when the e-mail has one already."""
    hashed = await passwords.hash(password)
    try:
        [user] = await database.as_accounts().run(
            SIGN_UP, id=str(uuid.uuid4()), email=email, name=name, password_hash=hashed
        )
    except UniqueViolation:
        raise Conflict("This e-mail address has an account already: sign in.") from None
    return user, hashed


async def sign_in(database: Database, passwords: Passwords, email: str, password: str) -> tuple[UserRow, str]:
    """The user with this e-mail and password, and the password's hash.

    Raises WrongPassword, equally slowly for an unknown e-mail and a wrong password.
    """
    found = await database.as_accounts().run(SIGN_IN, email=email)
    user, hashed = found[0] if found else (None, None)
    if not await passwords.verify(password, hashed) or user is None or hashed is None:
        raise WrongPassword
    return user, hashed


async def change_password(database: Database, passwords: Passwords, caller: Caller, current: str, new: str) -> None:
    """Set a new password, end every other session and all links. Raises Invalid when the current one is wrong."""
    await verify_password(database, passwords, caller, current, "current")
    hashed = await passwords.hash(new)
    await database.as_accounts(caller.user_id).run(SET_PASSWORD, password_hash=hashed, kept=caller.session)


async def verify_password(database: Database, passwords: Passwords, caller: Caller, password: str, field: str) -> str:
    """The hash of the caller's password, which `password` is.

    Raises Invalid, naming `field`, when it is not, and Unauthorized when they are gone.
    """
    found = await database.as_accounts(caller.user_id).run(PASSWORD_HASH)
    if not found:
        raise Unauthorized("This account no longer exists.")
    hashed: str = found[0][0]
    if not await passwords.verify(password, hashed):
        raise Invalid.at("body", field, msg="is not the password of this account")
    return hashed


async def me(db: ScopedDatabase, caller: Caller) -> MeRow:
    """The caller; of an external user who has written nothing yet, what the token says.

    Raises Unauthorized when the account is gone.
    """
    if found := await db.run(ME):
        user = found[0]
        if caller.external:
            user.email_confirmed = msgspec.UNSET
        if db.agent is not None:
            user.email = user.name = None  # it keeps tasks, and needs no more
        return user
    if not caller.external:
        raise Unauthorized("This account no longer exists.")
    if await db.run(DELETED_SINCE, user_hash=_hash(caller.user_id), issued_at=caller.issued_at):
        raise Unauthorized("This account was deleted: sign in again to start a new one.")
    return MeRow(caller.user_id, caller.email, None, None)


async def delete_me(database: Database, caller: Caller) -> None:
    """Delete the caller and everything of theirs. Raises Unauthorized for a token from before an earlier deletion."""
    if not await delete_account(database, caller.user_id, caller.issued_at):
        since = {"user_hash": _hash(caller.user_id), "issued_at": caller.issued_at}
        if await database.as_accounts().run(DELETED_SINCE, **since):
            raise Unauthorized("This account was deleted.")


async def delete_account(database: Database, user_id: str, issued_at: datetime) -> bool:
    """Delete a user and everything of theirs in one transaction, unless they were deleted since `issued_at`.

    Earlier tokens do not bring them back. Returns whether there was a user to delete.
    """

    async def deleted(transaction: Transaction) -> bool:
        transaction.queue(LOCK_TASKS)
        transaction.set_role(ACCOUNTS)
        return bool(await transaction.fetch(DELETE, user_hash=_hash(user_id), issued_at=issued_at))

    return await database.as_user(user_id).in_transaction(deleted)


async def all_users(database: Database) -> list[UserRow]:
    """Every user, oldest first."""
    return await database.as_accounts().run(ALL_USERS)


async def user_with_email(database: Database, email: str) -> UserRow:
    """The user with this e-mail. Raises NotFound."""
    found = await database.as_accounts().run(SIGN_IN, email=email)
    if not found:
        raise NotFound(f"There is no account for {email}.")
    return found[0][0]


async def set_password(database: Database, passwords: Passwords, user_id: str, password: str) -> None:
    """Set a password without knowing the old one, and end every session and all links."""
    await database.as_accounts(user_id).run(SET_PASSWORD, password_hash=await passwords.hash(password), kept=None)


async def record_issuer(database: Database, issuer: str, *, accept: bool = False) -> None:
    """Record whose subjects the user ids are. Raises CannotStart when they are another issuer's.

    A database without users takes any issuer; with users another one only when `accept` says so.
    """
    db = database.as_accounts()
    await db.run(RECORD_ISSUER, issuer=issuer, accept=accept)
    rows = await db.run(ISSUER)
    recorded = rows[0][0] if rows else BUILT_IN
    if recorded != issuer:
        raise CannotStart(
            f"the user ids of this database were issued by {recorded}; under {issuer} they would mean other "
            "people. Set the issuer back, or start with `todo serve --accept-issuer` when you are sure"
        )


def _hash(user_id: str) -> bytes:
    return hashlib.sha256(user_id.encode()).digest()
