"""Sessions: a refresh token for each device that is signed in, rotated with every use.

The reuse of a rotated token means that it was copied: it ends the session (RFC 9700 §4.14.2), also where two requests
send it at the same moment.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import DateTime, LargeBinary, Uuid, bindparam, delete, func, insert, or_, select, update
from sqlmodel import col

from todo.accounts.rows import USER_COLUMNS, UserRow
from todo.accounts.secrets import RefreshSecret
from todo.accounts.tables import Credential, Session
from todo.auth.tables import User
from todo.db.database import Database
from todo.db.statement import Statement
from todo.problems import Unauthorized, WrongPassword

_expired = (
    delete(Session)
    .where(col(Session.user_id) == bindparam("user_id"))
    .where(col(Session.expires_at) <= func.now())
    .cte("expired")
)
START = Statement.of(
    insert(Session)
    .from_select(
        ["id", "user_id", "token_hash", "expires_at"],
        select(
            bindparam("id", type_=Uuid),
            col(Credential.user_id),
            bindparam("token_hash", type_=LargeBinary),
            bindparam("expires_at", type_=DateTime(timezone=True)),
        )
        .where(col(Credential.user_id) == bindparam("user_id"))
        .where(col(Credential.password_hash) == bindparam("password_hash")),
    )
    .returning(col(Session.id))
    .add_cte(_expired),
    lock_by="user_id",
)
"""Only while the password hash is the one that was verified: otherwise a concurrent change of the password would leave
this session open."""

_rotated = (
    update(Session)
    .where(col(Session.id) == bindparam("id"))
    .where(col(Session.token_hash) == bindparam("used"))
    .where(col(Session.expires_at) > func.now())
    .values(token_hash=bindparam("next"), expires_at=bindparam("ends_at"))
    .returning(col(Session.user_id))
    .cte("rotated")
)
_ended = (
    delete(Session)
    .where(col(Session.id) == bindparam("id"))
    .where(or_(col(Session.token_hash) != bindparam("used"), col(Session.expires_at) <= func.now()))
    .returning(col(Session.id))
    .cte("ended")
)
ROTATE = Statement.of(
    select(*USER_COLUMNS).join(_rotated, _rotated.c.user_id == col(User.id)).add_cte(_ended),
    row=UserRow,
    lock_by="id",
)

END = Statement.of(
    delete(Session).where(col(Session.id) == bindparam("id")).where(col(Session.token_hash) == bindparam("used"))
)
END_ALL = Statement.of(delete(Session).where(col(Session.user_id) == bindparam("user_id")))


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions of a deployment, each of which ends `lifetime` seconds after its last use."""

    database: Database
    lifetime: int

    async def start(self, user_id: str, password_hash: str) -> RefreshSecret:
        """Sign a device in; its refresh token.

        Raises WrongPassword when the password, or the account, has changed since its hash was verified.
        """
        token = RefreshSecret.new()
        started = await self.database.as_accounts(user_id).run(
            START, id=token.session_id, token_hash=token.hash, expires_at=self._end(), password_hash=password_hash
        )
        if not started:
            raise WrongPassword
        return token

    async def rotate(self, text: str) -> tuple[UserRow, RefreshSecret]:
        """The user whose refresh token it is, and the next token.

        Raises Unauthorized for one that is unknown, expired, or was used before, which ends its session.
        """
        used = RefreshSecret.parse(text)
        if used is None:
            raise Unauthorized("The refresh token is not valid: sign in again.")
        token = RefreshSecret.new(used.session_id)
        rows = await self.database.as_accounts().run(
            ROTATE, id=used.session_id, used=used.hash, next=token.hash, ends_at=self._end()
        )
        if not rows:
            raise Unauthorized("The refresh token has expired or was used before: sign in again.")
        return rows[0], token

    async def end(self, text: str) -> None:
        """Sign the device out whose newest refresh token this is."""
        token = RefreshSecret.parse(text)
        if token is not None:
            await self.database.as_accounts().run(END, id=token.session_id, used=token.hash)

    async def end_all(self, user_id: str) -> None:
        """Sign all devices of a user out."""
        await self.database.as_accounts(user_id).run(END_ALL)

    def _end(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.lifetime)
