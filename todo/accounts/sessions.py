"""Sessions: a refresh token for each device that is signed in, rotated with every use.

A token that was used before is somebody's copy: whoever sends it ends the whole session
(RFC 9700 §4.14.2). Of two that send the newest one at the very same moment, one is served.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlmodel import col

from todo.accounts.models import Session, User
from todo.accounts.secrets import RefreshSecret
from todo.database import ACCOUNTS, Database, Row, Statement, Tx
from todo.problems import Unauthorized

START = Statement.of(
    insert(Session).values(
        id=bindparam("id"),
        user_id=bindparam("user_id"),
        token_hash=bindparam("token_hash"),
        expires_at=bindparam("expires_at"),
    )
)

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
    select(col(User.id), col(User.email), col(User.created_at))
    .join(_rotated, _rotated.c.user_id == col(User.id))
    .add_cte(_ended)
)

END = Statement.of(delete(Session).where(col(Session.id) == bindparam("id")))
END_ALL = Statement.of(delete(Session).where(col(Session.user_id) == bindparam("user_id")))


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions of a deployment, each of which ends `lifetime` seconds after its last use."""

    database: Database
    lifetime: int

    async def start(self, user_id: str) -> RefreshSecret:
        """Sign a device in; its refresh token."""
        token = RefreshSecret.new()
        await self._tx(user_id).one(START, id=token.session_id, token_hash=token.hash, expires_at=self._end())
        return token

    async def rotate(self, text: str) -> tuple[Row, RefreshSecret]:
        """Whose refresh token it is, and the next one.

        Raises Unauthorized for one that is unknown, over, or was used before, which ends its session.
        """
        used = RefreshSecret.parse(text)
        if used is None:
            raise Unauthorized("The refresh token is not valid: sign in again.")
        token = RefreshSecret.new(used.session_id)
        rows = await self._tx().one(ROTATE, id=used.session_id, used=used.hash, next=token.hash, ends_at=self._end())
        if not rows:
            raise Unauthorized("The refresh token is over or was used before: sign in again.")
        return rows[0], token

    async def end(self, session_id: UUID) -> None:
        """Sign a device out."""
        await self._tx().one(END, id=session_id)

    async def end_all(self, user_id: str) -> None:
        """Sign all devices of a user out."""
        await self._tx(user_id).one(END_ALL)

    def _end(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.lifetime)

    def _tx(self, user_id: str = "") -> Tx:
        return Tx(self.database, user_id, ACCOUNTS)
