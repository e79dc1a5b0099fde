"""Upgrades and downgrades keep the data of every older schema, also while clients write."""

import subprocess
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from drills import dumps, upgrades
from drills.figures import Figures
from drills.stand import until
from tests.conftest import PASSWORD, Person, http, running, scratch_database, settings_for
from tests.support.processes import TODO, environment
from tests.support.sql_conditions import as_table_owner
from todo.app import create_app
from todo.db import migrate
from todo.db.guard import check_database
from todo.tasks.fields import WRITABLE

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

REVISIONS = migrate.revisions()

LOG = "2026_11_24_changes"

DROPPED = {
    "users": {"revision", "changed_at", "task_count", "logged_bytes", "name", "email_confirmed_at"},
    "tasks": {"revision", "position", "series", "due_at", "search", *WRITABLE[3:]},
}
"""Columns that a downgrade drops, and that an upgrade fills again."""


@pytest.fixture(params=REVISIONS)
def revision(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def loaded_url(database_url: str, server_url: str, revision: str) -> Iterator[str]:
    """A database with the dump of that revision; the shared database has already created the roles."""
    assert database_url
    with scratch_database(server_url) as url:
        dumps.load(url, revision)
        yield url


def rows_of_users_and_tasks(url: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of users and tasks, as text, so that every byte is compared."""
    rows: dict[str, list[dict[str, Any]]] = {}
    with as_table_owner(url, "users", "tasks") as connection:
        for table in ("users", "tasks"):
            columns = connection.execute(
                "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped",
                [table],
            ).fetchall()
            texts = sql.SQL(", ").join(sql.SQL("{0}::text").format(sql.Identifier(name)) for (name,) in columns)
            query = sql.SQL("select {} from {} order by {}, id").format(
                texts, sql.Identifier(table), sql.Identifier("user_id" if table == "tasks" else "id")
            )
            rows[table] = connection.cursor(row_factory=dict_row).execute(query).fetchall()
    return rows


def common_columns(rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The rows without the columns that not both schemas have."""
    return {
        table: [{name: value for name, value in row.items() if name not in DROPPED[table]} for row in rows[table]]
        for table in rows
    }


def test_every_revision_has_its_dump() -> None:
    assert sorted(path.stem for path in dumps.FOLDER.glob("*.sql")) == list(REVISIONS)


def test_a_dump_is_of_its_revision_and_holds_tasks_in_every_state(loaded_url: str, revision: str) -> None:
    assert migrate.current(loaded_url) == revision
    rows = rows_of_users_and_tasks(loaded_url)
    assert [row["email"] for row in rows["users"]] == list(dumps.PEOPLE.values())
    assert sorted(row["title"] for row in rows["tasks"]) == sorted(title for _, title, _, _ in dumps.TASKS)
    states = {(row["completed"], row["deleted_at"] is None) for row in rows["tasks"]}
    assert states == {("true", True), ("true", False), ("false", True), ("false", False)}


async def sign_in(client: Any, email: str) -> Person:
    response = await client.post("/api/auth/signin", json={"email": email, "password": PASSWORD})
    assert response.status_code == 200, response.text
    session = response.json()
    return Person(client, session["user"]["id"], email, session["access_token"])


def shown(task: dict[str, Any]) -> dict[str, Any]:
    return {name: task[name] for name in ("id", "user_id", "title", "description", "completed")}


async def test_tasks_of_an_older_schema_can_be_read_and_written_after_the_upgrade(
    loaded_url: str, revision: str
) -> None:
    before = common_columns(rows_of_users_and_tasks(loaded_url))

    migrate.upgrade(loaded_url)

    migrate.check(loaded_url)
    assert common_columns(rows_of_users_and_tasks(loaded_url)) == before
    assert upgrades.miscounted(loaded_url, first=1 if revision >= LOG else 2) == []
    async with (
        running(create_app(settings_for(loaded_url, sweep_interval=0))) as app,
        http(app) as client,
    ):
        await check_database(app.state.resources.database)
        ada, bob, grace = [await sign_in(client, email.lower()) for email in dumps.PEOPLE.values()]
        assert [ada.id, bob.id, grace.id] == list(dumps.PEOPLE)

        listed = await ada.list()
        trash = await ada.list(status="deleted")
        mine = [row for row in rows_of_users_and_tasks(loaded_url)["tasks"] if row["user_id"] == ada.id]
        expected = sorted(
            ({**shown(row), "completed": row["completed"] == "true"} for row in mine), key=lambda row: row["id"]
        )
        assert sorted(map(shown, listed + trash), key=lambda task: task["id"]) == expected
        assert [task["id"] for task in listed] == [str(dumps.task(n)) for n in (3, 2, 1, 0)]
        assert {task["id"] for task in trash} == {str(dumps.task(n)) for n in (4, 5)}
        assert sorted(listed, key=lambda task: str(task["position"])) == listed
        assert [task["id"] for task in await ada.list(search="RENT transf")] == [str(dumps.task(1))]

        position = int((await ada.call("GET", ada.tasks)).headers["etag"].strip('W/"'))
        created = await ada.create("After the upgrade")
        toggled = (await ada.toggle(listed[0]["id"])).json()
        restored = (await ada.restore(trash[0]["id"])).json()
        assert toggled["completed"] is not listed[0]["completed"]
        changes = (await ada.since(position))["changes"]
        assert [change["task_id"] for change in changes] == [created["id"], toggled["id"], restored["id"]]
        assert [change["revision"] for change in changes] == [position + 1, position + 2, position + 3]

        assert [task["title"] for task in await bob.list()] == ["Of Bob"]
        assert await grace.list() == []
        assert (await bob.get(created["id"])).status_code == 404
        assert (await bob.call("GET", ada.tasks)).status_code == 403


@pytest.mark.parametrize("step", list(pairwise(REVISIONS)), ids=lambda step: step[1])
def test_a_downgrade_and_an_upgrade_keep_users_and_tasks(
    database_url: str, server_url: str, step: tuple[str, str]
) -> None:
    assert database_url
    older, newer = step
    with scratch_database(server_url) as url:
        dumps.load(url, newer)
        before = common_columns(rows_of_users_and_tasks(url))

        migrate.downgrade(url, older)
        assert migrate.current(url) == older
        assert common_columns(rows_of_users_and_tasks(url)) == before

        migrate.upgrade(url, newer)
        assert common_columns(rows_of_users_and_tasks(url)) == before


def test_a_downgrade_to_the_first_revision_and_an_upgrade_keep_users_and_tasks(
    database_url: str, server_url: str
) -> None:
    assert database_url
    with scratch_database(server_url) as url:
        dumps.load(url, migrate.head())
        before = common_columns(rows_of_users_and_tasks(url))
        for _ in REVISIONS[1:]:
            migrate.downgrade(url, "-1")
            assert common_columns(rows_of_users_and_tasks(url)) == before
        assert migrate.current(url) == REVISIONS[0]

        migrate.upgrade(url)

        assert common_columns(rows_of_users_and_tasks(url)) == before
        assert upgrades.miscounted(url) == []


@pytest.mark.parametrize("revision", REVISIONS[1:])
def test_requests_are_served_while_a_migration_runs(server_url: str, revision: str) -> None:
    figures = Figures("upgrades")

    upgrades.step(server_url, revision, 20_000, figures, people=100)

    assert figures.faults == []


def valid_indexes(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select indexrelid::regclass::text from pg_index where indrelid = 'tasks'::regclass and indisvalid"
        )
        return {name for (name,) in rows}


READING = ("begin isolation level repeatable read; select from users", "rollback")
"""A transaction that building the indexes waits for."""

SLOW = (
    """
    create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(60); return new; end';
    create trigger slow before update on users for each row execute function slow()
    """,
    "drop trigger slow on users; drop function slow",
)
"""A trigger with which counting takes a minute."""

BUILDING = "select count(*) > 0 from pg_index where not indisvalid"
COUNTING = "select count(*) > 0 from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"


@pytest.mark.parametrize(
    ("block", "reached"),
    [pytest.param(READING, BUILDING, id="the indexes"), pytest.param(SLOW, COUNTING, id="the count")],
)
def test_an_upgrade_that_was_killed_can_be_repeated(
    database_url: str, server_url: str, block: tuple[str, str], reached: str
) -> None:
    assert database_url
    with scratch_database(server_url) as url, psycopg.connect(url, autocommit=True) as observer:
        dumps.load(url, "2026_11_22_tokens")
        before = common_columns(rows_of_users_and_tasks(url))
        with psycopg.connect(url, autocommit=True) as blocker:
            blocker.execute(block[0].encode())
            process = subprocess.Popen([TODO, "db", "upgrade"], env=environment(database_url=url))
            try:
                until(lambda: observer.execute(reached.encode()).fetchone() == (True,))
            finally:
                process.kill()
                process.wait(10)
            observer.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                " where application_name like 'todo migrate%' and datname = current_database()"
            )
            blocker.execute(block[1].encode())
        assert migrate.current(url) == "2026_11_22_tokens"
        with psycopg.connect(url) as connection:  # as the server does that is still running
            connection.execute(
                "select set_config('role', 'todo_app', true), set_config('app.user_id', %s, true)", [dumps.BOB]
            )
            connection.execute(
                "insert into tasks (user_id, id, title) values (%s, gen_random_uuid(), 'meanwhile')", [dumps.BOB]
            )

        migrate.upgrade(url)

        migrate.check(url)
        after = common_columns(rows_of_users_and_tasks(url))
        after["tasks"] = [row for row in after["tasks"] if row["title"] != "meanwhile"]
        assert after == before
        assert upgrades.miscounted(url) == []
        assert valid_indexes(url) == {
            "pk_tasks", "ix_tasks_list", "ix_tasks_status", "ix_tasks_trash", "ix_tasks_deleted_at", "ix_tasks_due",
            "ix_tasks_position",
        }  # fmt: skip
        with psycopg.connect(url) as connection:
            assert connection.execute("select from tasks").fetchall() == []  # row-level security is active again


@pytest.mark.parametrize("revision", REVISIONS[1:])
def test_an_upgrade_waits_for_a_long_query_without_blocking_others(server_url: str, revision: str) -> None:
    done = threading.Event()
    with scratch_database(server_url) as url:
        migrate.upgrade(url, REVISIONS[REVISIONS.index(revision) - 1])
        watch = upgrades.Watch(url)
        looking = threading.Thread(target=watch.look, args=[done])
        looking.start()
        with psycopg.connect(url) as report:
            upgrades.read_all(report)
            command = [TODO, "db", "upgrade", revision]
            upgrading = subprocess.Popen(command, env=environment(database_url=url))
            if revision != "2026_11_24_parts":  # which locks no table
                until(lambda: watch.awaited > 0, 20)
            time.sleep(3)
        assert upgrading.wait(60) == 0
        done.set()
        looking.join()
    assert watch.awaited < upgrades.AWAITED
