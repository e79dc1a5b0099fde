"""The keys that sign our tokens: one is current, older ones stay published until their last token is gone."""

from datetime import timedelta

import msgspec
from sqlalchemy import Interval, Text, bindparam, cast, delete, func, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import col

from todo.accounts.models import SigningKey
from todo.accounts.tokens import KeyPair, KeyRing
from todo.database import ACCOUNTS, Database
from todo.statements import Statement
from todo.transactions import Transaction, Tx

MARGIN = timedelta(minutes=5)
"""How long a worker may go on signing with a key that was just retired, and then some."""

ADD = Statement.of(
    insert(SigningKey)
    .values(
        kid=bindparam("kid"),
        private_key=bindparam("private_key"),
        public_jwk=cast(bindparam("public_jwk", type_=Text), JSONB),
    )
    .on_conflict_do_nothing()
)

RETIRE = Statement.of(update(SigningKey).values(retired_at=func.now()).where(col(SigningKey.retired_at).is_(None)))

FORGET = Statement.of(
    delete(SigningKey).where(col(SigningKey.retired_at) < func.now() - bindparam("tokens_live", type_=Interval))
)

PUBLISHED = Statement.of(
    select(
        col(SigningKey.kid),
        col(SigningKey.private_key),
        col(SigningKey.public_jwk),
        col(SigningKey.retired_at).is_(None).label("current"),
    )
    .where(
        or_(
            col(SigningKey.retired_at).is_(None),
            col(SigningKey.retired_at) >= func.now() - bindparam("tokens_live", type_=Interval),
        )
    )
    .order_by(literal_column("4").desc(), col(SigningKey.created_at).desc()),
    reads=True,
)


async def load_keys(database: Database, lifetime: int) -> KeyRing:
    """The keys of this deployment, with a first one made when there is none.

    Any number of servers may start at once: the database lets one key be current, and all read that one.
    `lifetime` is that of the access tokens, in seconds.
    """
    tx, live = Tx(database, "", ACCOUNTS), timedelta(seconds=lifetime) + MARGIN
    rows = await tx.one(PUBLISHED, tokens_live=live)
    if not rows or not rows[0][3]:
        async with tx.several() as several:
            _add(several)
            rows = await several.rows(PUBLISHED, tokens_live=live)
    kid, private_key, public_jwk, _ = rows[0]
    return KeyRing(KeyPair(kid, private_key, public_jwk), [row[2] for row in rows])


async def rotate(database: Database, lifetime: int) -> str:
    """Make a new key current; its id. The old one stays published for as long as its tokens live."""
    async with Tx(database, "", ACCOUNTS).several() as several:
        several.run(FORGET, tokens_live=timedelta(seconds=lifetime) + MARGIN)
        several.run(RETIRE)
        _add(several)
        current: str = (await several.rows(PUBLISHED, tokens_live=timedelta()))[0][0]
        return current  # of two rotations at once, both name the one that was made


def _add(several: Transaction) -> None:
    key = KeyPair.new()
    jwk = msgspec.json.encode(key.public_jwk).decode()
    several.run(ADD, kid=key.kid, private_key=key.private_key, public_jwk=jwk)
