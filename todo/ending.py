"""The end of a process: readiness fails first, so that whoever routes requests looks elsewhere; then the server stops.

uvicorn listens for signals itself; this stands before it, for as long as the application runs.
"""

import asyncio
import logging
import multiprocessing
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

log = logging.getLogger("todo")


class Ending:
    """Whether the end of this process is near: it still serves, `delay` seconds long, and asks to be left."""

    def __init__(self, delay: float) -> None:
        self.near = False
        self.asked = False
        """Whether somebody has asked for it at all."""
        self._delay = delay

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Hear SIGTERM and SIGINT before the server does; stop too when the process that started this one is gone."""
        if threading.current_thread() is not threading.main_thread():  # only there signals are heard
            yield
            return
        loop = asyncio.get_running_loop()
        stop, interrupt = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)

        def told(number: int, frame: FrameType | None) -> None:
            self.asked = True
            if not callable(stop):  # nobody serves here
                raise SystemExit(0)
            if self.near or not self._delay:
                stop(number, frame)
                return
            self.near = True
            loop.call_soon_threadsafe(lambda: loop.call_later(self._delay, stop, number, None))

        def interrupted(number: int, frame: FrameType | None) -> None:
            self.asked = True
            if callable(interrupt):
                interrupt(number, frame)

        parent = multiprocessing.parent_process()

        def orphaned() -> None:
            if parent is not None:
                loop.remove_reader(parent.sentinel)
            log.warning("the process that started this one is gone")
            signal.raise_signal(signal.SIGTERM)

        signal.signal(signal.SIGTERM, told)
        signal.signal(signal.SIGINT, interrupted)
        if parent is not None:
            loop.add_reader(parent.sentinel, orphaned)
        try:
            yield
        finally:
            if parent is not None:
                loop.remove_reader(parent.sentinel)
            signal.signal(signal.SIGTERM, stop)
            signal.signal(signal.SIGINT, interrupt)
