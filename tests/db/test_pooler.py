"""Behind a pooler that does not follow prepared statements, such as PgBouncer 1.18: every answer is right."""

import asyncio
import logging
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import Integer, bindparam, select

from drills import stand
from tests.conftest import Person, http, running, settings_for, sign_up
from todo.app import create_app
from todo.db import migrate
from todo.db.database import Database
from todo.db.prepared import PreparedStatements
from todo.db.statement import Statement

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.skipif(bool(stand.missing()) and not os.environ.get("REQUIRE_PGBOUNCER"), reason=str(stand.missing())),
]


@pytest.fixture(scope="module")
def pooled_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """PgBouncer 1.18 with three connections to PostgreSQL 15."""
    folder = tmp_path_factory.mktemp("pooler")
    with stand.postgres_15(folder, fsync=False) as postgres, stand.bouncer_for(postgres, 3) as bouncer:
        migrate.upgrade(postgres.url())
        yield bouncer.url


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PreparedStatements, "told", False)


async def test_three_servers_on_three_connections_give_the_right_answers(
    pooled_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each has one connection of its own, which the pooler sends to any of three."""
    caplog.set_level(logging.WARNING, "todo")
    numbers = [Statement.of(select(bindparam("n", type_=Integer) + index), read_only=True) for index in range(12)]
    settings = settings_for(pooled_url, pool_size=1, prepare_threshold=0, pool_timeout=60)
    async with AsyncExitStack() as opened:
        databases = [await opened.enter_async_context(Database(pooled_url, settings)) for _ in range(3)]

        async def ask(database: Database, turn: int) -> None:
            index = (turn * 7) % len(numbers)
            assert await database.as_user(str(turn % 5)).run(numbers[index], n=turn) == [(turn + index,)]

        for turn in range(60):
            await asyncio.gather(*(ask(database, 3 * turn + number) for number, database in enumerate(databases)))

    told = [record.message for record in caplog.records if "prepared statements" in record.message]
    assert len(told) == 1


async def test_requests_with_keys_sessions_and_streams_work_there(pooled_url: str) -> None:
    settings = settings_for(pooled_url, pool_size=1, prepare_threshold=0, pool_timeout=60)
    async with AsyncExitStack() as opened:
        people: list[Person] = []
        for number in range(3):
            app = await opened.enter_async_context(running(create_app(settings)))
            people.append(await sign_up(await opened.enter_async_context(http(app)), f"person{number}"))

        async def use(person: Person) -> None:
            for number in range(15):
                key = {"Idempotency-Key": str(number)}
                made = await person.call("POST", person.tasks, json={"title": f"task {number}"}, headers=key)
                assert made.status_code == 201, made.text
                toggled = await person.toggle(made.json()["id"], headers={"Idempotency-Key": f"toggle-{number}"})
                assert toggled.status_code == 200, toggled.text
                assert toggled.json()["completed"] is True
                undone = await person.undo(toggled.json()["revision"])
                assert undone.status_code == 200, undone.text
                assert undone.json()["task"]["completed"] is False
                again = await person.call("POST", person.tasks, json={"title": f"task {number}"}, headers=key)
                assert again.headers["Idempotent-Replayed"] == "true"

        await asyncio.gather(*map(use, people))
        for person in people:
            tasks = await person.list()
            assert [task["title"] for task in tasks] == [f"task {number}" for number in range(14, -1, -1)]
            assert {task["user_id"] for task in tasks} == {person.id}
