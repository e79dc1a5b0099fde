"""A network that swallows what is sent, and a process that stands still: every wait for the database ends."""

import asyncio
import json
from contextlib import suppress

import httpx
import psycopg
import pytest
from sqlalchemy import bindparam, func, select, text

from tests.conftest import Person, running, settings_for, sign_up
from tests.support.db_proxy import DatabaseProxy
from todo.app import create_app
from todo.changes import stream as stream_module
from todo.db import migrate
from todo.db import pool as pool_module
from todo.db.database import Database, ScopedDatabase
from todo.db.statement import Statement
from todo.problems import Interrupted, Unavailable

pytestmark = pytest.mark.anyio

READ = Statement.of(select(1), read_only=True)
SLEEP = Statement.of(select(func.pg_sleep(bindparam("seconds"))))
TOUCH = Statement.of(text("update tasks set completed = not completed where user_id = :user_id returning id"))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "CHECK_INTERVAL", 0.05)
    monkeypatch.setattr(pool_module, "ANSWER_GRACE", 0.3)


async def test_a_statement_on_a_network_that_swallows_everything_ends(database_url: str) -> None:
    proxy = DatabaseProxy(database_url)
    settings = settings_for(database_url, pool_size=2, statement_timeout=0.3, pool_timeout=3)
    async with proxy() as url, Database(url, settings) as opened:
        db = opened.as_user("ada")
        await db.run(READ)
        proxy.drop = lambda _round_trip, _sending: True
        async with asyncio.timeout(20):
            with pytest.raises(Unavailable):
                await db.run(READ)
            with pytest.raises(Unavailable):
                await db.run(SLEEP, seconds=0)
        assert opened.failing

        proxy.drop = None
        assert await db.run(READ) == [(1,)]


async def test_an_idle_connection_of_a_network_that_swallows_is_not_used_again(database_url: str) -> None:
    proxy = DatabaseProxy(database_url)
    settings = settings_for(database_url, pool_size=3, statement_timeout=0.3, pool_timeout=5)
    async with proxy() as url, Database(url, settings) as opened:
        db = opened.as_user("ada")
        await asyncio.gather(*(db.run(SLEEP, seconds=0.05) for _ in range(3)))
        idle = [*opened.pool._connections]
        assert len(idle) == 3
        proxy.silent |= proxy.connections  # those that are open; new ones work
        async with asyncio.timeout(20):
            assert await db.run(READ) == [(1,)]  # on a new connection, the second time
        assert all(connection.closed for connection in idle)


async def test_psycopgs_own_operations_end_too(database_url: str) -> None:
    proxy = DatabaseProxy(database_url)
    settings = settings_for(database_url, pool_size=1, statement_timeout=0.3, pool_timeout=0.5)
    async with proxy() as url, Database(url, settings) as opened:
        async with opened.sessions.as_user("ada") as session:
            await (await session.connection()).exec_driver_sql("select 1")
        proxy.drop = lambda _round_trip, _sending: True
        async with asyncio.timeout(30):
            with pytest.raises(Unavailable):
                async with opened.sessions.as_user("ada") as session:
                    await (await session.connection()).exec_driver_sql("select 1")


async def test_an_event_stream_whose_poll_is_not_answered_ends_and_says_why(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "STALE", 1.0)
    monkeypatch.setattr(stream_module, "HEARTBEAT", 0.2)
    proxy = DatabaseProxy(database_url)
    settings = settings_for(database_url, statement_timeout=0.3, pool_timeout=0.3)
    async with proxy() as url, running(create_app(settings.model_copy(update={"database_url": url}))) as app:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://todo") as client:
            ada = await sign_up(client, "ada")

            async def swallow_soon() -> None:
                await asyncio.sleep(0.6)
                proxy.drop = lambda _round_trip, _sending: True

            async with asyncio.timeout(30), asyncio.TaskGroup() as group:
                group.create_task(swallow_soon())
                answer = await ada.call("GET", f"{ada.home}/changes/stream")  # until it ends
            proxy.drop = None

    event, data = answer.text.strip().split("\n\n")[-1].splitlines()[:2]
    assert event == "event: end"
    assert json.loads(data.removeprefix("data: "))["reason"] == "database"


async def test_a_transaction_that_stands_still_gives_its_locks_back(ada: Person, database_url: str) -> None:
    """As when its process is stopped between two round trips."""
    await ada.create()
    settings = settings_for(database_url, pool_size=2, statement_timeout=0.5)
    async with Database(database_url, settings) as opened:
        db = opened.as_user(ada.id)
        async with asyncio.timeout(30):
            with pytest.raises(Interrupted):
                await stand_still_in_a_transaction(db)


async def stand_still_in_a_transaction(db: ScopedDatabase) -> None:
    """Lock a task and stand still, until somebody else can change it."""
    async with db.transaction() as transaction:
        await transaction.fetch(TOUCH)
        while True:
            with suppress(Unavailable):
                await db.run(TOUCH)
                return


async def test_a_session_of_a_job_may_stand_still_for_longer_than_a_request(ada: Person, database_url: str) -> None:
    from todo.db.session import session_as

    def idle_timeout() -> str:
        with session_as(ada.id, settings_for(database_url, statement_timeout=0.5)) as session:
            shown = session.connection().exec_driver_sql("show idle_in_transaction_session_timeout")
            return str(shown.scalar())

    assert await asyncio.to_thread(idle_timeout) == "10min"


async def test_a_migration_that_waits_for_another_one_says_so(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(migrate, "TELL_INTERVAL", 0.05)
    with psycopg.connect(database_url) as other:
        other.execute("select pg_advisory_xact_lock(%s)", [migrate.MIGRATION_LOCK])
        waiting = asyncio.create_task(asyncio.to_thread(migrate.upgrade, database_url))
        async with asyncio.timeout(20):
            while "waiting for another process" not in caplog.text:  # noqa: ASYNC110 # the log has no event
                await asyncio.sleep(0.02)
        assert not waiting.done()
    await waiting
