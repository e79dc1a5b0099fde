"""Crashes during a write: a retry with the same key gets the correct outcome."""

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

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@asynccontextmanager
async def serving_in_a_thread(folder: Path, url: str) -> AsyncIterator[Server]:
    """`serving` without blocking the event loop of the proxy; only the test's own requests query the database."""
    server = await asyncio.to_thread(Server, folder, database_url=url, pool_size=1, sweep_interval=0)
    try:
        yield await asyncio.to_thread(server.ready)
    finally:
        if server.process.poll() is None:
            await asyncio.to_thread(server.stop)
        server.http.close()


@pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
@pytest.mark.parametrize("what", ["create", "toggle"])
async def test_a_retry_is_correct_when_the_server_is_killed_before_or_after_the_commit(
    tmp_path: Path, empty_url: str, moment: str, what: str
) -> None:
    migrate.upgrade(empty_url)
    proxy = DatabaseProxy(empty_url)
    async with proxy() as url, serving_in_a_thread(tmp_path, url) as server:
        tasks, token = await asyncio.to_thread(signed_up, server)
        task = (await asyncio.to_thread(server.http.post, tasks, headers=token, json={"title": "first"})).json()
        method, path, body = ("POST", tasks, {"title": "second"}) if what == "create" else (
            "PATCH", f"{tasks}/{task['id']}/complete", None
        )  # fmt: skip
        headers = {**token, "Idempotency-Key": "the-key"}

        def kill_the_server(round_trip: int, sent_by_client: bool) -> bool:
            """The second round trip sends the commit; its response confirms it."""
            if round_trip == 2 and sent_by_client is (moment == "before the commit"):
                server.process.kill()
                return True
            return False

        proxy.round_trips, proxy.drop = 0, kill_the_server
        with pytest.raises(httpx.TransportError):
            await asyncio.to_thread(server.http.request, method, path, json=body, headers=headers)
        server.process.wait(10)
        proxy.drop = None

    def count_changes() -> int:
        with psycopg.connect(empty_url) as owner:
            owner.execute("set lock_timeout = '10s'")  # until the transaction of the killed server is rolled back
            owner.execute("alter table changes no force row level security")
            [[count]] = owner.execute("select count(*) from changes").fetchall()
            owner.rollback()
            return int(count)

    assert count_changes() == (1 if moment == "before the commit" else 2)
    with serving(tmp_path, database_url=empty_url) as server:
        responses = [server.http.request(method, path, json=body, headers=headers) for _ in range(2)]
        assert {response.status_code for response in responses} == {201 if what == "create" else 200}
        assert responses[0].content == responses[1].content
        replayed = [response.headers.get("idempotent-replayed") for response in responses]
        assert replayed == [None if moment == "before the commit" else "true", "true"]
        listed = server.http.get(tasks, headers=token).json()
        if what == "create":
            assert [task["title"] for task in listed] == ["second", "first"]
        else:
            assert [task["completed"] for task in listed] == [True]
    assert count_changes() == 2


async def test_a_creation_with_a_chosen_id_can_be_retried_without_a_key(tmp_path: Path, empty_url: str) -> None:
    migrate.upgrade(empty_url)
    proxy = DatabaseProxy(empty_url)
    async with proxy() as url, serving_in_a_thread(tmp_path, url) as server:
        tasks, token = await asyncio.to_thread(signed_up, server)
        fields = {"id": str(uuid.uuid4()), "title": "once"}

        def kill_the_server(_: int, sent_by_client: bool) -> bool:
            if not sent_by_client:
                server.process.kill()
            return not sent_by_client

        proxy.round_trips, proxy.drop = 0, kill_the_server
        with pytest.raises(httpx.TransportError):
            await asyncio.to_thread(server.http.post, tasks, json=fields, headers=token)
        server.process.wait(10)
    with serving(tmp_path, database_url=empty_url) as server:
        assert server.http.post(tasks, json=fields, headers=token).status_code == 200
        assert len(server.http.get(tasks, headers=token).json()) == 1


async def test_the_ledger_agrees_after_each_kind_of_fault(tmp_path: Path) -> None:
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
