"""Changes as they happen: without a loss or a repetition, whatever becomes of the connection."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from tests.client.conftest import QUICK, email
from tests.client.proxy import Proxy, answer
from tests.conftest import PASSWORD
from tests.support.processes import free_port, serving
from tests.support.sql_conditions import as_table_owner
from todo.client import Change, ConnectionFailed, Gone, Retry, Unauthorized, UnexpectedAnswer

pytestmark = pytest.mark.slow


async def received(stream: Any, count: int) -> list[Change]:
    """The next changes of a stream, which is closed then."""
    changes: list[Change] = []
    async with asyncio.timeout(60), aclosing(stream) as open_:
        async for change in open_:
            changes.append(change)
            if len(changes) == count:
                break
    return changes


async def started(coroutine: Any) -> asyncio.Task[Any]:
    task = asyncio.create_task(coroutine)
    await asyncio.sleep(0.5)
    return task


async def test_changes_come_as_they_happen(ada: Any) -> None:
    await ada.create("before")
    live = await started(received(ada.stream(), 2))

    task = await ada.create("line\u2028separator\u0020")
    await ada.delete(task.id)

    first, second = await live
    assert first.task == task
    assert (first.kind, second.kind, second.revision) == ("create", "delete", 3)
    assert second.task is not None
    assert second.task.deleted_at


async def test_a_stream_begins_where_it_is_told(ada: Any) -> None:
    for number in range(5):
        await ada.create(f"task {number}")

    assert [change.revision for change in await received(ada.stream(2), 3)] == [3, 4, 5]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_a_stream_goes_on_after_the_server_was_stopped(
    opened: Callable[..., Any], tmp_path: Path, database_url: str, how: signal.Signals
) -> None:
    port = free_port()
    with serving(tmp_path, port=port, database_url=database_url) as server:
        ada = opened(f"http://127.0.0.1:{port}", retry=Retry(attempts=None, total=120, longest_wait=0.5))
        session = await ada.sign_up(email("ada"), PASSWORD)
        live = await started(received(ada.stream(), 3))
        await ada.create("one")
        server.stop(how)
        writing = asyncio.create_task(ada.create("two"))
        await asyncio.sleep(0.5)
    with serving(tmp_path, port=port, database_url=database_url):
        await writing
        await ada.create("three")
        changes = await live
    assert [change.revision for change in changes] == [1, 2, 3]
    assert {change.task.user_id for change in changes if change.task} == {session.user.id}


async def test_a_broken_connection_is_opened_again_where_it_was(
    opened: Callable[..., Any], ada: Any, proxy: Proxy
) -> None:
    token = (await ada.create_token("proxy")).token
    client = opened(proxy.url, token, user_id=await ada.user_id())
    live = await started(received(client.stream(), 3))
    for title in ("one", "two", "three"):
        await ada.create(title)
        await asyncio.sleep(1)
        proxy.cut()

    assert [change.revision for change in await live] == [1, 2, 3]
    assert any(b"last-event-id: 1\r\n" in head.lower() for head in proxy.requests)


async def test_a_stream_that_is_silent_is_opened_again(
    opened: Callable[..., Any], ada: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is gone without a word sends no comments."""
    for package in ("asynchronous", "synchronous"):
        monkeypatch.setattr(f"todo.client.{package}.changes.SILENCE", 1.0)
    told: list[Exception] = []
    token = (await ada.create_token("proxy")).token
    client = opened(proxy.url, token, user_id=await ada.user_id(), on_retry=lambda error, _: told.append(error))
    live = await started(received(client.stream(), 1))
    await asyncio.sleep(1.5)
    await ada.create("Water the ferns")

    assert [change.revision for change in await live] == [1]
    assert "did not answer in time" in str(told[0])


async def test_a_stream_gives_up_after_a_while(opened: Callable[..., Any]) -> None:
    retry = Retry(first_wait=0.01, longest_wait=0.05, patience=0.5)
    client = opened(f"http://127.0.0.1:{free_port()}", "token", user_id="ada", retry=retry)

    with pytest.raises(ConnectionFailed):
        await received(client.stream(), 1)


async def test_changes_that_are_not_kept(ada: Any) -> None:
    await ada.create("one")
    with pytest.raises(Gone):
        await received(ada.stream(99), 1)
    with pytest.raises(Gone):
        await received(ada.changes(99), 1)


async def test_a_deleted_account_ends_the_stream(ada: Any, database_url: str) -> None:
    live = await started(received(ada.stream(), 1))
    user_id = await ada.user_id()
    with as_table_owner(database_url) as owner:
        owner.execute("delete from users where id = %s", [user_id])

    with pytest.raises(Unauthorized):
        await live


async def test_what_is_no_stream_is_refused(opened: Callable[..., Any], proxy: Proxy) -> None:
    client = opened(proxy.url, "token", user_id="ada", retry=QUICK)
    event = b"event: change\ndata: {}\nid: 1\n\n"
    proxy.plan = [answer("200 OK", "Content-Type: text/event-stream", body=event)]

    with pytest.raises(UnexpectedAnswer):
        await received(client.stream(), 1)
