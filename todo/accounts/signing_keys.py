"""The keys that sign access tokens (Ed25519, RFC 8037): one is current, older ones are published while tokens of
theirs are valid.
"""

import base64
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from sqlalchemy import Interval, Text, bindparam, cast, delete, func, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import col

from todo.accounts.tables import SigningKey
from todo.auth.caller import Caller
from todo.auth.jwt import Expectations, caller_of, key_id, verified
from todo.db.database import Database
from todo.db.statement import Statement
from todo.db.transaction import Transaction
from todo.problems import Unauthorized


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A signing key: its id, its private half as PKCS 8 PEM, its public half as a JWK."""

    kid: str
    private_key: str
    public_jwk: dict[str, Any]

    @classmethod
    def new(cls) -> "KeyPair":
        """A new key, named by its thumbprint (RFC 7638)."""
        key = Ed25519PrivateKey.generate()
        x = _base64url(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        kid = _base64url(hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return cls(kid, pem, {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA"})


class KeyRing:
    """Our own keys: the current one signs, all that are published verify."""

    def __init__(self, current: KeyPair, published: Sequence[Mapping[str, Any]]) -> None:
        self.published = [dict(jwk) for jwk in published]
        self.kid = current.kid
        self.signing_key = load_pem_private_key(current.private_key.encode(), None)
        self._verifying = {jwk["kid"]: jwt.PyJWK(jwk, "EdDSA").key for jwk in self.published}

    def issue(self, user_id: str, session: str, lifetime: int) -> str:
        """A token for `user_id`, of this session, that lives for `lifetime` seconds."""
        now = int(time.time())
        claims = {"sub": user_id, "iat": now, "exp": now + lifetime, "sid": session}
        return jwt.encode(claims, self.signing_key, "EdDSA", headers={"kid": self.kid})  # type: ignore[arg-type] # Ed25519

    def has(self, kid: str | None) -> bool:
        """Whether this is one of our keys."""
        return kid in self._verifying

    def caller(self, token: str) -> Caller:
        """The caller whose token it is. Raises Unauthorized for every token that is not ours, whole and in time."""
        key = self._verifying.get(key_id(token) or "")
        if key is None:
            raise Unauthorized("The access token was signed by an unknown key.")
        return caller_of(verified(token, key, "EdDSA", Expectations()), external=False)


MARGIN = timedelta(minutes=5)
"""How long a worker may go on signing with a key that was just retired, and a little more."""

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
    read_only=True,
)


async def load_keys(database: Database, lifetime: int) -> KeyRing:
    """The keys of this deployment, with a first one made when there is none.

    Any number of servers may start at once: the database lets one key be current, and all read that one.
    `lifetime` is that of the access tokens, in seconds.
    """
    db, live = database.as_accounts(), timedelta(seconds=lifetime) + MARGIN
    rows = await db.run(PUBLISHED, tokens_live=live)
    if not rows or not rows[0][3]:
        async with db.transaction() as transaction:
            _add(transaction)
            rows = await transaction.fetch(PUBLISHED, tokens_live=live)
    kid, private_key, public_jwk, _ = rows[0]
    return KeyRing(KeyPair(kid, private_key, public_jwk), [row[2] for row in rows])


async def rotate(database: Database, lifetime: int) -> str:
    """Make a new key current; its id. The old one stays published for as long as its tokens live."""
    async with database.as_accounts().transaction() as transaction:
        transaction.queue(FORGET, tokens_live=timedelta(seconds=lifetime) + MARGIN)
        transaction.queue(RETIRE)
        _add(transaction)
        current: str = (await transaction.fetch(PUBLISHED, tokens_live=timedelta()))[0][0]
        return current  # of two rotations at once, both name the one that was made


def _add(transaction: Transaction) -> None:
    key = KeyPair.new()
    jwk = msgspec.json.encode(key.public_jwk).decode()
    transaction.queue(ADD, kid=key.kid, private_key=key.private_key, public_jwk=jwk)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
