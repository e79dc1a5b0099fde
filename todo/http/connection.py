"""One client connection: HTTP/1.1 as RFC 9112 has it, within bounds of time, bytes and requests.

uvicorn listens and runs the application's lifespan; this is its HTTP protocol (`uvicorn.run(http=ClientConnection)`).
One request is parsed at a time: while one is answered at most one more waits, and what a client sends after that
stays unparsed, and then unread.
"""

import asyncio
from typing import Any, ClassVar

from httptools import HttpParserError

from todo.http.backpressure import Backpressure
from todo.http.deadline import Deadline
from todo.http.exchange import CommonHeaders, Exchange, refusal
from todo.http.request_parser import HEAD_LIMIT, Head, RequestParser, connection_scope
from todo.http.shutdown import SERVER, ServerHooks

EXTENSION = "todo.connection"
"""In a request's ASGI extensions: the ClientConnection that it came on."""

REQUEST_TIMEOUT = 20.0  # seconds, from its first byte or since the connection opened, to the request's last byte
KEEP_ALIVE = 75  # seconds that a connection stays open after a response: longer than common proxies keep theirs


class ClientConnection(asyncio.Protocol):
    """A connection to one client, for `uvicorn.run(http=ClientConnection)`."""

    _common: ClassVar[CommonHeaders] = CommonHeaders()

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        if not config.loaded:
            config.load()
        self.loop: asyncio.AbstractEventLoop = _loop or asyncio.get_running_loop()
        self.over_limit = False
        """Whether it is a connection too many."""
        self._app = config.loaded_app
        self._root_path: str = config.root_path
        self._keep_alive_timeout: float = config.timeout_keep_alive
        self._server = server_state
        self._state = app_state
        self._hooks: ServerHooks = app_state.get(SERVER) or ServerHooks()
        self.observer = self._hooks.observer
        """What is told of requests, where anything observes."""
        if self.observer is not None:
            self.observer.serves(server_state)
        self._deadline = Deadline(self.loop)
        self._parser = RequestParser(self._head_arrived, on_begin=self._deadline.clear)
        self._unparsed = b""
        self.current: Exchange | None = None
        """The request that is being answered, and the one that waits behind it."""
        self._next: Exchange | None = None
        self._paused = False
        self._eof = False
        self._discarding = False
        """Whether what is received is thrown away."""

    # Called by asyncio and uvicorn

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # of TCP
        """Wait for a request, but not for long; above the limit of connections, for one that is refused."""
        self._transport = transport
        self.backpressure = Backpressure(self.loop, transport)
        self._server.connections.add(self)
        self.over_limit = len(self._server.connections) > self._hooks.max_connections
        self._scope = connection_scope(transport) | {"extensions": {EXTENSION: self}}
        self._deadline.set(REQUEST_TIMEOUT, self._timed_out)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 # asyncio calls it so
        """Tell the running exchange that the client is gone, also where another waits behind it."""
        self._server.connections.discard(self)
        self._deadline.close()
        self._next = None
        self._unparsed = b""
        self._discarding = True
        self.backpressure.gone()
        if self.current is not None:
            self.current.disconnect()

    def data_received(self, data: bytes) -> None:
        """Parse what arrives, unless a request waits already."""
        if self._discarding:
            return
        self._unparsed = self._unparsed + data if self._unparsed else data
        self._parse()

    def eof_received(self) -> bool:
        """Answer a client that has sent all it had to send and still reads (RFC 9293 §3.6, "half-closed")."""
        self._eof = True
        current = self.current
        if current is None or current.more_body or current.endless:
            self.close()
            return False
        if self._next is not None and self._next.more_body and not self._unparsed:
            self._next = None  # its rest will not come
        self._read_on()
        return True

    def pause_writing(self) -> None:
        """More was written than the client has read."""
        self.backpressure.pause()

    def resume_writing(self) -> None:
        """The client has read."""
        self.backpressure.resume()

    def shutdown(self) -> None:
        """uvicorn stops: close an idle connection, another after its response; event streams are ended."""
        self._hooks.end_streams()
        if self.current is None:
            self.close()
            return
        self.current.keep_alive = False
        if self.current.endless:
            self.backpressure.hurry()

    # Requests

    def _parse(self) -> None:
        """Parse up to one request beyond the one that is answered; stop reading where more has come."""
        parser, was_incomplete = self._parser, self._parser.incomplete
        data, self._unparsed, start = self._unparsed, b"", 0
        while start < len(data) and self._next is None and not self._discarding:
            end = parser.end_of_slice(data, start)
            try:
                first = parser.feed(data[start:end])
            except HttpParserError:
                self._refuse(400, "Bad Request", parser.refused or "This is not HTTP/1.1, or its method is unknown.")
                return
            if parser.in_head and parser.head_bytes > HEAD_LIMIT:
                self._refuse(431, "Request Header Fields Too Large", "The headers are larger than 64 KiB.")
                return
            start = end
            if first:  # the body of a request with an Upgrade header, for another parser
                data, start = first + data[start:], 0
        if self._discarding:
            return
        self._unparsed = data[start:]
        if self._next is not None:
            self.pause_reading()
        if not parser.incomplete and self.current is not None:
            self._deadline.clear()
        elif was_incomplete and not parser.incomplete:
            self._deadline.set(self._keep_alive_timeout, self.close)  # the rest of a request that was answered before
        elif parser.incomplete and not self._deadline.is_set:
            self._deadline.set(REQUEST_TIMEOUT, self._timed_out)

    def _head_arrived(self, head: Head) -> Exchange:
        scope = head.scope(self._root_path) | self._scope | {"state": self._state.copy()}
        keep_alive = head.keep_alive and not self._hooks.draining
        exchange = Exchange(self, scope, keep_alive=keep_alive, expects_continue=head.expects_continue)
        if self.current is None:
            self._start(exchange)
        else:
            self._next = exchange
            if self.current.endless:
                self._discard_input()
        return exchange

    def _start(self, exchange: Exchange) -> None:
        self.current = exchange
        exchange.task = self.loop.create_task(exchange.run(self._app))
        self._server.tasks.add(exchange.task)

    # Called by Exchange

    def common_headers(self) -> bytes:
        """The header lines that every response has."""
        return self._common.lines(self._server.default_headers)

    def write(self, data: bytes) -> None:
        """Send to the client."""
        self._transport.write(data)

    def pause_reading(self) -> None:
        """Read nothing more for now."""
        if not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on, unless a request waits already."""
        if self._next is None and not self._unparsed:
            self._read_on()

    def _read_on(self) -> None:
        if self._paused and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    def endless_response(self) -> None:
        """The response that is sent has no end of its own: a client that has sent its last byte is gone."""
        current = self.current
        if current is None:
            return
        current.endless = True
        if self._eof:
            self.close()
        elif self._next is not None:
            self._discard_input()

    def responded(self, exchange: Exchange) -> None:
        """The response was sent whole: answer the next request, or wait for one."""
        self._server.total_requests += 1
        if exchange is not self.current:
            return
        following, self.current, self._next = self._next, self._next, None
        if not exchange.keep_alive or self._transport.is_closing() or (exchange.more_body and self._discarding):
            self.current = None
            self.close()
            return
        self._parse()  # the rest of the next request may be no HTTP: then it is not started
        if self._transport.is_closing():
            return
        if following is not None:
            following.keep_alive = following.keep_alive and not self._discarding
            if following.more_body and (self._discarding or self._eof):
                self.close()  # the rest of it will not come
            else:
                self._start(following)
        if self._next is None:
            self._read_on()
        if self.current is None and (self._eof or self._discarding):
            self.close()
        elif self.current is None and not self._parser.incomplete:
            self._deadline.set(self._keep_alive_timeout, self.close)

    def ended(self, exchange: Exchange) -> None:
        """The application returned: a response that is not whole must not look like one."""
        self._server.tasks.discard(exchange.task)
        if not exchange.complete and not exchange.disconnected:
            self.current = None
            self.close()

    def close(self) -> None:
        """Close once everything written is sent, which the client must read within the bounds."""
        self._transport.close()
        self.backpressure.closing()

    # Bounds

    def _timed_out(self) -> None:
        arriving = self._parser.arriving  # perhaps an upload; or we have paused, behind an earlier request
        if self._paused or (arriving is not None and arriving.goes_on()):
            self._deadline.set(REQUEST_TIMEOUT, self._timed_out)
        elif self._parser.incomplete:
            self._refuse(408, "Request Timeout", "The request did not arrive within 20 seconds.")
        else:
            self.close()

    def _discard_input(self) -> None:
        """Stop parsing. The running response is finished, then the connection is closed."""
        self._discarding = True
        self._unparsed = b""
        self._read_on()  # so that its end is noticed
        if self.current is not None:
            self.current.keep_alive = False
        self._next = None

    def _refuse(self, status: int, title: str, detail: str) -> None:
        """Stop parsing. Let a running response finish, then close; where none runs, send `status` and close."""
        self._deadline.clear()
        current, arriving = self.current, self._parser.arriving
        self._parser.arriving = None
        if arriving is not None and (arriving.complete or arriving.task is None):
            self.close()  # it was answered before it came whole, or not even started
            return
        if current is not None and (current is not arriving or current.started):
            self._discard_input()
            return
        if current is not None:
            current.disconnect()
        self._discarding = True
        self._unparsed = b""
        observed = self.observer.refused(self._scope["client"], status, detail) if self.observer else ()
        common = self.common_headers(), [*self._hooks.response_headers, *observed]
        self.write(refusal(status, title, detail, *common, head_only=self._parser.head_only))
        self.close()
