"""Requests as no client would send them: bytes, headers, cookies, query strings, paths and bodies by Hypothesis."""

import asyncio
import json
import re
import socket
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from drills.contract import BUG, people
from drills.figures import Figures
from drills.load import serving

METHODS = [
    b"GET",
    b"POST",
    b"PUT",
    b"PATCH",
    b"DELETE",
    b"HEAD",
    b"OPTIONS",
    b"TRACE",
    b"CONNECT",
    b"BREW",
    b"get",
    b"",
]
PATHS = [
    b"/api/{user}/tasks",
    b"/api/{user}/tasks/",
    b"/api/{user}/tasks/{task}",
    b"/api/{user}/tasks/{task}/complete",
    b"/api/{user}/tasks/{task}/restore",
    b"/api/{user}/tasks/{task}/history",
    b"/api/{user}/changes",
    b"/api/{user}/changes/stream",
    b"/api/{user}/changes/1/undo",
    b"/api/auth/signup",
    b"/api/auth/signin",
    b"/api/auth/refresh",
    b"/api/auth/signout",
    b"/api/auth/me",
    b"/api/auth/tokens",
    b"/.well-known/jwks.json",
    b"/health/ready",
    b"/openapi.json",
    b"/docs",
    b"/docs/assets/%2e%2e/%2e%2e/etc/passwd",
    b"*",
    b"//",
    b"http://elsewhere.example/api",
]
ODD = [
    b"%00",
    b"%ff",
    b"%",
    b"%zz",
    b"..",
    b"%2e%2e%2f",
    b"\x00",
    b"\xff",
    b"\xf0\x9f\xa6\x8a",
    b" ",
    b"\t",
    b"#",
    b"?",
    b"a" * 5000,
]
QUERIES = [
    b"limit=1",
    b"limit=0",
    b"limit=-1",
    b"limit=1e3",
    b"limit=99999999999999999999999999",
    b"limit=%00",
    b"status=deleted",
    b"status=",
    b"cursor=AAAA",
    b"cursor=%F0%9F",
    b"since=0",
    b"since=9223372036854775808",
    b"since=NaN",
    b"permanent=true",
    b"permanent=perhaps",
    b"compact=1",
    b"&&==&",
    b"limit=1&limit=2",
]
HEADERS = [
    b"Content-Type: application/json",
    b"Content-Type: application/json; charset=utf-16",
    b"Content-Type: multipart/form-data; boundary=",
    b"Content-Encoding: gzip",
    b"Content-Length: 5",
    b"Content-Length: -1",
    b"Content-Length: 99999999999999999999",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: \x0bchunked",
    b"Expect: 100-continue",
    b"Expect: nonsense",
    b"Connection: close",
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Upgrade: h2c",
    b"Host:",
    b"Host: a\r\nHost: b",
    b"Cookie: todo_refresh=x; __Secure-todo_refresh=\xff; ;;=",
    b"Cookie: " + b"a=b; " * 800,
    b"Idempotency-Key: k",
    b"Idempotency-Key: \xff",
    b"If-Match: *",
    b'If-Match: "1", W/"2", garbage',
    b"If-None-Match: " + b'"x",' * 900,
    b"Last-Event-ID: 18446744073709551616",
    b"Origin: null",
    b"X-Forwarded-For: ::1, '; drop table tasks",
    b"Accept: \x7f",
    b" folded: line",
    b"NoColon",
    b": nameless",
    b"Authorization: Basic Og==",
    b"Authorization: Bearer ",
    b"Authorization: Bearer a.b.c",
    b"Authorization: Bearer \xff\xfe",
    b"Range: bytes=0-0",
]
BODIES = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b'{"title": "Water the ferns"}',
    b'{"title": "\\ud800"}',
    b'{"title": "\\u0000"}',
    b'{"title": 1e999}',
    b'{"title": NaN}',
    b'{"completed": ' + b"9" * 4000 + b"}",
    b'{"completed": true, "completed": false}',
    b"\xff\xfe{\x00}\x00",
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    b"[" * 30_000 + b"]" * 30_000,
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b'"' + b"x" * 65_534 + b'"',
    b"x" * 70_000,
    b"5\r\nhello\r\n0\r\n\r\n",
    b"5;" + b"x" * 1000 + b"\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
    b"-1\r\n",
]

OWN = b"Authorization: Bearer {token}"

STATUS = re.compile(rb"^HTTP/1\.1 (\d{3}) ")

