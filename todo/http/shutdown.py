"""The end of a process: readiness fails first, so that a load balancer uses another server; then the server stops.

uvicorn has signal handlers of its own; these run before them, for as long as the application does.
"""

import asyncio
import logging
import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from todo.http.observer import Observer

log = logging.getLogger("todo")

SERVER = "todo.server"
"""In the state of the lifespan: the ServerHooks."""


def hangup_is_ignored() -> bool:
    """Whether SIGHUP was ignored at the start, as under nohup; it then stays so in every process.

    uvicorn's parent of several workers restarts them on SIGHUP; the workers themselves inherit what is ignored.
    """
    from uvicorn.supervisors import multiprocess

    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    if ignored:
        multiprocess.SIGNALS.pop(signal.SIGHUP, None)
    return ignored


class Shutdown:
    """Whether this process is about to stop: it serves on for `delay` seconds, and is no longer ready."""

    def __init__(self, delay: float) -> None:
        self.draining = False
        self.requested = False
        """Whether a signal has asked for it at all."""
        self._delay = delay

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Handle SIGTERM and SIGINT before the server does; stop too when the parent process is gone."""
        if threading.current_thread() is not threading.main_thread():  # signals are handled only there
            yield
            return
        loop = asyncio.get_running_loop()
        terminate, interrupt = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)

        def terminated(number: int, frame: FrameType | None) -> None:
            self.requested = True
            if not callable(terminate):  # no server runs here
                raise SystemExit(0)
            if self.draining or not self._delay:
                terminate(number, frame)
                return
            self.draining = True
            loop.call_soon_threadsafe(lambda: loop.call_later(self._delay, terminate, number, None))

        def interrupted(number: int, frame: FrameType | None) -> None:
            self.requested = True
            if callable(interrupt):
                interrupt(number, frame)

        parent = multiprocessing.parent_process()

        def orphaned() -> None:
            if parent is not None:
                loop.remove_reader(parent.sentinel)
            log.warning("the parent process is gone")
            signal.raise_signal(signal.SIGTERM)

        signal.signal(signal.SIGTERM, terminated)
        signal.signal(signal.SIGINT, interrupted)
        if parent is not None:
            loop.add_reader(parent.sentinel, orphaned)
        try:
            yield
        finally:
            if parent is not None:
                loop.remove_reader(parent.sentinel)
            signal.signal(signal.SIGTERM, terminate)
            signal.signal(signal.SIGINT, interrupt)


def _nothing() -> None:
    """End no streams, since there are none."""


@dataclass(frozen=True, slots=True)
class ServerHooks:
    """What a client connection asks of the application that it serves."""

    shutdown: Shutdown = field(default_factory=lambda: Shutdown(0.0))
    max_connections: int = sys.maxsize
    end_streams: Callable[[], None] = _nothing
    """Called when the server stops: uvicorn would wait for event streams without end."""
    response_headers: Sequence[tuple[bytes, bytes]] = ()
    """Headers of a response that the application does not see."""
    observer: "Observer | None" = None

    @property
    def draining(self) -> bool:
        """Whether the process is about to stop."""
        return self.shutdown.draining
