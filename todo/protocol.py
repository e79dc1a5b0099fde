"""HTTP itself, as uvicorn speaks it, within bounds: of time, of bytes and of connections.

With what long streams need, and problem documents for bytes that are no HTTP.
"""

import asyncio
import logging
import resource
import sys
from collections.abc import Awaitable
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from todo.ending import Ending
from todo.headers import DATA, PLAIN
from todo.problems import MEDIA_TYPE, Unavailable, document, plain

log = logging.getLogger("todo")

CONNECTION = "todo.connection"
"""In a request's scope: the Protocol that it came by."""

LEAVE = "todo.leave"
"""In the state of the lifespan: what to call when the server is about to stop."""

ENDING = "todo.ending"
"""In the state of the lifespan: its Ending."""

MOST = "todo.connections"
"""In the state of the lifespan: how many connections are served."""

HEAD_LIMIT = 64 * 1024  # bytes of a request line and headers that come in more than one piece
ARRIVES_WITHIN = 20.0  # seconds, from its first byte or the connection's first moment to the request's last byte
READ_WITHIN = 30.0  # seconds in which whoever is answered must read something
READ_AT_LAST = 1.0  # the same of an answer without an end, when the server stops
IDLE = 75  # seconds that a connection stays open after an answer: longer than the common proxies keep theirs

LENGTHS = {b"content-length", b"transfer-encoding"}

