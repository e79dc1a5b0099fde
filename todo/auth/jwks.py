"""An external issuer's keys, as it publishes them (RFC 7517)."""

import asyncio
import logging
import time
from typing import Any

import httpx
import jwt
import msgspec

from todo.auth.caller import Caller
from todo.auth.jwt import Expectations, caller_of, key_id, verified
from todo.problems import Unauthorized, Unavailable

log = logging.getLogger("todo")

ALGORITHMS = {("OKP", "Ed25519"): "EdDSA", ("RSA", None): "RS256", ("EC", "P-256"): "ES256"}
"""By the kind of key and its curve: the algorithm it verifies, whatever a token claims."""


class PublishedKeys:
    """Tokens of an issuer that publishes its keys as a JWK set (RFC 7517).

    The set is kept, read again once an hour, and for an unknown key at most every 30 s. While the issuer is
    down, or answers garbage, the last good set is served.
    """

    FRESH = 3600.0
    PAUSE = 30.0
    FIRST_PAUSE = 2.0  # while there is no set at all
    TIMEOUT = 5.0  # seconds for each step of a fetch
    LARGEST = 1_000_000  # bytes

    def __init__(self, url: str, expected: Expectations) -> None:
        self.name = expected.issuer or url
        self._url = url
        self._expected = expected
        self._keys: dict[str | None, tuple[Any, str]] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def caller(self, token: str) -> Caller:
        """The caller whose token it is. Raises Unauthorized, or Unavailable while no key was ever seen."""
        kid = key_id(token)
        if kid not in self._keys:
            await self._fetch(self.PAUSE if self._keys else self.FIRST_PAUSE)
        elif time.monotonic() - self._fetched_at > self.FRESH:
            self._start_fetch(self.PAUSE)
        if not self._keys:
            raise Unavailable("The issuer of the access tokens cannot be reached to verify them.")
        if kid not in self._keys:
            raise Unauthorized("The access token was signed by an unknown key.")
        key, algorithm = self._keys[kid]
        return caller_of(verified(token, key, algorithm, self._expected), external=True)

    async def _fetch(self, pause: float) -> None:
        if task := self._start_fetch(pause):
            await asyncio.shield(task)

    def _start_fetch(self, pause: float) -> asyncio.Task[None] | None:
        """The one fetch that runs, or a new one when the last is long enough ago."""
        if self._fetching is None or self._fetching.done():
            if time.monotonic() - self._tried_at < pause:
                return None
            self._tried_at = time.monotonic()
            self._fetching = asyncio.create_task(self._fetch_once())
        return self._fetching

    async def _fetch_once(self) -> None:
        try:
            async with asyncio.timeout(2 * self.TIMEOUT):  # for an answer that comes drop by drop
                keys = _usable(msgspec.json.decode(await self._read()))
        except Exception as error:  # noqa: BLE001 # whatever an issuer answers, requests go on with the last good set
            log.warning("the key set at %s could not be read: %s", self._url, str(error) or type(error).__name__)
            return
        if not keys:
            log.warning("the key set at %s has no key that can be used", self._url)
            return
        self._keys = keys
        self._fetched_at = time.monotonic()

    async def _read(self) -> bytes:
        body = bytearray()
        async with httpx.AsyncClient(timeout=self.TIMEOUT) as client, client.stream("GET", self._url) as answer:
            answer.raise_for_status()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > self.LARGEST:
                    raise ValueError("it is too large")
        return bytes(body)


def _usable(key_set: Any) -> dict[str | None, tuple[Any, str]]:
    """The keys of a set by their ids; a key without an id, when it is alone, serves tokens without one."""
    keys: dict[str | None, tuple[Any, str]] = {}
    for jwk in key_set["keys"]:
        try:
            algorithm = ALGORITHMS[jwk["kty"], jwk.get("crv")]
            if jwk.get("use", "sig") != "sig" or jwk.get("alg", algorithm) != algorithm:
                continue
            key = jwt.PyJWK(jwk, algorithm).key
            if algorithm != "RS256" or key.key_size >= 2048:
                keys[jwk.get("kid")] = (key, algorithm)
        except (jwt.PyJWTError, LookupError, TypeError, ValueError, AttributeError):
            continue  # RFC 7517 §5: what is not understood is ignored
    if len(keys) == 1:
        keys[None] = next(iter(keys.values()))
    return keys
