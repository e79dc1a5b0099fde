"""Limits of a connection: slow, oversized, incomplete and surplus requests get a response and hold no resources."""

import asyncio
import contextlib
import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import psutil
import pytest

from tests.conftest import settings_for
from tests.http.test_request_parser import CHUNKED
from tests.support.processes import Server, served, serving, signed_up
from todo.app import create_app
from todo.http import backpressure
from todo.http.request_parser import HEAD_LIMIT

pytestmark = pytest.mark.slow

SIGN_IN = (
    b"POST /api/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 62\r\n\r\n"
    b'{"email": "nobody@example.com", "password": "whatever it was"}'
)
LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("protocol"), database_url=database_url) as running:
        yield running


def connected(server: Server, seconds: float = 30) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), seconds)


def read_to_the_end(client: socket.socket) -> bytes:
    received = b""
    while piece := client.recv(65_536):
        received += piece
    return received


def answer_to(server: Server, *pieces: bytes, half_close: bool = False) -> bytes:
    """Send these pieces, and return all that the server sends until it closes."""
    with connected(server) as client:
        for piece in pieces:
            client.sendall(piece)
            time.sleep(0.05)
        if half_close:
            client.shutdown(socket.SHUT_WR)
        return read_to_the_end(client)


def is_served(client: socket.socket) -> bool:
    """Whether the server serves requests on this connection."""
    client.sendall(LIVE)
    received = b""
    while not received.endswith(b"}"):
        received += client.recv(1000)
    return received.startswith(b"HTTP/1.1 200")


def problem(response: bytes) -> dict[str, Any]:
    head, _, body = response.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    document: dict[str, Any] = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % document["status"])
    return document


def test_endless_headers_get_431(server: Server) -> None:
    endless = answer_to(server, b"GET /health/live HTTP/1.1\r\nX: ", b"x" * (HEAD_LIMIT + 1))
    assert problem(endless)["status"] == 431
    assert server.http.get("/health/live").status_code == 200


def test_a_head_that_comes_in_one_piece_is_bounded_too(server: Server) -> None:
    lines = b"".join(b"X-%d: %s\r\n" % (number, b"x" * 1000) for number in range(70))
    whole = answer_to(server, b"GET /health/live HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n")
    assert problem(whole)["status"] == 431


@pytest.mark.parametrize("size", [10_000, 60_000])
def test_large_headers_are_accepted(server: Server, size: int) -> None:
    response = server.http.get("/health/live", headers={"X-Large": "x" * size})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /health/live HTTP/1.1\r\nHos",
        b"POST /api/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
        b"POST /api/auth/signin HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
    ],
)
def test_an_incomplete_request_gets_408_and_is_closed(server: Server, begun: bytes) -> None:
    began = time.monotonic()
    response = answer_to(server, begun)
    assert problem(response)["status"] == 408
    assert 15 < time.monotonic() - began < 28


def test_a_connection_without_a_request_is_closed(server: Server) -> None:
    with connected(server) as client:
        assert read_to_the_end(client) == b""


def test_a_half_closed_connection_is_answered(server: Server) -> None:
    assert answer_to(server, LIVE, half_close=True).startswith(b"HTTP/1.1 200")
    assert answer_to(server, LIVE * 3, half_close=True).count(b'{"status":"ok"}') == 3


def test_a_connection_half_closed_inside_a_request_is_closed(server: Server) -> None:
    began = time.monotonic()
    assert (
        answer_to(server, b"POST /api/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", half_close=True)
        == b""
    )
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("half", [SIGN_IN[:-5], SIGN_IN[:30], b"\r\n"])
def test_the_first_request_is_answered_when_the_second_is_half_closed(server: Server, half: bytes) -> None:
    with connected(server) as client:
        client.sendall(SIGN_IN + half)
        client.shutdown(socket.SHUT_WR)  # before the first response
        assert read_to_the_end(client).count(b"HTTP/1.1 401") == 1


def test_a_malformed_second_request_is_neither_started_nor_waited_for(server: Server) -> None:
    """Its malformed body arrives while the first request is served; it must not be started afterwards."""
    broken = SIGN_IN.partition(b"Content-Length")[0] + b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\n"
    began = time.monotonic()
    assert answer_to(server, SIGN_IN + broken).count(b"HTTP/1.1 ") == 1
    assert time.monotonic() - began < 10


def test_many_requests_sent_together_are_all_answered(server: Server) -> None:
    last = LIVE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    padded = LIVE.replace(b"Host: x", b"Host: x\r\nX-Pad: " + b"p" * 150)
    assert answer_to(server, padded * 500 + last[:10], last[10:]).count(b"HTTP/1.1 200") == 501


