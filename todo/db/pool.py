"""The pool of database connections: acquired and released within microseconds, opened on demand."""

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Self

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from todo.db.pipeline import Connection
from todo.metrics.counts import COUNTS
from todo.metrics.names import POOL_IN_USE, POOL_MAX, POOL_OPEN, POOL_REFUSALS, POOL_WAIT, POOL_WAITING
from todo.problems import Unavailable
from todo.settings import Settings

log = logging.getLogger("todo")

LIFETIME = 3600.0
"""Seconds after which a connection is replaced, give or take a tenth, so that they do not all go at once."""

IDLE_TIME = 600.0
"""Seconds after which an unused connection is closed."""

CHECK_INTERVAL = 1.0  # seconds between two looks for what is overdue
TIDY_INTERVAL = 30.0  # seconds between two looks for connections that are old or not used

ANSWER_GRACE = 5.0
"""Seconds beyond the time that a statement may take, after which the database is taken not to answer any more."""

NETWORK = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3", "tcp_user_timeout": "15000"}
"""libpq's parameters by which the kernel finds a connection dead; those in the URL come first."""
FIRST_RETRY, LAST_RETRY = 0.1, 1.0  # seconds between two attempts to connect, doubled each time

IDLE = TransactionStatus.IDLE


class NoConnection(Unavailable):
    """No connection became free in time, or none can be opened."""


class Pool:
    """At most `pool_size` connections. Open it with `async with`."""

    def __init__(self, url: str, settings: Settings) -> None:
        given = conninfo_to_dict(url)
        self._url = make_conninfo(url, **{name: value for name, value in NETWORK.items() if name not in given})
        self._answer_timeout = settings.statement_timeout + ANSWER_GRACE
        self._size = settings.pool_size
        self._timeout = settings.pool_timeout
        self._max_waiting = settings.pool_waiting
        self._connect_timeout = settings.connect_timeout
        self._prepare_threshold = None if settings.prepare_threshold < 0 else settings.prepare_threshold
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._connections: set[Connection] = set()
        """Those that are open, in use or idle."""
        self._opening = 0
        self._closed = False

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._checking = asyncio.create_task(self._check())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closed = True
        self._checking.cancel()
        self._idle.clear()
        while self._connections:
            self._connections.pop().close_now()

    def gauge(self) -> None:
        """Set the gauges of the pool."""
        COUNTS.set(POOL_MAX, to=self._size)
        COUNTS.set(POOL_OPEN, to=len(self._connections))
        COUNTS.set(POOL_IN_USE, to=len(self._connections) - len(self._idle))
        COUNTS.set(POOL_WAITING, to=sum(not waiter.done() for waiter in self._waiting))

    async def acquire(self) -> Connection:
        """A usable connection. Raises NoConnection after `pool_timeout`, Unavailable when too many wait already."""
        deadline = 0.0
        while True:
            if self._idle:
                connection = self._idle.pop()
                if connection.usable and not connection.closed:
                    return connection
                self._discard(connection)
                continue
            deadline = deadline or self._loop.time() + self._timeout
            if len(self._connections) + self._opening < self._size:
                self._opening += 1
                return await self._connect(deadline)
            handed = await self._wait(deadline)
            if handed is None:
                return await self._connect(deadline)
            if handed.usable and not handed.closed:
                return handed
            self._discard(handed)

    def release(self, connection: Connection) -> None:
        """Take a connection back, for the request that has waited the longest.

        One that is old, broken or in the middle of a transaction is closed instead.
        """
        now = self._loop.time()
        if (
            self._closed
            or not connection.usable
            or connection.closed
            or connection.pgconn.transaction_status != IDLE
            or now > connection.opened_at + LIFETIME
        ):
            self._discard(connection)
            return
        connection.idle_since = now
        connection.watch()  # psycopg's own operations end it
        self._hand_on(connection)

    def _hand_on(self, connection: Connection) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._idle.append(connection)

    def _discard(self, connection: Connection) -> None:
        connection.close_now()
        self._connections.discard(connection)
        self._opening += 1
        self._let_next_connect()

    def _let_next_connect(self) -> None:
        """A place to open a connection in is free: the request that has waited the longest gets it."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)  # and the place with it
                return
        self._opening -= 1

    async def _wait(self, deadline: float) -> Connection | None:
        """A connection that is released, or None when one may be opened instead."""
        if len(self._waiting) >= self._max_waiting:
            COUNTS.add(POOL_REFUSALS, "full")
            raise Unavailable("Too many requests are waiting for the database.")
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        self._waiting.append(waiter)
        timer = self._loop.call_at(deadline, _time_out, waiter)
        began = time.perf_counter()
        try:
            return await waiter
        except NoConnection:
            COUNTS.add(POOL_REFUSALS, "timeout")
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            raise
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                if (connection := waiter.result()) is not None:  # it came too late
                    self.release(connection)
                else:
                    self._let_next_connect()
            elif waiter in self._waiting:
                self._waiting.remove(waiter)
            raise
        finally:
            timer.cancel()
            COUNTS.observe(POOL_WAIT, time.perf_counter() - began)

    async def _connect(self, deadline: float) -> Connection:
        """Open a connection in the place that the caller holds; again and again until the deadline."""
        pause = FIRST_RETRY
        try:
            while True:
                try:
                    async with asyncio.timeout_at(deadline):
                        connection = await self._opened()
                except (psycopg.OperationalError, TimeoutError) as error:
                    if self._loop.time() + pause >= deadline:
                        COUNTS.add(POOL_REFUSALS, "timeout")
                        raise NoConnection("The database cannot be reached at the moment.") from error
                    log.debug("the database cannot be reached: %s", error)
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LAST_RETRY)
                else:
                    self._opening -= 1
                    self._connections.add(connection)
                    return connection
        except BaseException:
            self._let_next_connect()
            raise

    async def _opened(self) -> Connection:
        connection = await Connection.connect(
            self._url,
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=self._connect_timeout,
            application_name="todo",
            client_encoding="utf8",
        )
        connection.prepared.threshold = self._prepare_threshold
        connection.timeout = self._answer_timeout
        now = self._loop.time()
        connection.opened_at = now - LIFETIME * random.uniform(0, 0.1)  # noqa: S311 # no secret
        connection.idle_since = now
        connection.watch()
        return connection

    async def _check(self) -> None:
        """End pipelines that are overdue, and close connections that are not used or old, for as long as it is open.

        Where one pipeline is overdue, idle connections of the same network are not trusted either.
        """
        tidied_at = self._loop.time()
        while True:
            await asyncio.sleep(CHECK_INTERVAL)
            now = self._loop.time()
            if [connection for connection in self._connections if connection.check_deadline(now)]:
                log.warning("the database did not answer in time: its connections are replaced")
                self._close_idle(lambda _: True)
            elif now > tidied_at + TIDY_INTERVAL:
                self._close_idle(partial(_is_old, now))
                tidied_at = now

    def _close_idle(self, which: Callable[[Connection], bool]) -> None:
        for connection in [each for each in self._idle if which(each)]:
            self._idle.remove(connection)
            connection.close_now()
            self._connections.discard(connection)


def _is_old(now: float, connection: Connection) -> bool:
    return now > min(connection.idle_since + IDLE_TIME, connection.opened_at + LIFETIME)


def _time_out(waiter: "asyncio.Future[Connection | None]") -> None:
    if not waiter.done():
        waiter.set_exception(NoConnection("No database connection became free in time."))
