"""Transactions: one round trip, committed before the response; the connection stays clean, and no request hangs."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Integer, bindparam, func, select, text

from tests.conftest import Person, http, pool_connection, running, settings_for, sign_up
from tests.support.db_proxy import DatabaseProxy
from todo.app import create_app
from todo.db.database import Database, ScopedDatabase
from todo.db.statement import Statement
from todo.db.url import described
from todo.problems import Interrupted, Unavailable

pytestmark = pytest.mark.anyio

WHO = Statement.of(select(text("current_user, current_setting('app.user_id'), current_setting('statement_timeout')")))
SLEEP = Statement.of(select(func.pg_sleep(bindparam("seconds"))))
ONE_OVER = Statement.of(select(1 / bindparam("number", type_=Integer)))
ADD = Statement.of(text("insert into tasks (user_id, id, title) values (:user_id, gen_random_uuid(), :title)"))
COUNT = Statement.of(text("select count(*) from tasks"), read_only=True)


@asynccontextmanager
async def database(url: str, **settings: Any) -> AsyncIterator[Database]:
    async with Database(url, settings_for(url, **settings)) as opened:
        yield opened


async def count(db: ScopedDatabase) -> int:
    return int((await db.run(COUNT))[0][0])


async def test_a_transaction_runs_as_its_role_and_user(ada: Person, database_url: str) -> None:
    async with database(database_url, statement_timeout=2.5) as opened:
        assert await opened.as_user(ada.id).run(WHO) == [("todo_app", ada.id, "2500ms")]
        assert await opened.as_accounts().run(WHO) == [("todo_accounts", "", "2500ms")]


async def test_a_transaction_is_one_round_trip(ada: Person, database_url: str) -> None:
    proxy = DatabaseProxy(database_url)
    async with proxy() as url, database(url, pool_size=1) as opened:
        db = opened.as_user(ada.id)
        await count(db)  # the first one also connects
        for statement, params in ((COUNT, {}), (ADD, {"title": "x"}), (WHO, {})):
            for _ in range(5):  # unprepared, being prepared, prepared
                proxy.round_trips = 0
                await db.run(statement, **params)
                assert proxy.round_trips == 1


async def test_each_endpoint_is_one_round_trip(database_url: str) -> None:
    proxy = DatabaseProxy(database_url)
    async with proxy() as url, running(create_app(settings_for(url, pool_size=1))) as app, http(app) as client:
        ada = await sign_up(client, "ada")
        task = await ada.create()
        for _ in range(4):
            for call in (
                ada.create(),
                ada.list(),
                ada.list(limit=1),
                ada.get(task["id"]),
                ada.put(task["id"], title="y"),
                ada.toggle(task["id"]),
                ada.delete((await ada.create())["id"]),
            ):
                proxy.round_trips = 0
                await call
                assert proxy.round_trips == 1


async def test_several_statements_are_all_or_nothing(ada: Person, database_url: str) -> None:
    async with database(database_url, pool_size=1) as opened:
        db = opened.as_user(ada.id)
        async with db.transaction() as transaction:
            transaction.queue(ADD, title="first")
            assert await transaction.fetch(COUNT) == [(1,)]
            transaction.queue(ADD, title="second")
        assert await count(db) == 2

        async def fails_in_the_middle() -> None:
            async with db.transaction() as transaction:
                transaction.queue(ADD, title="third")
                await transaction.fetch(ONE_OVER, number=0)

        async def fails_in_python() -> None:
            async with db.transaction() as transaction:
                transaction.queue(ADD, title="third")
                raise RuntimeError

        async def fails_at_the_end() -> None:
            async with db.transaction() as transaction:
                transaction.queue(ADD, title="third")
                transaction.queue(ADD, title="")

        for fails, error in (
            (fails_in_the_middle, errors.DivisionByZero),
            (fails_in_python, RuntimeError),
            (fails_at_the_end, errors.CheckViolation),
        ):
            with pytest.raises(error):
                await fails()
        assert await count(db) == 2
        assert await db.run(WHO) == [("todo_app", ada.id, "10s")]


async def test_a_transaction_that_the_server_ended_while_it_was_idle_is_interrupted(
    ada: Person, database_url: str
) -> None:
    soon = Statement.of(select(func.set_config("idle_in_transaction_session_timeout", "50ms", True)))
    async with database(database_url, pool_size=1) as opened:
        db = opened.as_user(ada.id)

        async def waits_too_long() -> None:
            async with db.transaction() as transaction:
                transaction.queue(ADD, title="lost")
                await transaction.fetch(soon)
                await asyncio.sleep(0.4)
                await transaction.fetch(COUNT)

        with pytest.raises(Interrupted):
            await waits_too_long()
        assert await count(db) == 0


async def test_a_statement_that_fails_leaves_a_clean_connection(ada: Person, database_url: str) -> None:
    async with database(database_url, pool_size=1) as opened:
        db = opened.as_user(ada.id)
        for _ in range(3):
            with pytest.raises(errors.DivisionByZero):
                await db.run(ONE_OVER, number=0)
            with pytest.raises(errors.CheckViolation):
                await db.run(ADD, title="")
            assert await count(db) == 0


async def test_a_cancelled_request_leaves_a_clean_connection(ada: Person, database_url: str) -> None:
    async with database(database_url, pool_size=2) as opened:
        db = opened.as_user(ada.id)
        for number in range(40):
            task = asyncio.create_task(db.run(ADD, title="x") if number % 2 else db.run(SLEEP, seconds=0.01))
            await asyncio.sleep(number % 5 / 1000)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        other = opened.as_user("another user")
        assert await asyncio.gather(*(count(other) for _ in range(6))) == [0] * 6
        assert {row for rows in await asyncio.gather(*(db.run(WHO) for _ in range(6))) for row in rows} == {
            ("todo_app", ada.id, "10s")
        }


async def test_a_transaction_that_is_cancelled_changes_nothing(ada: Person, database_url: str) -> None:
    async with database(database_url, pool_size=1) as opened:
        db = opened.as_user(ada.id)

        async def slowly() -> None:
            async with db.transaction() as transaction:
                transaction.queue(ADD, title="x")
                await asyncio.sleep(5)

        task = asyncio.create_task(slowly())
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await count(db) == 0


async def test_a_request_waits_for_a_full_pool_and_then_gets_503(ada: Person, database_url: str) -> None:
    async with database(database_url, pool_size=1, pool_timeout=0.3) as opened:
        db, another = opened.as_user(ada.id), opened.as_user("another")
        holder = asyncio.create_task(another.run(SLEEP, seconds=0.15))
        await asyncio.sleep(0.02)
        assert await count(db) == 0  # it waited, and was served
        await holder

        holder = asyncio.create_task(another.run(SLEEP, seconds=1))
        await asyncio.sleep(0.02)
        with pytest.raises(Unavailable) as refused:
            await count(db)
        assert refused.value.headers["Retry-After"] == "1"
        await holder
        assert await count(db) == 0


async def test_requests_above_the_queue_limit_are_refused_at_once(ada: Person, database_url: str) -> None:
    async with database(database_url, pool_size=1, pool_waiting=2, pool_timeout=5) as opened:
        db = opened.as_user(ada.id)
        await count(db)
        began = time.monotonic()
        users = [opened.as_user(str(number)) for number in range(10)]
        outcomes = await asyncio.gather(*(each.run(SLEEP, seconds=0.2) for each in users), return_exceptions=True)
        assert sum(isinstance(outcome, Unavailable) for outcome in outcomes) == 7
        assert time.monotonic() - began < 5


async def test_four_hundred_concurrent_requests_are_all_served(database_url: str) -> None:
    """Far more requests than connections: a server with threads and sessions would hang."""
    async with (
        running(create_app(settings_for(database_url, pool_size=4, pool_timeout=60))) as app,
        http(app) as client,
    ):
        ada = await sign_up(client, "ada")
        made = await asyncio.gather(*(ada.create(title=str(number)) for number in range(200)))
        lists = await asyncio.gather(*(ada.list() for _ in range(200)))
        assert len({task["id"] for task in made}) == 200
        assert {len(tasks) for tasks in lists} == {200}


async def test_a_statement_that_takes_too_long_is_cancelled(ada: Person, database_url: str) -> None:
    async with database(database_url, statement_timeout=0.2) as opened:
        with pytest.raises(Unavailable, match="too long; nothing was changed"):
            await opened.as_user(ada.id).run(SLEEP, seconds=5)
        assert not opened.failing


async def test_a_statement_that_was_cancelled_while_it_was_prepared_works_again(ada: Person, database_url: str) -> None:
    """As while a migration holds a lock: the client counts it as prepared, but the server never prepared it."""
    async with database(database_url, pool_size=1, statement_timeout=0.3) as opened:
        db = opened.as_user(ada.id)
        for uses in range(4):
            fresh = Statement.of(text(f"select count(*), {uses} from tasks"), read_only=True)
            for _ in range(uses):
                await db.run(fresh)
            with psycopg.connect(database_url) as blocker:
                blocker.execute("lock table tasks in access exclusive mode")
                with pytest.raises(Unavailable, match="too long"):
                    await db.run(fresh)
                blocker.rollback()
            for _ in range(3):
                assert await db.run(fresh) == [(0, uses)]


async def test_cancelled_requests_lose_no_connection(ada: Person, database_url: str) -> None:
    async with database(database_url, pool_size=4) as opened:
        db = opened.as_user(ada.id)
        for round_ in range(30):
            tasks = [asyncio.create_task(count(db)) for _ in range(20)]
            for number, task in enumerate(tasks):
                asyncio.get_running_loop().call_later((number * 7 + round_) % 40 / 1000, task.cancel)
            await asyncio.gather(*tasks, return_exceptions=True)
        assert await asyncio.gather(*(count(db) for _ in range(8))) == [0] * 8
        async with AsyncExitStack() as acquired:
            for _ in range(4):
                await acquired.enter_async_context(pool_connection(opened))


def end_connections(url: str) -> None:
    """End all connections, as a serverless database does when it suspends."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and application_name = 'todo' and pid <> pg_backend_pid()"
        )


