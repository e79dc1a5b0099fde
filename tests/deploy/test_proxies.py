"""The files for proxies, in proxies that run: streams, tags, cookies, large bodies and prefixes pass as they should."""

import json
import os
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from drills import stand
from tests.conftest import PASSWORD
from tests.support.caddy import caddy, needs_caddy
from tests.support.certificate import made_certificate
from tests.support.doctor import examined, levels
from tests.support.nginx import needs_nginx, run_nginx
from tests.support.processes import Server, free_port, serving, signed_up

FOLDER = Path(__file__).parents[2] / "deploy" / "proxies"
PUBLIC = (
    *("public url", "ready", "prefix", "http", "cookies", "hsts", "etags", "compression", "large bodies"),
    "event stream",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("proxied")
    with serving(folder, database_url=database_url, trusted_proxies="127.0.0.1", hsts_max_age=31_536_000) as running:
        yield running


@contextmanager
def nginx_of_the_file(folder: Path, server: Server, certificate: Path) -> Iterator[str]:
    text, plain, port = (FOLDER / "nginx.conf").read_text(), free_port(), free_port()
    for old, new in {
        "server 127.0.0.1:8000;": f"server 127.0.0.1:{server.port};",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2;",
        "/etc/ssl/todo/fullchain.pem": str(certificate),
        "/etc/ssl/todo/privkey.pem": str(certificate.with_name("key")),
    }.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    with run_nginx(folder, text.replace("todo.example.com", "localhost"), plain):
        moved = httpx.get(f"http://localhost:{plain}/docs?a=b")
        assert (moved.status_code, moved.headers["location"]) == (308, "https://localhost/docs?a=b")
        yield f"https://localhost:{port}"


@contextmanager
def caddy_of_the_file(folder: Path, server: Server, certificate: Path) -> Iterator[str]:
    text, port = (FOLDER / "Caddyfile").read_text(), free_port()
    assert text.count("127.0.0.1:8000") == text.count("todo.example.com {") == 1
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
    site = f"localhost:{port} {{\n\tbind 127.0.0.1\n\ttls {certificate} {certificate.with_name('key')}"
    options = "{\n\tadmin off\n\tauto_https off\n\tskip_install_trust\n}\n"
    with caddy(folder, options + text.replace("todo.example.com {", site)):
        yield f"https://localhost:{port}"


Proxied = Callable[[Path, Server, Path], AbstractContextManager[str]]
PROXIES = [pytest.param(nginx_of_the_file, marks=needs_nginx), pytest.param(caddy_of_the_file, marks=needs_caddy)]


@pytest.mark.slow
@pytest.mark.parametrize("proxied", PROXIES)
def test_the_file_lets_through_what_todo_needs(
    proxied: Proxied, server: Server, tmp_path: Path, database_url: str
) -> None:
    tasks, token = signed_up(server, f"proxied-{server.port}-{time.time_ns()}@example.com")
    certificate = made_certificate(tmp_path)
    trusted = ssl.create_default_context(cafile=str(certificate))
    with (
        proxied(tmp_path, server, certificate) as url,
        httpx.Client(base_url=url, verify=trusted, timeout=20) as client,
    ):
        stand.until(lambda: _answers(client))
        found = examined(
            *("--url", url), status=0, database_url=database_url, ssl_cert_file=certificate,
            todo_token=token["Authorization"].removeprefix("Bearer "),
        )  # fmt: skip
        assert levels(found, *PUBLIC) == dict.fromkeys(PUBLIC, "ok")

        made = client.post(tasks, headers=token, json={"title": "x" * 200})
        assert made.headers["location"].startswith("/api/")
        read = client.get(made.headers["location"], headers=token)
        assert read.headers["etag"] == '"1"'
        assert client.get(tasks, headers=token | {"If-None-Match": 'W/"1"'}).status_code == 304

        stream = tasks.replace("/tasks", "/changes/stream")
        with client.stream("GET", stream, headers=token) as response:
            pieces = response.iter_text()
            next(pieces)
            for number in range(3):  # each is received before the next is made
                server.http.post(tasks, headers=token, json={"title": f"task {number}"})
                received = ""
                while f"task {number}" not in received:
                    received += next(pieces)

        large = client.post(tasks.replace("/tasks", "/import"), headers=token, content=bytes(3 * 1024**2))
        assert large.status_code != 413 or "problem+json" in large.headers["content-type"]

        forged = {"X-Forwarded-Proto": "http", "X-Forwarded-For": "203.0.113.1"}
        account = {"email": f"forged-{time.time_ns()}@example.com", "password": PASSWORD}
        session = client.post("/api/auth/signup", json=account, headers=forged)
        assert "Secure" in session.headers["set-cookie"]


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.slow
@needs_caddy
def test_caddy_publishes_the_server_below_a_prefix_as_the_page_says(
    tmp_path: Path, database_url: str, root: Path
) -> None:
    page = (root / "docs" / "how-to" / "proxies.md").read_text()
    [inside] = re.findall(r"```caddyfile\ntodo\.example\.com \{\n(.*?)\n\}\n```", page, re.DOTALL)
    port = free_port()
    with serving(tmp_path, database_url=database_url, root_path="/todo") as server:
        inside = inside.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
        text = f"{{\n\tadmin off\n\tauto_https off\n}}\nhttp://localhost:{port} {{\n\tbind 127.0.0.1\n{inside}\n}}\n"
        with caddy(tmp_path, text), httpx.Client(base_url=f"http://localhost:{port}/todo") as client:
            stand.until(lambda: _answers(client))
            found = examined("--url", f"http://localhost:{port}/todo", status=0, database_url=database_url)
    assert levels(found, "prefix", "etags") == {"prefix": "ok", "etags": "ok"}


def test_the_file_for_traefik_is_consistent() -> None:
    http = yaml.safe_load((FOLDER / "traefik.yaml").read_text())["http"]
    for router in http["routers"].values():
        assert router["service"] in http["services"]
        assert set(router.get("middlewares", [])) <= set(http["middlewares"])
    balancer = http["services"]["todo"]["loadBalancer"]
    assert balancer["healthCheck"]["path"] == "/health/ready"
    assert json.dumps(balancer["servers"]) == '[{"url": "http://127.0.0.1:8000"}]'


def test_the_proxies_are_required_where_the_whole_suite_runs(root: Path) -> None:
    script = (root / ".ci" / "run").read_text()
    assert {"REQUIRE_NGINX=1", "REQUIRE_CADDY=1"} <= set(script.split())
    assert os.environ.get("REQUIRE_CADDY") in {None, "1"}
