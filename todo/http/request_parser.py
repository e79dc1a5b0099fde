"""From bytes to requests: httptools' parser, which also keeps the body of a request with an Upgrade header."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, parse_url
from httptools.parser.errors import HttpParserInvalidURLError

from todo.http.exchange import Exchange

END_OF_HEAD = b"\r\n\r\n"
SHORTEST_REQUEST = len(b"GET / HTTP/1.1\r\n\r\n")

HEAD_LIMIT = 64 * 1024
"""Bytes of a request's line and headers."""

TARGET_LIMIT = 8192
"""Bytes of path and query; RFC 9110 §4.1 wants at least 8000 octets. A longer path is not decoded, but refused."""

FRAMING_LIMIT = 128 * 1024
"""Bytes of a chunked body that are no content: enough for 64 KiB in chunks of three bytes."""

FRAMING_SHARE = 16
"""For so many bytes of content there may be one more: enough for chunks of 128 bytes."""

LENGTHS = {b"content-length", b"transfer-encoding"}
HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[\w.~!$&'()*+;=%-]*)(?::[0-9]*)?", re.ASCII)
"""uri-host [":" port] (RFC 9110 §7.2), without the comma, which means two of them."""


@dataclass(slots=True)
class Head:
    """A request's line and headers."""

    method: str
    raw_path: bytes
    path: str
    query_string: bytes
    version: str
    headers: list[tuple[bytes, bytes]]
    keep_alive: bool
    expects_continue: bool

    def scope(self, root_path: str) -> dict[str, Any]:
        """Its part of an ASGI scope."""
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": self.version,
            "method": self.method,
            "root_path": root_path,
            "path": root_path + self.path,
            "raw_path": root_path.encode() + self.raw_path,
            "query_string": self.query_string,
            "headers": self.headers,
        }