def test_a_request_that_is_refused_before_its_body_gets_one_response(server: Server) -> None:
    response = answer_to(server, b"POST /api/x/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
    assert response.count(b"HTTP/1.1 ") == 1
    assert problem(response)["status"] == 401


def test_requests_before_malformed_bytes_are_answered(server: Server) -> None:
    response = answer_to(server, LIVE + LIVE + b"\x00\x01 nonsense\r\n\r\n")
    assert response.count(b"HTTP/1.1 200") == 2


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b"Host: a\r\nHost: b\r\n",
        b"Host: a\r\nHost: a\r\n",
        b"Host: a b\r\n",
        b"Host: a/b\r\n",
        b"Host: user@a\r\n",
        b"Host: a:b\r\n",
        b"Host: [::1\r\n",
        b"Host: a, b\r\n",
        b"Host: \xff\r\n",
    ],
)
def test_a_request_without_one_valid_host_gets_400(server: Server, host: bytes) -> None:
    """RFC 9112 §3.2."""
    refused = problem(answer_to(server, b"GET /health/live HTTP/1.1\r\n%b\r\n" % host))
    assert (refused["status"], "Host" in refused["detail"]) == (400, True)

    behind = answer_to(server, LIVE + b"GET /health/live HTTP/1.1\r\n%b\r\n" % host)
    assert behind.count(b"HTTP/1.1 200") == 1

    _, _, rest = answer_to(server, b"HEAD /health/live HTTP/1.1\r\n%b\r\n" % host).partition(b"\r\n\r\n")
    assert rest == b""


@pytest.mark.parametrize(
    "host", [b"x", b"", b"example.com", b"example.com:8000", b"127.0.0.1:80", b"[::1]:8000", b"a_b.local", b"x:"]
)
def test_a_valid_host_is_served(server: Server, host: bytes) -> None:
    request = b"GET /health/live HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % host
    assert answer_to(server, request).startswith(b"HTTP/1.1 200")


def test_http_1_0_needs_no_host_and_may_have_one_only(server: Server) -> None:
    assert answer_to(server, b"GET /health/live HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert problem(answer_to(server, b"GET /health/live HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"))["status"] == 400


def test_trailers_do_not_count_as_headers(server: Server) -> None:
    """A proxy checks the headers of a request, but not the trailers behind its body."""
    _, token = signed_up(server, f"trailers-{time.time_ns()}@example.com")
    trailer = f"Authorization: {token['Authorization']}\r\n".encode()
    request = b"GET /api/auth/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    assert answer_to(server, request + trailer + b"\r\n").startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(
    ("version", "connection"),
    [
        (b"HTTP/1.1", b"Upgrade, HTTP2-Settings"),
        (b"HTTP/1.1", b"Upgrade, HTTP2-Settings, close"),
        (b"HTTP/1.0", b"Upgrade, HTTP2-Settings"),
    ],
)
def test_an_upgrade_to_an_unsupported_protocol_is_ignored(server: Server, version: bytes, connection: bytes) -> None:
    """Java's client header for HTTP/2 with its first request (RFC 9110 §7.8: a server may ignore it)."""
    header = b"Host: x\r\nConnection: %b\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__" % connection
    with connected(server) as client:
        client.sendall(SIGN_IN.replace(b"HTTP/1.1", version).replace(b"Host: x", header))
        client.settimeout(5)
        response = client.recv(65_536)
        assert response.startswith(b"HTTP/1.1 401"), response


def test_a_client_that_disconnects_from_a_stream_is_noticed_despite_a_waiting_request(
    tmp_path: Path, database_url: str
) -> None:
    with serving(tmp_path, database_url=database_url, max_streams_per_user=1) as server:
        tasks, token = signed_up(server, f"behind-{server.port}@example.com")
        path = tasks.replace("/tasks", "/changes/stream")
        stream = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {token['Authorization']}\r\n\r\n".encode()
        with connected(server) as client:
            client.sendall(stream)
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
            client.sendall(LIVE)  # waits behind the stream
            assert server.http.get(path, headers=token).status_code == 429
        deadline = time.monotonic() + 5
        while True:
            with connected(server) as client:
                client.sendall(stream)
                if client.recv(1000).startswith(b"HTTP/1.1 200"):
                    break
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_connection_above_the_limit_gets_503_at_once(tmp_path: Path, database_url: str) -> None:
    origin = "https://app.example.com"
    with serving(tmp_path, database_url=database_url, max_connections=4, cors_origins=origin) as server:
        server.http.close()
        held = [connected(server) for _ in range(4)]
        assert all(map(is_served, held))
        began = time.monotonic()
        response = answer_to(server, b"GET /health/ready HTTP/1.1\r\nHost: x\r\nOrigin: %b\r\n\r\n" % origin.encode())
        assert problem(response)["status"] == 503
        assert b"retry-after: 1" in response
        assert b"access-control-allow-origin: %b" % origin.encode() in response  # so that a page can read the response
        assert response.count(b"nosniff") == 1
        assert time.monotonic() - began < 2
        assert answer_to(server, LIVE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")).startswith(
            b"HTTP/1.1 200"
        )
        assert all(map(is_served, held))  # they are still served
        for client in held:
            client.close()
        deadline = time.monotonic() + 5
        while httpx.get(f"http://127.0.0.1:{server.port}/health/ready").status_code != 200:
            assert time.monotonic() < deadline
        server.http = httpx.Client(base_url=f"http://127.0.0.1:{server.port}")


