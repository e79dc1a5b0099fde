"""One server for the commands of a module, and Ada, who is signed in to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import Person
from tests.support.processes import Server, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), database_url=database_url) as running:
        yield running


@pytest.fixture
def ada(server: Server, tmp_path: Path) -> Person:
    """A new account for each test."""
    return Person(server, tmp_path).signs_in()
