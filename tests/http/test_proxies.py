"""Behind a real nginx: one that compresses what it passes on, and one that publishes the server below a prefix."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import PASSWORD
from tests.support.nginx import needs_nginx, nginx
from tests.support.processes import Server, serving, signed_up

pytestmark = [needs_nginx, pytest.mark.slow]

COMPRESSING = (
    "gzip on; gzip_types *; gzip_proxied any; gzip_min_length 1; location / {{ proxy_pass http://127.0.0.1:{}; }}"
)
STRIPPED = "location /todo/ {{ proxy_pass http://127.0.0.1:{}/; }}"
KEPT = "location /todo {{ proxy_pass http://127.0.0.1:{}; }}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("compressed"), database_url=database_url) as running:
        yield running


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    """A server that is published below /todo."""
    folder = tmp_path_factory.mktemp("prefixed")
    with serving(folder, database_url=database_url, root_path="/todo") as running:
        yield running


def test_a_task_that_was_read_compressed_can_be_changed(server: Server, tmp_path: Path) -> None:
    tasks, token = signed_up(server, f"gzip-{server.port}@example.com")
    with nginx(tmp_path, COMPRESSING.format(server.port)) as address, httpx.Client(base_url=address) as client:
        made = client.post(tasks, headers=token, json={"title": "x" * 255})
        url = made.headers["location"]
        read = client.get(url, headers=token)
        assert (read.headers["content-encoding"], read.headers["etag"]) == ("gzip", 'W/"1"')

        cached = client.get(url, headers=token | {"If-None-Match": read.headers["etag"]})
        changed = client.put(url, headers=token | {"If-Match": read.headers["etag"]}, json={"title": "new"})
        stale = client.put(url, headers=token | {"If-Match": read.headers["etag"]}, json={"title": "newer"})

    assert (cached.status_code, changed.status_code, stale.status_code) == (304, 200, 412)
    assert stale.json()["current"]["title"] == "new"


def test_events_come_through_a_compressing_proxy_one_by_one(server: Server, tmp_path: Path) -> None:
    tasks, token = signed_up(server, f"events-{server.port}@example.com")
    stream = tasks.replace("/tasks", "/changes/stream")
    with (
        nginx(tmp_path, COMPRESSING.format(server.port)) as address,
        httpx.Client(base_url=address, timeout=20) as client,
        client.stream("GET", stream, headers=token) as response,
    ):
        assert response.headers["cache-control"] == "private, no-cache, no-transform"
        pieces = response.iter_text()
        assert "retry" in next(pieces)
        for number in range(3):  # each is received before the next is made
            server.http.post(tasks, headers=token, json={"title": f"task {number}"})
            received = ""
            deadline = time.monotonic() + 20
            while f"task {number}" not in received:
                assert time.monotonic() < deadline
                received += next(pieces)


@pytest.mark.parametrize("location", [STRIPPED, KEPT], ids=["stripped", "kept"])
def test_a_server_below_a_prefix_is_whole(published: Server, tmp_path: Path, location: str) -> None:
    with nginx(tmp_path, location.format(published.port)) as address, httpx.Client(base_url=address) as client:
        account = {"email": f"below-{tmp_path.name[-40:]}@example.com".replace("_", "-"), "password": PASSWORD}
        session = client.post("/todo/api/auth/signup", json=account)
        user, token = session.json()["user"]["id"], session.json()["access_token"]
        auth = {"Authorization": f"Bearer {token}"}
        refreshed = client.post("/todo/api/auth/refresh")
        made = client.post(f"/todo/api/{user}/tasks", headers=auth, json={"title": "x"})
        client.post(f"/todo/api/{user}/tasks", headers=auth, json={"title": "y"})
        page = client.get(f"/todo/api/{user}/tasks?limit=1", headers=auth)
        following = client.get(page.links["next"]["url"], headers=auth)
        home = client.get("/todo/")
        script = client.get(re.findall('src="([^"]+)"', home.text)[0])
        docs = client.get("/todo/docs")
        described = client.get("/todo/openapi.json").json()
        read = client.get(made.headers["location"], headers=auth)

    assert (session.status_code, refreshed.status_code) == (201, 200)
    assert read.json() == made.json()
    assert [task["title"] for task in page.json() + following.json()] == ["y", "x"]
    assert (home.status_code, script.status_code, docs.status_code) == (200, 200, 200)
    assert script.headers["content-encoding"] in {"br", "gzip"}
    assert "/todo/openapi.json" in docs.text
    assert described["servers"] == [{"url": "/todo"}]
