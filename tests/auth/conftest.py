"""The client of an application that accepts the tokens of an external issuer."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import http, running, scratch_database, settings_for
from tests.support.external_issuer import Issuer
from todo.app import create_app
from todo.db import migrate


@pytest.fixture(scope="module")
def issuer_process() -> Iterator[Issuer]:
    script = Path(__file__).parent.parent / "support" / "issuer.py"
    process = subprocess.Popen([sys.executable, script, "300"], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    issuer = Issuer(int(process.stdout.readline()))
    yield issuer
    issuer.http.close()
    process.terminate()
    process.wait(10)
    process.stdout.close()


@pytest.fixture
def issuer(issuer_process: Issuer) -> Iterator[Issuer]:
    issuer_process.post("/mode", mode="ok")
    yield issuer_process
    issuer_process.post("/mode", mode="ok")


@pytest.fixture(scope="module")
def external_url(server_url: str) -> Iterator[str]:
    """A database for users of an external issuer."""
    with scratch_database(server_url) as url:
        migrate.upgrade(url)
        yield url


@pytest.fixture
async def client(issuer: Issuer, external_url: str) -> AsyncIterator[httpx.AsyncClient]:
    settings = settings_for(external_url, jwt_jwks_url=issuer.jwks, jwt_issuer="https://issuer.example.com")
    async with running(create_app(settings)) as app, http(app) as client:
        yield client
