"""HTTP within bounds: who is slow, says too much, says half, or is one too many gets an answer and holds nothing."""

import asyncio
import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.conftest import settings_for
from tests.support.processes import Server, served, serving, signed_up
from todo.app import create_app
from todo.http import connection as http_connection

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


def everything(wire: socket.socket) -> bytes:
    said = b""
    while piece := wire.recv(65_536):
        said += piece
    return said


def said(server: Server, *pieces: bytes, half_close: bool = False) -> bytes:
    """All that the server says to these pieces until it closes."""
    with connected(server) as wire:
        for piece in pieces:
            wire.sendall(piece)
            time.sleep(0.05)
        if half_close:
            wire.shutdown(socket.SHUT_WR)
        return everything(wire)


def lives(wire: socket.socket) -> bool:
    """Whether the server answers on this connection that it does."""
    wire.sendall(LIVE)
    said = b""
    while not said.endswith(b"}"):
        said += wire.recv(1000)
    return said.startswith(b"HTTP/1.1 200")


def problem(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    document: dict[str, Any] = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % document["status"])
    return document


def test_headers_without_an_end_are_refused(server: Server) -> None:
    with connected(server) as wire:
        wire.sendall(b"GET /health/live HTTP/1.1\r\nX: ")
        try:
            for _ in range(200):
                wire.sendall(b"x" * 1024)
                time.sleep(0.001)
        except OSError:
            pass  # it hears no more
        else:
            assert problem(everything(wire))["status"] == 431
    assert server.http.get("/health/live").status_code == 200


@pytest.mark.parametrize("size", [10_000, 60_000])
def test_large_headers_are_heard(server: Server, size: int) -> None:
    answer = server.http.get("/health/live", headers={"X-Large": "x" * size})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /health/live HTTP/1.1\r\nHos",
        b"POST /api/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
        b"POST /api/auth/signin HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
    ],
)
def test_who_does_not_finish_is_told_and_let_go(server: Server, begun: bytes) -> None:
    began = time.monotonic()
    answer = said(server, begun)
    assert problem(answer)["status"] == 408
    assert 15 < time.monotonic() - began < 28


def test_who_says_nothing_is_let_go(server: Server) -> None:
    with connected(server) as wire:
        assert everything(wire) == b""


def test_half_closed_is_answered(server: Server) -> None:
    assert said(server, LIVE, half_close=True).startswith(b"HTTP/1.1 200")
    assert said(server, LIVE * 3, half_close=True).count(b'{"status":"alive"}') == 3


def test_half_closed_in_the_middle_is_the_end(server: Server) -> None:
    began = time.monotonic()
    assert said(server, b"POST /api/auth/signin HTTP/1.1\r\nContent-Length: 9\r\n\r\n{", half_close=True) == b""
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("half", [SIGN_IN[:-5], SIGN_IN[:30], b"\r\n"])
def test_half_closed_in_the_second_has_the_first_answered(server: Server, half: bytes) -> None:
    with connected(server) as wire:
        wire.sendall(SIGN_IN + half)
        wire.shutdown(socket.SHUT_WR)  # before the first is answered
        assert everything(wire).count(b"HTTP/1.1 401") == 1


def test_nobody_waits_for_the_rest_of_what_is_not_heard(server: Server) -> None:
    """A broken body behind a request that is served yet: it must not be begun when that one is answered."""
    broken = SIGN_IN.partition(b"Content-Length")[0] + b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\n"
    began = time.monotonic()
    assert said(server, SIGN_IN + broken).count(b"HTTP/1.1 ") == 1
    assert time.monotonic() - began < 10


def test_many_requests_in_one_piece_are_all_answered(server: Server) -> None:
    last = LIVE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    padded = LIVE.replace(b"Host: x", b"Host: x\r\nX-Pad: " + b"p" * 150)
    assert said(server, padded * 500 + last[:10], last[10:]).count(b"HTTP/1.1 200") == 501


