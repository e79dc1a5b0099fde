"""Security headers: every kind of response has them, through a real server."""

import socket
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from tests.conftest import scratch_database, settings_for
from tests.support.processes import Server, serving, signed_up
from todo.app import create_app
from todo.db import migrate

pytestmark = pytest.mark.slow

ORIGIN = "https://app.example.com"
YEAR = 31_536_000
DATA = "default-src 'none'; frame-ancestors 'none'"


@pytest.fixture(scope="module")
def url(server_url: str) -> Iterator[str]:
    with scratch_database(server_url) as url:
        migrate.upgrade(url)
        yield url


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, url: str) -> Iterator[Server]:
    with serving(
        tmp_path_factory.mktemp("headers"),
        database_url=url,
        cors_origins=ORIGIN,
        hsts_max_age=YEAR,
        trusted_proxies="127.0.0.1",
    ) as running:
        yield running


@pytest.fixture(scope="module")
def ada(server: Server) -> tuple[str, dict[str, str]]:
    """The path of her tasks, and her token in a header."""
    return signed_up(server)


def preflight(method: str, origin: str = ORIGIN) -> dict[str, str]:
    return {"Origin": origin, "Access-Control-Request-Method": method}


ANONYMOUS: list[tuple[int, str, str, dict[str, str]]] = [
    (200, "GET", "/health/live", {}),
    (200, "GET", "/openapi.json", {}),
    (200, "GET", "/.well-known/jwks.json", {}),
    (200, "GET", "/docs/assets/swagger-ui.css", {}),
    (304, "GET", "/docs/assets/swagger-ui.css", {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}),
    (404, "GET", "/docs/assets/none.js", {}),
    (404, "GET", "/docs/assets/..%2f..%2f..%2f.git/config", {}),
    (404, "GET", "/.git/config", {}),
    (200, "GET", "/manifest.webmanifest", {}),
    (304, "GET", "/manifest.webmanifest", {"If-None-Match": "*"}),
    (404, "GET", "/page/another/main.js", {}),
    (404, "GET", "/nothing", {}),
    (405, "DELETE", "/health/live", {}),
    (401, "GET", "/api/x/tasks", {}),
    (401, "GET", "/api/auth/me", {}),
    (422, "POST", "/api/auth/signin", {}),
    (200, "OPTIONS", "/api/x/tasks", preflight("PUT")),
    (400, "OPTIONS", "/api/x/tasks", preflight("PUT", "https://evil.example")),
    (400, "OPTIONS", "/api/x/tasks", preflight("TRACE")),
]
OF_THE_OWNER: list[tuple[int, str, str, dict[str, str], bytes]] = [
    (200, "GET", "", {}, b""),
    (304, "GET", "", {"If-None-Match": "*"}, b""),
    (201, "POST", "", {"Content-Type": "application/json"}, b'{"title": "Water the ferns"}'),
    (413, "POST", "", {"Content-Type": "application/json"}, b" " * 70_000),
    (415, "POST", "", {"Content-Type": "text/plain"}, b"x"),
    (400, "POST", "", {"Content-Type": "application/json", "Idempotency-Key": "a b"}, b'{"title": "x"}'),
    (404, "DELETE", "/01930d2c-6f6a-7d2e-9c1b-3f1f5b7a9d10", {}, b""),
]


def check_headers(headers: httpx.Headers, policy: str | None = DATA) -> None:
    """Each header is there once, and none names the server software."""
    assert headers.get_list("x-content-type-options") == ["nosniff"]
    assert headers.get_list("referrer-policy") == ["no-referrer"]
    assert headers.get_list("cross-origin-resource-policy") == ["same-origin"]
    assert len(headers.get_list("content-security-policy")) == 1
    assert policy is None or headers["content-security-policy"] == policy
    assert "content-type" in headers or headers.get("content-length", "0") == "0"
    if headers.get("content-type", "").startswith("text/"):
        assert headers["content-type"].endswith("charset=utf-8")
    assert not {"server", "x-powered-by", "via"} & set(headers)


@pytest.mark.parametrize(("status", "method", "path", "headers"), ANONYMOUS)
def test_responses_without_a_token_have_the_headers(
    server: Server, status: int, method: str, path: str, headers: dict[str, str]
) -> None:
    response = server.http.request(method, path, headers=headers)

    assert response.status_code == status
    check_headers(response.headers)
    assert "strict-transport-security" not in response.headers  # the request came over http
    if method == "OPTIONS" and status == 200:
        assert response.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize(("status", "method", "path", "headers", "body"), OF_THE_OWNER)
