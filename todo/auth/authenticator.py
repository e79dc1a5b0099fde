"""From an Authorization header to a caller, cached so that a repeated header is cheap."""

import hashlib
import time
from dataclasses import replace
from typing import NamedTuple

from todo.auth.caller import Caller
from todo.auth.issuers import Issuer
from todo.auth.jwt import MAX_LENGTH
from todo.problems import Unauthorized

CACHE_SIZE = 10_000
"""Callers that are cached, by a hash of their header; the oldest go first."""

CACHED_FOR = 60.0
"""Seconds after which a token is verified again: its key may have been withdrawn."""


class _Cached(NamedTuple):
    caller: Caller
    withdrawals: int
    """How often the issuer had withdrawn keys when the token was verified."""


class Authenticator:
    """Knows callers by their tokens: until the token ends, its issuer withdraws a key, or CACHED_FOR seconds passed.

    What keeps a caller for longer than a request asks again at their `expires_at`, which is then.
    """

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self._cache: dict[bytes, _Cached] = {}

    def cached(self, header: bytes) -> Caller | None:
        """The caller of an earlier request with the same Authorization header, while it need not be verified again."""
        found = self._cache.get(hashlib.sha256(header).digest())
        if found is None or found.withdrawals != self.issuer.withdrawals:
            return None
        return found.caller if found.caller.expires_at > time.time() else None

    async def authenticate(self, header: bytes) -> Caller:
        """The caller whose token an Authorization header has. Raises Unauthorized, saying what is wrong with it."""
        scheme, _, token = header.decode("latin-1").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized
        if len(token) > MAX_LENGTH:
            raise Unauthorized("The access token is too long.")
        usual = b"Bearer " + token.encode("latin-1")
        if usual != header and (cached := self.cached(usual)):
            return cached
        withdrawals = self.issuer.withdrawals  # before the await: a key that is withdrawn meanwhile counts
        caller = await self.issuer.caller(token)
        if caller.expires_at > (until := time.time() + CACHED_FOR):
            caller = replace(caller, expires_at=until)
        digest = hashlib.sha256(usual).digest()  # one entry for a token, however it is written
        self._cache.pop(digest, None)
        if len(self._cache) >= CACHE_SIZE:
            del self._cache[next(iter(self._cache))]
        self._cache[digest] = _Cached(caller, withdrawals)
        return caller
