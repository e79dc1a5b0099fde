"""Users of an external issuer import, export and have feeds, also as the first thing that they do."""

import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest

from tests.conftest import Person, http, running, scratch_database, settings_for
from tests.support.external_issuer import SECRET, person
from tests.transfer.conftest import document, exported, imported, task
from todo.app import create_app
from todo.db import migrate

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(server_url: str) -> AsyncIterator[httpx.AsyncClient]:
    with scratch_database(server_url) as url:
        migrate.upgrade(url)
        async with running(create_app(settings_for(url, jwt_secret=SECRET))) as app, http(app) as client:
            yield client


def newcomer(client: httpx.AsyncClient) -> Person:
    now, subject = int(time.time()), f"user {uuid4().hex[:8]}"
    claims: dict[str, Any] = {"sub": subject, "iat": now, "exp": now + 900, "email": "ada@example.com"}
    return person(client, jwt.encode(claims, SECRET, "HS256"), subject)


async def test_an_import_may_be_the_first_write(client: httpx.AsyncClient) -> None:
    ada = newcomer(client)
    assert '"tasks": [\n]' in await exported(ada)
    assert (await imported(ada, document([task("first")]), dry_run=True))["created"] == 1
    report = await imported(ada, document([task("first")]))
    assert (report["created"], report["revision"]) == (1, 1)
    assert "ada@example.com" in await exported(ada)


async def test_a_feed_may_be_the_first_write(client: httpx.AsyncClient) -> None:
    ada = newcomer(client)
    feed = (await ada.call("POST", f"{ada.home}/feeds")).json()
    await ada.create("due", due_date="2026-12-01")
    assert "SUMMARY:due" in (await client.get(httpx.URL(feed["url"]).path)).text
