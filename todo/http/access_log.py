"""The access log (`ACCESS_LOG`): a line for each request, when its response was sent or broke off.

JSON lines are made here and not by a logger, several at a time: a logger would cost more than everything else that
observes a request. Text, for a terminal, goes the ordinary way.
"""

import logging
import os
import re
import secrets
import time
from hashlib import blake2b

from msgspec import UNSET, Struct, UnsetType
from msgspec.json import Encoder

from todo.logs import ACCESS, escaped
from todo.metrics.counts import UNMATCHED
from todo.observation import RequestRecord

log = logging.getLogger(ACCESS)

REQUEST_ID = b"x-request-id"
WELL_FORMED = re.compile(rb"[!-~]{1,128}")
"""A request id that is taken from the client, or the proxy before it: bounded, and of visible characters."""

ATOMIC = 4096
"""Bytes that are written at once: as many as several processes can write to one pipe without mixing their lines."""

LONGEST_ADDRESS = 64
"""Characters of an address that are logged: a header may say anything, and an IPv6 address with a zone has fewer."""

AT_ONCE = 64

USERS = 10_000
"""Users whose hashes are kept."""


class Line(Struct, gc=False):
    """What is logged of a request, in the order of the fields."""

    timestamp: str
    request_id: str
    client: str
    user: str | None
    method: str
    route: str
    status: int | None
    """None without a response."""
    bytes: int
    """Of the response's body."""
    ms: float
    """Milliseconds from the request's head to the end of the response, and those of them in the database."""
    database_ms: float
    broken_off: bool | UnsetType = UNSET
    refused: str | UnsetType = UNSET
    trace_id: str | UnsetType = UNSET
    level: str = "info"
    logger: str = ACCESS
    event: str = "request"


def given_request_id(headers: list[tuple[bytes, bytes]]) -> str:
    """A well-formed X-Request-Id of the request, or an empty text."""
    for name, value in headers:
        if name == REQUEST_ID:
            return value.decode("ascii") if WELL_FORMED.fullmatch(value) else ""
    return ""


class AccessLog:
    """Writes to a descriptor, or as text to the logger, what was added since the last flush."""

    def __init__(self, key: bytes, *, text: bool, descriptor: int = 2) -> None:
        """`key` hashes the ids of users, so that nobody without it can tell whose a line is."""
        self.at_once = 1 if text else AT_ONCE
        """Requests that are looked at together: a person at a terminal waits for none."""
        self._key = key
        self._text = text
        self._descriptor = descriptor
        self._prefix, self._number = secrets.token_hex(6) + "-", 0
        self._users: dict[str, str | None] = {"": None}
        self._second, self._second_text = 0, ""
        self._now_ms, self._now_text = 0, ""
        self._lines: list[Line] = []
        self._encoder = Encoder()

    def new_request_id(self) -> str:
        """An id that no other request has: of this process, and a number."""
        self._number += 1
        return self._prefix + str(self._number)

    def add(self, record: RequestRecord) -> Line:
        """Add a request that is over. Its line, to which more may be added."""
        user_id, address = record.user_id, record.client[:LONGEST_ADDRESS]
        user = self._users[user_id] if user_id in self._users else self._hash(user_id)
        line = Line(
            self._timestamp(record.ended),
            record.request_id,
            address if address.isascii() else escaped(address),
            user,
            record.method,
            record.route or UNMATCHED,
            record.status or None,
            record.sent,
            int((record.ended - record.began) * 10_000) / 10,
            int(record.database_seconds * 10_000) / 10,
        )
        if not record.complete:
            line.broken_off = True
        self._lines.append(line)
        return line

    def _timestamp(self, ended: float) -> str:
        """A time of `time.perf_counter` as RFC 3339 has it, in UTC."""
        now = int((time.time() - time.perf_counter() + ended) * 1000)
        if now != self._now_ms:
            self._now_ms = now
            second, milliseconds = divmod(now, 1000)
            if second != self._second:
                self._second, self._second_text = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._now_text = f"{self._second_text}.{milliseconds:03d}Z"
        return self._now_text

    def _hash(self, user_id: str) -> str:
        """16 hexadecimal digits."""
        if len(self._users) > USERS:
            self._users = {"": None}
        hashed = blake2b(user_id.encode(), key=self._key, digest_size=8).hexdigest()
        self._users[user_id] = hashed
        return hashed

    def flush(self) -> None:
        """Write what waits. Lines that the descriptor does not take are dropped: requests are not held up for them."""
        if self._text:
            for line in self._lines:
                _log_text(line)
            self._lines.clear()
            return
        data = self._encoder.encode_lines(self._lines)
        self._lines.clear()
        while data:
            end = len(data) if len(data) <= ATOMIC else data.rfind(b"\n", 0, ATOMIC) + 1 or data.index(b"\n") + 1
            piece, data = data[:end], data[end:]
            while piece:
                try:
                    piece = piece[os.write(self._descriptor, piece) :]
                except OSError:
                    return


def _log_text(line: Line) -> None:
    shown = ("request_id", "client", "user", "bytes", "ms", "database_ms", "broken_off", "refused", "trace_id")
    fields = {name: value for name in shown if (value := getattr(line, name)) is not None and value is not UNSET}
    log.info("%s %s %s", line.method, line.route, line.status or "-", extra=fields)
