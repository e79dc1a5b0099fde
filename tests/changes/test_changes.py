"""The log of changes: every writer's changes, with one revision counter per user, and the history of each task."""

import asyncio
import uuid
from typing import Any

import psycopg
import pytest

from tests.conftest import Person, http, running, settings_for, sign_up
from tests.support.sql_conditions import as_table_owner
from todo.app import create_app
from todo.db import migrate

pytestmark = pytest.mark.anyio


def kinds(changes: dict[str, Any]) -> list[str]:
    return [change["kind"] for change in changes["changes"]]


class TestLog:
    async def test_every_change_gets_the_next_revision(self, ada: Person) -> None:
        task = await ada.create(title="one", description="kept")
        edited = (await ada.put(task["id"], title="two")).json()
        done = (await ada.toggle(task["id"])).json()
        await ada.delete(task["id"])
        restored = (await ada.restore(task["id"])).json()

        changes = await ada.since(0)

        assert kinds(changes) == ["create", "update", "update", "delete", "restore"]
        assert [change["revision"] for change in changes["changes"]] == [1, 2, 3, 4, 5]
        assert (changes["revision"], changes["more"]) == (5, False)
        assert [change["task_id"] for change in changes["changes"]] == [task["id"]] * 5
        assert [change["via"] for change in changes["changes"]] == ["session"] * 5
        states = [change["task"] for change in changes["changes"]]
        assert states[:3] == [task, edited, done]
        assert states[4] == restored == done | {"revision": 5, "updated_at": restored["updated_at"]}
        trashed = states[3]
        assert trashed == done | {
            "revision": 4,
            "updated_at": trashed["updated_at"],
            "deleted_at": trashed["deleted_at"],
        }
        assert [change["at"] for change in changes["changes"]] == [state["updated_at"] for state in states]

    async def test_a_write_that_changes_nothing_gets_no_revision(self, ada: Person) -> None:
        task = await ada.create(title="same")

        await ada.put(task["id"], title="same")
        await ada.toggle(task["id"], json={"completed": False})
        await ada.restore(task["id"])

        assert (await ada.since(0))["revision"] == 1

    async def test_a_refused_write_gets_no_revision(self, ada: Person) -> None:
        task = await ada.create(id=str(uuid.uuid4()))

        await ada.post(id=task["id"], title="Water the ferns")
        await ada.post(id=task["id"], title="other fields")
        await ada.put(str(uuid.uuid4()), title="x")

        assert (await ada.since(0))["revision"] == 1

    async def test_each_user_has_revisions_of_their_own(self, ada: Person, bob: Person) -> None:
        await ada.create()
        await bob.create()
        await ada.create()

        assert (await ada.since(0))["revision"] == 2
        assert (await bob.since(0))["revision"] == 1

    async def test_a_history_shows_the_values_before_each_change(self, ada: Person) -> None:
        task = await ada.create(title="one", description="long " * 100)
        await ada.put(task["id"], title="two", description=None)
        await ada.toggle(task["id"])
        await ada.delete(task["id"])
        await ada.restore(task["id"])

        history = await ada.history(task["id"])

        assert [change["revision"] for change in history] == [5, 4, 3, 2, 1]
        trashed_at = history[1]["task"]["deleted_at"]
        assert [change["before"] for change in history] == [
            {"deleted_at": trashed_at},
            {"deleted_at": None},
            {"completed": False},
            {"title": "one", "description": "long " * 100},
            None,
        ]

    async def test_a_history_is_paged(self, ada: Person) -> None:
        task = await ada.create()
        for _ in range(4):
            await ada.toggle(task["id"])

        first = await ada.call("GET", f"{ada.tasks}/{task['id']}/history", params={"limit": 3})
        assert [change["revision"] for change in first.json()] == [5, 4, 3]
        path = first.headers["link"].split(">")[0].lstrip("<")
        second = await ada.call("GET", path)
        assert [change["revision"] for change in second.json()] == [2, 1]
        assert "link" not in second.headers

    @pytest.mark.parametrize("id", ["no-uuid", "01930d2c-6f6a-7d2e-9c1b-3f1f5b7a9d10"])
    async def test_the_history_of_an_unknown_task_is_404(self, ada: Person, id: str) -> None:
        assert (await ada.call("GET", f"{ada.tasks}/{id}/history")).status_code == 404

    async def test_the_log_distinguishes_api_tokens_from_sessions(self, ada: Person) -> None:
        made = await ada.call("POST", "/api/auth/tokens", json={"name": "script"})
        await ada.create(title="by herself")
        ada.token = made.json()["token"]
        await ada.create(title="by her script")

        assert [change["via"] for change in (await ada.since(0))["changes"]] == ["session", "api_token"]

    async def test_every_writer_is_logged_psql_included(self, ada: Person, database_url: str) -> None:
        task = await ada.create(title="one")
        with as_table_owner(database_url) as owner:
            owner.execute("update tasks set title = 'two', revision = 77 where user_id = %s", [ada.id])
            owner.execute("insert into tasks (user_id, id, title) values (%s, gen_random_uuid(), 'new')", [ada.id])

        changes = await ada.since(1)

        assert kinds(changes) == ["update", "create"]
        assert [change["via"] for change in changes["changes"]] == ["database"] * 2
        assert (await ada.get(task["id"])).json() == changes["changes"][0]["task"]
        assert await ada.list() == [change["task"] for change in changes["changes"]][::-1]

    async def test_a_purge_erases_the_texts_of_the_task(self, ada: Person, database_url: str) -> None:
        secret = f"secret {uuid.uuid4()}"
        key = {"Idempotency-Key": str(uuid.uuid4())}
        created = await ada.call("POST", ada.tasks, json={"title": secret, "description": secret}, headers=key)
        task = created.json()
        await ada.put(task["id"], title=f"{secret} too")
        await ada.put(task["id"], description="x")
        kept = await ada.create(title="kept")

        assert (await ada.delete(task["id"], permanent=True)).status_code == 204

        changes = await ada.since(0)
        assert kinds(changes) == ["create", "update", "update", "create", "purge"]
        assert [change["task"] for change in changes["changes"]] == [None, None, None, kept, None]
        assert [change["before"] for change in await ada.history(task["id"])] == [None] * 4
        with as_table_owner(database_url) as owner:
            for table in ("tasks", "changes", "idempotency"):
                query = f"select t::text from {table} t where user_id = %s".encode()
                rows = owner.execute(query, [ada.id]).fetchall()
                assert rows
                assert not [row for (row,) in rows if secret in row or secret.encode().hex() in row]

    async def test_deleting_an_account_deletes_its_rows_and_logs_nothing(self, ada: Person, database_url: str) -> None:
        for _ in range(3):
            await ada.call("POST", ada.tasks, json={"title": "x"}, headers={"Idempotency-Key": str(uuid.uuid4())})

        assert (await ada.call("DELETE", "/api/auth/me")).status_code == 204

        with as_table_owner(database_url) as owner:
            for table in ("tasks", "changes", "idempotency"):
                query = f"select count(*) from {table} where user_id = %s".encode()
                assert owner.execute(query, [ada.id]).fetchone() == (0,)

    async def test_revisions_are_in_the_order_of_commits_without_gaps(self, ada: Person, database_url: str) -> None:
        tasks = [await ada.create(title=str(number)) for number in range(3)]
        seen: list[int] = []

        async def watch() -> None:
            position = 0
            while len(seen) < 63:
                changes = await ada.since(position)
                seen.extend(change["revision"] for change in changes["changes"])
                position = changes["revision"]

        watching = asyncio.create_task(watch())
        await asyncio.gather(*(ada.toggle(tasks[number % 3]["id"]) for number in range(60)))
        await asyncio.wait_for(watching, 20)

        assert seen == [*range(1, 64)]
        with as_table_owner(database_url) as owner:
            times = owner.execute("select at from changes where user_id = %s order by revision", [ada.id]).fetchall()
        assert times == sorted(set(times))

    async def test_writes_of_many_rows_and_of_single_rows_do_not_deadlock(self, ada: Person, database_url: str) -> None:
        """All lock rows by id, then their user. With any other order these writes deadlock within a second."""
        tasks = [await ada.create(title=str(number)) for number in range(12)]

        def edit_all() -> None:
            with psycopg.connect(database_url) as other:
                other.execute(
                    "select set_config('role', 'todo_app', true), set_config('app.user_id', %s, true)", [ada.id]
                )
                # A statement of its own: a plan may update, and so lock the user, while a subquery is still locking.
                other.execute("select from tasks where user_id = %s order by id for no key update", [ada.id])
                other.execute("update tasks set title = title || '!' where user_id = %s", [ada.id])

        toggles = [ada.toggle(tasks[number % 12]["id"]) for number in range(90)]
        writes = asyncio.gather(*toggles, *(asyncio.to_thread(edit_all) for _ in range(10)))
        responses = await asyncio.wait_for(writes, 30)

        assert {response.status_code for response in responses if response is not None} == {200}
        assert (await ada.since(0, limit=1))["more"]
        assert (await ada.since(222))["revision"] == 12 + 90 + 120

    async def test_an_account_can_be_deleted_during_many_writes(self, ada: Person, database_url: str) -> None:
        tasks = [await ada.create() for _ in range(5)]

        writes = [ada.toggle(tasks[number % 5]["id"]) for number in range(40)]
        *toggles, deleted = await asyncio.gather(*writes, ada.call("DELETE", "/api/auth/me"))

        assert deleted.status_code == 204
        assert {response.status_code for response in toggles} <= {200, 401}
        with as_table_owner(database_url) as owner:
            assert owner.execute("select count(*) from tasks where user_id = %s", [ada.id]).fetchone() == (0,)


