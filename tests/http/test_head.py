"""HEAD on every GET (RFC 9110 §9.3.2): the same status and headers, and no body."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import Person
from tests.support.operations import OPERATIONS, Operation
from tests.support.processes import Server, created, serving, signed_up

CHANGING = {"date", "ratelimit"}
GETS = [operation for operation in OPERATIONS if operation.method == "get"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("head"), database_url=database_url) as running:
        yield running


def told(response: httpx.Response) -> tuple[int, dict[str, str]]:
    return response.status_code, {name: value for name, value in response.headers.items() if name not in CHANGING}


def raw_answer(server: Server, method: str, path: str, token: dict[str, str]) -> tuple[bytes, bytes]:
    """Head and rest of all that the server sends until it closes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", *(f"{n}: {v}" for n, v in token.items())]
    with socket.create_connection(("127.0.0.1", server.port), 20) as client:
        client.sendall("\r\n".join([*lines, "", ""]).encode())
        received = b""
        while piece := client.recv(65_536):
            received += piece
    head, _, rest = received.partition(b"\r\n\r\n")
    return head, rest


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/sw.js",
        "/manifest.webmanifest",
        "/page/another/main.js",
        "/docs",
        "/openapi.json",
        "/docs/assets/swagger-ui.css",
        "/health/live",
        "/health/ready/",
        "/.well-known/jwks.json",
        "/nothing",
        "/api/x/tasks",
        "/api/auth/signin",
        "/api/a%2Fb/tasks",
    ],
)
def test_anybody_gets_the_head_of_what_get_answers(server: Server, path: str) -> None:
    _, body = raw_answer(server, "GET", path, {})
    _, nothing = raw_answer(server, "HEAD", path, {})

    assert told(server.http.head(path)) == told(server.http.get(path))
    assert (nothing, bool(body)) == (b"", True)


@pytest.mark.slow
@pytest.mark.parametrize("operation", GETS, ids=str)
def test_the_owner_gets_the_head_of_what_get_answers(server: Server, operation: Operation) -> None:
    tasks, token = signed_up(server, f"head-{GETS.index(operation)}@example.com")
    [task] = created(server, tasks, token, 1)
    feed = server.http.post(tasks.replace("/tasks", "/feeds"), headers=token).json()["url"]
    made = server.http.post("/api/auth/tokens", headers=token, json={"name": "agent", "agent": True}).json()
    created(server, tasks, {"Authorization": f"Bearer {made['token']}"}, 1)
    things = {"tasks": task, "agents": made["id"], "secrets of feeds": feed.rpartition("/")[2].removesuffix(".ics")}
    path = operation.calls()[0].url(tasks.split("/")[2], things)

    head, nothing = raw_answer(server, "HEAD", path, token)
    if operation.streams:
        with server.http.stream("GET", path, headers=token) as response:
            expected = told(response)
    else:
        expected = told(server.http.get(path, headers=token))

    assert expected[0] == 200
    assert told(server.http.head(path, headers=token)) == expected
    assert head.startswith(b"HTTP/1.1 200")
    assert nothing == b""


@pytest.mark.slow
def test_the_head_of_a_stream_holds_no_place(server: Server) -> None:
    tasks, token = signed_up(server, "head-streams@example.com")
    stream = tasks.replace("/tasks", "/changes/stream")

    for _ in range(40):  # MAX_STREAMS_PER_USER is 32
        response = server.http.head(stream, headers=token)
        assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


@pytest.mark.slow
def test_the_head_of_a_long_list_says_no_length(server: Server) -> None:
    tasks, token = signed_up(server, "head-list@example.com")
    created(server, tasks, token, 501)

    response = server.http.head(tasks, headers=token)

    assert (response.status_code, response.headers["etag"]) == (200, 'W/"501"')
    assert "content-length" not in response.headers


@pytest.mark.anyio
async def test_head_may_be_conditional_and_is_for_readers(ada: Person, bob: Person) -> None:
    task = await ada.create()
    path = f"{ada.tasks}/{task['id']}"
    made = await ada.call("POST", "/api/auth/tokens", json={"name": "monitor", "scope": "read"})
    token = {"Authorization": f"Bearer {made.json()['token']}"}

    fresh = await ada.call("HEAD", path, headers={"If-None-Match": '"1"'})
    by_token = await ada.client.head(path, headers=token)

    assert (fresh.status_code, by_token.status_code, by_token.content) == (304, 200, b"")
    assert by_token.headers["etag"] == '"1"'
    assert (await bob.call("HEAD", path)).status_code == 403
    assert (await ada.call("HEAD", f"{path}/complete")).status_code == 405
