"""Shares: how many connections one user's requests may hold, and how many may wait, so that others are served."""

import asyncio
from collections import Counter, deque

from todo.metrics.counts import COUNTS
from todo.metrics.names import THROTTLED
from todo.problems import TooManyRequests

DETAIL = "Too many of your requests are running at the same time. Send fewer at once."


class Shares:
    """Lets at most `running` requests of a user through at once; at most `waiting` more wait, each `timeout` seconds.

    What waits here waits for the user's own requests, and takes no place in the queue for connections.
    """

    def __init__(self, running: int, waiting: int, timeout: float) -> None:
        self._most_running = running
        self._most_waiting = waiting
        self._timeout = timeout
        self._running: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def enter(self, user_id: str) -> None:
        """Take a place of the user's share; `leave` gives it back. Raises TooManyRequests."""
        running = self._running
        if (count := running[user_id]) < self._most_running:
            running[user_id] = count + 1
            return
        waiting = self._waiting.setdefault(user_id, deque())
        if len(waiting) >= self._most_waiting:
            COUNTS.add(THROTTLED, "share")
            raise TooManyRequests(DETAIL, retry_after=1)
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(place)
        try:
            async with asyncio.timeout(self._timeout):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():  # it was given at the same moment
                self.leave(user_id)
            elif place in waiting:
                waiting.remove(place)
                if not waiting:
                    self._waiting.pop(user_id, None)
            if isinstance(error, TimeoutError):
                COUNTS.add(THROTTLED, "share")
                raise TooManyRequests(DETAIL, retry_after=1) from None
            raise

    def leave(self, user_id: str) -> None:
        """Give the place to the user's request that has waited the longest, or back."""
        waiting = self._waiting.get(user_id)
        while waiting:
            place = waiting.popleft()
            if not waiting:
                del self._waiting[user_id]
            if not place.done():
                place.set_result(None)
                return
        self._running[user_id] -= 1
        if not self._running[user_id]:
            del self._running[user_id]