_path = st.builds(
    lambda path, odd, query: path + odd + (b"?" + query if query else b""),
    st.sampled_from(PATHS) | st.binary(max_size=40).map(lambda noise: b"/" + noise),
    st.sampled_from([b""] * 2 * len(ODD) + ODD) | st.binary(max_size=2),
    st.sampled_from([b"", *QUERIES]) | st.binary(max_size=20),
)
_header = st.sampled_from([OWN, *HEADERS]) | st.builds(
    lambda name, value: name + b": " + value, st.binary(min_size=1, max_size=10), st.binary(max_size=30)
)
_body = st.sampled_from(BODIES) | st.binary(max_size=60)


def _request(
    method: bytes,
    path: bytes,
    own: bool,
    headers: list[bytes],
    body: bytes,
    length: bool,
    noise: list[tuple[int, bytes]],
) -> bytes:
    lines = [b"Host: x", *([OWN] if own else []), *headers]
    if length and body:
        lines.append(b"Content-Length: %d" % len(body))
        lines.append(b"Content-Type: application/json")
    request = b"%b %b HTTP/1.1\r\n%b\r\n\r\n%b" % (method, path, b"\r\n".join(lines), body)
    for place, bytes_ in noise:
        at = place % (len(request) + 1)
        request = request[:at] + bytes_ + request[at:]
    return request


requests = st.builds(
    _request,
    st.sampled_from(METHODS),
    _path,
    st.booleans(),
    st.lists(_header, max_size=1),
    _body,
    st.booleans(),
    st.sampled_from([[], [], []])
    | st.lists(st.tuples(st.integers(0, 500), st.binary(min_size=1, max_size=3)), max_size=2),
)


@dataclass
class Target:
    """A server, and somebody's words for it."""

    port: int
    user: str
    token: str
    task: str
    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def filled(self, request: bytes) -> bytes:
        for name, value in (("user", self.user), ("token", self.token), ("task", self.task)):
            request = request.replace(b"{%b}" % name.encode(), value.encode())
        return request

    def send(self, request: bytes) -> None:
        """Send it and say no more; what comes must be an answer, and no server's error, or nothing."""
        raw = self.filled(request)
        said = b""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 30) as wire:
                wire.sendall(raw)
                wire.shutdown(socket.SHUT_WR)
                while piece := wire.recv(65_536):
                    said += piece
        except TimeoutError:
            self.faults.append(f"no answer and no end within 30 s: {request!r:.300}")
            return
        except OSError:  # it was cut, in the middle of what nobody wanted to hear
            pass
        if not said:
            self.statuses["no answer"] += 1
            return
        status = STATUS.match(said)
        if status is None:
            self.faults.append(f"no HTTP: {said!r:.100} to {request!r:.300}")
            return
        self.statuses[status[1].decode()] += 1
        if status[1] >= b"500":
            self.faults.append(f"{status[1].decode()} to {request!r:.500}")
        head, _, body = said.partition(b"\r\n\r\n")
        if status[1] >= b"400" and not raw.startswith(b"HEAD") and b"HTTP/1.1 " not in body:
            try:
                told = json.loads(body)["status"]
            except (ValueError, KeyError):
                told = None
            if told != int(status[1]) or b"application/problem+json" not in head:
                self.faults.append(f"no problem document: {said!r:.300} to {request!r:.300}")


def fuzz(target: Target, count: int) -> int:
    """Send at least `count` requests; how many there were."""
    each = 25
    sent = 0

    @settings(
        max_examples=-(-count // each),
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(st.lists(requests, min_size=each, max_size=each))
    def send_them(some: list[bytes]) -> None:
        nonlocal sent
        for request in some:
            target.send(request)
            sent += 1

    send_them()
    return sent


async def raw_bytes(folder: Path, figures: Figures, *, count: int) -> None:
    """Requests that are no requests, on connections that are closed half-way."""
    async with serving(folder, access_token_lifetime=86_400) as server:
        ada = (await people(server.port))["ada"]
        target = Target(server.port, str(ada["id"]), str(ada["token"]), ada["tasks"][0])
        sent = await asyncio.to_thread(fuzz, target, count)
        healthy = (await asyncio.to_thread(server.http.get, "/health/ready")).status_code == 200
        log = server.log.read_text()
    figures.judge("requests of odd bytes by Hypothesis", sent, least=count)
    told = ", ".join(f"{status} × {count:,}" for status, count in sorted(target.statuses.items()))
    figures.tell("  answered", told)
    figures.none("  5xx, no HTTP, no problem document, or no end", target.faults)
    figures.none("  bugs in the log", BUG.findall(log))
    figures.none("  ill afterwards", [] if healthy else ["the server is not ready after odd bytes"])


def run(folder: Path, *, long: bool) -> Figures:
    """100,000 requests when `long`."""
    figures = Figures("odd bytes")
    asyncio.run(raw_bytes(folder, figures, count=100_000 if long else 5000))
    return figures
