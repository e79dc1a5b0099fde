"""Sessions: a refresh token for each device that is signed in, rotated with every use.

A token whose rotation is older than GRACE means that it was copied: it ends the session (RFC 9700 §4.14.2). Until
then it is answered with the newest token again, since an answer can get lost, and tabs of a browser refresh at the same
time. The newest token is not stored: each is computed from the one before and a salt of its rotation.
"""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    Interval,
    LargeBinary,
    Text,
    Uuid,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col

from todo.accounts.rows import USER_COLUMNS, UserRow
from todo.accounts.secrets import RefreshSecret
from todo.accounts.session_list import MAX_SESSIONS, NEWEST_USE_FIRST
from todo.accounts.tables import Credential, Session
from todo.auth.tables import User
from todo.db.database import Database
from todo.db.statement import Statement
from todo.db.transaction import Transaction
from todo.problems import Unauthorized, WrongPassword

GRACE = timedelta(seconds=30)
"""For how long after its rotation a refresh token is answered with the newest one again."""

MOST_ROTATIONS = 20
"""Rotations of a session that are kept; of more within GRACE, the oldest count as past it."""


class Rotation(msgspec.Struct):
    """A use of a refresh token: its hash in hexadecimal, when, and the salt that makes the next token of it."""

    token_hash: str
    at: datetime
    salt: str


class Found(msgspec.Struct):
    """A session that a refresh token names, and the time in the database."""

    token_hash: bytes
    rotations: list[dict[str, Any]]
    expired: bool
    now: datetime


_mine = col(Session.user_id) == bindparam("user_id")
_expired = col(Session.expires_at) <= func.now()
_surplus = (
    select(col(Session.id))
    .where(_mine)
    .where(~_expired)
    .order_by(*NEWEST_USE_FIRST)
    .offset(literal_column(str(MAX_SESSIONS - 1)))
)
_ended = delete(Session).where(_mine).where(or_(_expired, col(Session.id).in_(_surplus))).cte("ended")
START = Statement.of(
    insert(Session)
    .from_select(
        ["id", "user_id", "token_hash", "expires_at", "client"],
        select(
            bindparam("id", type_=Uuid),
            col(Credential.user_id),
            bindparam("token_hash", type_=LargeBinary),
            func.now() + bindparam("lifetime", type_=Interval),
            bindparam("client", type_=Text),
        )
        .where(col(Credential.user_id) == bindparam("user_id"))
        .where(col(Credential.password_hash) == bindparam("password_hash")),
    )
    .returning(col(Session.id))
    .add_cte(_ended),
    lock_by="user_id",
)
"""Only while the password hash is the one that was verified: otherwise a concurrent change of the password would leave
this session open."""

FIND = Statement.of(
    select(col(Session.token_hash), col(Session.rotations), col(Session.expires_at) <= func.now(), func.now()).where(
        col(Session.id) == bindparam("id")
    ),
    row=Found,
    lock_by="id",
)

_rotated = (
    update(Session)
    .where(col(Session.id) == bindparam("id"))
    .values(
        token_hash=bindparam("next"),
        rotations=cast(bindparam("rotations", type_=Text), JSONB),
        expires_at=func.now() + bindparam("lifetime", type_=Interval),
        last_used_at=func.now(),
    )
    .returning(col(Session.user_id))
    .cte("rotated")
)
ROTATE = Statement.of(select(*USER_COLUMNS).join(_rotated, _rotated.c.user_id == col(User.id)), row=UserRow)

USER = Statement.of(
    select(*USER_COLUMNS).join(Session, col(Session.user_id) == col(User.id)).where(col(Session.id) == bindparam("id")),
    row=UserRow,
)

END = Statement.of(delete(Session).where(col(Session.id) == bindparam("id")))
END_ALL = Statement.of(delete(Session).where(_mine))


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions of a deployment, each of which ends `lifetime` seconds after its last use."""

    database: Database
    lifetime: int

    async def start(self, user_id: str, password_hash: str, client: str | None = None) -> RefreshSecret:
        """Sign a device in, whose list entry says `client`; its refresh token. Ends the user's surplus sessions.

        Raises WrongPassword when the password, or the account, has changed since its hash was verified.
        """
        token = RefreshSecret.new()
        started = await self.database.as_accounts(user_id).run(
            START,
            id=token.session_id,
            token_hash=token.hash,
            lifetime=timedelta(seconds=self.lifetime),
            password_hash=password_hash,
            client=client,
        )
        if not started:
            raise WrongPassword
        return token

    async def rotate(self, text: str) -> tuple[UserRow, RefreshSecret]:
        """The user whose refresh token it is, and the next token; for GRACE after its use the newest token again.

        Raises Unauthorized for one that is unknown, expired, or was used before that, which ends its session.
        """
        used = RefreshSecret.parse(text)
        if used is None:
            raise Unauthorized("The refresh token is not valid: sign in again.")

        async def rotated(transaction: Transaction) -> tuple[UserRow, RefreshSecret] | None:
            return await self._rotated(transaction, used)

        done = await self.database.as_accounts().in_transaction(rotated)
        if done is None:
            raise Unauthorized("The refresh token has expired or was used before: sign in again.")
        return done

    async def _rotated(self, transaction: Transaction, used: RefreshSecret) -> tuple[UserRow, RefreshSecret] | None:
        """The user and the newest token, which this use makes unless an earlier one did; None for a session's end."""
        session_id = used.session_id
        found = await transaction.fetch(FIND, id=session_id)
        if not found:
            return None
        session = found[0]
        rotations = [msgspec.convert(each, Rotation) for each in session.rotations]
        recent = [each for each in rotations if each.at > session.now - GRACE]
        first_use = hmac.compare_digest(used.hash, session.token_hash)
        token = used if first_use else _newest(used, recent)
        if session.expired or token is None or not hmac.compare_digest(token.hash, session.token_hash):
            transaction.queue(END, id=session_id)
            return None
        if first_use:
            salt = secrets.token_bytes(32)
            token = used.successor(salt)
            kept = [*recent, Rotation(used.hash.hex(), session.now, salt.hex())][-MOST_ROTATIONS:]
            change = {"next": token.hash, "rotations": msgspec.json.encode(kept).decode()}
            users = await transaction.fetch(ROTATE, id=session_id, **change, lifetime=timedelta(seconds=self.lifetime))
        else:
            users = await transaction.fetch(USER, id=session_id)
        return (users[0], token) if users else None

    async def end(self, text: str) -> None:
        """Sign the device out whose refresh token this is."""
        token = RefreshSecret.parse(text)
        if token is not None:
            async with self.database.as_accounts().transaction() as transaction:
                found = await transaction.fetch(FIND, id=token.session_id)
                known = [bytes.fromhex(each["token_hash"]) for row in found for each in row.rotations]
                if token.hash in [*known, *(row.token_hash for row in found)]:
                    transaction.queue(END, id=token.session_id)

    async def end_all(self, user_id: str) -> None:
        """Sign all devices of a user out."""
        await self.database.as_accounts(user_id).run(END_ALL)


def _newest(used: RefreshSecret, rotations: Sequence[Rotation]) -> RefreshSecret | None:
    """The newest token of the session, computed from one that these rotations used; None where none of them did."""
    token = None
    for rotation in rotations:
        if token is None and rotation.token_hash == used.hash.hex():
            token = used
        if token is not None:
            token = token.successor(bytes.fromhex(rotation.salt))
    return token