ALWAYS = "/health/live"
"""Answered also where there are too many connections: a busy process need not be killed."""


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol on httptools, for `uvicorn.run(http=…)`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._endless = False
        self._eof = False
        self._deaf = False
        self.cycle: RequestResponseCycle | None  # type: ignore[assignment] # the newest; None before the first
        self._running: RequestResponseCycle | None = None
        self._arrives = False
        self._heading = False
        self._head = 0  # bytes of it, behind the piece that it began in
        self._piece = 0  # bytes
        self._length: tuple[bytes, bytes] | None = None
        """How long the body is of a request that asks for another protocol."""
        self._again = False
        """Whether the head of such a body is parsed."""
        self._arriving: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None
        self._stops = False
        self.crowded = False
        """Whether it is a connection too many."""
        self._ending: Ending | None = self.app_state.get(ENDING)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Wait for a request, but not for long; past the most connections, for one that is refused."""
        super().connection_made(transport)
        self.crowded = len(self.connections) > self.app_state.get(MOST, sys.maxsize)
        self._arriving = self.loop.call_later(ARRIVES_WITHIN, self._took_too_long)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request that is served, also where others wait behind it."""
        self._arrived()
        self._was_read()
        self.pipeline.clear()
        super().connection_lost(exc)
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def eof_received(self) -> bool:  # type: ignore[override] # asyncio asks for it
        """Answer whoever has said all they had to say, and still listens (RFC 9293 §3.6, "half-closed")."""
        self._eof = True
        running = self._running
        if running is None or running.response_complete or running.more_body or self._endless:
            return False
        self._hear_no_more()
        return True

    def ends_with_its_reader(self) -> None:
        """The answer has no end of its own: whoever has said all they had to say is gone."""
        self._endless = True
        if self._eof:
            self.transport.close()
        elif self.pipeline:
            self._hear_no_more()

    def data_received(self, data: bytes) -> None:
        """Parse what comes, and count what comes before the headers are whole; what is not whole has 20 seconds."""
        self._piece = len(data)
        while data and not self._deaf:
            fed, data = data, b""
            try:
                self.parser.feed_data(fed)
            except HttpParserUpgrade as upgrade:  # the parser takes what follows for another protocol's
                data = self._body_again() + fed[upgrade.args[0] :]
            except HttpParserError:
                self._refuse(400, "Bad Request", "This is not HTTP/1.1, or its method is unknown.")
        if self._heading and not self._deaf:
            self._head += self._piece
            if self._head > HEAD_LIMIT:
                self._refuse(431, "Request Header Fields Too Large", "The headers are larger than 64 KiB.")
        if self._arrives and self._arriving is None:
            self._arriving = self.loop.call_later(ARRIVES_WITHIN, self._took_too_long)

    def _body_again(self) -> bytes:
        """Where a request asked for a protocol that is not spoken (RFC 9110 §7.8): a head for its body alone."""
        if self._length is None:
            return b""
        length, self._length, self._again = self._length, None, True
        self.parser = HttpRequestParser(self)  # one that closes its connection hears nothing behind it
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return b"POST * HTTP/1.1\r\n%b: %b\r\n\r\n" % length

    def on_message_begin(self) -> None:
        """A request arrives."""
        if self._again:
            return
        self._unset_keepalive_if_required()
        super().on_message_begin()
        self._heading, self._head, self._arrives = True, -self._piece, True
        self.scope[CONNECTION] = self  # type: ignore[literal-required] # ASGI allows keys of one's own

    def on_headers_complete(self) -> None:
        """Begin to answer; near the end of the process, each connection's last request."""
        if self._again:
            self._again = False
            return
        self._heading = False
        if self.parser.should_upgrade():
            self._length = next((header for header in self.headers if header[0] in LENGTHS), None)
        super().on_headers_complete()
        self.headers = []  # trailers come behind the body and are no headers (RFC 9110 §6.5.1)
        if self._endless and self.pipeline:
            self._hear_no_more()
        if self._ending is not None and self._ending.near and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """The request has arrived, unless its body comes again."""
        if self._length is None:
            self._arrived()
            super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running, self._endless = cycle, False
        if self._deaf and cycle.more_body:  # the rest of it will not be heard
            self.transport.close()
            return
        super()._start_asgi_task(cycle, app)

    def pause_writing(self) -> None:
        """More is to be read than can wait for it."""
        super().pause_writing()
        self._let_read()

    def resume_writing(self) -> None:
        """It was read."""
        self._was_read()
        super().resume_writing()

    def _let_read(self) -> None:
        within = READ_AT_LAST if self._stops and self._endless else READ_WITHIN
        self._reading = self.loop.call_later(within, self._not_read, self.transport.get_write_buffer_size())

    def _was_read(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _not_read(self, before: int) -> None:
        if self.transport.get_write_buffer_size() < before:
            self._let_read()
        else:
            log.info("whoever asked did not read the answer and was cut off")
            self.transport.abort()  # with what waits to be written, where uvicorn would wait for the reader

    def shutdown(self) -> None:
        """Tell the application, whose streams would otherwise never end: uvicorn waits for them."""
        self._stops = True
        if self._reading is not None:
            self._was_read()
            self._let_read()
        if leave := self.app_state.get(LEAVE):
            leave()
        super().shutdown()

    def _arrived(self) -> None:
        self._arrives = False
        if self._arriving is not None:
            self._arriving.cancel()
            self._arriving = None

    def _took_too_long(self) -> None:
        self._arriving = None
        if self.flow.read_paused:  # by us, behind an earlier request
            self._arriving = self.loop.call_later(ARRIVES_WITHIN, self._took_too_long)
        elif self._heading or self.cycle is not None:
            self._refuse(408, "Request Timeout", "The request did not arrive within 20 seconds.")
        else:
            self.transport.close()

    def _hear_no_more(self) -> None:
        """Let go of the connection when what was asked is answered; until then only its end is waited for."""
        self._deaf = True
        self.flow.resume_reading()
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def _refuse(self, status: int, title: str, detail: str) -> None:
        """Hear nothing more. What was asked before is answered yet, and then there is no room for this."""
        self._arrived()
        newest, running = self.cycle, self._running
        if newest is not None and newest.response_complete and newest.more_body and not self._heading:
            self.transport.close()  # it has its answer already
            return
        waits = running is newest and newest is not None and newest.more_body and not newest.response_started
        if running is not None and not running.response_complete and not waits:
            self._hear_no_more()
            return
        self._deaf = True
        body = document(status, title, detail, "")
        lines = [
            f"HTTP/1.1 {status} {title}".encode(),
            b"content-type: " + MEDIA_TYPE.encode(),
            b"content-length: %d" % len(body),
            b"connection: close",
            *(name + b": " + value for name, value in [*PLAIN, DATA, *self.server_state.default_headers]),
        ]
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        self.transport.close()


class Room:
    """Refuses whoever came by a connection too many, and lets pages of other origins read that."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        connection: Protocol | None = scope.get(CONNECTION)
        if connection is None or not connection.crowded or scope["path"] == ALWAYS:
            return self._app(scope, receive, send)
        response = plain(Unavailable("The server has as many connections as it can serve."), scope)
        response.raw_headers.append((b"connection", b"close"))
        return response(scope, receive, send)


def connections(most: int, beside: int) -> int:
    """How many of `most` connections there can be, with `beside` other files open; raises the limit where it can."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    possible = most if soft == resource.RLIM_INFINITY else max(1, soft - beside)
    if possible < most:
        log.warning("MAX_CONNECTIONS: this process may open %d files, so it serves %d connections", soft, possible)
    return min(most, possible)
