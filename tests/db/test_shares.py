"""One user's share of connections and of waiting requests: the others are served beside a user who sends too much."""

import asyncio

import httpx
import pytest
from sqlalchemy import bindparam, func, select

from tests.conftest import Person, http, running, settings_for, sign_up
from todo.app import create_app
from todo.db.database import Database
from todo.db.shares import Shares
from todo.db.statement import Statement
from todo.problems import TooManyRequests

pytestmark = pytest.mark.anyio

SLEEP = Statement.of(select(func.pg_sleep(bindparam("seconds"))), read_only=True)


async def test_a_user_holds_three_quarters_of_the_connections_at_most(database_url: str) -> None:
    async with Database(database_url, settings_for(database_url, pool_size=4)) as opened:
        greedy, modest = opened.as_user("greedy"), opened.as_user("modest")
        slow = [asyncio.create_task(greedy.run(SLEEP, seconds=1.0)) for _ in range(10)]
        await asyncio.sleep(0.1)

        await modest.run(SLEEP, seconds=0.0)
        assert not any(task.done() for task in slow)
        await asyncio.gather(*slow)


async def test_a_user_with_too_many_waiting_requests_gets_429_and_others_are_served(database_url: str) -> None:
    settings = settings_for(database_url, pool_size=4, pool_waiting=20, pool_timeout=10)
    async with running(create_app(settings)) as app, http(app) as client:
        greedy, modest = await sign_up(client, "greedy"), await sign_up(client, "modest")
        task = await modest.create(title="water the ferns")

        async def read_of(person: Person) -> httpx.Response:
            return await person.call("GET", person.tasks)

        answers = await asyncio.gather(*(read_of(greedy) for _ in range(60)), *(read_of(modest) for _ in range(5)))

        refused = [answer for answer in answers[:60] if answer.status_code == 429]
        assert refused
        assert {answer.status_code for answer in answers[:60]} == {200, 429}
        assert refused[0].headers["Retry-After"] == "1"
        assert "at the same time" in refused[0].json()["detail"]
        assert [answer.json()[0]["id"] for answer in answers[60:]] == [task["id"]] * 5


async def test_no_place_is_lost_when_requests_are_cancelled_at_any_moment() -> None:
    shares = Shares(running=2, waiting=50, timeout=5)

    async def work() -> None:
        await shares.enter("ada")
        try:
            await asyncio.sleep(0.001)
        finally:
            shares.leave("ada")

    for round_ in range(20):
        tasks = [asyncio.create_task(work()) for _ in range(20)]
        for number, task in enumerate(tasks):
            asyncio.get_running_loop().call_later((number * 7 + round_) % 12 / 1000, task.cancel)
        await asyncio.gather(*tasks, return_exceptions=True)

    assert not shares._running
    assert not shares._waiting


async def test_a_request_that_waits_too_long_for_its_own_user_is_refused() -> None:
    shares = Shares(running=1, waiting=1, timeout=0.05)
    await shares.enter("ada")
    for _ in range(3):  # who has given up takes no place in the queue
        waiting = asyncio.create_task(shares.enter("ada"))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        with pytest.raises(TooManyRequests):
            await waiting
    await shares.enter("bob")
    shares.leave("ada")
    await shares.enter("ada")


async def test_sign_ins_and_our_own_work_have_no_share(database_url: str) -> None:
    async with Database(database_url, settings_for(database_url, pool_size=4, pool_waiting=20)) as opened:
        accounts = opened.as_accounts()
        await asyncio.gather(*(accounts.run(SLEEP, seconds=0.01) for _ in range(20)))
