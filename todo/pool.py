"""The pool: connections at hand, borrowed and given back within microseconds.

psycopg's pool makes them, replaces what died and retires what is old. To ask it takes a third of what a read takes,
so it is asked once a minute for each connection, not twice for each request (docs/decisions/0011).
"""

import asyncio
import select
import time
from collections import deque
from typing import Self

from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool

from todo.flights import Connection
from todo.problems import Unavailable
from todo.settings import Settings

AT_HAND = 60.0
"""Seconds after which psycopg's pool sees a connection again."""

IDLE = TransactionStatus.IDLE


class NoConnection(Unavailable):
    """None became free in time, or none can be made."""


class Pool:
    """At most `pool_size` connections. Open it with `async with`."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._size = settings.pool_size
        self._timeout = settings.pool_timeout
        self._most_waiting = settings.pool_waiting
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._held = 0
        """Those that are lent or idle, and those that are being asked for."""
        self._giving: set[asyncio.Future[None]] = set()
        threshold = settings.prepare_threshold
        self._maker = AsyncConnectionPool[Connection](
            url,
            connection_class=Connection,
            kwargs={
                "autocommit": True,
                "prepare_threshold": None if threshold < 0 else threshold,
                "connect_timeout": settings.connect_timeout,
                "application_name": "todo",
                "client_encoding": "utf8",
            },
            min_size=min(2, settings.pool_size),
            max_size=settings.pool_size,
            timeout=settings.pool_timeout,
            reconnect_timeout=settings.pool_timeout,
            open=False,
        )

    async def __aenter__(self) -> Self:
        await self._maker.open()
        self._tidying = asyncio.create_task(self._tidy())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._tidying.cancel()
        while self._idle:
            await self._return(self._idle.pop())
        await self._maker.close()

    async def borrow(self) -> Connection:
        """A connection that the server has not closed while it lay there. Raises NoConnection or Unavailable.

        An idle connection has nothing to read; where there is something, it is the server's farewell. So a serverless
        database that went to sleep is noticed before work starts, without a round trip.
        """
        deadline = 0.0
        while True:
            if self._idle:
                connection = self._idle.pop()
            else:
                deadline = deadline or time.monotonic() + self._timeout
                if self._held < self._size:
                    self._held += 1
                    connection = await self._made(deadline)
                else:
                    connection = await self._next(deadline) or await self._made(deadline)
            if not connection.closed and not _readable(connection.fileno()):
                return connection
            await connection.close()
            await self.give_back(connection)

    async def give_back(self, connection: Connection) -> None:
        """Return what was borrowed, to whoever waits the longest.

        What is old, or in the middle of something, goes to psycopg's pool, which rolls it back or closes it.
        """
        fresh = connection.known_since + AT_HAND > time.monotonic() and not self._maker.closed
        if fresh and connection.pgconn.transaction_status == IDLE:
            self._hand_on(connection)
        else:
            await self._return(connection)

    async def _tidy(self) -> None:
        """Let psycopg's pool see those that nobody has needed for a while; it may close them."""
        while True:
            await asyncio.sleep(AT_HAND / 2)
            stale = time.monotonic() - AT_HAND
            while self._idle and self._idle[0].known_since <= stale:
                await self._return(self._idle.pop(0))

    def _hand_on(self, connection: Connection) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._idle.append(connection)

    def _let_one_try(self) -> None:
        """There is room for another one: whoever waits the longest may have it made."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)  # and the place with it
                return
        self._held -= 1

    async def _next(self, deadline: float) -> Connection | None:
        """What somebody gives back, or None when one may be made instead."""
        if len(self._waiting) >= self._most_waiting:
            raise Unavailable("Too many requests are waiting for the database.")
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Connection | None] = loop.create_future()
        self._waiting.append(waiter)
        timer = loop.call_later(max(0.0, deadline - time.monotonic()), _give_up, waiter)
        try:
            return await waiter
        except NoConnection:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            raise
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                if (connection := waiter.result()) is not None:  # it came too late
                    self._hand_on(connection)
                else:
                    self._let_one_try()
            elif waiter in self._waiting:
                self._waiting.remove(waiter)
            raise
        finally:
            timer.cancel()

    async def _made(self, deadline: float) -> Connection:
        try:
            connection = await self._maker.getconn(timeout=max(0.01, deadline - time.monotonic()))
        except BaseException as error:
            self._let_one_try()
            if isinstance(error, Exception):
                raise NoConnection("The database has no free connection in time.") from error
            raise
        connection.known_since = time.monotonic()
        return connection

    async def _return(self, connection: Connection) -> None:
        """In a task of its own: whoever is cancelled meanwhile would take the connection along."""
        giving = asyncio.ensure_future(self._maker.putconn(connection))
        self._giving.add(giving)
        giving.add_done_callback(self._giving.discard)
        giving.add_done_callback(lambda _: self._let_one_try())
        await asyncio.shield(giving)


def _give_up(waiter: "asyncio.Future[Connection | None]") -> None:
    if not waiter.done():
        waiter.set_exception(NoConnection("The database has no free connection in time."))


def _readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
