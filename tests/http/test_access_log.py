"""The access log: off by default; a line for each request, without queries and secrets."""

import re
import socket
import time
from pathlib import Path

import pytest

from tests.support.processes import Server, serving, signed_up

pytestmark = pytest.mark.slow


def lines(server: Server) -> list[str]:
    """The server's lines, without the time before them, and what varies in each."""
    found = re.findall(r"INFO todo\.access: (.*)", server.log.read_text())
    return [re.sub(r"[\d.]+ ms", "T ms", line) for line in found]


def wait_for_last(server: Server, text: str) -> None:
    """A line is written after the response was sent."""
    deadline = time.monotonic() + 20
    while not (found := lines(server)) or text not in found[-1]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_is_off_by_default(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url) as server:
        assert server.http.get("/health/live?x=1").status_code == 200
    assert lines(server) == []


def test_each_request_is_a_line(tmp_path: Path, database_url: str) -> None:
    with serving(
        tmp_path, database_url=database_url, access_log="on", log_level="error", trusted_proxies="127.0.0.1"
    ) as server:
        tasks, token = signed_up(server, f"access-{server.port}@example.com")
        wait_for_last(server, "/api/auth/signup")
        before = len(lines(server))
        server.http.get(f"{tasks}?limit=7", headers=token | {"X-Forwarded-For": "203.0.113.9"})
        server.http.get("/nothing%0Aforged%1B[31m")
        server.http.head("/health/live")
        server.http.put(f"{tasks}/x", headers=token, json={"title": "x"})
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"nonsense\r\n\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 400")
        with server.http.stream("GET", tasks.replace("/tasks", "/changes/stream"), headers=token) as stream:
            assert stream.status_code == 200
        wait_for_last(server, "changes/stream")

    listed, unknown, live, edited, refused, streamed = lines(server)[before:]
    assert listed == f"203.0.113.9 GET {tasks} 200 2 bytes T ms"
    assert re.fullmatch(r"127\.0\.0\.1 GET /nothing%0Aforged%1B%5B31m 404 \d+ bytes T ms", unknown)
    assert live == "127.0.0.1 HEAD /health/live 200 0 bytes T ms"
    assert re.fullmatch(rf"127\.0\.0\.1 PUT {tasks}/x 404 \d+ bytes T ms", edited)
    assert re.fullmatch(r"127\.0\.0\.1 - - 400: This is not HTTP/1\.1.*", refused)
    assert re.fullmatch(r"127\.0\.0\.1 GET \S+/changes/stream 200 \d+ bytes T ms, broken off", streamed)
    log = server.log.read_text()
    assert token["Authorization"].split()[1] not in log
    assert "limit=7" not in log
