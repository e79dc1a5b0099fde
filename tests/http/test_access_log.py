"""The access log: off by default; a line for each request, without paths, queries, user ids and secrets."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import httpx
import pytest

from tests.support.logs import access_lines, log_lines
from tests.support.processes import TODO, Server, environment, free_port, serving, signed_up
from todo.http.access_log import AccessLog
from todo.observation import RequestRecord

pytestmark = pytest.mark.slow

TIMES = {"timestamp", "ms", "database_ms"}


def wait_for(server: Server, route: str, status: int = 200) -> None:
    """Lines are written a second after the first of them at the latest."""
    deadline = time.monotonic() + 20
    while not any(line["route"] == route and line["status"] == status for line in access_lines(server.log)):
        assert time.monotonic() < deadline, server.log.read_text()
        time.sleep(0.05)


def test_it_is_off_by_default(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url) as server:
        response = server.http.get("/health/live?x=1", headers={"X-Request-Id": "mine"})
        assert response.status_code == 200
        assert "x-request-id" not in response.headers
    assert access_lines(server.log) == []


def test_a_very_long_address_is_cut(tmp_path: Path, database_url: str) -> None:
    with serving(
        tmp_path, database_url=database_url, access_log="on", log_level="error", trusted_proxies="127.0.0.1"
    ) as server:
        for _ in range(2):
            assert server.http.get("/health/live", headers={"X-Forwarded-For": "a" * 5000}).status_code == 200
        wait_for(server, "/health/live")
        assert "a" * 64 in {line["client"] for line in access_lines(server.log)}


def test_a_line_that_is_longer_than_a_pipe_takes_at_once_is_written(tmp_path: Path) -> None:
    written = tmp_path / "log"
    with written.open("wb") as file:
        log = AccessLog(b"key", text=False, descriptor=file.fileno())
        for number in range(3):
            log.add(RequestRecord(0.0, "GET", route="/" + str(number) * 5000))
        log.flush()
    assert [len(json.loads(line)["route"]) for line in written.read_text().splitlines()] == [5001] * 3


def test_each_request_is_a_line(tmp_path: Path, database_url: str) -> None:
    with serving(
        tmp_path, database_url=database_url, access_log="on", log_level="error", trusted_proxies="127.0.0.1"
    ) as server:
        tasks, token = signed_up(server, f"access-{server.port}@example.com")
        user_id = tasks.split("/")[2]
        created = server.http.post(tasks, headers=token, json={"title": "Water the ferns-K7"})
        server.http.get(f"{tasks}?limit=7", headers=token | {"X-Forwarded-For": "203.0.113.9", "X-Request-Id": "a-1"})
        server.http.get("/nothing%0Aforged%1B[31m")
        server.http.head("/health/live")
        feed = server.http.post(tasks.replace("/tasks", "/feeds"), headers=token).json()["url"]
        assert server.http.get(feed).status_code == 200
        server.http.put(f"{tasks}/x", headers=token, json={"title": "x"})
        server.http.get("/docs/assets/swagger-ui.css")
        server.http.delete("/openapi.json")
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"nonsense\r\n\r\n")
            refusal = client.recv(1000)
        with server.http.stream("GET", tasks.replace("/tasks", "/changes/stream"), headers=token) as stream:
            assert stream.status_code == 200
        wait_for(server, "/api/{user_id}/changes/stream")

    log = server.log.read_text()
    found = {(line["method"], line["route"], line["status"]): line for line in access_lines(server.log)}
    listed = found["GET", "/api/{user_id}/tasks", 200]
    assert listed["client"] == "203.0.113.9"
    assert listed["request_id"] == "a-1"
    assert listed["bytes"] == len(created.content) + 2
    assert 0 < listed["database_ms"] < listed["ms"] < 20_000
    assert re.fullmatch(r"[0-9a-f]{16}", listed["user"])
    assert found["POST", "/api/{user_id}/tasks", 201]["user"] == listed["user"]
    edited = found["PUT", "/api/{user_id}/tasks/{id}", 404]
    assert {name: each for name, each in edited.items() if name not in TIMES | {"request_id", "bytes"}} == {
        "level": "info", "logger": "todo.access", "event": "request", "client": "127.0.0.1", "user": listed["user"],
        "method": "PUT", "route": "/api/{user_id}/tasks/{id}", "status": 404,
    }  # fmt: skip
    assert found["POST", "/api/auth/signup", 201]["user"] is None
    assert found["GET", "unmatched", 404]
    assert found["HEAD", "/health/live", 200]["bytes"] == 0
    assert found["GET", "/docs/assets/{path}", 200]
    assert found["DELETE", "/openapi.json", 405]
    assert found["-", "unmatched", 400]["refused"].startswith("This is not HTTP/1.1")
    assert found["-", "unmatched", 400]["request_id"].encode() in refusal
    assert found["GET", "/api/{user_id}/changes/stream", 200]["broken_off"] is True
    ids = [line["request_id"] for line in access_lines(server.log)]
    assert len(set(ids)) == len(ids)
    for secret in (token["Authorization"].split()[1], user_id, created.json()["id"], "K7", "limit=7", "forged"):
        assert secret not in log


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("a-1", True),
        ("!" * 128, True),
        ('"},{"forged":"', True),
        ("", False),
        ("x" * 129, False),
        ("two words", False),
        ("é", False),
    ],
)
def test_a_request_id_is_taken_when_it_is_well_formed(log_server: Server, given: str, taken: bool) -> None:
    response = log_server.http.get("/health", headers={b"X-Request-Id": given.encode("latin-1")})
    assert (response.headers["x-request-id"] == given) is taken
    assert re.fullmatch(r"[!-~]{1,128}", response.headers["x-request-id"])


@pytest.fixture(scope="module")
def log_server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    with serving(
        tmp_path_factory.mktemp("log"), database_url=database_url, access_log="on", cors_origins="https://a.example"
    ) as server:
        yield server
    assert access_lines(server.log)  # each of them JSON, whatever the ids hold


def test_every_answer_has_a_request_id(log_server: Server) -> None:
    http = log_server.http
    preflight = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
    answers = [
        http.get("/nothing"), http.get("/api/x/tasks"), http.delete("/health"), http.get("/x%2Fy"),
        http.get("/" + "x" * 9000), http.options("/health", headers=preflight), http.get("/page/x/y.js"),
    ]  # fmt: skip
    assert {each.status_code for each in answers} == {200, 401, 404, 405, 414}
    ids = {each.headers["x-request-id"] for each in answers}
    assert len(ids) == len(answers)
    allowed = http.get("/health", headers={"Origin": "https://a.example"})
    assert "X-Request-Id" in allowed.headers["access-control-expose-headers"]


def test_the_hash_of_a_user_needs_the_key(tmp_path: Path, database_url: str) -> None:
    """Servers with the same LOG_KEY name a user alike; without one each start names them otherwise."""
    users: list[str] = []
    for settings in ({"log_key": "k" * 16}, {"log_key": "k" * 16}, {}, {}):
        with serving(tmp_path, database_url=database_url, access_log="on", **settings) as server:
            path = "/api/auth/signin" if users else "/api/auth/signup"
            body = {"email": "hashed@example.com", "password": "a long and quiet afternoon"}
            session = server.http.post(path, json=body).json()
            token = {"Authorization": f"Bearer {session['access_token']}"}
            server.http.get(f"/api/{session['user']['id']}/tasks", headers=token)
        users += [line["user"] for line in access_lines(server.log) if line["route"] == "/api/{user_id}/tasks"]
    assert users[0] == users[1]
    assert len({*users}) == 3


def test_kill_9_loses_a_second_at_most(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url, access_log="on") as server:
        for _ in range(3):
            server.http.get("/health")
        time.sleep(1.5)
        server.http.get("/health/live")
        server.stop(signal.SIGKILL)
    assert [line["route"] for line in access_lines(server.log)].count("/health") == 3


def test_two_workers_write_whole_lines_to_one_pipe(database_url: str) -> None:
    """It is full now and then: what is written at once is not cut, since it is no longer than a pipe takes at once."""
    port, lines = free_port(), 600
    given = environment(port=port, database_url=database_url, access_log="on", workers=2)
    with subprocess.Popen([TODO, "serve"], env=given, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        read = bytearray()

        def read_slowly(pipe: IO[bytes]) -> None:
            while piece := os.read(pipe.fileno(), 3000):
                read.extend(piece)
                time.sleep(0.01)

        reader = threading.Thread(target=read_slowly, args=(process.stderr,))
        reader.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
            for _ in range(600):
                with suppress(httpx.TransportError):
                    if http.get("/health/ready").status_code == 200:
                        break
                time.sleep(0.05)
            headers = {"X-Request-Id": "x" * 128, "Connection": "close"}
            assert {http.get("/health", headers=headers).status_code for _ in range(lines)} == {200}
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        reader.join(30)
    logged = [json.loads(line) for line in read.decode().splitlines()]
    assert len([line for line in logged if line.get("route") == "/health"]) == lines


def test_text_is_for_people(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url, access_log="on", log_format="text") as server:
        server.http.get("/health", headers={"X-Request-Id": "a-1"})
    log = server.log.read_text()
    assert re.search(r"\[info +\] the API: http://127\.0\.0\.1:\d+, described at", log)
    assert re.search(r"\[info +\] GET /health 200 +\[todo\.access\] .*request_id=a-1", log)
    assert "\x1b" not in log
    with pytest.raises(json.JSONDecodeError):
        log_lines(server.log)