async def test_connections_that_were_ended_while_idle_are_replaced_without_an_error(database_url: str) -> None:
    async with running(create_app(settings_for(database_url, pool_size=4))) as app, http(app) as client:
        ada = await sign_up(client, "ada")
        for _ in range(3):
            await asyncio.gather(*(ada.list() for _ in range(20)))
            end_connections(database_url)
            await asyncio.sleep(0.1)
            made = await asyncio.gather(*(ada.post(title="x") for _ in range(8)))  # writes, which are never retried
            assert [response.status_code for response in made] == [201] * 8
        assert len(await ada.list()) == 24


async def test_a_read_whose_connection_is_lost_is_retried_and_a_write_is_not(ada: Person, database_url: str) -> None:
    async with database(database_url, pool_size=2) as opened:
        db = opened.as_user(ada.id)
        reading = replace(SLEEP, read_only=True)
        read = asyncio.create_task(db.run(reading, seconds=0.5))
        write = asyncio.create_task(db.run(SLEEP, seconds=0.5))
        await asyncio.sleep(0.2)
        end_connections(database_url)

        assert len(await read) == 1
        with pytest.raises(Unavailable, match="may or may not"):
            await write
        assert await count(db) == 0


async def test_an_unreachable_database_is_503(ada: Person) -> None:
    async with database("postgresql://todo@127.0.0.1:1/todo", pool_timeout=0.5) as opened:
        with pytest.raises(Unavailable):
            await count(opened.as_user(ada.id))
        assert opened.failing


