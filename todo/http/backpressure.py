"""A client that reads slower than the server writes: wait for it for a limited time."""

import asyncio
import logging

from todo.http.deadline import Deadline

log = logging.getLogger("todo")

READ_TIMEOUT = 30.0  # seconds in which a client must read something of its response
LAST_READ_TIMEOUT = 1.0  # the same of an endless response, when the server stops


class Backpressure:
    """Whether a client reads what was written; one that reads nothing within READ_TIMEOUT is disconnected."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        self.drained: asyncio.Future[None] | None = None
        """While the client does not read: done when it does, or when it is gone."""
        self._loop = loop
        self._transport = transport
        self._deadline = Deadline(loop)
        self._timeout = READ_TIMEOUT

    def pause(self) -> None:
        """More was written than the transport buffers."""
        if self.drained is None:
            self.drained = self._loop.create_future()
        self._wait()

    def resume(self) -> None:
        """The client has read."""
        self.gone()
        if self._transport.is_closing():
            self.closing()

    def closing(self) -> None:
        """The connection closes when the client has read the rest: it has as long for each part of it."""
        if self._transport.get_write_buffer_size():
            self._wait()

    def gone(self) -> None:
        """Nothing is waited for any more."""
        self._deadline.close()
        if self.drained is not None:
            drained, self.drained = self.drained, None
            if not drained.done():
                drained.set_result(None)

    def hurry(self) -> None:
        """The server stops: a client of an endless response has LAST_READ_TIMEOUT."""
        self._timeout = LAST_READ_TIMEOUT
        if self.drained is not None:
            self._wait()

    def _wait(self) -> None:
        before = self._transport.get_write_buffer_size()
        self._deadline.set(self._timeout, lambda: self._check(before))

    def _check(self, before: int) -> None:
        if self._transport.get_write_buffer_size() < before:
            self._wait()
        else:
            log.info("a client did not read its response and was disconnected")
            self._transport.abort()