@pytest.mark.anyio
async def test_line_ends_between_requests_do_not_keep_a_connection_open(database_url: str) -> None:
    app = create_app(settings_for(database_url))
    async with served(app, timeout_keep_alive=1) as (address, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
        writer.write(LIVE)
        await reader.readuntil(b"}")
        writer.write(b"\r\n")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


@pytest.mark.anyio
async def test_a_client_that_does_not_read_its_response_is_disconnected(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backpressure, "READ_TIMEOUT", 0.5)
    async with served(create_app(settings_for(database_url))) as (address, server):
        with socket.socket() as reader:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(("127.0.0.1", int(address.rpartition(":")[2])))
            reader.sendall(b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n" * 8)
            held = False
            async with asyncio.timeout(10):
                while not held or server.server_state.connections:
                    held = held or bool(server.server_state.connections)
                    await asyncio.sleep(0.05)


def test_streams_take_at_most_half_of_the_connections(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url, max_connections=4) as server:
        tasks, token = signed_up(server, f"room-{server.port}@example.com")
        path = tasks.replace("/tasks", "/changes/stream")
        stream = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {token['Authorization']}\r\n\r\n".encode()
        with connected(server) as first, connected(server) as second:
            for client in (first, second):
                client.sendall(stream)
                assert client.recv(1000).startswith(b"HTTP/1.1 200")
            response = server.http.get(path, headers=token)
            assert (response.status_code, response.headers["retry-after"]) == (503, "15")
            assert server.http.get(tasks, headers=token).status_code == 200


def test_a_stopping_server_is_not_ready_and_still_serves(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url, shutdown_delay=3) as server:
        tasks, token = signed_up(server, f"stop-{server.port}@example.com")
        server.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 2
        while (response := server.http.get("/health/ready")).status_code == 200:
            assert time.monotonic() < deadline
        assert "about to stop" in response.json()["detail"]
        response = server.http.post(tasks, headers=token, json={"title": "in the last moment"})
        assert (response.status_code, response.headers["connection"]) == (201, "close")
        assert server.process.wait(20) == 0


def test_workers_stop_when_their_parent_is_killed(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url, workers=2) as server:
        workers = psutil.Process(server.process.pid).children(recursive=True)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(10)
        _, alive = psutil.wait_procs(workers, 15)
        assert alive == []


def test_a_blank_line_that_is_split_between_two_reads_mixes_no_responses(server: Server) -> None:
    """Three requests: the head of the second ends in the piece in which the third begins, while the first runs."""
    second, third = (LIVE.replace(b"/health/live", path) for path in (b"/second", b"/third"))
    last = third.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    for cut in (1, 2, 3, 4, 5, 10, 20):
        response = answer_to(server, SIGN_IN + second[:-cut], second[-cut:] + last)
        assert re.findall(rb"HTTP/1.1 (\d+)", response) == [b"401", b"404", b"404"]
        assert re.findall(rb'"instance":"(/\w+)"', response)[-2:] == [b"/second", b"/third"]


def test_framing_that_is_much_longer_than_the_body_is_refused(server: Server) -> None:
    """Chunk extensions are bytes that no limit of the body counts (as in CVE-2023-39326)."""
    head = CHUNKED.replace(b"POST /", b"POST /api/auth/signin")
    endless = head + b"".join([b"1;" + b"x" * 1000 + b"\r\n \r\n"] * 2000)

    with connected(server) as client, contextlib.suppress(ConnectionError):
        client.sendall(endless)
        assert read_to_the_end(client).startswith(b"HTTP/1.1 400 ")

    for ordinary in (b"1\r\n \r\n" * 20_000, b"5;a=b\r\n     \r\n" * 2000):
        assert answer_to(server, head + ordinary + b"0\r\n\r\n", half_close=True).startswith(b"HTTP/1.1 4")


def test_a_client_that_leaves_the_end_of_a_response_unread_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the transport's low-water mark nothing was waited for once the connection closed."""

    class Transport:
        aborted = False

        def get_write_buffer_size(self) -> int:
            return 1000

        def is_closing(self) -> bool:
            return True

        def abort(self) -> None:
            self.aborted = True

    monkeypatch.setattr(backpressure, "READ_TIMEOUT", 0.05)
    transport = Transport()

    async def closes() -> None:
        watched = backpressure.Backpressure(asyncio.get_running_loop(), cast("Any", transport))
        watched.closing()
        await asyncio.sleep(0.2)

    asyncio.run(closes())
    assert transport.aborted
