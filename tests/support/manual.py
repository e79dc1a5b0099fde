"""A server whose manual is being built."""

import time

import httpx

from tests.support.processes import Server
from todo.web.manual.cache import PATIENCE


def wait_for_the_manual(server: Server, prefix: str = "") -> httpx.Response:
    """Its first page; until then 503, with the time after which to ask again."""
    deadline = time.monotonic() + PATIENCE + 10
    while time.monotonic() < deadline:
        response = server.http.get(f"{prefix}/manual")
        if response.status_code != 503:
            break
        assert response.headers["retry-after"] == "2"
        assert server.http.get("/health/ready").status_code == 200
        time.sleep(0.2)
    assert (response.status_code, response.headers["location"]) == (307, f"{prefix}/manual/index.html")
    return server.http.get(response.headers["location"])