async def test_a_write_to_a_read_only_database_is_503(ada: Person, database_url: str) -> None:
    async with database(database_url + "&options=-c%20default_transaction_read_only%3Don") as opened:
        with pytest.raises(Unavailable, match="nothing was changed"):
            await opened.as_user(ada.id).run(ADD, title="x")
        assert await count(opened.as_user(ada.id)) == 0


async def test_integers_of_any_size_share_a_prepared_statement(ada: Person, database_url: str) -> None:
    echo = Statement.of(select(bindparam("number", type_=Integer)))
    async with database(database_url, pool_size=1) as opened:
        db = opened.as_user(ada.id)
        for number in (1, 300, 70_000, 2**31 - 1) * 3:
            assert await db.run(echo, number=number) == [(number,)]
        async with pool_connection(opened) as connection:
            cursor = await connection.execute(
                "select count(*) from pg_prepared_statements where statement like '%INTEGER%'"
            )
            assert await cursor.fetchone() == (1,)


async def test_nothing_is_prepared_when_preparing_is_off(ada: Person, database_url: str) -> None:
    async with database(database_url, pool_size=1, prepare_threshold=-1) as opened:
        for _ in range(8):
            await count(opened.as_user(ada.id))
        async with pool_connection(opened) as connection:
            cursor = await connection.execute("select count(*) from pg_prepared_statements")
            assert await cursor.fetchone() == (0,)


def test_a_statement_that_needs_python_when_run_is_refused() -> None:
    from sqlalchemy import column

    with pytest.raises(TypeError, match="server_default"):
        Statement.of(select(column("x")).where(column("x").in_([1, 2])))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:hunter2@db.example.com:6543/todo?sslmode=require&channel_binding=require",
        "postgresql://db.example.com/todo?user=ada&password=hunter2",
    ],
)
def test_the_description_of_a_url_has_no_password(url: str) -> None:
    assert "hunter2" not in described(url)
    assert "todo at db.example.com" in described(url)
