"""Crashes, at the worst moments: the retry with the same key finds the truth."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from drills import faults, ledger, stand
from tests.support.db_proxy import DatabaseProxy
from tests.support.processes import Server, serving, signed_up
from todo.db import migrate

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def serving_beside(folder: Path, url: str) -> AsyncIterator[Server]:
    """`serving`, which does not hold up the event loop that the wire lives in; nobody but us asks the database."""
    server = await asyncio.to_thread(Server, folder, database_url=url, pool_size=1, sweep_interval=0)
    try:
        yield await asyncio.to_thread(server.ready)
    finally:
        if server.process.poll() is None:
            await asyncio.to_thread(server.stop)
        server.http.close()


@pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
@pytest.mark.parametrize("what", ["create", "toggle"])
async def test_the_server_dies_between_the_statement_and_the_answer(
    tmp_path: Path, empty_url: str, moment: str, what: str
) -> None:
    migrate.upgrade(empty_url)
    proxy = DatabaseProxy(empty_url)
    async with proxy() as url, serving_beside(tmp_path, url) as server:
        tasks, token = await asyncio.to_thread(signed_up, server)
        task = (await asyncio.to_thread(server.http.post, tasks, headers=token, json={"title": "first"})).json()
        method, path, body = ("POST", tasks, {"title": "second"}) if what == "create" else (
            "PATCH", f"{tasks}/{task['id']}/complete", None
        )  # fmt: skip
        headers = {**token, "Idempotency-Key": "the-key"}

        def die(flight: int, speaking: bool) -> bool:
            """The second flight brings the commit, its answer says that it was done."""
            if flight == 2 and speaking is (moment == "before the commit"):
                server.process.kill()
                return True
            return False

        proxy.round_trips, proxy.swallow = 0, die
        with pytest.raises(httpx.TransportError):
            await asyncio.to_thread(server.http.request, method, path, json=body, headers=headers)
        server.process.wait(10)
        proxy.swallow = None

    def known() -> int:
        with psycopg.connect(empty_url) as owner:
            owner.execute("set lock_timeout = '10s'")  # until the transaction of the dead has been given up
            owner.execute("alter table changes no force row level security")
            [[count]] = owner.execute("select count(*) from changes").fetchall()
            owner.rollback()
            return int(count)

    assert known() == (1 if moment == "before the commit" else 2)
    with serving(tmp_path, database_url=empty_url) as server:
        answers = [server.http.request(method, path, json=body, headers=headers) for _ in range(2)]
        assert {answer.status_code for answer in answers} == {201 if what == "create" else 200}
        assert answers[0].content == answers[1].content
        replayed = [answer.headers.get("idempotent-replayed") for answer in answers]
        assert replayed == [None if moment == "before the commit" else "true", "true"]
        listed = server.http.get(tasks, headers=token).json()
        if what == "create":
            assert [task["title"] for task in listed] == ["second", "first"]
        else:
            assert [task["completed"] for task in listed] == [True]
    assert known() == 2


async def test_a_creation_with_a_chosen_id_needs_no_key(tmp_path: Path, empty_url: str) -> None:
    migrate.upgrade(empty_url)
    proxy = DatabaseProxy(empty_url)
    async with proxy() as url, serving_beside(tmp_path, url) as server:
        tasks, token = await asyncio.to_thread(signed_up, server)
        fields = {"id": str(uuid.uuid4()), "title": "once"}

        def die(_: int, speaking: bool) -> bool:
            if not speaking:
                server.process.kill()
            return not speaking

        proxy.round_trips, proxy.swallow = 0, die
        with pytest.raises(httpx.TransportError):
            await asyncio.to_thread(server.http.post, tasks, json=fields, headers=token)
        server.process.wait(10)
    with serving(tmp_path, database_url=empty_url) as server:
        assert server.http.post(tasks, json=fields, headers=token).status_code == 200
        assert len(server.http.get(tasks, headers=token).json()) == 1


async def test_the_ledger_agrees_after_everything_was_broken(tmp_path: Path) -> None:
    """The drill in its shortest form: each kind of fault once."""
    async with faults.on_its_own(tmp_path) as place:
        figures = await ledger.drill(
            place, len(faults.EVERYWHERE), faults.EVERYWHERE, "the ledger", within=ledger.PATIENCE
        )

    assert figures.faults == []


@pytest.mark.skipif(bool(stand.missing()) and not os.environ.get("REQUIRE_PGBOUNCER"), reason=str(stand.missing()))
async def test_the_ledger_agrees_behind_a_pooler(tmp_path: Path) -> None:
    async with faults.behind_a_pooler(tmp_path) as place:
        kinds = faults.BEHIND_A_POOLER
        figures = await ledger.drill(place, len(kinds), kinds, "the ledger", within=ledger.PATIENCE)

    assert figures.faults == []
