"""Connections at hand: lent in turn, never lost, seen again by psycopg's pool, which replaces them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.conftest import settings_for
from todo import pool as pool_module
from todo.flights import Connection
from todo.pool import AT_HAND, NoConnection, Pool
from todo.problems import Unavailable

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """A pool of one connection."""
    async with Pool(database_url, settings_for(database_url, pool_size=1, pool_waiting=3, pool_timeout=2)) as pool:
        yield pool


async def waiting(pool: Pool, count: int) -> list[asyncio.Task[Connection]]:
    tasks = [asyncio.create_task(pool.borrow()) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def works(connection: Connection) -> bool:
    landed = await connection.fly([(b"select $1::int + 1", [41])])
    return connection.rows(landed.results[0]) == [(42,)]


async def test_who_waits_the_longest_is_served_first(pool: Pool) -> None:
    connection = await pool.borrow()
    tasks = await waiting(pool, 3)
    for number, task in enumerate(tasks):
        await pool.give_back(connection)
        assert await task is connection
        assert not any(later.done() for later in tasks[number + 1 :])
    await pool.give_back(connection)


async def test_one_too_many_is_refused_at_once(pool: Pool) -> None:
    connection = await pool.borrow()
    tasks = await waiting(pool, 3)

    with pytest.raises(Unavailable, match="Too many") as refused:
        await pool.borrow()

    assert not isinstance(refused.value, NoConnection)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await pool.give_back(connection)
    assert await works(await pool.borrow())


async def test_who_waited_too_long_is_told_so_and_leaves_the_queue(pool: Pool) -> None:
    connection = await pool.borrow()
    for _ in range(2):
        results = await asyncio.gather(*await waiting(pool, 3), return_exceptions=True)
        assert [type(result) for result in results] == [NoConnection] * 3
    await pool.give_back(connection)
    assert await pool.borrow() is connection


async def test_who_waited_too_long_is_told_so_although_one_came_at_that_moment(pool: Pool) -> None:
    connection = await pool.borrow()
    tasks = await waiting(pool, 3)
    pool_module._give_up(pool._waiting[0])  # as its timer does, before anybody else runs
    await pool.give_back(connection)

    with pytest.raises(NoConnection):
        await tasks[0]
    assert await tasks[1] is connection
    await pool.give_back(connection)
    assert await tasks[2] is connection


async def test_leave_to_make_one_is_not_taken_by_somebody_who_came_later(pool: Pool) -> None:
    connection = await pool.borrow()
    first, *rest = await waiting(pool, 3)
    await connection.close()
    giving = asyncio.create_task(pool.give_back(connection))
    while len(pool._waiting) == 3:  # noqa: ASYNC110 # until the very moment
        await asyncio.sleep(0)
    late = asyncio.create_task(pool.borrow())

    another = await first
    await giving
    assert not late.done()
    for task in (*rest, late):
        await pool.give_back(another)
        assert await task is another


async def test_what_comes_back_after_the_end_is_closed(database_url: str) -> None:
    async with Pool(database_url, settings_for(database_url)) as pool:
        connection = await pool.borrow()
    await pool.give_back(connection)
    assert connection.closed


async def test_what_came_to_somebody_who_left_goes_to_the_next(pool: Pool) -> None:
    connection = await pool.borrow()
    left, stays = await waiting(pool, 2)
    await pool.give_back(connection)  # to the first, who does not know it yet
    left.cancel()

    assert await stays is connection
    with pytest.raises(asyncio.CancelledError):
        await left


async def test_leave_to_make_one_that_came_to_somebody_who_left_goes_to_the_next(pool: Pool) -> None:
    connection = await pool.borrow()
    left, stays = await waiting(pool, 2)
    await connection.close()
    giving = asyncio.create_task(pool.give_back(connection))
    while len(pool._waiting) == 2:  # noqa: ASYNC110 # until the very moment
        await asyncio.sleep(0)
    left.cancel()

    another = await stays
    assert another is not connection
    assert await works(another)
    await giving


async def test_a_broken_one_is_replaced(pool: Pool) -> None:
    for _ in range(3):
        connection = await pool.borrow()
        assert await works(connection)
        await connection.close()
        await pool.give_back(connection)


async def test_one_that_the_server_ended_while_it_lay_there_is_replaced(pool: Pool, database_url: str) -> None:
    async with Pool(database_url, settings_for(database_url)) as other:
        connection = await pool.borrow()
        ended = connection.info.backend_pid
        await pool.give_back(connection)
        killer = await other.borrow()
        await killer.fly([(b"select pg_terminate_backend($1::int)", [ended])])
        await asyncio.sleep(0.1)
        await other.give_back(killer)

        assert await works(await pool.borrow())


async def test_psycopgs_pool_sees_each_again_after_a_while(pool: Pool) -> None:
    connection = await pool.borrow()
    await pool.give_back(connection)
    assert pool._maker.get_stats()["pool_available"] == 0

    connection = await pool.borrow()
    connection.known_since -= AT_HAND
    await pool.give_back(connection)
    assert pool._maker.get_stats()["pool_available"] == 1
    assert await works(await pool.borrow())


async def test_one_that_nobody_needs_goes_back_to_psycopgs_pool(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "AT_HAND", 2.0)
    async with Pool(database_url, settings_for(database_url, pool_size=2)) as pool:
        rarely, often = await pool.borrow(), await pool.borrow()
        await pool.give_back(rarely)
        await pool.give_back(often)
        rarely.known_since -= 2.0

        assert await pool.borrow() is often
        await pool.give_back(often)
        for _ in range(200):
            if pool._maker.get_stats()["pool_available"]:
                break
            await asyncio.sleep(0.01)

        assert pool._maker.get_stats()["pool_available"] == 1
        assert pool._idle == [often]


async def test_none_is_lost_when_callers_are_cancelled_at_any_moment(database_url: str) -> None:
    settings: Any = settings_for(database_url, pool_size=3, pool_timeout=5)

    async def caller(pool: Pool) -> None:
        connection = await pool.borrow()
        try:
            await works(connection)
        finally:
            await pool.give_back(connection)

    async with Pool(database_url, settings) as pool:
        loop = asyncio.get_running_loop()
        for turn in range(40):
            tasks = [asyncio.create_task(caller(pool)) for _ in range(12)]
            for number, task in enumerate(tasks):
                loop.call_later((number * 5 + turn) % 20 / 2000, task.cancel)
            await asyncio.gather(*tasks, return_exceptions=True)
        lent = [await pool.borrow() for _ in range(3)]
        assert all([await works(each) for each in lent])
