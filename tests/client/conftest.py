"""A server process, and people who use it by both clients."""

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from tests.client import both
from tests.client.proxy import Proxy
from tests.conftest import PASSWORD
from tests.support.processes import Server, serving
from todo.client import Retry

QUICK = Retry(attempts=6, total=20, first_wait=0.01, longest_wait=0.1, patience=20)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("client"), database_url=database_url) as running:
        yield running


@pytest.fixture
def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}"


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def opened(kind: str) -> AsyncIterator[Callable[..., Any]]:
    """Opens clients, and closes them at the end."""
    clients = []

    def open_(url: str, token: str | None = None, **options: Any) -> Any:
        clients.append(both.client(kind, url, token, **{"retry": QUICK, **options}))
        return clients[-1]

    yield open_
    for each in clients:
        await each.aclose()


def email(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}@example.com"


@pytest.fixture
async def ada(opened: Callable[..., Any], url: str) -> Any:
    client = opened(url)
    await client.sign_up(email("ada"), PASSWORD)
    return client


@pytest.fixture
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    async with Proxy(server.port).running() as running:
        yield running
