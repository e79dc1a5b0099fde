"""One request and its response: ASGI's `receive` and `send`, over a ClientConnection."""

import asyncio
import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Scope

from todo.http.errors import document
from todo.observation import CURRENT
from todo.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from todo.http.connection import ClientConnection

log = logging.getLogger("todo")

BODY_BUFFER = 64 * 1024  # bytes of a request's body that wait for the application, approximately

UPLOAD_TIMEOUT = 600.0  # seconds that an upload may take, where its endpoint takes one
UPLOAD_LEAST = 64 * 1024  # bytes of it that must arrive in the time that other requests have

NO_BODY = {204, 304}
"""Statuses whose responses have no body (RFC 9110 §15.3.5, §15.4.5)."""

STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


class Exchange:
    """A request as it arrives, and its response as it is sent."""

    __slots__ = (
        "_arrived", "_arrived_bytes", "_body", "_chunked", "_connection", "_expects_continue", "_head", "_left",
        "_looked_at", "_received", "_record", "_upload_ends", "complete", "disconnected", "endless", "keep_alive",
        "more_body", "scope", "started", "task",
    )  # fmt: skip

    def __init__(
        self, connection: "ClientConnection", scope: Scope, *, keep_alive: bool, expects_continue: bool
    ) -> None:
        self.scope = scope
        self.keep_alive = keep_alive
        self.more_body = True
        """Whether more of the request is to come."""
        self.disconnected = False
        self.started = False
        self.complete = False
        """Whether the whole response was sent."""
        self.endless = False
        """Whether the response has no end of its own (an event stream)."""
        self._arrived_bytes = self._looked_at = 0
        """Bytes of the request's body: all, and when `goes_on` was last asked."""
        self._upload_ends = 0.0
        """On the loop's clock: until when the body of an upload may arrive; 0 for other requests."""
        self._connection = connection
        observer = connection.observer
        self._record = None if observer is None else observer.begin(scope)
        self._expects_continue = expects_continue
        self.task: asyncio.Task[None] | None = None
        self._body = bytearray()
        self._received = False
        """Whether the application has received the whole request."""
        self._arrived: asyncio.Future[None] | None = None
        """What `receive` waits for."""
        self._head = b""
        """Status line and headers, which go with the first piece of the body in one write."""
        self._chunked = False
        self._left = 0
        """Bytes that the response has yet to send, by its content-length."""

    async def run(self, app: ASGIApp) -> None:
        """Call the application, and end the exchange whatever it does."""
        connection, record = self._connection, self._record
        if record is not None:
            CURRENT.set(record)  # in the task's own context
        try:
            await app(self.scope, self.receive, self.send)
        except Exception:  # where a response has begun, the application has logged why it fails
            if not self.started:
                log.exception("the application failed without a response")
        finally:
            connection.ended(self)
            if record is not None and (observer := connection.observer) is not None:
                record.complete, record.endless = self.complete, self.endless
                observer.end(record, self.scope)

    def add_body(self, piece: bytes) -> None:
        """Take a piece of the request's body."""
        self._arrived_bytes += len(piece)
        if self.complete:
            return
        self._body += piece
        if len(self._body) > BODY_BUFFER:
            self._connection.pause_reading()
        self._wake()

    def begin_upload(self) -> None:
        """The body may take UPLOAD_TIMEOUT, as long as it comes fast enough."""
        self._upload_ends = self._connection.loop.time() + UPLOAD_TIMEOUT
        self._looked_at = self._arrived_bytes

    def goes_on(self) -> bool:
        """Whether it is an upload that has time left, and brought UPLOAD_LEAST since this was last asked."""
        brought, self._looked_at = self._arrived_bytes - self._looked_at, self._arrived_bytes
        return self._connection.loop.time() < self._upload_ends and brought >= UPLOAD_LEAST

    def end_body(self) -> None:
        """The request has arrived whole."""
        self.more_body = False
        self._wake()

    def disconnect(self) -> None:
        """The client is gone."""
        self.disconnected = True
        self._wake()

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    async def receive(self) -> Message:
        """ASGI: the next piece of the request, or that the client is gone."""
        connection = self._connection
        if self._expects_continue and not (self.started or self.disconnected):
            self._expects_continue = False
            connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not (self.disconnected or self.complete):
            if self._body or not (self.more_body or self._received):
                body, self._body = bytes(self._body), bytearray()
                self._received = not self.more_body
                return {"type": "http.request", "body": body, "more_body": self.more_body}
            await self._wait()
        return {"type": "http.disconnect"}

    async def _wait(self) -> None:
        self._connection.resume_reading()
        self._arrived = self._connection.loop.create_future()
        try:
            await self._arrived
        finally:
            self._arrived = None

    async def send(self, message: Message) -> None:
        """ASGI: send a piece of the response. Waits while the client does not read."""
        connection = self._connection
        if (drained := connection.backpressure.drained) is not None and not self.disconnected:
            await drained
        if self.disconnected:
            return
        kind = message["type"]
        if kind == "http.response.body" and self.started and not self.complete:
            self._send_body(message.get("body", b""), message.get("more_body", False))
        elif kind == "http.response.start" and not self.started:
            self._start(message["status"], message.get("headers", ()))
        else:
            raise RuntimeError(f"unexpected ASGI message {kind}")

    def _start(self, status: int, headers: Any) -> None:
        self.started = True
        self._chunked = status not in NO_BODY
        lines = [STATUS_LINES[status], self._connection.common_headers()]
        count = 1 + lines[1].count(b"\n")
        for name, value in headers:
            if name == b"content-length":
                self._chunked, self._left = False, int(value)
            elif name == b"connection" and b"close" in value.lower():
                self.keep_alive = False
                continue
            lines.append(b"%b: %b\r\n" % (name, value))
            count += 1
        if (record := self._record) is not None:
            record.status = status
            if record.request_id:
                lines.append(b"x-request-id: %b\r\n" % record.request_id.encode())
                count += 1
        if self._chunked and self.scope["http_version"] == "1.0":
            self.keep_alive = self._chunked = False  # the end of the connection is the end of the body
            self._left = -1
        elif self._chunked:
            lines.append(b"transfer-encoding: chunked\r\n")
            count += 1
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
            count += 1
        lines.append(b"\r\n")
        count += 1
        self._head = b"".join(lines)
        if self._head.count(b"\n") != count or self._head.count(b"\r") != count:
            self.started, self._head = False, b""
            raise RuntimeError("a response header has a line end in it")  # RFC 9110 §5.5

    def _send_body(self, body: bytes, more_body: bool) -> None:
        head, self._head = self._head, b""
        if self._record is not None and self.scope["method"] != "HEAD":
            self._record.sent += len(body)
        if self.scope["method"] == "HEAD":
            body, self._left = b"", 0
        elif self._chunked:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"" if more_body else b"0\r\n\r\n")
        elif self._left >= 0:
            self._left -= len(body)
            if self._left < 0 or (self._left and not more_body):
                raise RuntimeError("the response is longer or shorter than its content-length")
        if head or body:
            self._connection.write(head + body if head else body)
        if not more_body:
            self.complete = True
            self._wake()
            self._connection.responded(self)


class CommonHeaders:
    """The header lines that every response has; uvicorn makes a new list of the headers each second."""

    def __init__(self) -> None:
        self._of: Any = None
        self._lines = b""

    def lines(self, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        """The lines of these headers."""
        if self._of is not headers:
            self._of, self._lines = headers, b"".join([b"%b: %b\r\n" % header for header in headers])
        return self._lines


def refusal(
    status: int, title: str, detail: str, common: bytes, headers: Sequence[tuple[bytes, bytes]], *, head_only: bool
) -> bytes:
    """A whole response that refuses what is no request; the connection closes after it."""
    body = document(status, title, detail, "")
    lines = [
        f"HTTP/1.1 {status} {title}\r\n".encode(),
        common,
        b"content-type: %b\r\n" % MEDIA_TYPE.encode(),
        b"content-length: %d\r\n" % len(body),
        *[b"%b: %b\r\n" % header for header in headers],
        b"connection: close\r\n\r\n",
    ]
    return b"".join(lines) + (b"" if head_only else body)
