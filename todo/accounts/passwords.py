"""Password hashes: argon2id at OWASP's least cost, in a thread, a few at a time."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from todo.problems import Unavailable

T = TypeVar("T")

MAX_RUNNING = 2
"""Hashes at once, each of which takes 19 MiB and a core: sign-ins wait for one another, other requests do not."""


@cache
def _hasher() -> PasswordHash:
    """OWASP Password Storage Cheat Sheet: argon2id, 19 MiB, two passes, one lane."""
    return PasswordHash((Argon2Hasher(memory_cost=19 * 1024, time_cost=2, parallelism=1),))


MAX_WAITING = 128
"""Passwords that may wait for a slot, a second or two; one more is refused for now."""

UNKNOWN_HASH = "$argon2id$v=19$m=19456,t=2,p=1$c7IZBXDjGfAu6Z7m+4foTQ$jvzM9Yimz8HEWGMEZaHfLDHh7tpF5DTlQaKIGsZvkYw"
"""A hash of the same cost, for an unknown e-mail."""


NICE = 10
"""The priority of sign-ins below that of requests for tasks, where there is no core for both (sched(7))."""


def _lower_priority() -> None:
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


class Passwords:
    """Hashes and verifies within one event loop."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MAX_RUNNING, "passwords", _lower_priority)
        self._waiting = 0

    async def _run(self, work: Callable[..., T], *arguments: str) -> T:
        if self._waiting >= MAX_WAITING:
            raise Unavailable("Too many sign-ins at the moment.", retry_after=2)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._waiting -= 1

    async def hash(self, password: str) -> str:
        """The argon2id hash of `password`, in PHC format. Raises Unavailable when too many wait."""
        return await self._run(_hasher().hash, password)

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Whether `password` is the one; without a hash it takes the same time and is false. Raises Unavailable."""
        right = await self._run(_hasher().verify, password, hashed or UNKNOWN_HASH)
        return right and hashed is not None
