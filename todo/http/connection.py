"""One client connection: HTTP/1.1 as RFC 9112 has it, within bounds of time, bytes and requests.

uvicorn listens and calls the application's lifespan; this is its HTTP protocol (`uvicorn.run(http=Connection)`), on
httptools' parser. One request is parsed at a time: while one is answered at most one more waits, and what a client
sends behind that stays unparsed, and then unread.
"""

import asyncio
import logging
import sys
from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, parse_url
from httptools.parser.errors import HttpParserInvalidURLError
from starlette.types import Scope

from todo.http.exchange import Exchange
from todo.http.json import encode
from todo.http.shutdown import SERVER, ServerHooks
from todo.problems import MEDIA_TYPE

log = logging.getLogger("todo")

EXTENSION = "todo.connection"
"""In a request's ASGI extensions: the Connection that it came on."""

HEAD_LIMIT = 64 * 1024  # bytes of a request line and headers that come in more than one piece
REQUEST_TIMEOUT = 20.0  # seconds, from its first byte or the connection's first moment to the request's last byte
READ_TIMEOUT = 30.0  # seconds in which a client must read something of its response
LAST_READ_TIMEOUT = 1.0  # the same of an endless response, when the server stops
KEEP_ALIVE = 75  # seconds that a connection stays open after a response: longer than common proxies keep theirs

LENGTHS = {b"content-length", b"transfer-encoding"}
END_OF_HEAD = b"\r\n\r\n"


