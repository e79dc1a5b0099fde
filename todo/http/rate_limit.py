"""Rate limits, by the `limits` library, in memory or in a Redis that workers share.

Requests are counted per user, failed sign-ins per pair of e-mail and address, sign-ups per address, requests for mail
per pair, recipient and address, and failed and refused requests that have a password per address. So attempts from
another address never lock an account out.
"""

import ipaddress
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from types import MappingProxyType
from typing import Any, Literal
from uuid import UUID

from limits import RateLimitItem, parse
from limits.aio.storage import RedisStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string

from todo.http.rate_limit_memory import MemoryStorage
from todo.metrics.counts import COUNTS
from todo.metrics.names import THROTTLED
from todo.problems import ContentTooLarge, Invalid, TooManyRequests, UnsupportedMediaType, WrongPassword
from todo.settings import Settings

log = logging.getLogger("todo")

FAILED_SIGN_INS = parse("10/15minutes")
FAILED_ATTEMPTS_OF_ADDRESS = parse("100/15minutes")
SIGN_UPS_OF_ADDRESS = parse("30/hour")
UNKNOWN_FEEDS_OF_ADDRESS = parse("100/15minutes")
CLIENTS_OF_ADDRESS = {"registered": parse("20/hour"), "refused": parse("100/15minutes")}
"""OAuth clients that register themselves, and requests of clients that are refused."""
MAIL_OF_PAIR = parse("5/15minutes")
MAIL_TO_RECIPIENT = parse("10/hour")
MAIL_OF_ADDRESS = parse("30/hour")

MAX_ATTEMPTS = 8
"""Passwords that one address may try at the same time; each takes a core for some 30 ms."""

STORE_TIMEOUT = 0.25  # seconds that a shared store may take
STORE_PAUSE = 5.0  # seconds for which a store that took longer is not asked

REFUSED = (WrongPassword, Invalid, ContentTooLarge, UnsupportedMediaType)
"""What counts as a failed attempt: a wrong password, and a body that cannot be used, since reading it costs too."""

Headers = list[tuple[bytes, bytes]]

KINDS = {"sign-in": "sign_in", "sign-up": "sign_up", "attempt": "address"} | {
    name: name for name in ("mail", "feed", "agent", "client")
}
"""What the metrics call the limits."""


