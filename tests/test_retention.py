"""Retention: expired rows are deleted, and no others, in small batches and by one process at a time."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import Person, http, running, settings_for, sign_up
from tests.support.oauth import REDIRECT, OAuthApp
from tests.support.processes import run_command, serving, signed_up
from tests.support.sql_conditions import as_table_owner
from todo import retention
from todo.accounts import links
from todo.accounts.secrets import link_token_hash
from todo.app import create_app
from todo.db import migrate
from todo.db.database import Database
from todo.db.statement import Statement
from todo.db.transaction import Transaction
from todo.oauth import clients
from todo.problems import Unavailable

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

NOTHING = dict.fromkeys(("trash", "changes", "keys", "sessions", "links", "codes", "clients"), 0)


@asynccontextmanager
async def running_with_ada(url: str, **settings: Any) -> AsyncIterator[tuple[Person, Database]]:
    migrate.upgrade(url)
    async with running(create_app(settings_for(url, **settings))) as app, http(app) as client:
        yield await sign_up(client, "ada"), app.state.resources.database


def age(url: str, table: str, column: str, by: str, where: str = "true") -> None:
    """Move the timestamps of rows into the past."""
    with as_table_owner(url) as owner:
        owner.execute("alter table tasks disable trigger log")
        owner.execute(f"update {table} set {column} = {column} - interval '{by}' where {where}".encode())
        owner.execute("alter table tasks enable trigger log")


async def test_rows_that_have_not_expired_are_kept(empty_url: str) -> None:
    async with running_with_ada(empty_url) as (ada, database):
        task = await ada.create()
        await ada.call("POST", ada.tasks, json={"title": "x"}, headers={"Idempotency-Key": "x"})
        await ada.delete(task["id"])

        assert await retention.delete_expired(database) == NOTHING


async def test_tasks_are_purged_from_the_trash_after_thirty_days_and_logged(empty_url: str) -> None:
    async with running_with_ada(empty_url) as (ada, database):
        old, young, listed = [await ada.create(title=title) for title in ("old", "young", "listed")]
        for task in (old, young):
            await ada.delete(task["id"])
        age(empty_url, "tasks", "deleted_at", "30 days 1 minute", f"id = '{old['id']}'")
        age(empty_url, "tasks", "deleted_at", "29 days 23 hours", f"id = '{young['id']}'")

        assert await retention.delete_expired(database) == NOTHING | {"trash": 1}

        assert [task["id"] for task in await ada.list(status="deleted")] == [young["id"]]
        assert await ada.list() == [listed]
        [change] = (await ada.since(5))["changes"]
        assert (change["kind"], change["task_id"], change["via"], change["task"]) == ("purge", old["id"], "sweep", None)
        with as_table_owner(empty_url) as owner:
            assert owner.execute("select task_count from users where id = %s", [ada.id]).fetchone() == (2,)


async def test_changes_are_deleted_after_ninety_days_oldest_first(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    async with running_with_ada(empty_url) as (ada, database):
        task = await ada.create()
        for _ in range(9):
            await ada.toggle(task["id"])
        age(empty_url, "changes", "at", "91 days", "revision <= 7")
        kept: list[int] = []
        real = asyncio.sleep

        async def sleep(seconds: float) -> None:
            with as_table_owner(empty_url) as owner:
                kept.extend(row[0] for row in owner.execute("select min(revision) from changes").fetchall())
                [[count]] = owner.execute("select count(*) from changes").fetchall()
                assert kept[-1] + count == 11  # nothing is missing in the middle
            await real(seconds)

        monkeypatch.setattr(asyncio, "sleep", sleep)
        assert await retention.delete_expired(database) == NOTHING | {"changes": 7}
        monkeypatch.setattr(asyncio, "sleep", real)

        assert kept == sorted(kept)
        assert {*kept} - {1, 8} == {4, 7}  # others that sleep meanwhile, as the pool does, may look too
        assert [change["revision"] for change in (await ada.since(7))["changes"]] == [8, 9, 10]
        assert (await ada.call("GET", f"{ada.home}/changes?since=6")).status_code == 410
        assert (await ada.undo(7)).status_code == 404
        assert [change["revision"] for change in await ada.history(task["id"])] == [10, 9, 8]


async def test_a_task_whose_changes_were_all_deleted_has_an_empty_history(empty_url: str) -> None:
    async with running_with_ada(empty_url) as (ada, database):
        task = await ada.create()
        age(empty_url, "changes", "at", "91 days")
        await retention.delete_expired(database)

        assert list(await ada.history(task["id"])) == []
        assert await ada.since(1) == {"changes": [], "revision": 1, "more": False}
        assert (await ada.toggle(task["id"])).json()["revision"] == 2


async def test_expired_keys_and_sessions_are_deleted(empty_url: str) -> None:
    async with running_with_ada(empty_url) as (ada, database):
        for key in ("one", "two"):
            await ada.call("POST", ada.tasks, json={"title": "x"}, headers={"Idempotency-Key": key})
        age(empty_url, "idempotency", "at", "24 hours 1 minute", "key = 'one'")
        await sign_up(ada.client, "bob")
        with psycopg.connect(empty_url) as owner:
            owner.execute("alter table sessions no force row level security")
            owner.execute("update sessions set expires_at = now() where user_id = %s", [ada.id])
            owner.execute("alter table sessions force row level security")

        assert await retention.delete_expired(database) == NOTHING | {"keys": 1, "sessions": 1}


async def test_links_that_have_expired_are_deleted(empty_url: str) -> None:
    async with running_with_ada(empty_url) as (ada, database):
        for lifetime in ("30 minutes", "-1 second"):
            token = await links.make(database, ada.id, "reset", None)
            assert token
            with as_table_owner(empty_url, "one_time_links") as owner:
                owner.execute(
                    "update one_time_links set expires_at = now() + %s::interval where hash = %s",
                    [lifetime, link_token_hash(token)],
                )

        assert await retention.delete_expired(database) == NOTHING | {"links": 1}


async def test_codes_that_have_ended_and_apps_that_are_not_used_are_deleted(empty_url: str) -> None:
    async with running_with_ada(empty_url, mcp=True, mcp_registration=True) as (ada, database):
        forgotten, idle, used, asking = [
            OAuthApp(ada.client, str((await clients.add(database, name, [REDIRECT], "registration")).id))
            for name in ("forgotten", "idle", "used", "asking")
        ]
        await clients.add(database, "of the operator", [REDIRECT])
        for app in (idle, used):
            await app.token(ada)
        await asking.code(ada)
        [token] = [each for each in (await ada.call("GET", "/api/auth/tokens")).json() if each["name"] == "idle"]
        await ada.call("DELETE", f"/api/auth/tokens/{token['id']}")
        assert await retention.delete_expired(database) == NOTHING
        with as_table_owner(empty_url, "oauth_clients", "oauth_grants") as owner:
            owner.execute("update oauth_grants set expires_at = now()")
            owner.execute("update oauth_clients set created_at = now() - interval '23 hours' where name = 'asking'")
            owner.execute("update oauth_clients set created_at = now() - interval '25 hours' where name <> 'asking'")
            owner.execute(
                "update oauth_clients set last_used_at = now() - interval '91 days' where name <> 'forgotten'"
                " and name <> 'asking' and origin = 'registration'"
            )

        assert await retention.delete_expired(database) == NOTHING | {"codes": 1, "clients": 2}
        assert {each.name for each in await clients.every(database)} == {"used", "asking", "of the operator"}
        assert await clients.find(database, forgotten.id) is None


async def test_a_batch_that_takes_too_long_is_made_smaller_and_other_rows_are_still_deleted(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[int] = []
    real = Transaction.fetch

    async def times_out(self: Transaction, statement: Statement[Any], **params: Any) -> Any:
        if statement is retention.EXPIRED["changes"]:
            raise Unavailable("The database took too long; nothing was changed.")
        if statement is retention.EXPIRED["trash"]:
            limits.append(params["limit"])
            if params["limit"] > 1:
                raise Unavailable("The database took too long; nothing was changed.")
        return await real(self, statement, **params)

    async with running_with_ada(empty_url) as (ada, database):
        for _ in range(2):
            await ada.delete((await ada.create())["id"])
        await ada.call("POST", ada.tasks, json={"title": "x"}, headers={"Idempotency-Key": "x"})
        age(empty_url, "tasks", "deleted_at", "31 days")
        age(empty_url, "idempotency", "at", "25 hours")
        monkeypatch.setattr(Transaction, "fetch", times_out)

        assert await retention.delete_expired(database) == NOTHING | {"trash": 2, "keys": 1}
        assert limits == [1000, 100, 10, 1, 1, 1]


async def test_one_process_deletes_at_a_time(empty_url: str) -> None:
    async with running_with_ada(empty_url) as (_, database):
        with psycopg.connect(empty_url) as other:
            other.execute("select pg_advisory_xact_lock(%s)", [retention.SWEEP_LOCK])
            assert await retention.delete_expired(database) is None
            refused = run_command("sweep", database_url=empty_url)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "a server deletes expired rows at this moment" in refused.stderr
        assert await retention.delete_expired(database) == NOTHING


async def test_several_servers_delete_expired_rows_during_writes(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 5)
    monkeypatch.setattr(retention, "PAUSE", 0.1)
    async with running_with_ada(empty_url) as (ada, database):
        tasks = [await ada.create(id=str(uuid.uuid4())) for _ in range(40)]
        for task in tasks:
            await ada.delete(task["id"])
        age(empty_url, "tasks", "deleted_at", "31 days")

        restored, purged, _ = await asyncio.gather(
            asyncio.gather(*(ada.restore(task["id"]) for task in tasks[::2])),
            asyncio.gather(*(ada.delete(task["id"], permanent=True) for task in tasks[1::4])),
            asyncio.gather(*(retention.delete_expired(database) for _ in range(4))),
        )

        assert {response.status_code for response in restored} <= {200, 404}
        assert {response.status_code for response in purged} <= {204, 404}
        await retention.delete_expired(database)
        kept = {response.json()["id"] for response in restored if response.status_code == 200}
        assert {task["id"] for task in await ada.list()} == kept
        assert await ada.list(status="deleted") == []
        with as_table_owner(empty_url) as owner:
            [[held, revision]] = owner.execute(
                "select task_count, revision from users where id = %s", [ada.id]
            ).fetchall()
            numbers = [row[0] for row in owner.execute("select revision from changes order by 1").fetchall()]
        assert held == len(kept)
        assert numbers == [*range(1, revision + 1)]


def test_the_command_prints_how_many_rows_it_deleted(empty_url: str, tmp_path: Path) -> None:
    migrate.upgrade(empty_url)
    with serving(tmp_path, database_url=empty_url) as server:
        tasks, token = signed_up(server)
        made = server.http.post(tasks, headers=token, json={"title": "x"}).json()
        server.http.delete(f"{tasks}/{made['id']}", headers=token)
    age(empty_url, "tasks", "deleted_at", "31 days")

    done = run_command("sweep", database_url=empty_url)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "trash\t1\nchanges\t0\nkeys\t0\nsessions\t0\nlinks\t0\ncodes\t0\nclients\t0\n"


def test_servers_in_use_delete_expired_rows_regularly(empty_url: str, tmp_path: Path) -> None:
    migrate.upgrade(empty_url)
    with serving(tmp_path, database_url=empty_url, workers=2, sweep_interval=0.2) as server:
        tasks, token = signed_up(server)
        made = server.http.post(tasks, headers=token, json={"title": "x"}).json()
        server.http.delete(f"{tasks}/{made['id']}", headers=token)
        age(empty_url, "tasks", "deleted_at", "31 days")
        for _ in range(100):
            if not server.http.get(f"{tasks}?status=deleted", headers=token).json():
                break
            time.sleep(0.05)
        assert server.http.get(f"{tasks}?status=deleted", headers=token).json() == []
        changes = server.http.get(tasks.replace("/tasks", "/changes?since=2"), headers=token).json()["changes"]
        assert [(change["kind"], change["via"]) for change in changes] == [("purge", "sweep")]


async def test_an_unused_database_gets_no_queries(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = 0
    real = retention.delete_expired

    async def counted(database: Database) -> Any:
        nonlocal runs
        runs += 1
        return await real(database)

    monkeypatch.setattr(retention, "delete_expired", counted)
    async with running_with_ada(empty_url, sweep_interval=0.05) as (ada, _):

        async def stops_running() -> bool:
            for _ in range(10):
                before = runs
                await asyncio.sleep(1)  # twenty times the interval
                if runs == before:
                    return True
            return False

        assert await stops_running()
        stopped_at = runs
        assert stopped_at > 0
        await ada.list()
        await asyncio.sleep(1)
        assert runs > stopped_at
        assert await stops_running()