class TestSince:
    async def test_each_page_names_the_since_of_the_next_page(self, ada: Person) -> None:
        for number in range(5):
            await ada.create(title=str(number))

        first = await ada.since(0, limit=2)
        second = await ada.since(first["revision"], limit=2)
        third = await ada.since(second["revision"], limit=2)

        assert [(page["revision"], page["more"]) for page in (first, second, third)] == [
            (2, True),
            (4, True),
            (5, False),
        ]
        titles = [change["task"]["title"] for page in (first, second, third) for change in page["changes"]]
        assert titles == ["0", "1", "2", "3", "4"]
        assert await ada.since(5) == {"changes": [], "revision": 5, "more": False}

    async def test_compact_keeps_the_newest_change_of_each_task(self, ada: Person) -> None:
        one, two, three = [await ada.create(title=title) for title in ("one", "two", "three")]
        await ada.put(one["id"], title="one again")
        await ada.delete(two["id"], permanent=True)
        await ada.toggle(one["id"])
        await ada.delete(three["id"])

        changes = await ada.since(0, compact=True)

        assert [(change["revision"], change["kind"], change["task_id"]) for change in changes["changes"]] == [
            (5, "purge", two["id"]),
            (6, "update", one["id"]),
            (7, "delete", three["id"]),
        ]
        assert changes["revision"] == 7
        pages = [await ada.since(0, compact=True, limit=2), await ada.since(6, compact=True, limit=2)]
        assert pages[0]["changes"] + pages[1]["changes"] == changes["changes"]
        assert [page["more"] for page in pages] == [True, False]

    async def test_a_new_user_has_no_changes(self, ada: Person) -> None:
        assert await ada.since(0) == {"changes": [], "revision": 0, "more": False}

    async def test_the_etag_of_the_list_is_the_since_to_begin_with(self, ada: Person) -> None:
        await ada.create(title="listed")
        response = await ada.call("GET", ada.tasks)
        await ada.create(title="since")
        revision = int(response.headers["etag"].removeprefix('W/"').removesuffix('"'))

        assert [change["task"]["title"] for change in (await ada.since(revision))["changes"]] == ["since"]

    async def test_a_since_above_the_newest_revision_is_410(self, ada: Person) -> None:
        await ada.create()

        response = await ada.call("GET", f"{ada.home}/changes", params={"since": 2})

        assert response.status_code == 410
        assert "read the list again" in response.json()["detail"]

    async def test_a_since_below_the_oldest_change_is_410(self, ada: Person, database_url: str) -> None:
        for _ in range(4):
            await ada.create()
        with as_table_owner(database_url) as owner:
            owner.execute("delete from changes where user_id = %s and revision <= 2", [ada.id])

        for since, status in ((0, 410), (1, 410), (2, 200), (3, 200), (4, 200)):
            for compact in (False, True):
                params = {"since": since, "compact": compact}
                assert (await ada.call("GET", f"{ada.home}/changes", params=params)).status_code == status

        with as_table_owner(database_url) as owner:
            owner.execute("delete from changes where user_id = %s", [ada.id])
        assert (await ada.call("GET", f"{ada.home}/changes", params={"since": 3})).status_code == 410
        assert (await ada.since(4))["changes"] == []

    @pytest.mark.parametrize(
        "params",
        [
            *({"since": value} for value in (-1, "x", 2**63, "1e999", "")),
            *({"limit": value} for value in (0, 1001)),
            {"compact": "perhaps"},
        ],
    )
    async def test_invalid_parameters_are_refused(self, ada: Person, params: dict[str, Any]) -> None:
        response = await ada.call("GET", f"{ada.home}/changes", params=params)

        assert response.status_code == 422
        assert response.json()["errors"][0]["loc"] == ["query", next(iter(params))]

    async def test_tasks_older_than_the_log_are_found_by_the_list(self, empty_url: str) -> None:
        migrate.upgrade(empty_url, "2026_11_22_tokens")
        with as_table_owner(empty_url, "users", "tasks") as owner:
            owner.execute("insert into users (id) values ('ada'), ('bob')")
            owner.execute(
                "insert into tasks (user_id, id, title)"
                " select 'ada', gen_random_uuid(), 'old ' || n from generate_series(1, 3) n"
            )
        migrate.upgrade(empty_url)

        with psycopg.connect(empty_url) as connection:
            connection.execute("set local role todo_app")
            for user, expected in (("ada", (1, 3, 3)), ("bob", (0, 0, 0))):
                connection.execute("select set_config('app.user_id', %s, true)", [user])
                row = connection.execute(
                    "select revision, task_count, (select coalesce(sum(revision), 0) from tasks) from users"
                ).fetchone()
                assert row == expected
        async with running(create_app(settings_for(empty_url))) as app, http(app) as client:
            ada = await sign_up(client, "ada")
            key = await app.state.resources.accounts.issuer.signing_key()
            old, ada.id, ada.token = ada.id, "ada", key.issue("ada", "x", 60)
            assert old
            listed = await ada.call("GET", ada.tasks)
            assert listed.headers["etag"] == 'W/"1"'
            assert [task["revision"] for task in listed.json()] == [1, 1, 1]
            assert (await ada.call("GET", f"{ada.home}/changes?since=0")).status_code == 410
            assert (await ada.since(1))["changes"] == []
            changed = await ada.toggle(listed.json()[0]["id"])
            assert changed.json()["revision"] == 2
            assert kinds(await ada.since(1)) == ["update"]
