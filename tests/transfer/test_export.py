"""Exports: all of a user, streamed; half a file never looks whole; and the other formats."""

import asyncio
import csv
import io
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from icalendar import Calendar

from tests.conftest import Person, new_person, running, settings_for
from tests.support.processes import served
from tests.transfer.conftest import document, exported, imported, task
from todo.app import create_app
from todo.http import backpressure
from todo.problems import Unavailable
from todo.settings import Settings
from todo.tasks import lists

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def called(settings: Settings) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    """An application that is served, and a client of it."""
    app = create_app(settings)
    async with running(app), served(app) as (address, _), httpx.AsyncClient(base_url=address, timeout=60) as client:
        yield app, client


async def test_json_has_the_user_the_tasks_in_their_order_and_the_trash(ada: Person, bob: Person) -> None:
    await bob.create("of bob")
    made = [await ada.create(f"{number}") for number in range(3)]
    await ada.call("POST", f"{ada.tasks}/{made[0]['id']}/move", json={"after": None})
    await ada.delete((await ada.create("in the trash"))["id"])

    response = await ada.call("GET", f"{ada.home}/export")

    found = response.json()
    assert (found["format"], found["version"], found["user"]) == (
        "todo", 1, {"id": ada.id, "email": ada.email, "name": None}
    )  # fmt: skip
    assert [each["title"] for each in found["tasks"]] == ["0", "2", "1"]
    assert [(each["title"], bool(each["deleted_at"])) for each in found["trash"]] == [("in the trash", True)]
    assert found["tasks"][0]["created_at"] == made[0]["created_at"]
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-disposition"] == f'attachment; filename="todo-{found["exported_at"][:10]}.json"'
    assert "no-cache" in response.headers["cache-control"]
    assert "of bob" not in response.text


@pytest.mark.parametrize("format", ["csv", "ics", "todotxt", "markdown"])
async def test_the_other_formats_have_every_task(ada: Person, format: str) -> None:
    await imported(ada, document([task(f"task number {n:04}", due_date="2026-12-01") for n in range(450)]))
    response = await ada.call("GET", f"{ada.home}/export", params={"format": format})

    assert response.status_code == 200
    assert [n for n in range(450) if f"task number {n:04}" not in response.text] == []
    if format == "csv":
        assert len(list(csv.reader(io.StringIO(response.text.lstrip("\ufeff"))))) == 451
    if format == "ics":
        assert len(Calendar.from_ical(response.text).walk("VTODO")) == 450
    suffix = {"todotxt": "txt", "markdown": "md"}.get(format, format)
    assert response.headers["content-disposition"].endswith(f'.{suffix}"')


async def test_nothing_is_exported_of_nothing(ada: Person) -> None:
    found = json.loads(await exported(ada))
    assert (found["tasks"], found["trash"]) == ([], [])
    assert (await ada.call("GET", f"{ada.home}/export", params={"format": "pdf"})).status_code == 422


async def test_head_makes_no_file(ada: Person) -> None:
    response = await ada.call("HEAD", f"{ada.home}/export")
    assert (response.status_code, response.content) == (200, b"")


async def test_an_export_that_fails_half_way_is_broken_off(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with called(settings_for(database_url)) as (app, client):
        ada = await new_person(app, client, "ada")
        await imported(ada, document([task(f"{number}") for number in range(450)]))
        page = lists.page

        async def failing(*args: Any, after: Any = None, **options: Any) -> Any:
            if after is not None:
                raise Unavailable
            return await page(*args, after=after, **options)

        monkeypatch.setattr(lists, "page", failing)
        with pytest.raises(httpx.RemoteProtocolError):
            await ada.call("GET", f"{ada.home}/export")


async def test_a_slow_reader_holds_no_connection_and_is_disconnected(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backpressure, "READ_TIMEOUT", 1.0)
    async with called(settings_for(database_url, pool_size=1, pool_timeout=5)) as (app, client):
        ada = await new_person(app, client, "ada")
        await imported(ada, document([task(f"{number}", description="x" * 9_000) for number in range(1_000)]))
        with socket.socket() as reader:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(("127.0.0.1", client.base_url.port))
            lines = [f"GET {ada.home}/export HTTP/1.1", "Host: x", f"Authorization: Bearer {ada.token}", "", ""]
            reader.sendall("\r\n".join(lines).encode())
            await asyncio.sleep(0.5)
            assert (await ada.post(title="served meanwhile")).status_code == 201
            assert app.state.resources.unread._of[ada.id] > 0
            async with asyncio.timeout(30):
                while app.state.resources.unread._of:  # noqa: ASYNC110 # which is no event
                    await asyncio.sleep(0.05)
        assert len(json.loads(await exported(ada))["tasks"]) == 1_001
        assert app.state.resources.unread._of == {}
