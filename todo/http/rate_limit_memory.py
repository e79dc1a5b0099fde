"""Counters of rate limits in the memory of a process."""

import time
from typing import Any

from limits.aio.storage import Storage


class MemoryStorage(Storage):
    """Counters in memory, each operation the same few steps however many there are.

    The library's own storage looks through all of its counters after every hit. This one keeps them in two
    generations: what was not counted during one of them is forgotten as a whole.
    """

    STORAGE_SCHEME = ["todo+memory"]  # noqa: RUF012 # the library's own declaration
    GENERATION = 86_400.0  # seconds, no shorter than the longest window

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

    def count(self, key: str, expiry: int, amount: int = 1) -> tuple[int, float]:
        """Count, and begin a window of `expiry` seconds where none runs; the count, and when the window ends."""
        now = time.time()
        count, ends_at = self._found(key, now)
        self._young[key] = counted = count + amount, ends_at or now + expiry
        return counted

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """The same, as the library calls it."""
        return self.count(key, expiry, amount)[0]

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
