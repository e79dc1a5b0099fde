"""Files and feeds."""

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import httpx
import pytest

from tests.client.proxy import Proxy
from todo.client import ConnectionFailed, Invalid

pytestmark = pytest.mark.slow

LINES = b"(A) Water the ferns +home due:2027-03-01\nx 2026-11-01 Pay rent\n"


async def everything(client: Any) -> list[str]:
    return sorted([task.title async for task in client.list_tasks()])


async def exported(client: Any, format: str) -> bytes:
    return b"".join([piece async for piece in client.export(format)])


def piped(content: bytes) -> BinaryIO:
    """The reading end of a pipe, which cannot be read twice."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(content)
    return os.fdopen(reading, "rb")


async def test_a_file_has_its_own_name(ada: Any, tmp_path: Path) -> None:
    path = tmp_path / "Home.csv"
    path.write_text("TYPE,CONTENT,PRIORITY\ntask,Milk,4\n")
    with path.open("rb") as file:
        assert (await ada.import_file(file)).created == 1
    assert (await ada.import_file(io.BytesIO(path.read_bytes()), name="Home.csv")).existing == 1
    assert [task.tags async for task in ada.list_tasks()] == [("Home",)]


async def test_a_file_is_imported_and_undone(ada: Any) -> None:
    told: list[tuple[int, int]] = []

    dry = await ada.import_file(io.BytesIO(LINES), format="todotxt", dry_run=True)
    assert (dry.dry_run, dry.created, await everything(ada)) == (True, 2, [])

    file = io.BytesIO(b"not this line\n" + LINES)
    file.seek(14)
    done = await ada.import_file(file, name="todo.txt", on_progress=lambda *sent: told.append(sent))

    assert (done.format, done.read, done.created, done.existing) == ("todotxt", 2, 2, 0)
    assert told == [(len(LINES), len(LINES))]
    assert await everything(ada) == ["Pay rent", "Water the ferns"]
    await ada.undo(done.revision)
    assert await everything(ada) == []


async def test_an_import_whose_answer_is_lost_is_done_once(opened: Callable[..., Any], ada: Any, proxy: Proxy) -> None:
    client = opened(proxy.url, (await ada.create_token("proxy")).token, user_id=await ada.user_id())
    proxy.plan = ["lose", "half"]
    with piped(LINES) as file:
        done = await client.import_file(file, format="todotxt")

    assert done.created + done.existing == 2
    assert len(proxy.requests) == 3
    assert len(set(proxy.keys())) == 1
    assert len(await everything(ada)) == 2


async def test_rows_that_cannot_be_imported_are_named(ada: Any) -> None:
    rows = [{"id": str(uuid4()), "title": "one"}, {"id": str(uuid4()), "title": ""}]
    file = json.dumps({"format": "todo", "version": 1, "tasks": rows}).encode()
    with pytest.raises(Invalid) as raised:
        await ada.import_file(io.BytesIO(file), format="json")
    assert len(raised.value.errors) == 1
    assert await everything(ada) == []

    done = await ada.import_file(io.BytesIO(file), format="json", partial=True)
    assert (done.created, done.problem_count, len(done.problems)) == (1, 1, 1)
    assert done.problems[0].message
    assert await everything(ada) == ["one"]


async def test_an_export_is_read_back(ada: Any, opened: Callable[..., Any], url: str) -> None:
    for number in range(300):
        await ada.create(f"task {number}", description="x" * 1000)
    file = await exported(ada, "json")
    assert b"task 299" in file
    assert b"task 299" in await exported(ada, "csv")

    bob = opened(url)
    await bob.sign_up(f"bob-{os.urandom(4).hex()}@example.com", "a long and quiet afternoon")
    assert (await bob.import_file(io.BytesIO(file))).created == 300
    assert (await bob.import_file(io.BytesIO(file))).existing == 300


async def test_an_export_that_breaks_off_does_not_look_whole(
    opened: Callable[..., Any], ada: Any, proxy: Proxy
) -> None:
    client = opened(proxy.url, (await ada.create_token("proxy")).token, user_id=await ada.user_id())
    await ada.create("one")
    proxy.plan = ["half"]

    with pytest.raises(ConnectionFailed, match="broke off"):
        await exported(client, "json")


async def test_calendar_feeds(ada: Any) -> None:
    await ada.create("Water the ferns", due_date="2027-03-01")

    feed = await ada.create_feed()
    assert feed.url
    assert feed.url not in repr(feed)
    async with httpx.AsyncClient(timeout=20) as calendar:
        assert "Water the ferns" in (await calendar.get(feed.url)).text
    assert [(each.id, each.url) for each in await ada.feeds()] == [(feed.id, None)]

    await ada.delete_feed(feed.id)
    assert await ada.feeds() == []
    async with httpx.AsyncClient(timeout=20) as calendar:
        assert (await calendar.get(feed.url)).status_code == 404
