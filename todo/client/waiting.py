"""Waiting, locks and threads, for asynchronous code and for the synchronous code that is made of it.

`bin/unasync.py` turns `async_sleep` into `sleep` and so on. Written by hand for both, as the only part of the client.
"""

import threading
import time
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple, Unpack

import anyio
import anyio.to_thread

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class AsyncLock:
    """A lock among the tasks of one event loop, asyncio's or Trio's."""

    def __init__(self) -> None:
        self._lock = anyio.Lock()

    async def __aenter__(self) -> None:
        await self._lock.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()


Lock = threading.Lock


async def async_sleep(seconds: float) -> None:
    await anyio.sleep(seconds)


def sleep(seconds: float) -> None:
    time.sleep(seconds)


async def async_in_thread(function: Callable[[Unpack[Ts]], T], *args: *Ts) -> T:
    """Call what waits for a disk, without stopping the event loop."""
    return await anyio.to_thread.run_sync(function, *args)


def in_thread(function: Callable[[Unpack[Ts]], T], *args: *Ts) -> T:
    """Call it: synchronous code may wait."""
    return function(*args)
