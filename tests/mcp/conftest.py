"""A server with MCP=on, two people with accounts there, and agents that work for them over both transports."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mcp.agents import KINDS, Human
from tests.support.processes import Server, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("mcp"), database_url=database_url, mcp="on") as running:
        yield running


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def human(server: Server, tmp_path: Path) -> Human:
    return Human.signs_up(server, tmp_path, "ada")


@pytest.fixture
def other(server: Server, tmp_path: Path) -> Human:
    return Human.signs_up(server, tmp_path, "bob")