class Connection(asyncio.Protocol):
    """A connection to one client, for `uvicorn.run(http=Connection)`."""

    _common: ClassVar[tuple[Any, bytes]] = None, b""

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        if not config.loaded:
            config.load()
        self.loop: asyncio.AbstractEventLoop = _loop or asyncio.get_running_loop()
        self.over_limit = False
        """Whether it is a connection too many."""
        self.drained: asyncio.Future[None] | None = None
        """While the client does not read what was written: done when it does, or when it is gone."""
        self._app = config.loaded_app
        self._root_path: str = config.root_path
        self._keep_alive_timeout: float = config.timeout_keep_alive
        self._server = server_state
        self._state = app_state
        self._hooks: ServerHooks = app_state.get(SERVER) or ServerHooks()
        self._parser = _new_parser(self)
        self._current: Exchange | None = None
        """The request that is being answered."""
        self._next: Exchange | None = None
        """The request that waits behind it."""
        self._arriving: Exchange | None = None
        """The request whose body is being parsed."""
        self._unparsed = b""
        self._in_head = False
        self._head_bytes = 0
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._expects_continue = False
        self._upgrade_length: tuple[bytes, bytes] | None = None
        """How long the body is of a request that asks for another protocol."""
        self._in_upgrade_body = False
        self._paused = False
        self._eof = False
        self._discarding = False
        """Whether what is received is thrown away."""
        self._stopping = False
        self._deadline: float | None = None
        self._on_deadline: Callable[[], None] = self.close
        self._timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None

    # The transport's side

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # of TCP
        """Wait for a request, but not for long; above the limit of connections, for one that is refused."""
        self._transport = transport
        self._server.connections.add(self)
        self.over_limit = len(self._server.connections) > self._hooks.max_connections
        self._scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        self._address = _host_and_port(transport.get_extra_info("sockname"))
        self._client = _host_and_port(transport.get_extra_info("peername"))
        self._expect(REQUEST_TIMEOUT, self._timed_out)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 # asyncio calls it so
        """Tell the request that is answered, also where others wait behind it."""
        self._server.connections.discard(self)
        for timer in (self._timer, self._read_timer):
            if timer is not None:
                timer.cancel()
        self._timer = self._read_timer = None
        self._next = None
        self._unparsed = b""
        self._discarding = True
        self.resume_writing()
        if self._current is not None:
            self._current.disconnect()

    def data_received(self, data: bytes) -> None:
        """Parse what arrives, unless a request waits already."""
        if self._discarding:
            return
        self._unparsed = self._unparsed + data if self._unparsed else data
        self._parse()

    def eof_received(self) -> bool:
        """Answer a client that has sent all it had to send and still reads (RFC 9293 §3.6, "half-closed")."""
        self._eof = True
        current = self._current
        if current is None or current.more_body or current.endless:
            return False
        if self._next is not None and self._next.more_body and not self._unparsed:
            self._next = None  # its rest will not come
        self._resume_if_paused()
        return True

    def pause_writing(self) -> None:
        """More was written than the client has read: let it read something within READ_TIMEOUT."""
        if self.drained is None:
            self.drained = self.loop.create_future()
        self._expect_reading()

    def resume_writing(self) -> None:
        """The client has read."""
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None
        if self.drained is not None:
            drained, self.drained = self.drained, None
            if not drained.done():
                drained.set_result(None)

    def shutdown(self) -> None:
        """uvicorn stops: close an idle connection, another after its response; event streams are told to end."""
        self._stopping = True
        self._hooks.end_streams()
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._expect_reading()
        if self._current is None:
            self.close()
        else:
            self._current.keep_alive = False

    # The parser's side

    def _parse(self) -> None:
        """Parse up to one request beyond the one that is answered; stop reading where more has come.

        A slice ends where a head ends, so that at most one request begins in it.
        """
        while self._unparsed and self._next is None and not self._discarding:
            end = self._unparsed.find(END_OF_HEAD) + len(END_OF_HEAD)
            if end < len(END_OF_HEAD) or end == len(self._unparsed):
                piece, self._unparsed = self._unparsed, b""
            else:
                piece, self._unparsed = self._unparsed[:end], self._unparsed[end:]
            self._feed(piece)
        if self._next is not None and not self._discarding:
            self.pause_reading()
        if self._in_head and not self._discarding and self._head_bytes > HEAD_LIMIT:
            self._refuse(431, "Request Header Fields Too Large", "The headers are larger than 64 KiB.")

    def _feed(self, piece: bytes) -> None:
        begun_before = self._in_head
        try:
            self._parser.feed_data(piece)
        except HttpParserUpgrade as upgrade:  # the parser takes what follows for another protocol's
            self._unparsed = self._upgrade_body_head() + piece[upgrade.args[0] :] + self._unparsed
        except HttpParserError:
            self._refuse(400, "Bad Request", "This is not HTTP/1.1, or its method is unknown.")
        else:
            if self._in_head and begun_before:
                self._head_bytes += len(piece)
        if self._deadline is None and (self._in_head or self._arriving is not None):
            self._expect(REQUEST_TIMEOUT, self._timed_out)

    def _upgrade_body_head(self) -> bytes:
        """A head for the body of a request that asked for a protocol that is not spoken (RFC 9110 §7.8)."""
        self._parser = _new_parser(self)
        length, self._upgrade_length = self._upgrade_length, None
        self._in_upgrade_body = length is not None
        return b"POST * HTTP/1.1\r\n%b: %b\r\n\r\n" % length if length else b""

    def on_message_begin(self) -> None:
        """httptools: a request begins."""
        if self._in_upgrade_body:
            return
        self._url, self._headers, self._expects_continue = b"", [], False
        self._in_head, self._head_bytes = True, 0
        if self._current is None:
            self._deadline = None

    def on_url(self, url: bytes) -> None:
        """httptools: a piece of the request's target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: a header, or a trailer, which is none (RFC 9110 §6.5.1)."""
        if not self._in_head or self._in_upgrade_body:
            return
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self._expects_continue = True
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """httptools: the head is complete; answer, or wait behind the request that is answered."""
        if self._in_upgrade_body:
            return
        self._in_head = False
        parser = self._parser
        if parser.should_upgrade():
            self._upgrade_length = next((header for header in self._headers if header[0] in LENGTHS), None)
        keep_alive = parser.should_keep_alive() and parser.get_http_version() == "1.1" and not self._hooks.draining
        exchange = Exchange(self, self._scope(), keep_alive=keep_alive, expects_continue=self._expects_continue)
        self._arriving = exchange
        if self._current is None:
            self._start(exchange)
        else:
            self._next = exchange
            if self._current.endless:
                self._discard_input()

    def on_body(self, body: bytes) -> None:
        """httptools: a piece of the body."""
        if self._arriving is not None:
            self._arriving.add_body(body)

    def on_message_complete(self) -> None:
        """httptools: the request has arrived, unless its body is to come by another parser."""
        if self._upgrade_length is not None:
            return
        self._in_upgrade_body = False
        if self._arriving is not None:
            exchange, self._arriving = self._arriving, None
            exchange.end_body()
        self._deadline = None

    def _scope(self) -> Scope:
        try:
            url = parse_url(self._url)
        except HttpParserInvalidURLError:
            raise HttpParserError("invalid URL") from None
        raw_path: bytes = url.path or b""
        path = raw_path.decode("ascii")
        if "%" in path:
            path = unquote(path)
        root_path = self._root_path
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": self._parser.get_http_version(),
            "server": self._address,
            "client": self._client,
            "scheme": self._scheme,
            "method": self._parser.get_method().decode("ascii"),
            "root_path": root_path,
            "path": root_path + path if root_path else path,
            "raw_path": root_path.encode() + raw_path if root_path else raw_path,
            "query_string": url.query or b"",
            "headers": self._headers,
            "state": self._state.copy(),
            "extensions": {EXTENSION: self},
        }

    # The exchange's side

    def _start(self, exchange: Exchange) -> None:
        self._current = exchange
        exchange.task = self.loop.create_task(exchange.run(self._app))
        self._server.tasks.add(exchange.task)

    def common_headers(self) -> bytes:
        """The header lines that every response has; uvicorn makes a new list of them each second."""
        headers = self._server.default_headers
        if Connection._common[0] is not headers:
            Connection._common = headers, b"".join([b"%b: %b\r\n" % header for header in headers])
        return Connection._common[1]

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
            self._resume_if_paused()

    def _resume_if_paused(self) -> None:
        if self._paused and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    def endless_response(self) -> None:
        """The response that is sent has no end of its own: a client that has sent its last byte is gone."""
        current = self._current
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
        if exchange is not self._current:
            return
        if self._transport.is_closing():
            self._current = None
            return
        if not exchange.keep_alive or (exchange.more_body and self._discarding):
            self._current = None
            self.close()
            return
        self._current = None
        following, self._next = self._next, None
        if following is not None:
            if following.more_body and (self._discarding or self._eof):
                self.close()  # the rest of it will not come
                return
            self._start(following)
        if self._discarding or (self._eof and following is None and not self._unparsed):
            if following is None:
                self.close()
            else:
                following.keep_alive = False
            return
        self._parse()
        if self._next is None:
            self._resume_if_paused()
        if self._current is None:
            if self._eof:
                self.close()
            elif not self._in_head and self._arriving is None:
                self._expect(self._keep_alive_timeout, self.close)

    def ended(self, exchange: Exchange) -> None:
        """The application returned: a response that is not whole must not look like one."""
        self._server.tasks.discard(exchange.task)
        if not exchange.complete and not exchange.disconnected:
            self._current = None
            self._transport.close()

    def close(self) -> None:
        """Close once everything written is sent."""
        self._transport.close()

    # Bounds

    def _expect(self, seconds: float, action: Callable[[], None]) -> None:
        """Call `action` after so long, unless the deadline is moved or cleared before.

        One timer serves all deadlines of the connection: one that fires early is set again.
        """
        self._deadline, self._on_deadline = self.loop.time() + seconds, action
        if self._timer is None:
            self._timer = self.loop.call_later(seconds, self._tick)
        elif self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = self.loop.call_later(seconds, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._deadline is None:
            return
        left = self._deadline - self.loop.time()
        if left > 0.001:
            self._timer = self.loop.call_later(left, self._tick)
            return
        self._deadline = None
        self._on_deadline()

    def _timed_out(self) -> None:
        if self._paused:  # by us, behind an earlier request
            self._expect(REQUEST_TIMEOUT, self._timed_out)
        elif self._in_head or self._arriving is not None:
            self._refuse(408, "Request Timeout", "The request did not arrive within 20 seconds.")
        else:
            self.close()

    def _expect_reading(self) -> None:
        endless = self._current is not None and self._current.endless
        seconds = LAST_READ_TIMEOUT if self._stopping and endless else READ_TIMEOUT
        self._read_timer = self.loop.call_later(seconds, self._check_reading, self._transport.get_write_buffer_size())

    def _check_reading(self, before: int) -> None:
        if self._transport.get_write_buffer_size() < before:
            self._expect_reading()
        else:
            log.info("a client did not read its response and was disconnected")
            self._transport.abort()

    def _discard_input(self) -> None:
        """Stop parsing. The running response is finished, then the connection is closed."""
        self._discarding = True
        self._unparsed = b""
        self._resume_if_paused()  # so that its end is noticed
        if self._current is not None:
            self._current.keep_alive = False
        if self._next is not None:
            self._next.keep_alive = False
            if self._next.more_body:
                self._next = None

    def _refuse(self, status: int, title: str, detail: str) -> None:
        """Stop parsing. Let running responses finish, then close; where none runs, send `status` and close."""
        self._deadline = None
        current, arriving = self._current, self._arriving
        self._arriving = None
        if arriving is not None and arriving.complete:  # it was answered before it came whole
            self.close()
            return
        if current is not None and (current is not arriving or current.started):
            self._discard_input()
            return
        if current is not None:
            current.disconnect()
        self._discarding = True
        self._unparsed = b""
        body = encode({"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": ""})
        lines = [
            f"HTTP/1.1 {status} {title}\r\n".encode(),
            self.common_headers(),
            b"content-type: %b\r\n" % MEDIA_TYPE.encode(),
            b"content-length: %d\r\n" % len(body),
            *[b"%b: %b\r\n" % header for header in self._hooks.response_headers],
            b"connection: close\r\n\r\n",
        ]
        self.write(b"".join(lines) + body)
        self.close()


def _new_parser(connection: Connection) -> HttpRequestParser:
    """A parser that answers `Connection: close` and still says what came behind it."""
    parser = HttpRequestParser(connection)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def _host_and_port(address: Any) -> tuple[str, int] | None:
    return (str(address[0]), int(address[1])) if isinstance(address, tuple) else None


def max_connections(wanted: int, other_files: int) -> int:
    """How many of `wanted` connections there can be, with so many other files open.

    Raises the process's limit of open files as far as it may.
    """
    if sys.platform == "win32":
        return wanted
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    possible = wanted if soft == resource.RLIM_INFINITY else max(1, soft - other_files)
    if possible < wanted:
        log.warning("MAX_CONNECTIONS: this process may open %d files, so it serves %d connections", soft, possible)
    return min(wanted, possible)