class RateLimits:
    """The rate limits of a deployment. While a shared store is away nothing is refused, and it is logged."""

    def __init__(self, rate: str, store: str, agent_rates: Mapping[str, str] = MappingProxyType({})) -> None:
        """`agent_rates` are those of an agent's `requests` and `writes`; `off` for none."""
        limit = parse(rate)
        self._of_agents = {kind: parse(rate) for kind, rate in agent_rates.items() if rate != "off"}
        self._most, self._window = limit.amount, limit.get_expiry()
        self._requests_of = f"todo/{self._most}/{self._window}/"
        options: dict[str, Any] = {}
        if "redis" in store:
            options = {
                "implementation": "redispy",
                "socket_timeout": STORE_TIMEOUT,
                "socket_connect_timeout": STORE_TIMEOUT,
            }
        storage = storage_from_string(store, wrap_exceptions=True, **options)
        assert isinstance(storage, Storage)
        self._storage = storage
        self._skipped_until = 0.0
        self._attempts: Counter[tuple[str, ...]] = Counter()
        self._limiter = FixedWindowRateLimiter(storage)
        self._policy = (b"ratelimit-policy", b'"user";q=%d;w=%d' % (self._most, self._window))

    @classmethod
    def of(cls, settings: Settings) -> "RateLimits | None":
        """The rate limits that are set, or None where they are off."""
        if settings.rate_limit == "off":
            return None
        store = settings.rate_limit_store
        agent_rates = {"requests": settings.agent_rate_limit, "writes": settings.agent_write_limit}
        return cls(settings.rate_limit, f"async+{store}" if store else "todo+memory://", agent_rates)

    async def close(self) -> None:
        """Close the connections to a shared store."""
        if isinstance(self._storage, RedisStorage):
            bridge: Any = self._storage.bridge
            await bridge.storage.aclose()

    async def count_request(self, user_id: str) -> Headers:
        """Count a request of this user; headers that say how many are left. Raises TooManyRequests."""
        if self._skipped():
            return []
        key = self._requests_of + user_id
        try:
            if isinstance(self._storage, MemoryStorage):
                count, ends_at = self._storage.count(key, self._window)
            else:
                count = await self._storage.incr(key, self._window)
                ends_at = await self._storage.get_expiry(key)
        except StorageError as error:
            return self._unreachable(error)
        remaining, left = max(0, self._most - count), max(0, round(ends_at - time.time()))
        # draft-ietf-httpapi-ratelimit-headers-10, §3 and §4
        headers = [self._policy, (b"ratelimit", b'"user";r=%d;t=%d' % (remaining, left))]
        if count > self._most:
            COUNTS.add(THROTTLED, "requests")
            raise TooManyRequests(retry_after=max(1, left), extra_headers=headers)
        return headers

    @asynccontextmanager
    async def attempt_of_address(self, address: str) -> AsyncIterator[None]:
        """Read and answer, in the block, a request that has a password: a failure counts against the address.

        Raises TooManyRequests after too many.
        """
        await self._refuse_when_over(FAILED_ATTEMPTS_OF_ADDRESS, "attempt", address)
        try:
            yield
        except REFUSED:
            await self._count(FAILED_ATTEMPTS_OF_ADDRESS, "attempt", address)
            raise

    @asynccontextmanager
    async def password_attempt(self, email: str, address: str) -> AsyncIterator[None]:
        """Try a password in the block: a failure counts against the pair of e-mail and address.

        It counts against the address in a block of `attempt_of_address` around this one. Raises TooManyRequests after
        too many of either. What is still being tried counts as if it had failed, so sending many at once gains nothing.
        """
        pair, attempts = (email.lower(), address), self._attempts
        await self._refuse_when_over(FAILED_SIGN_INS, "sign-in", *pair, pending=attempts[pair])
        await self._refuse_when_over(FAILED_ATTEMPTS_OF_ADDRESS, "attempt", address, pending=attempts[(address,)])
        if attempts[(address,)] >= MAX_ATTEMPTS:
            COUNTS.add(THROTTLED, "address")
            raise TooManyRequests(retry_after=1)
        for key in (pair, (address,)):
            attempts[key] += 1
        try:
            yield
        except (WrongPassword, Invalid):
            await self._count(FAILED_SIGN_INS, "sign-in", *pair)
            raise
        finally:
            for key in (pair, (address,)):
                attempts[key] -= 1
                if not attempts[key]:
                    del attempts[key]

    async def count_agent(
        self, user_id: str, agent_id: UUID, kind: Literal["requests", "writes"], number: int = 1
    ) -> None:
        """Count requests or writes of a user's agent. Raises TooManyRequests when they are too many."""
        if (limit := self._of_agents.get(kind)) is None:
            return
        what = f"This agent may make {limit.amount} {kind} in {limit.get_expiry()} seconds"
        if number > limit.amount:
            raise TooManyRequests(f"{what}, and this would be {number}.", retry_after=limit.get_expiry())
        detail = f"{what}. Nothing was done."

        async def within(limit: RateLimitItem, *key: str) -> bool:
            if number > 1 and not await self._limiter.test(limit, *key, cost=number):
                return False  # which uses nothing up
            return await self._limiter.hit(limit, *key, cost=number)

        await self._refuse_unless(within, limit, "agent", kind, user_id, str(agent_id), detail=detail)

    async def count_sign_up(self, address: str) -> None:
        """Count a sign-up. Raises TooManyRequests when it is one too many."""
        await self._count_or_refuse(SIGN_UPS_OF_ADDRESS, "sign-up", address)

    async def count_guess(self, address: str) -> None:
        """Count a request for a feed that there is not. Raises TooManyRequests when it is one too many."""
        await self._count_or_refuse(UNKNOWN_FEEDS_OF_ADDRESS, "feed", address)

    async def count_client(self, what: str, address: str) -> None:
        """Count an OAuth client that was `registered` or `refused`. Raises TooManyRequests when it is one too many."""
        await self._count_or_refuse(CLIENTS_OF_ADDRESS[what], "client", what, address)

    async def count_mail(self, recipient: str, address: str) -> None:
        """Count a request for mail to `recipient`, known or not. Raises TooManyRequests when it is one too many."""
        recipient = recipient.lower()
        # The recipient's limit comes last: requests that are refused do not use it up.
        for limit, *key in (
            (MAIL_OF_ADDRESS, address),
            (MAIL_OF_PAIR, recipient, address),
            (MAIL_TO_RECIPIENT, recipient),
        ):
            await self._count_or_refuse(limit, "mail", *key)

    async def _count_or_refuse(self, limit: RateLimitItem, *key: str) -> None:
        """In one step, so that of requests at the same time no more pass than the limit."""
        await self._refuse_unless(self._limiter.hit, limit, *key)

    async def _refuse_when_over(self, limit: RateLimitItem, *key: str, pending: int = 0) -> None:
        await self._refuse_unless(partial(self._limiter.test, cost=1 + pending), limit, *key)

    async def _refuse_unless(
        self, within: Callable[..., Awaitable[bool]], limit: RateLimitItem, *key: str, detail: str | None = None
    ) -> None:
        if self._skipped():
            return
        try:
            if await within(limit, *key):
                return
            window = await self._limiter.get_window_stats(limit, *key)
        except StorageError as error:
            self._unreachable(error)
            return
        COUNTS.add(THROTTLED, KINDS[key[0]])
        raise TooManyRequests(detail, retry_after=max(1, round(window.reset_time - time.time())))

    async def _count(self, limit: RateLimitItem, *key: str) -> None:
        if self._skipped():
            return
        try:
            await self._limiter.hit(limit, *key)
        except StorageError as error:
            self._unreachable(error)

    def _skipped(self) -> bool:
        return time.monotonic() < self._skipped_until

    def _unreachable(self, error: StorageError) -> Headers:
        """A store that does not answer is not asked for a while, so that requests do not wait for it each time."""
        self._skipped_until = time.monotonic() + STORE_PAUSE
        log.warning("RATE_LIMIT_STORE does not answer, nothing is limited: %s", error.storage_error)
        return []


def address_of(host: str | None) -> str:
    """What an address is counted as: itself, or for IPv6 its /64, which is what one subscriber gets."""
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return host or "unknown"
    if address.version == 6 and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
