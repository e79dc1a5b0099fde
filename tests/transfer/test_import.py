"""Imports: twice is once, all or nothing, one undo takes all back, and the times of the past are kept."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.conftest import Person, http, new_person, running, settings_for
from tests.support.sql_conditions import everything
from tests.transfer.conftest import ago, document, exported, imported, send, task, titles
from todo.app import create_app

pytestmark = pytest.mark.anyio

SHOWN_BY_EXPORT = {"id", "title", "description", "completed", "due_date", "time_zone", "priority", "tags", "recurrence"}
SHOWN_BY_EXPORT |= {"recurrence_from", "remind_at", "created_at", "completed_at"}


async def test_an_import_creates_the_tasks_in_the_order_of_the_file_before_the_others(ada: Person) -> None:
    await ada.create("older")
    file = [task(f"{number}") for number in range(250)]

    report = await imported(ada, document(file))

    wanted = [*titles(file), "older"]
    assert titles(await ada.list(sort="position")) == wanted
    assert titles(await ada.list()) == wanted
    assert report == {
        "format": "json", "read": 250, "created": 250, "existing": 0, "problems": [], "problem_count": 0,
        "revision": 2, "dry_run": False,
    }  # fmt: skip
    await ada.create("newer")
    assert titles(await ada.list(sort="position"))[:2] == ["newer", "0"]


async def test_twice_is_once_and_existing_tasks_are_left_as_they_are(ada: Person) -> None:
    file = [task("edited"), task("in the trash"), task("purged"), task("kept")]
    await imported(ada, document(file))
    await ada.put(file[0]["id"], title="edited since")
    await ada.delete(file[1]["id"])
    await ada.delete(file[2]["id"], permanent=True)

    again = await imported(ada, document([*file, file[3]]))
    nothing = await imported(ada, document(file))

    assert (again["read"], again["created"], again["existing"]) == (5, 1, 4)
    assert (nothing["created"], nothing["existing"], nothing["revision"]) == (0, 4, None)
    assert sorted(titles(await ada.list())) == ["edited since", "kept", "purged"]
    assert titles(await ada.list(status="deleted")) == ["in the trash"]


async def test_two_users_import_the_same_file(ada: Person, bob: Person) -> None:
    file = document([task("of both")])
    await imported(ada, file)
    assert (await imported(bob, file))["created"] == 1
    assert {each["user_id"] for each in await bob.list()} == {bob.id}
    assert len(await ada.list()) == 1


async def test_one_bad_row_at_the_end_and_nothing_is_imported(ada: Person, database_url: str) -> None:
    good = [task(f"{number}") for number in range(1200)]
    before = everything(database_url, ada.id)

    refused = await send(ada, document([*good, task("bad", due_date="2026-02-30"), task("x" * 256)]))

    assert refused.status_code == 422
    problem = refused.json()
    assert problem["errors"][0]["loc"][0] == "body"
    assert isinstance(problem["errors"][0]["loc"][1], int)
    assert "due_date" in problem["errors"][0]["msg"]
    assert "2026-02-30" not in refused.text
    assert everything(database_url, ada.id) == before


async def test_partial_imports_what_can_be(ada: Person) -> None:
    file = document([task("good"), task("bad", due_date="never"), task("good too")])

    report = await imported(ada, file, partial=True)

    assert (report["read"], report["created"], report["existing"], report["problem_count"]) == (3, 2, 0, 1)
    assert report["problems"][0]["message"].startswith("due_date: ")
    assert titles(await ada.list(sort="position")) == ["good", "good too"]


async def test_a_dry_run_says_the_same_and_writes_nothing(ada: Person, database_url: str) -> None:
    there = task("there")
    await imported(ada, document([there]))
    undone = await imported(ada, document([task("undone")]))
    await ada.undo(undone["revision"])
    file = [task("new"), there, task("bad", priority="most"), {"id": (await trashed(ada))["id"], "title": "undone"}]
    before = everything(database_url, ada.id)

    dry = await imported(ada, document(file), dry_run=True, partial=True)
    assert everything(database_url, ada.id) == before
    done = await imported(ada, document(file), partial=True)

    assert dry == done | {"dry_run": True, "revision": None}
    assert (done["created"], done["existing"]) == (2, 1)


async def trashed(person: Person) -> dict[str, Any]:
    [found] = await person.list(status="deleted")
    return found


async def test_the_times_of_the_past_are_kept_and_bounded(ada: Person) -> None:
    deleted_at = ago(days=9)
    await imported(
        ada,
        document(
            [
                task(
                    "done", completed=True, created_at="2019-05-01T10:00:00+02:00", completed_at="2020-01-02T03:04:05Z"
                ),
                task("open", created_at="1970-01-01T00:00:00Z", completed_at="2020-01-02T03:04:05Z"),
                task("later", completed=True, created_at="2999-01-01T00:00:00Z"),
            ],
            [task("in the trash", deleted_at=deleted_at), task("long ago", deleted_at="2020-01-01T00:00:00Z")],
        ),
    )
    done, early, later = sorted(await ada.list(), key=lambda each: ["done", "open", "later"].index(each["title"]))

    assert (done["created_at"], done["completed_at"]) == ("2019-05-01T08:00:00.000000Z", "2020-01-02T03:04:05.000000Z")
    assert done["updated_at"] > "2026"
    assert (early["created_at"], early["completed_at"]) == ("1970-01-01T00:00:00.000000Z", None)
    assert later["created_at"] == later["completed_at"] < datetime.now(UTC).isoformat()
    deleted = {each["title"]: datetime.fromisoformat(each["deleted_at"]) for each in await ada.list(status="deleted")}
    assert deleted["in the trash"] == datetime.fromisoformat(deleted_at)
    assert timedelta(days=22) < datetime.now(UTC) - deleted["long ago"] < timedelta(days=24)  # it is purged after 30
    created = [each["task"] for each in (await ada.since(0))["changes"]]
    assert created[0]["created_at"] == done["created_at"]
    report = await imported(ada, document([task("x", created_at="2999-01-01T00:00:00Z")]), dry_run=True)
    assert (report["problem_count"], report["problems"][0]["message"][:10]) == (1, "created_at")


async def test_a_repeating_task_goes_on_repeating(ada: Person) -> None:
    one = task("weekly", recurrence="weekly", due_date="2026-12-01")
    await imported(ada, document([one]))
    await ada.toggle(one["id"])
    assert [each["due_date"] for each in await ada.list(status="pending")] == ["2026-12-08"]


async def test_no_other_call_sets_the_times(ada: Person, database_url: str) -> None:
    """Not the API, and not the role for requests in SQL, with the setting of bulk changes or without."""
    past = "2019-05-01T10:00:00Z"
    created = await ada.create("x", created_at=past, completed_at=past, completed=True)
    assert created["created_at"] > "2026" < created["completed_at"]
    edited = (await ada.put(created["id"], title="y", created_at=past)).json()
    assert edited["created_at"] == created["created_at"]

    for setting in ("", "5"):
        for statement in (
            "insert into tasks (user_id, id, title, created_at) values (%(user)s, gen_random_uuid(), 'x', now())",
            "insert into tasks (user_id, id, title, revision) values (%(user)s, gen_random_uuid(), 'x', 7)",
            "update tasks set completed_at = now() where user_id = %(user)s",
            "update tasks set revision = 7 where user_id = %(user)s",
        ):
            with psycopg.connect(database_url) as connection:
                connection.execute("set local role todo_app")
                connection.execute("select set_config('app.user_id', %s, true)", [ada.id])
                connection.execute("select set_config('app.bulk', %s, true)", [setting])
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement.encode(), {"user": ada.id})
                connection.rollback()
        with psycopg.connect(database_url) as connection:  # a new task is counted and logged as ever
            connection.execute("set local role todo_app")
            connection.execute(
                "select set_config('app.user_id', %s, true), set_config('app.bulk', %s, true)", [ada.id, setting]
            )
            found = connection.execute(
                "insert into tasks (user_id, id, title) values (%s, gen_random_uuid(), 'x') returning revision",
                [ada.id],
            ).fetchone()
            logged = connection.execute("select max(revision) from changes").fetchone()
            assert found == logged
            connection.rollback()


async def test_a_row_cannot_name_another_user_not_even_in_sql(ada: Person, bob: Person, database_url: str) -> None:
    await imported(ada, document([task("of ada", user_id=bob.id)]))
    with psycopg.connect(database_url) as connection:
        connection.execute("set local role todo_app")
        connection.execute("select set_config('app.user_id', %s, true)", [ada.id])
        row = {**task("x"), "user_id": bob.id, "completed": False, "tags": [], "position": "V", "revision": 99}
        connection.execute("select import_tasks(%s::jsonb)", [json.dumps([row])])
    assert await bob.list() == []
    assert sorted(titles(await ada.list())) == ["of ada", "x"]
    assert [each["revision"] for each in await ada.list(sort="created")] != []


async def test_the_quota_is_exact(database_url: str) -> None:
    async with running(create_app(settings_for(database_url, max_tasks_per_user=5))) as app, http(app) as client:
        ada = await new_person(app, client, "ada")
        await ada.create("one")
        four = document([task(f"{number}") for number in range(4)])

        for params in ({}, {"dry_run": True}):
            refused = await send(ada, document([task(f"{number}") for number in range(5)]), **params)
            assert (refused.status_code, "5 tasks" in refused.json()["detail"]) == (409, True)
        assert len(await ada.list()) == 1
        assert (await imported(ada, four, dry_run=True))["created"] == 4
        assert (await imported(ada, four))["created"] == 4
        assert (await imported(ada, four))["existing"] == 4
        assert (await ada.post(title="one more")).status_code == 409


async def test_an_export_of_one_account_imported_into_another_is_the_same(ada: Person, bob: Person) -> None:
    everything_set = {
        "description": "a\nb", "due_date": "2027-03-01T09:00", "time_zone": "Europe/Berlin", "priority": "high",
        "tags": ["Home", "🌿"], "recurrence": "FREQ=WEEKLY;INTERVAL=2", "recurrence_from": "due",
        "remind_at": "2027-03-01T07:30:00.000000Z",
    }  # fmt: skip
    await ada.create("everything", **everything_set)
    done = await ada.create("done", completed=True)
    for number in range(450):
        await ada.post(title=f"task {number}")
    await ada.call("POST", f"{ada.tasks}/{done['id']}/move", json={"after": None})
    await ada.delete((await ada.create("in the trash"))["id"])

    file = await exported(ada)
    report = await imported(bob, file.encode())

    def shown(text: str) -> Any:
        found = json.loads(text)
        return {
            name: [{field: each.get(field) for field in (*SHOWN_BY_EXPORT, "deleted_at")} for each in found[name]]
            for name in ("tasks", "trash")
        }

    assert report["created"] == 453
    assert shown(await exported(bob)) == shown(file)
    assert shown(file)["tasks"][0]["title"] == "done"


async def test_an_array_of_tasks_as_the_list_gives_it_keeps_the_own_order(ada: Person, bob: Person) -> None:
    made = [await ada.create(f"{number}") for number in range(5)]
    await ada.call("POST", f"{ada.tasks}/{made[0]['id']}/move", json={"after": made[3]["id"]})
    await imported(bob, json.dumps(await ada.list()).encode())
    assert titles(await bob.list(sort="position")) == titles(await ada.list(sort="position"))


async def test_what_is_no_file_that_is_known_is_refused(ada: Person) -> None:
    unknown = await send(ada, b"\x00\x01 nothing that is known")
    assert unknown.status_code == 422
    assert unknown.json()["errors"][0]["loc"] == ["query", "format"]
    assert (await send(ada, b"{}", format="wunderlist")).status_code == 422
    for broken in (b"", b"{", b'{"format": "todo", "version": 2, "tasks": []}', b"[1]", b"\xff"):
        assert (await send(ada, broken, format="json")).status_code == 422, broken


async def test_a_file_that_is_too_large_is_refused(ada: Person, database_url: str) -> None:
    async with running(create_app(settings_for(database_url, max_import_bytes=2048))) as app, http(app) as client:
        ada = await new_person(app, client, "ada")

        async def in_pieces() -> Any:
            for _ in range(3):
                yield b" " * 1000

        for body in (b" " * 2049, in_pieces()):
            refused = await ada.call("POST", f"{ada.home}/import", content=body)
            assert (refused.status_code, "MAX_IMPORT_BYTES" in refused.json()["detail"]) == (413, True)
        assert (await imported(ada, document([task("x")])))["created"] == 1
