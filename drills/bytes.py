"""Malformed requests by Hypothesis: random bytes, headers, cookies, query strings, paths and bodies."""

import asyncio
import itertools
import json
import re
import socket
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from drills.contract import LOGGED_ERROR, users
from drills.figures import Figures
from drills.load import serving

T = TypeVar("T")

ROUND = 5000  # requests of one run of Hypothesis

ODD_METHODS = [b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"TRACE", b"CONNECT", b"BREW", b"get", b""]
TARGETS = [
    b"GET /api/{user}/tasks",
    b"POST /api/{user}/tasks",
    b"POST /api/{user}/tasks/",
    b"GET /api/{user}/tasks/{task}",
    b"PUT /api/{user}/tasks/{task}",
    b"PATCH /api/{user}/tasks/{task}",
    b"PATCH /api/{user}/tasks/{task}/complete",
    b"DELETE /api/{user}/tasks/{task}",
    b"POST /api/{user}/tasks/{task}/restore",
    b"GET /api/{user}/tasks/{task}/history",
    b"GET /api/{user}/changes",
    b"GET /api/{user}/changes/stream",
    b"POST /api/{user}/changes/1/undo",
    b"POST /api/auth/signup",
    b"POST /api/auth/signin",
    b"POST /api/auth/refresh",
    b"GET /api/auth/me",
    b"GET /api/auth/tokens",
    b"GET /.well-known/jwks.json",
    b"GET /health/ready",
    b"GET /openapi.json",
    b"GET /docs",
    b"GET /docs/assets/%2e%2e/%2e%2e/etc/passwd",
    b"OPTIONS *",
    b"GET //",
    b"GET http://elsewhere.example/api",
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
USUAL_BODIES = [
    b"",
    b"{}",
    b'{"title": "Water the ferns", "description": "All of them", "completed": false}',
    b'{"email": "unknown@example.com", "password": "a wrong password"}',
]
ODD_BODIES = [
    b"[]",
    b"null",
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


def mostly(usual: st.SearchStrategy[T], odd: st.SearchStrategy[T], one_in: int) -> st.SearchStrategy[T]:
    """`odd` once in `one_in` times: a request with many odd parts is refused by the parser already."""
    return st.sampled_from([usual] * (one_in - 1) + [odd]).flatmap(lambda chosen: chosen)


nothing = st.just(b"")
target = mostly(st.sampled_from(TARGETS), st.binary(max_size=40).map(lambda noise: b"GET /" + noise), 20)
method = mostly(st.none(), st.sampled_from(ODD_METHODS), 8)
tail = mostly(nothing, st.sampled_from(ODD) | st.binary(max_size=2), 6)
query = mostly(nothing | st.sampled_from(QUERIES).map(lambda query: b"?" + query), st.binary(max_size=20), 10)
authorization = mostly(st.just([OWN]), st.just([]), 5)
header = mostly(
    st.sampled_from([OWN, *HEADERS]),
    st.builds(lambda name, value: name + b": " + value, st.binary(min_size=1, max_size=10), st.binary(max_size=30)),
    8,
)
headers = mostly(st.just([]), st.lists(header, min_size=1, max_size=2), 2)
body = mostly(st.sampled_from(USUAL_BODIES), st.sampled_from(ODD_BODIES) | st.binary(max_size=60), 2)
noise = mostly(
    st.just([]), st.lists(st.tuples(st.integers(0, 500), st.binary(min_size=1, max_size=3)), min_size=1, max_size=2), 8
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request with few odd parts, at random places."""
    content = draw(body)
    lines = [b"Host: x", *draw(authorization), *draw(headers)]
    if draw(mostly(st.just(bool(content)), st.just(False), 5)):
        lines += [b"Content-Length: %d" % len(content), b"Content-Type: application/json"]
    usual, _, path = draw(target).partition(b" ")
    other = draw(method)
    start = b"%b %b%b%b HTTP/1.1" % (usual if other is None else other, path, draw(tail), draw(query))
    request = b"\r\n".join([start, *lines, b"", content])
    for place, odd in draw(noise):
        at = place % (len(request) + 1)
        request = request[:at] + odd + request[at:]
    return request


@dataclass
class Target:
    """A server, with a user, their token and their tasks; what it responded."""

    port: int
    user: str
    token: str
    tasks: list[str]
    task: str = ""
    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def filled(self, request: bytes) -> bytes:
        """The request with the ids and the token in it."""
        for name, value in (("user", self.user), ("token", self.token), ("task", self.task)):
            request = request.replace(b"{%b}" % name.encode(), value.encode())
        return request

    def send(self, request: bytes) -> None:
        """Send it and close that direction. The response must be HTTP and no 5xx, or nothing."""
        raw = self.filled(request)
        response = b""
        try:
            connection = socket.create_connection(("127.0.0.1", self.port), 30)
        except OSError as error:
            self.faults.append(f"the server does not listen: {error}")
            return
        try:
            with connection:
                connection.sendall(raw)
                connection.shutdown(socket.SHUT_WR)
                while chunk := connection.recv(65_536):
                    response += chunk
        except TimeoutError:
            self.faults.append(f"no response and no end within 30 s: {request!r:.300}")
            return
        except OSError:  # the server closed the connection before it had read everything
            pass
        response = response.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not response:
            self.statuses["no response"] += 1
            return
        status = STATUS.match(response)
        if status is None:
            self.faults.append(f"no HTTP: {response!r:.100} to {request!r:.300}")
            return
        self.statuses[status[1].decode()] += 1
        if status[1] >= b"500":
            self.faults.append(f"{status[1].decode()} to {request!r:.500}")
        head, _, body = response.partition(b"\r\n\r\n")
        if status[1] >= b"400" and not raw.startswith(b"HEAD") and b"HTTP/1.1 " not in body:
            try:
                in_body = json.loads(body)["status"]
            except (ValueError, KeyError):
                in_body = None
            if in_body != int(status[1]) or b"application/problem+json" not in head:
                self.faults.append(f"no problem document: {response!r:.300} to {request!r:.300}")


def fuzz(target: Target, count: int) -> int:
    """Send at least `count` distinct requests, in rounds, since Hypothesis stores those of a round; their number."""
    sent: set[int] = set()
    for number in itertools.count():
        if len(sent) >= count:
            break
        target.task = target.tasks[number % len(target.tasks)]  # a request may have purged the previous one
        _round(target, number, sent)
    return len(sent)


def _round(target: Target, number: int, sent: set[int]) -> None:
    @seed(number)
    @settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(requests())
    def send(request: bytes) -> None:
        target.send(request)
        sent.add(hash(request))

    send()


async def raw_bytes(folder: Path, figures: Figures, *, count: int) -> None:
    """Malformed requests, on connections that are closed half-way."""
    async with serving(folder, access_token_lifetime=86_400) as server:
        ada = (await users(server.port))["ada"]
        target = Target(server.port, str(ada["id"]), str(ada["token"]), ada["tasks"])
        sent = await asyncio.to_thread(fuzz, target, count)
        headers = {"Authorization": f"Bearer {target.token}"}
        normal = await asyncio.to_thread(server.http.get, f"/api/{target.user}/tasks", headers=headers)
        log = server.log.read_text()
    figures.check("distinct requests with odd bytes, by Hypothesis", sent, least=count)
    statuses = ", ".join(f"{status} × {count:,}" for status, count in sorted(target.statuses.items()))
    figures.report("  responses by status", statuses)
    silent = 100 * target.statuses["no response"] / target.statuses.total()
    figures.check("  % without a response: bodies and streams that ended half-way", round(silent, 1), most=3)
    figures.expect_none("  5xx, no HTTP, no problem document, or no end of the response", target.faults)
    figures.expect_none("  errors in the log", LOGGED_ERROR.findall(log))
    failed = f"a normal request afterwards: response {normal.status_code}"
    figures.expect_none("  failures of a normal request afterwards", [] if normal.status_code == 200 else [failed])


def run(folder: Path, *, long: bool) -> Figures:
    """100,000 requests when `long`."""
    figures = Figures("odd bytes")
    asyncio.run(raw_bytes(folder, figures, count=100_000 if long else 4000))
    return figures
