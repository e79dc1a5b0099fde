"""The keys that sign access tokens (Ed25519, RFC 8037).

Each process that signs makes a key of its own and keeps its private half in memory: the database, and so every copy
of it, has public halves only. Those are published for as long as tokens of theirs are valid.
"""

import base64
import hashlib
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Interval, Text, bindparam, cast, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col

from todo.accounts.tables import SigningKey
from todo.auth.caller import Caller
from todo.auth.jwt import Expectations, caller_of, key_id, verified
from todo.db.database import Database
from todo.db.statement import Statement
from todo.problems import Unauthorized

KEY_ID_LENGTH = 43
"""Characters of a key's id: a SHA-256 in base64url."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A signing key: its id, its private half, its public half as a JWK."""

    kid: str
    private_key: Ed25519PrivateKey
    public_jwk: dict[str, Any]

    @classmethod
    def new(cls) -> "KeyPair":
        """A new key, named by its thumbprint (RFC 7638)."""
        key = Ed25519PrivateKey.generate()
        x = _base64url(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        kid = _base64url(hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest())
        return cls(kid, key, {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA"})

    def issue(self, user_id: str, session: str, lifetime: int) -> str:
        """A token for `user_id`, of this session, that lives for `lifetime` seconds."""
        now = int(time.time())
        claims = {"sub": user_id, "iat": now, "exp": now + lifetime, "sid": session}
        return jwt.encode(claims, self.private_key, "EdDSA", headers={"kid": self.kid})


class PublishedKey(msgspec.Struct):
    """A row of `signing_keys`."""

    kid: str
    public_jwk: dict[str, Any]
    signs: bool
    """Whether its process may still sign with it."""
    in_the_clear: bool
    """Whether an older release stored its private half."""


class KeyRing:
    """The public halves of all processes' keys, newest first: they verify our tokens."""

    def __init__(self, keys: list[PublishedKey], leeway: float) -> None:
        self.jwks = [key.public_jwk for key in keys]
        self.signing = {key.kid for key in keys if key.signs}
        self._expected = Expectations(leeway=leeway)
        self._verifying = {key.kid: jwt.PyJWK(key.public_jwk, "EdDSA").key for key in keys}

    def has(self, kid: str | None) -> bool:
        """Whether this is one of our keys."""
        return kid in self._verifying

    def lacks_any_of(self, other: "KeyRing") -> bool:
        """Whether `other` has a key that is not here."""
        return not other._verifying.keys() <= self._verifying.keys()

    def caller(self, token: str) -> Caller:
        """The caller whose token it is. Raises Unauthorized for every token that is not ours, whole and in time."""
        key = self._verifying.get(key_id(token) or "")
        if key is None:
            raise Unauthorized("The access token was signed by an unknown key.")
        claims = verified(token, key, "EdDSA", self._expected)
        return caller_of(claims, external=False, leeway=self._expected.leeway)


SIGNS_FOR = timedelta(hours=12)
"""How long a process signs with a key, before it makes the next one."""

MARGIN = timedelta(minutes=10)
"""How long a process may go on signing with a key that was just retired, the greatest leeway, and a little more."""

ADD = Statement.of(
    insert(SigningKey).values(
        kid=bindparam("kid"),
        public_jwk=cast(bindparam("public_jwk", type_=Text), JSONB),
        retired_at=func.now() + SIGNS_FOR,
    )
)

_signs = or_(col(SigningKey.retired_at).is_(None), col(SigningKey.retired_at) > func.now())

RETIRE = Statement.of(
    update(SigningKey).where(_signs).values(retired_at=func.now(), private_key=None).returning(col(SigningKey.kid))
)

WITHDRAW = Statement.of(delete(SigningKey).returning(col(SigningKey.kid)))

ERASE = Statement.of(
    update(SigningKey)
    .where(col(SigningKey.private_key).is_not(None))
    .values(private_key=None, retired_at=func.coalesce(col(SigningKey.retired_at), func.now()))
)
"""Servers of the release before may run beside this one, and store a private key in the clear."""

FORGET = Statement.of(
    delete(SigningKey).where(col(SigningKey.retired_at) < func.now() - bindparam("tokens_live", type_=Interval))
)

PUBLISHED = Statement.of(
    select(
        col(SigningKey.kid),
        col(SigningKey.public_jwk),
        _signs,
        col(SigningKey.private_key).is_not(None),
    )
    .where(
        or_(
            col(SigningKey.retired_at).is_(None),
            col(SigningKey.retired_at) >= func.now() - bindparam("tokens_live", type_=Interval),
        )
    )
    .order_by(col(SigningKey.created_at).desc(), col(SigningKey.kid)),
    row=PublishedKey,
    read_only=True,
)


def _tokens_live(lifetime: int) -> timedelta:
    return timedelta(seconds=lifetime) + MARGIN


async def load(database: Database, lifetime: int) -> list[PublishedKey]:
    """The keys that verify tokens of `lifetime` seconds. Private halves that an older release stored are erased."""
    keys = await database.as_accounts().run(PUBLISHED, tokens_live=_tokens_live(lifetime))
    if any(key.in_the_clear for key in keys):
        await database.as_accounts().run(ERASE)
    return keys


async def publish(database: Database, key: KeyPair, lifetime: int) -> list[PublishedKey]:
    """Publish a new key, delete those whose tokens have ended; all keys."""
    async with database.as_accounts().transaction() as transaction:
        transaction.queue(ERASE)
        transaction.queue(FORGET, tokens_live=_tokens_live(lifetime))
        transaction.queue(ADD, kid=key.kid, public_jwk=msgspec.json.encode(key.public_jwk).decode())
        return await transaction.fetch(PUBLISHED, tokens_live=_tokens_live(lifetime))


async def rotate(database: Database, *, withdraw: bool = False) -> int:
    """Have every process make a new key before it signs again, within half a minute; how many keys this ends.

    Tokens of the old keys stay valid until they expire, unless the keys are withdrawn: then they are refused within
    two minutes.
    """
    return len(await database.as_accounts().run(WITHDRAW if withdraw else RETIRE))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
