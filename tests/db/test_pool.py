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


async def test_who_waits_the_longest_is_served_first(pool: Pool) -> None:
    connection = await pool.acquire()
    tasks = await waiting(pool, 3)
    for number, task in enumerate(tasks):
        pool.release(connection)
        assert await task is connection
        assert not any(later.done() for later in tasks[number + 1 :])
    pool.release(connection)


async def test_one_too_many_is_refused_at_once(pool: Pool) -> None:
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


async def test_who_waited_too_long_is_told_so_and_leaves_the_queue(pool: Pool) -> None:
    connection = await pool.acquire()
    for _ in range(2):
        results = await asyncio.gather(*await waiting(pool, 3), return_exceptions=True)
        assert [type(result) for result in results] == [NoConnection] * 3
    pool.release(connection)
    assert await pool.acquire() is connection


async def test_who_waited_too_long_is_told_so_although_one_came_at_that_moment(pool: Pool) -> None:
    connection = await pool.acquire()
    tasks = await waiting(pool, 3)
    pool_module._time_out(pool._waiting[0])  # as its timer does, before anybody else runs
    pool.release(connection)

    with pytest.raises(NoConnection):
        await tasks[0]
    assert await tasks[1] is connection
    pool.release(connection)
    assert await tasks[2] is connection


async def test_a_free_place_goes_to_the_request_that_has_waited_longest(pool: Pool) -> None:
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


async def test_what_comes_back_after_the_end_is_closed(database_url: str) -> None:
    async with Pool(database_url, settings_for(database_url)) as pool:
        connection = await pool.acquire()
    pool.release(connection)
    assert connection.closed


async def test_what_came_to_somebody_who_left_goes_to_the_next(pool: Pool) -> None:
    connection = await pool.acquire()
    left, stays = await waiting(pool, 2)
    pool.release(connection)  # to the first, who does not know it yet
    left.cancel()

    assert await stays is connection
    with pytest.raises(asyncio.CancelledError):
        await left


async def test_a_free_place_that_was_given_to_a_cancelled_request_goes_to_the_next(pool: Pool) -> None:
    connection = await pool.acquire()
    cancelled, stays = await waiting(pool, 2)
    await connection.close()
    pool.release(connection)  # the first may connect, and does not know it yet
    cancelled.cancel()

    another = await stays
    assert another is not connection
    assert await works(another)


async def test_a_broken_one_is_replaced(pool: Pool) -> None:
    for _ in range(3):
        connection = await pool.acquire()
        assert await works(connection)
        await connection.close()
        pool.release(connection)


async def test_one_that_the_server_ended_while_it_lay_there_is_replaced(pool: Pool, database_url: str) -> None:
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


async def test_a_connection_that_nobody_needs_is_closed(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "TIDY_INTERVAL", 0.05)
    async with Pool(database_url, settings_for(database_url, pool_size=2)) as pool:
        rarely, often = await pool.acquire(), await pool.acquire()
        pool.release(rarely)
        pool.release(often)
        rarely.idle_since -= pool_module.IDLE_TIME
        async with asyncio.timeout(5):
            while not rarely.closed:  # noqa: ASYNC110 # nothing says when
                await asyncio.sleep(0.01)

        assert not often.closed
        assert await pool.acquire() is often
        assert await works(await pool.acquire())  # its place is free again


async def test_none_is_lost_when_callers_are_cancelled_at_any_moment(database_url: str) -> None:
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
        lent = [await pool.acquire() for _ in range(3)]
        assert all([await works(each) for each in lent])