def test_who_was_answered_early_is_not_answered_again(server: Server) -> None:
    answer = said(server, b"POST /api/x/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert problem(answer)["status"] == 401


def test_what_was_asked_before_nonsense_is_answered(server: Server) -> None:
    answer = said(server, LIVE + LIVE + b"\x00\x01 nonsense\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200") == 2


def test_trailers_are_no_headers(server: Server) -> None:
    """A proxy checks headers; what comes behind the body is not checked by anybody."""
    _, token = signed_up(server, f"trailers-{time.time_ns()}@example.com")
    trailer = f"Authorization: {token['Authorization']}\r\n".encode()
    request = b"GET /api/auth/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    assert said(server, request + trailer + b"\r\n").startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(
    ("version", "connection"),
    [
        (b"HTTP/1.1", b"Upgrade, HTTP2-Settings"),
        (b"HTTP/1.1", b"Upgrade, HTTP2-Settings, close"),
        (b"HTTP/1.0", b"Upgrade, HTTP2-Settings"),
    ],
)
def test_who_upgrades_to_what_is_not_spoken_is_answered_in_http_1(
    server: Server, version: bytes, connection: bytes
) -> None:
    """Java's client asks for HTTP/2 with its first request (RFC 9110 §7.8: a server may ignore it)."""
    asks = b"Connection: %b\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__" % connection
    with connected(server) as wire:
        wire.sendall(SIGN_IN.replace(b"HTTP/1.1", version).replace(b"Host: x", asks))
        wire.settimeout(5)
        answer = wire.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 401"), answer


def test_a_departure_is_noticed_behind_a_stream(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url, max_streams_per_user=1) as server:
        tasks, token = signed_up(server, f"behind-{server.port}@example.com")
        path = tasks.replace("/tasks", "/changes/stream")
        stream = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {token['Authorization']}\r\n\r\n".encode()
        with connected(server) as wire:
            wire.sendall(stream)
            assert wire.recv(1000).startswith(b"HTTP/1.1 200")
            wire.sendall(LIVE)  # waits behind it
            assert server.http.get(path, headers=token).status_code == 429
        deadline = time.monotonic() + 5
        while True:
            with connected(server) as wire:
                wire.sendall(stream)
                if wire.recv(1000).startswith(b"HTTP/1.1 200"):
                    break
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_one_connection_too_many_is_refused_at_once(tmp_path: Path, database_url: str) -> None:
    origin = "https://app.example.com"
    with serving(tmp_path, database_url=database_url, max_connections=4, cors_origins=origin) as server:
        server.http.close()
        held = [connected(server) for _ in range(4)]
        assert all(map(lives, held))
        began = time.monotonic()
        answer = said(server, b"GET /health/ready HTTP/1.1\r\nHost: x\r\nOrigin: %b\r\n\r\n" % origin.encode())
        assert problem(answer)["status"] == 503
        assert b"retry-after: 1" in answer
        assert b"access-control-allow-origin: %b" % origin.encode() in answer  # a page may read it
        assert answer.count(b"nosniff") == 1
        assert time.monotonic() - began < 2
        assert said(server, LIVE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert all(map(lives, held))  # they are served as before
        for wire in held:
            wire.close()
        deadline = time.monotonic() + 5
        while httpx.get(f"http://127.0.0.1:{server.port}/health/ready").status_code != 200:
            assert time.monotonic() < deadline
        server.http = httpx.Client(base_url=f"http://127.0.0.1:{server.port}")


@pytest.mark.anyio
async def test_line_ends_between_requests_keep_no_connection(database_url: str) -> None:
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
async def test_who_does_not_read_an_answer_is_cut_off(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connection, "READ_TIMEOUT", 0.5)
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


def test_streams_leave_room_for_requests(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url, max_connections=4) as server:
        tasks, token = signed_up(server, f"room-{server.port}@example.com")
        path = tasks.replace("/tasks", "/changes/stream")
        stream = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {token['Authorization']}\r\n\r\n".encode()
        with connected(server) as first, connected(server) as second:
            for wire in (first, second):
                wire.sendall(stream)
                assert wire.recv(1000).startswith(b"HTTP/1.1 200")
            answer = server.http.get(path, headers=token)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "15")
            assert server.http.get(tasks, headers=token).status_code == 200


def test_a_server_that_was_told_to_stop_is_not_ready_and_serves_on(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url, shutdown_delay=3) as server:
        tasks, token = signed_up(server, f"stop-{server.port}@example.com")
        server.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 2
        while (answer := server.http.get("/health/ready")).status_code == 200:
            assert time.monotonic() < deadline
        assert "about to stop" in answer.json()["detail"]
        answer = server.http.post(tasks, headers=token, json={"title": "in the last moment"})
        assert (answer.status_code, answer.headers["connection"]) == (201, "close")
        assert server.process.wait(20) == 0


def test_workers_do_not_outlive_who_started_them(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url, workers=2) as server:
        workers = psutil.Process(server.process.pid).children(recursive=True)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(10)
        _, alive = psutil.wait_procs(workers, 15)
        assert alive == []