class RequestParser:
    """Parses requests: `on_head` is called with each head and gives the Exchange that takes the body."""

    def __init__(self, on_head: Callable[[Head], Exchange], on_begin: Callable[[], None]) -> None:
        self.arriving: Exchange | None = None
        """The exchange whose body is being parsed."""
        self.in_head = False
        self.head_bytes = 0
        """Bytes of an incomplete head; not those before the end of a body, where it began behind one in chunks."""
        self.refused = ""
        """What is wrong with a request that HTTP/1.1 allows no server to answer, after an HttpParserError."""
        self.head_only = False
        """Whether the request that was refused asks for no body."""
        self._on_head = on_head
        self._on_begin = on_begin
        self._length = 0
        self._tail = b""
        """The last three bytes of the piece before."""
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._expects_continue = False
        self._body: list[bytes] = []
        """What was parsed of a body and not yet given to the exchange."""
        self.on_body = self._body.append
        """httptools: a piece of the body. A body may come in a chunk for each byte, so this is no function of ours."""
        self._hosts: list[bytes] = []
        self._body_left = 0
        """Bytes of a body of known length that are still to come."""
        self._framing = 0
        """Bytes of the body that were no content."""
        self._content = 0
        """Bytes of the body that were."""
        self._upgrade_length: tuple[bytes, bytes] | None = None
        """How long the body is of a request that asks for another protocol."""
        self._in_upgrade_body = False
        self._parser = _new_parser(self)

    @property
    def incomplete(self) -> bool:
        """Whether a request has begun to arrive and is not whole."""
        return self.in_head or self.arriving is not None

    def end_of_slice(self, data: bytes, start: int) -> int:
        """Where a piece of `data` from `start` on must end, so that at most one request begins in it.

        That is after a blank line, which may have begun in the piece before. A body of known length is not cut, and one
        in chunks that is full of blank lines not at each of them.
        """
        longest = start + HEAD_LIMIT + 1
        if start == 0 and self._tail:
            at = (self._tail + data[:3]).find(END_OF_HEAD)
            if at >= 0:
                return at + len(END_OF_HEAD) - len(self._tail)
        if not self.in_head:
            start += self._body_left + SHORTEST_REQUEST - len(END_OF_HEAD)
        at = data.find(END_OF_HEAD, start)
        end = at + len(END_OF_HEAD) if at >= 0 else len(data)
        return end if self.arriving is not None else min(end, longest)

    def feed(self, piece: bytes) -> bytes:
        """Parse a piece; what is to be fed before anything else. Raises HttpParserError for what is no HTTP."""
        begun_before = self.in_head
        self._tail = piece[-3:] if len(piece) > 2 else (self._tail + piece)[-3:]
        in_body = self.arriving
        try:
            self._parser.feed_data(piece)
        except HttpParserUpgrade as upgrade:  # the parser takes what follows for another protocol's
            return self._upgrade_body_head() + piece[upgrade.args[0] :]
        finally:
            self._hand_on_body()
        if in_body is not None and in_body is self.arriving:
            self._framing += len(piece)
            if self._framing > FRAMING_LIMIT + self._content // FRAMING_SHARE:
                raise HttpParserError("more framing than content")
        if self.in_head and (begun_before or in_body is None):
            self.head_bytes += len(piece)
        return b""

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
        self._url, self._headers, self._hosts, self._expects_continue = b"", [], [], False
        self._body_left = self._length = self._framing = self._content = 0
        self.in_head, self.head_bytes = True, 0
        self._on_begin()

    def on_url(self, url: bytes) -> None:
        """httptools: a piece of the request's target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: a header, or a trailer, which is none (RFC 9110 §6.5.1)."""
        if not self.in_head or self._in_upgrade_body:
            return
        name = name.lower()
        if name == b"host":
            self._hosts.append(value)
        elif name == b"expect" and value.lower() == b"100-continue":
            self._expects_continue = True
        self._headers.append((name, value))
        if name == b"content-length" and value.isdigit():
            self._length = int(value)

    def on_headers_complete(self) -> None:
        """httptools: the head is complete."""
        if self._in_upgrade_body:
            return
        self.in_head = False
        self._body_left = self._length
        if self._parser.should_upgrade():
            self._upgrade_length = next((header for header in self._headers if header[0] in LENGTHS), None)
        self.arriving = self._on_head(self._head())

    def _hand_on_body(self) -> None:
        if self._body:
            body = b"".join(self._body)
            self._body.clear()
            self._body_left = max(0, self._body_left - len(body))
            self._framing -= len(body)
            self._content += len(body)
            if self.arriving is not None:
                self.arriving.add_body(body)

    def on_message_complete(self) -> None:
        """httptools: the request has arrived, unless its body is to come by another parser."""
        self._hand_on_body()
        if self._upgrade_length is not None:
            return
        self._in_upgrade_body = False
        self._body_left = 0
        if self.arriving is not None:
            exchange, self.arriving = self.arriving, None
            exchange.end_body()

    def _head(self) -> Head:
        parser = self._parser
        version = parser.get_http_version()
        hosts = self._hosts
        if (len(hosts) != 1 or not HOST.fullmatch(hosts[0])) and (hosts or version != "1.0"):
            self.refused = "A request needs one Host header, with the name or address of a host, and a port at most."
            self.head_only = parser.get_method() == b"HEAD"
            raise HttpParserError("Host")  # RFC 9112 §3.2
        try:
            url = parse_url(self._url)
        except HttpParserInvalidURLError:
            raise HttpParserError("invalid URL") from None
        raw_path: bytes = url.path or b""
        path = raw_path.decode("ascii")
        return Head(
            method=parser.get_method().decode("ascii"),
            raw_path=raw_path,
            path=unquote(path) if "%" in path and len(path) <= TARGET_LIMIT else path,
            query_string=url.query or b"",
            version=version,
            headers=self._headers,
            keep_alive=version == "1.1" and parser.should_keep_alive(),
            expects_continue=self._expects_continue and version == "1.1",  # RFC 9110 §10.1.1
        )


def _new_parser(callbacks: RequestParser) -> HttpRequestParser:
    """A parser that goes on after a request with `Connection: close`."""
    parser = HttpRequestParser(callbacks)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def connection_scope(transport: asyncio.Transport) -> dict[str, Any]:
    """The part of an ASGI scope that all requests of a connection share."""
    return {
        "scheme": "https" if transport.get_extra_info("sslcontext") else "http",
        "server": _host_and_port(transport.get_extra_info("sockname")),
        "client": _host_and_port(transport.get_extra_info("peername")),
    }


def _host_and_port(address: Any) -> tuple[str, int] | None:
    return (str(address[0]), int(address[1])) if isinstance(address, tuple) else None
