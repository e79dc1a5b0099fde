"""An external issuer's keys, as it publishes them (RFC 7517)."""

import asyncio
import logging
import time
from typing import Any, NamedTuple

import httpx
import jwt
import msgspec

from todo.auth.caller import Caller
from todo.auth.jwt import NAMES, Expectations, caller_of, key_id, verified
from todo.problems import Unauthorized, Unavailable

log = logging.getLogger("todo")

ALGORITHMS = {("OKP", "Ed25519"): "EdDSA", ("RSA", None): "RS256", ("EC", "P-256"): "ES256"}
"""By the kind of key and its curve: the algorithm it verifies, whatever a token claims."""

KINDS = "EdDSA (Ed25519), RS256 of 2048 bits or more, ES256"


class UnusableKeySet(Exception):  # noqa: N818 # what it says is what happened
    """What the issuer answered cannot be used; the message goes on "the issuer's key set …" in the log and a 503."""


class KeySet(NamedTuple):
    """The keys of a set by their ids, and the ids of those that cannot be used."""

    keys: dict[str | None, tuple[Any, str]]
    unusable: frozenset[str]


class PublishedKeys:
    """Tokens of an issuer that publishes its keys as a JWK set (RFC 7517).

    The set is kept, read again when it is FRESH seconds old, and for an unknown key at most every 30 s. While the
    issuer is down, or answers garbage, the last good set is served.
    """

    FRESH = 300.0
    PAUSE = 30.0
    FIRST_PAUSE = 2.0  # while there is no set at all
    TIMEOUT = 5.0  # seconds for each step of a fetch
    LARGEST = 1_000_000  # bytes

    def __init__(self, url: str, expected: Expectations) -> None:
        self.name = expected.issuer or url
        self.withdrawals = 0
        self._url = url
        self._expected = expected
        self._set = KeySet({}, frozenset())
        self._failure = "could not be read yet"
        self._fetched_at = self._tried_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def caller(self, token: str) -> Caller:
        """The caller whose token it is. Raises Unauthorized, or Unavailable while no key was ever seen."""
        kid = key_id(token)
        if kid not in self._set.keys:
            await self._fetch(self.PAUSE if self._set.keys else self.FIRST_PAUSE)
        elif time.monotonic() - self._fetched_at > self.FRESH:
            self._start_fetch(self.PAUSE)
        if not self._set.keys:
            raise Unavailable(f"The access token cannot be verified: the issuer's key set {self._failure}.")
        if kid in self._set.unusable:
            raise Unauthorized(f"The access token was signed by a key that is not accepted here; accepted are {KINDS}.")
        if kid not in self._set.keys:
            raise Unauthorized("The access token was signed by an unknown key.")
        key, algorithm = self._set.keys[kid]
        claims = verified(token, key, algorithm, self._expected)
        return caller_of(claims, external=True, leeway=self._expected.leeway)

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
                found = usable(await self._read())
        except Exception as error:  # noqa: BLE001 # whatever an issuer answers, requests go on with the last good set
            self._failure, cause = _described(error)
            log.warning("the key set at %s %s%s", self._url, self._failure, f" ({cause})" if cause else "")
            return
        if any(found.keys.get(kid) != key for kid, key in self._set.keys.items()):
            self.withdrawals += 1
        self._set = found
        self._fetched_at = time.monotonic()

    async def _read(self) -> bytes:
        body = bytearray()
        async with httpx.AsyncClient(timeout=self.TIMEOUT) as client, client.stream("GET", self._url) as answer:
            if answer.is_redirect:
                raise UnusableKeySet(_redirected(answer))
            if answer.status_code != 200:
                raise UnusableKeySet(f"was answered with the status {answer.status_code} by the issuer")
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > self.LARGEST:
                    raise UnusableKeySet(f"is too large: more than {self.LARGEST:,} bytes")
        return bytes(body)


def _redirected(answer: httpx.Response) -> str:
    """Not followed: the operator says whose keys are trusted. The address goes into the log, without its query."""
    target = answer.next_request.url if answer.next_request else None
    log.warning("the key set moved to %s", f"{target.scheme}://{target.host}{target.path}" if target else "nowhere")
    return "is answered with a redirect, which is not followed: set JWT_JWKS_URL to its final address"


def _described(error: Exception) -> tuple[str, str]:
    """What is wrong, as callers may read it, and the cause in the words of a library, for the log."""
    cause = str(error) or type(error).__name__
    match error:
        case UnusableKeySet():
            return str(error), ""
        case TimeoutError() | httpx.TimeoutException():
            return "was not answered in time by the issuer", cause
        case httpx.ConnectError() if "certificate" in cause.lower() or "ssl" in cause.lower():
            return "could not be read: no trusted TLS connection to the issuer could be made", cause
        case httpx.ConnectError():
            return "could not be read: no connection to the issuer could be made", cause
        case httpx.HTTPError():
            return "could not be read: the connection to the issuer failed", cause
        case _:
            return "is no JWK set", cause


def usable(body: bytes) -> KeySet:
    """The keys of a set (RFC 7517 §5); a key without an id, when it is alone, serves tokens without one.

    Raises UnusableKeySet where there is none that can be used, and errors of many kinds for what is no set.
    """
    keys: dict[str | None, tuple[Any, str]] = {}
    unusable = set()
    found: list[Any] = msgspec.json.decode(body)["keys"]
    for jwk in found:
        try:
            kid = jwk.get("kid")
            if key := _key(jwk):
                keys[kid] = key
            elif isinstance(kid, str):
                unusable.add(kid)
        except (jwt.PyJWTError, LookupError, TypeError, ValueError, AttributeError):
            continue  # what is not understood is ignored
    if not keys:
        raise UnusableKeySet(f"has no key that can be used; accepted are {KINDS}" if found else "has no keys")
    if len(keys) == 1:
        keys[None] = next(iter(keys.values()))
    return KeySet(keys, frozenset(unusable - {*keys}))


def _key(jwk: Any) -> tuple[Any, str] | None:
    """The key of a JWK and its algorithm; None for one that is of another kind, or for something else."""
    algorithm = ALGORITHMS.get((jwk["kty"], jwk.get("crv")))
    if algorithm is None or jwk.get("use", "sig") != "sig":
        return None
    if jwk.get("alg", algorithm) not in NAMES.get(algorithm, (algorithm,)):
        return None
    key = jwt.PyJWK(jwk, algorithm).key
    return (key, algorithm) if algorithm != "RS256" or key.key_size >= 2048 else None
