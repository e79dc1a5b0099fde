"""Who vouches for callers: our own keys, another issuer's published ones, or a secret shared with it."""

import asyncio
import time
from typing import Protocol

from todo.accounts.keys import load_keys
from todo.accounts.tokens import Caller, Expectations, KeyRing, caller_of, key_id, verified
from todo.database import Database
from todo.settings import Settings

OWN = "built-in accounts"


class Issuer(Protocol):
    """Says who a token's bearer is; `name` tells issuers, and so the meaning of user ids, apart."""

    name: str

    async def caller(self, token: str) -> Caller:
        """Whose token it is. Raises Unauthorized."""


class OwnIssuer:
    """Our own accounts. Keys that another worker, or `todo keys rotate`, made are picked up without a restart."""

    REREAD = 30.0  # seconds after which the keys are read again before one signs
    REREAD_FOR_UNKNOWN = 2.0  # seconds between two readings for keys that are not known

    name = OWN

    def __init__(self, database: Database, keys: KeyRing, lifetime: int) -> None:
        self.lifetime = lifetime
        self._database = database
        self._keys = keys
        self._read_at = time.monotonic()
        self._reading: asyncio.Task[None] | None = None

    async def caller(self, token: str) -> Caller:
        """Whose token it is. Raises Unauthorized."""
        if not self._keys.knows(key_id(token)):
            await self._reread(self.REREAD_FOR_UNKNOWN)
        return self._keys.caller(token)

    async def current(self) -> KeyRing:
        """The keys, at most REREAD seconds old."""
        await self._reread(self.REREAD)
        return self._keys

    async def _reread(self, age: float) -> None:
        """Read the keys again when that was longer ago than `age`, once for all who ask meanwhile."""
        if self._reading is None and time.monotonic() - self._read_at > age:
            self._reading = asyncio.create_task(self._read())
        if self._reading is not None:
            await asyncio.shield(self._reading)

    async def _read(self) -> None:
        try:
            self._keys = await load_keys(self._database, self.lifetime)
            self._read_at = time.monotonic()
        finally:
            self._reading = None


class SharedSecret:
    """Tokens signed with a secret that the issuer and we know (HS256)."""

    def __init__(self, secret: str, expected: Expectations) -> None:
        self.name = expected.issuer or "a shared secret"
        self._secret = secret
        self._expected = expected

    async def caller(self, token: str) -> Caller:
        """Whose token it is. Raises Unauthorized."""
        key_id(token)
        return caller_of(verified(token, self._secret, "HS256", self._expected), foreign=True)


async def issuer_for(settings: Settings, database: Database) -> Issuer:
    """The one issuer of this deployment."""
    expected = Expectations(
        settings.jwt_issuer, settings.jwt_audience, settings.jwt_authorized_parties, settings.jwt_leeway
    )
    if settings.jwt_jwks_url:
        from todo.accounts.jwks import PublishedKeys  # and with it an HTTP client, which our own accounts do not need

        return PublishedKeys(settings.jwt_jwks_url, expected)
    if settings.jwt_secret:
        return SharedSecret(settings.jwt_secret.get_secret_value(), expected)
    lifetime = settings.access_token_lifetime
    return OwnIssuer(database, await load_keys(database, lifetime), lifetime)