def test_responses_to_the_owner_have_the_headers(
    server: Server,
    ada: tuple[str, dict[str, str]],
    status: int,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
) -> None:
    tasks, token = ada
    response = server.http.request(method, tasks + path, headers=token | headers, content=body)

    assert response.status_code == status
    check_headers(response.headers)


def test_deletions_and_replays_have_the_headers(server: Server, ada: tuple[str, dict[str, str]]) -> None:
    tasks, token = ada
    task = server.http.post(tasks, headers=token, json={"title": "x"}).json()["id"]
    for replayed in (None, "true"):
        response = server.http.delete(f"{tasks}/{task}", headers=token | {"Idempotency-Key": "once"})
        assert (response.status_code, response.headers.get("idempotent-replayed")) == (204, replayed)
        check_headers(response.headers)


def test_event_streams_have_the_headers(server: Server, ada: tuple[str, dict[str, str]]) -> None:
    tasks, token = ada
    stream = tasks.replace("/tasks", "/changes/stream")
    with server.http.stream("GET", stream, headers=token) as response:
        assert response.status_code == 200
        check_headers(response.headers)


def test_500_and_503_have_the_headers(
    server: Server, ada: tuple[str, dict[str, str]], url: str, server_url: str
) -> None:
    tasks, token = ada
    name = url.rpartition("/")[2].partition("?")[0]

    def alter(where: str, *commands: str) -> None:
        with psycopg.connect(where, autocommit=True) as owner:
            for command in commands:
                owner.execute(command.encode())

    alter(url, "alter table tasks rename to renamed")
    bug = server.http.get(tasks, headers=token)
    alter(url, "alter table renamed rename to tasks")
    alter(
        server_url,
        f"alter database {name} allow_connections false",
        f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'",
    )
    unavailable = server.http.get(tasks, headers=token)
    alter(server_url, f"alter database {name} allow_connections true")

    assert (bug.status_code, unavailable.status_code) == (500, 503)
    check_headers(bug.headers)
    check_headers(unavailable.headers)
    server.ready()


@pytest.mark.parametrize("sent", [b"\x16\x03\x01 garbage\r\n\r\n", b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n"])
def test_the_response_to_malformed_http_is_a_problem_with_the_headers(server: Server, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as client:
        client.sendall(sent)
        response = b""
        while piece := client.recv(4096):
            response += piece
    head, _, body = response.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")

    assert first == "HTTP/1.1 400 Bad Request"
    assert "content-type: application/problem+json" in lines
    assert b'"status":400' in body
    check_headers(httpx.Headers([(name, value) for name, _, value in (line.partition(": ") for line in lines)]))


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_the_docs_page_may_run_only_its_own_scripts(server: Server, path: str) -> None:
    page = server.http.get(path)

    check_headers(page.headers, None)
    policy = {name: set(rest) for name, *rest in map(str.split, page.headers["content-security-policy"].split(";"))}
    assert policy.pop("default-src") == policy.pop("frame-ancestors") == {"'none'"}
    assert policy.pop("base-uri") == policy.pop("form-action") == {"'none'"}
    script = policy.pop("script-src")
    assert "'self'" in script
    assert len(script) == 3  # and the two inline scripts of the page, by their hashes
    assert policy == {"style-src": {"'self'"}, "img-src": {"'self'", "data:"}, "connect-src": {"'self'"}}


@pytest.mark.parametrize(
    ("path", "method"),
    [("/health/live", "GET"), ("/", "GET"), ("/docs", "GET"), ("/nothing", "GET"), ("/api/x/tasks", "OPTIONS")],
)
def test_responses_over_https_have_hsts(server: Server, path: str, method: str) -> None:
    headers = preflight("GET") if method == "OPTIONS" else {}
    response = server.http.request(method, path, headers=headers | {"X-Forwarded-Proto": "https"})

    assert response.headers.get_list("strict-transport-security") == [f"max-age={YEAR}"]
    check_headers(response.headers, None)


@pytest.mark.anyio
async def test_hsts_is_off_unless_it_is_set(database_url: str) -> None:
    transport = httpx.ASGITransport(create_app(settings_for(database_url)))
    async with httpx.AsyncClient(transport=transport, base_url="https://todo") as client:
        response = await client.get("/health/live")

    assert "strict-transport-security" not in response.headers
    check_headers(response.headers)
