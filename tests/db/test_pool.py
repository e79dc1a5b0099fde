"""The pool: connections are acquired in turn, never lost, and replaced when they are old or broken."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.conftest import settings_for
from todo.db import pool as pool_module
from todo.db.pipeline import Connection, Query
from todo.db.pool import NoConnection, Pool
from todo.problems import Unavailable

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """A pool of one connection."""
    async with Pool(database_url, settings_for(database_url, pool_size=1, pool_waiting=3, pool_timeout=2)) as pool:
        yield pool


async def waiting(pool: Pool, count: int) -> list[asyncio.Task[Connection]]:
    tasks = [asyncio.create_task(pool.acquire()) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def works(connection: Connection) -> bool:
    outcome = await connection.run_pipeline([Query(b"select $1::int + 1", [41])])
    return connection.rows(outcome.results[0]) == [(42,)]


async def test_the_request_that_has_waited_longest_is_served_first(pool: Pool) -> None:
    connection = await pool.acquire()
    tasks = await waiting(pool, 3)
    for number, task in enumerate(tasks):
        pool.release(connection)
        assert await task is connection
        assert not any(later.done() for later in tasks[number + 1 :])
    pool.release(connection)


async def test_a_request_above_the_queue_limit_is_refused_at_once(pool: Pool) -> None:
    connection = await pool.acquire()
    tasks = await waiting(pool, 3)

    with pytest.raises(Unavailable, match="Too many") as refused:
        await pool.acquire()

    assert not isinstance(refused.value, NoConnection)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    pool.release(connection)
    assert await works(await pool.acquire())


async def test_a_request_that_times_out_leaves_the_queue(pool: Pool) -> None:
    connection = await pool.acquire()
    for _ in range(2):
        results = await asyncio.gather(*await waiting(pool, 3), return_exceptions=True)
        assert [type(result) for result in results] == [NoConnection] * 3
    pool.release(connection)
    assert await pool.acquire() is connection


async def test_a_request_times_out_although_a_connection_is_released_at_that_moment(pool: Pool) -> None:
    connection = await pool.acquire()
    tasks = await waiting(pool, 3)
    pool_module._time_out(pool._waiting[0])  # as its timer does, before any other task runs
    pool.release(connection)

    with pytest.raises(NoConnection):
        await tasks[0]
    assert await tasks[1] is connection
    pool.release(connection)
    assert await tasks[2] is connection


async def test_the_request_that_has_waited_longest_opens_a_new_connection(pool: Pool) -> None:
    connection = await pool.acquire()
    first, *rest = await waiting(pool, 3)
    await connection.close()
    pool.release(connection)
    late = asyncio.create_task(pool.acquire())

    another = await first
    assert another is not connection
    assert not late.done()
    for task in (*rest, late):
        pool.release(another)
        assert await task is another


async def test_a_connection_released_after_the_pool_was_closed_is_closed(database_url: str) -> None:
    async with Pool(database_url, settings_for(database_url)) as pool:
        connection = await pool.acquire()
    pool.release(connection)
    assert connection.closed


async def test_a_connection_given_to_a_cancelled_request_is_passed_on(pool: Pool) -> None:
    connection = await pool.acquire()
    cancelled, stays = await waiting(pool, 2)
    pool.release(connection)  # to the first request, whose task has not run yet
    cancelled.cancel()

    assert await stays is connection
    with pytest.raises(asyncio.CancelledError):
        await cancelled


async def test_permission_to_connect_given_to_a_cancelled_request_is_passed_on(pool: Pool) -> None:
    connection = await pool.acquire()
    cancelled, stays = await waiting(pool, 2)
    await connection.close()
    pool.release(connection)  # the first may connect, but its task has not run yet
    cancelled.cancel()

    another = await stays
    assert another is not connection
    assert await works(another)


async def test_a_broken_connection_is_replaced(pool: Pool) -> None:
    for _ in range(3):
        connection = await pool.acquire()
        assert await works(connection)
        await connection.close()
        pool.release(connection)


async def test_an_idle_connection_that_the_server_ended_is_replaced(pool: Pool, database_url: str) -> None:
    async with Pool(database_url, settings_for(database_url)) as other:
        connection = await pool.acquire()
        ended = connection.info.backend_pid
        pool.release(connection)
        killer = await other.acquire()
        await killer.run_pipeline([Query(b"select pg_terminate_backend($1::int)", [ended])])
        await asyncio.sleep(0.1)
        other.release(killer)

        assert await works(await pool.acquire())


async def test_an_old_connection_is_replaced_when_it_is_released(pool: Pool) -> None:
    connection = await pool.acquire()
    connection.opened_at -= pool_module.LIFETIME
    pool.release(connection)

    assert connection.closed
    assert await works(await pool.acquire())


async def test_a_connection_in_the_middle_of_a_transaction_is_closed(pool: Pool) -> None:
    connection = await pool.acquire()
    await connection.run_pipeline([Query(b"begin")])
    pool.release(connection)

    assert connection.closed
    assert await works(await pool.acquire())


async def test_a_connection_that_is_not_used_is_closed(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "TIDY_INTERVAL", 0.05)
    async with Pool(database_url, settings_for(database_url, pool_size=2)) as pool:
        rarely, often = await pool.acquire(), await pool.acquire()
        pool.release(rarely)
        pool.release(often)
        rarely.idle_since -= pool_module.IDLE_TIME
        async with asyncio.timeout(5):
            while not rarely.closed:  # noqa: ASYNC110 # there is no event to wait for
                await asyncio.sleep(0.01)

        assert not often.closed
        assert await pool.acquire() is often
        assert await works(await pool.acquire())  # the pool may open another one


async def test_no_connection_is_lost_when_requests_are_cancelled_at_any_moment(database_url: str) -> None:
    settings: Any = settings_for(database_url, pool_size=3, pool_timeout=5)

    async def caller(pool: Pool) -> None:
        connection = await pool.acquire()
        try:
            await works(connection)
        finally:
            pool.release(connection)

    async with Pool(database_url, settings) as pool:
        loop = asyncio.get_running_loop()
        for turn in range(40):
            tasks = [asyncio.create_task(caller(pool)) for _ in range(12)]
            for number, task in enumerate(tasks):
                loop.call_later((number * 5 + turn) % 20 / 2000, task.cancel)
            await asyncio.gather(*tasks, return_exceptions=True)
        acquired = [await pool.acquire() for _ in range(3)]
        assert all([await works(each) for each in acquired])
