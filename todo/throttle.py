"""Throttles: how often somebody may, by the `limits` library, in memory or in a Redis that workers share.

Requests are counted per user, failed sign-ins per pair of e-mail and address and per address, sign-ups per
address. So a stranger's attempts never lock an account out: they count against the stranger.
"""

import ipaddress
import logging
import time
from typing import Any

from limits import RateLimitItem, parse
from limits.aio.storage import RedisStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string

from todo.problems import TooManyRequests
from todo.settings import Settings

log = logging.getLogger("todo")

FAILED_SIGN_INS = parse("10/15minutes")
FAILED_SIGN_INS_OF_ADDRESS = parse("100/15minutes")
SIGN_UPS_OF_ADDRESS = parse("30/hour")

Headers = list[tuple[bytes, bytes]]


class InProcess(Storage):
    """Counters in memory, each operation the same few steps however many there are.

    The library's own storage looks through all of its counters after every hit. This one keeps them in two
    generations: what was not counted during one of them is forgotten as a whole.
    """

    STORAGE_SCHEME = ["todo+memory"]  # noqa: RUF012 # the library's own declaration
    GENERATION = 3600.0  # seconds, no shorter than the longest window

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions, **options)
        self._young: dict[str, tuple[int, float]] = {}
        self._old: dict[str, tuple[int, float]] = {}
        self._turned_at = time.time()

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def _found(self, key: str, now: float) -> tuple[int, float]:
        if now - self._turned_at > self.GENERATION:
            self._young, self._old, self._turned_at = {}, self._young, now
        count, ends_at = self._young.get(key) or self._old.get(key) or (0, 0.0)
        return (count, ends_at) if ends_at > now else (0, 0.0)

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, and begin a window of `expiry` seconds where none runs."""
        now = time.time()
        count, ends_at = self._found(key, now)
        self._young[key] = count + amount, ends_at or now + expiry
        return count + amount

    async def get(self, key: str) -> int:
        """The count of the running window."""
        return self._found(key, time.time())[0]

    async def get_expiry(self, key: str) -> float:
        """When the running window ends, in seconds since the epoch."""
        now = time.time()
        return self._found(key, now)[1] or now

    async def check(self) -> bool:
        """Whether it works, which it does."""
        return True

    async def reset(self) -> int | None:
        """Forget everything."""
        self._young, self._old = {}, {}
        return None

    async def clear(self, key: str) -> None:
        """Forget one counter."""
        self._young.pop(key, None)
        self._old.pop(key, None)


class Throttles:
    """The throttles of a deployment. While a shared store is away, nobody is refused, and the log says so."""

    def __init__(self, rate: str, store: str) -> None:
        self._per_user = parse(rate)
        options = {"implementation": "redispy"} if "redis" in store else {}
        storage = storage_from_string(store, wrap_exceptions=True, **options)
        assert isinstance(storage, Storage)
        self._storage = storage
        self._limiter = FixedWindowRateLimiter(storage)
        policy = f'"user";q={self._per_user.amount};w={self._per_user.get_expiry()}'
        self._policy = (b"ratelimit-policy", policy.encode())

    @classmethod
    def of(cls, settings: Settings) -> "Throttles | None":
        """The throttles that are set, or None where they are off."""
        if settings.rate_limit == "off":
            return None
        store = settings.rate_limit_store
        return cls(settings.rate_limit, f"async+{store}" if store else "todo+memory://")

    async def close(self) -> None:
        """Let go of the connections to a shared store."""
        if isinstance(self._storage, RedisStorage):
            bridge: Any = self._storage.bridge
            await bridge.storage.aclose()

    async def request(self, user_id: str) -> Headers:
        """Count a request of this user; the headers that tell them what is left. Raises TooManyRequests."""
        try:
            allowed = await self._limiter.hit(self._per_user, "user", user_id)
            window = await self._limiter.get_window_stats(self._per_user, "user", user_id)
        except StorageError as error:
            return self._unreachable(error)
        left = max(0, round(window.reset_time - time.time()))
        # draft-ietf-httpapi-ratelimit-headers-10, §3 and §4
        told = [self._policy, (b"ratelimit", f'"user";r={window.remaining};t={left}'.encode())]
        if not allowed:
            raise TooManyRequests(retry_after=max(1, left), told=told)
        return told

    async def refuse_sign_in(self, email: str, address: str) -> None:
        """Raise TooManyRequests after too many failures of this pair, or of this address."""
        await self._refuse_when_over(FAILED_SIGN_INS, "sign-in", email.lower(), address)
        await self._refuse_when_over(FAILED_SIGN_INS_OF_ADDRESS, "sign-in", address)

    async def count_failed_sign_in(self, email: str, address: str) -> None:
        """Count a failure against the pair, and against the address."""
        await self._count(FAILED_SIGN_INS, "sign-in", email.lower(), address)
        await self._count(FAILED_SIGN_INS_OF_ADDRESS, "sign-in", address)

    async def count_sign_up(self, address: str) -> None:
        """Count a sign-up. Raises TooManyRequests when it is one too many."""
        await self._refuse_when_over(SIGN_UPS_OF_ADDRESS, "sign-up", address)
        await self._count(SIGN_UPS_OF_ADDRESS, "sign-up", address)

    async def _refuse_when_over(self, limit: RateLimitItem, *key: str) -> None:
        try:
            if await self._limiter.test(limit, *key):
                return
            window = await self._limiter.get_window_stats(limit, *key)
        except StorageError as error:
            self._unreachable(error)
            return
        raise TooManyRequests(retry_after=max(1, round(window.reset_time - time.time())))

    async def _count(self, limit: RateLimitItem, *key: str) -> None:
        try:
            await self._limiter.hit(limit, *key)
        except StorageError as error:
            self._unreachable(error)

    def _unreachable(self, error: StorageError) -> Headers:
        log.warning("RATE_LIMIT_STORE does not answer, nobody is throttled: %s", error.storage_error)
        return []


def address_of(host: str | None) -> str:
    """Whom an address stands for: itself, or for IPv6 its /64, which is what one subscriber gets."""
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return host or "unknown"
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
