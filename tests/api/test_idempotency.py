"""Idempotency-Key: a write that is sent again is done once, and answered the same."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.conftest import PASSWORD, Person, http, running, settings_for, sign_up
from tests.support.db_proxy import DatabaseProxy
from tests.support.sql_conditions import as_table_owner
from todo.api.idempotency.database import IdempotentDatabase
from todo.app import create_app
from todo.problems import Interrupted
from todo.tasks import actions

pytestmark = pytest.mark.anyio


def new_key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


def kept(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """What must be the same when it is given again."""
    headers = {name: value for name, value in answer.headers.items() if name != "idempotent-replayed"}
    return answer.status_code, answer.content, headers


WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/tasks", {"title": "new"}),
    ("PUT", "/tasks/{id}", {"title": "new"}),
    ("PATCH", "/tasks/{id}/complete", None),
    ("DELETE", "/tasks/{id}", None),
    ("DELETE", "/tasks/{id}?permanent=true", None),
    ("POST", "/tasks/{id}/restore", None),
    ("POST", "/changes/1/undo", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
class TestEveryWrite:
    async def test_is_done_once_and_answered_the_same(self, ada: Person, method: str, path: str, body: Any) -> None:
        task = await ada.create()
        key, url = new_key(), ada.home + path.format(id=task["id"])

        first = await ada.call(method, url, json=body, headers=key)
        before = await ada.since(0)
        second = await ada.call(method, url, json=body, headers=key)

        assert first.status_code in {200, 201, 204}
        assert "idempotent-replayed" not in first.headers
        assert second.headers["idempotent-replayed"] == "true"
        assert kept(second) == kept(first)
        assert await ada.since(0) == before

    async def test_of_many_at_once_one_is_done(self, ada: Person, method: str, path: str, body: Any) -> None:
        for _ in range(3):
            task = await ada.create()
            key, url = new_key(), ada.home + path.format(id=task["id"])
            revision = (await ada.since(0))["revision"]

            answers = await asyncio.gather(*(ada.call(method, url, json=body, headers=key) for _ in range(8)))

            assert len({kept(answer)[:2] for answer in answers}) == 1
            replayed = [answer.headers.get("idempotent-replayed") for answer in answers]
            assert sorted(map(str, replayed)) == ["None"] + ["true"] * 7
            if not path.endswith(("restore", "undo")):
                assert (await ada.since(0))["revision"] == revision + 1

    async def test_another_request_with_the_key_is_refused(
        self, ada: Person, method: str, path: str, body: Any
    ) -> None:
        task, other = await ada.create(), await ada.create()
        key, url = new_key(), ada.home + path.format(id=task["id"])
        await ada.call(method, url, json=body, headers=key)
        before = await ada.since(0)

        others = [
            await ada.call("PUT", f"{ada.tasks}/{other['id']}", json={"title": "another"}, headers=key),
            await ada.call(method, url + ("&" if "?" in url else "?") + "x=1", json=body, headers=key),
            await ada.call(method, url, json=body, headers={**key, "If-Match": "*"}),
        ]
        if body is not None or method == "DELETE":
            others.append(await ada.call(method, url, json={"title": "another"}, headers=key))

        assert [answer.status_code for answer in others] == [422] * len(others)
        assert others[0].json()["errors"][0]["loc"] == ["header", "Idempotency-Key"]
        assert await ada.since(0) == before

    async def test_somebody_elses_key_is_another_key(
        self, ada: Person, bob: Person, method: str, path: str, body: Any
    ) -> None:
        key = new_key()
        for person in (ada, bob):
            task = await person.create()
            answer = await person.call(method, person.home + path.format(id=task["id"]), json=body, headers=key)
            assert answer.status_code in {200, 201, 204}
            assert "idempotent-replayed" not in answer.headers

    async def test_the_wrong_caller_is_judged_first(
        self, ada: Person, bob: Person, method: str, path: str, body: Any
    ) -> None:
        task = await ada.create()
        key, url = new_key(), ada.home + path.format(id=task["id"])
        await ada.call(method, url, json=body, headers=key)

        assert (await ada.client.request(method, url, json=body, headers=key)).status_code == 401
        assert (await bob.call(method, url, json=body, headers=key)).status_code == 403


class TestWhatIsKept:
    async def test_refusals_of_the_action_are(self, ada: Person) -> None:
        task = await ada.create(id=str(uuid.uuid4()))
        calls: list[tuple[str, str, Any, dict[str, str], int]] = [
            ("PUT", f"/tasks/{uuid.uuid4()}", {"title": "x"}, {}, 404),
            ("POST", "/tasks", {"id": task["id"], "title": "other fields"}, {}, 409),
            ("PUT", f"/tasks/{task['id']}", {"title": "x"}, {"If-Match": '"7"'}, 412),
        ]
        for method, path, body, headers, status in calls:
            headers = headers | new_key()
            first = await ada.call(method, ada.home + path, json=body, headers=headers)
            await ada.toggle(task["id"])
            second = await ada.call(method, ada.home + path, json=body, headers=headers)
            assert first.status_code == status
            assert kept(second) == kept(first)
            assert second.headers["idempotent-replayed"] == "true"

    async def test_a_replay_comes_before_a_stale_tag(self, ada: Person) -> None:
        task = await ada.create()
        headers = {"If-Match": '"1"'} | new_key()

        first = await ada.toggle(task["id"], headers=headers)
        second = await ada.toggle(task["id"], headers=headers)

        assert (first.status_code, second.status_code) == (200, 200)
        assert second.content == first.content

    async def test_bad_requests_are_not(self, ada: Person) -> None:
        key = new_key()

        assert (await ada.call("POST", ada.tasks, json={"title": ""}, headers=key)).status_code == 422
        assert (await ada.call("POST", ada.tasks, json={"title": "mended"}, headers=key)).status_code == 201

    async def test_a_bug_is_not(self, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        key = new_key()
        real = actions.edit

        async def breaks_after_the_write(*args: Any, **options: Any) -> Any:
            await real(*args, **options)
            raise RuntimeError

        task = await ada.create(title="old")
        monkeypatch.setattr(actions, "edit", breaks_after_the_write)
        path = f"{ada.tasks}/{task['id']}"
        assert (await ada.call("PUT", path, json={"title": "new"}, headers=key)).status_code == 500
        assert (await ada.get(task["id"])).json() == task  # undone with what should have been kept
        monkeypatch.setattr(actions, "edit", real)
        assert (await ada.call("PUT", path, json={"title": "new"}, headers=key)).status_code == 200

    async def test_what_a_purged_task_said_is_not_kept(self, ada: Person) -> None:
        create, delete = new_key(), new_key()
        secret = f"secret {uuid.uuid4()}"
        made = await ada.call("POST", ada.tasks, json={"title": secret}, headers=create)
        path = f"{ada.tasks}/{made.json()['id']}"
        await ada.call("DELETE", path, headers=delete)
        await ada.call("DELETE", f"{path}?permanent=true")

        assert (await ada.call("DELETE", path, headers=delete)).status_code == 204
        gone = await ada.call("POST", ada.tasks, json={"title": secret}, headers=create)
        assert gone.status_code == 410
        assert secret not in gone.text
        assert await ada.list() == []

    async def test_a_purge_at_this_very_moment_takes_it_along(
        self, ada: Person, monkeypatch: pytest.MonkeyPatch, database_url: str
    ) -> None:
        task = await ada.create(title=f"secret {uuid.uuid4()}")
        await ada.toggle(task["id"])
        real = IdempotentDatabase.store

        async def after_a_purge(self: IdempotentDatabase, response: Any) -> None:
            monkeypatch.setattr(IdempotentDatabase, "store", real)
            assert (await ada.delete(task["id"], permanent=True)).status_code == 204
            await real(self, response)

        monkeypatch.setattr(IdempotentDatabase, "store", after_a_purge)
        headers = {"If-Match": '"1"'} | new_key()
        path = f"{ada.tasks}/{task['id']}"
        assert (await ada.call("PUT", path, json={"title": "x"}, headers=headers)).status_code == 412
        again = await ada.call("PUT", path, json={"title": "x"}, headers=headers)
        assert again.status_code == 410
        with as_table_owner(database_url) as owner:
            kept = owner.execute("select body from idempotency where user_id = %s", [ada.id]).fetchall()
        assert kept == [(None,)]

    async def test_after_a_day_the_key_is_free_again(self, ada: Person, database_url: str) -> None:
        key = new_key()
        await ada.call("POST", ada.tasks, json={"title": "yesterday"}, headers=key)
        for age, titles in (
            (timedelta(hours=23, minutes=59), ["yesterday"]),
            (timedelta(hours=24, minutes=1), ["today", "yesterday"]),
        ):
            with as_table_owner(database_url) as owner:
                owner.execute("update idempotency set at = now() - %s where user_id = %s", [age, ada.id])
            answer = await ada.call("POST", ada.tasks, json={"title": "today"}, headers=key)
            assert answer.status_code == (422 if len(titles) == 1 else 201)
            assert [task["title"] for task in await ada.list()] == titles
        again = await ada.call("POST", ada.tasks, json={"title": "today"}, headers=key)
        assert kept(again) == kept(answer)

    async def test_a_key_on_a_read_means_nothing(self, ada: Person) -> None:
        key = new_key()
        assert (await ada.call("GET", ada.tasks, headers=key)).json() == []
        task = await ada.create()
        assert (await ada.call("GET", ada.tasks, headers=key)).json() == [task]

    async def test_accounts_keep_nothing(self, client: httpx.AsyncClient, database_url: str) -> None:
        key, email = new_key(), f"{uuid.uuid4().hex}@example.com"
        body = {"email": email, "password": PASSWORD}

        assert (await client.post("/api/auth/signup", json=body, headers=key)).status_code == 201
        assert (await client.post("/api/auth/signup", json=body, headers=key)).status_code == 409
        with as_table_owner(database_url) as owner:
            count = owner.execute("select count(*) from idempotency where key = %s", [*key.values()]).fetchone()
        assert count == (0,)

    async def test_a_trailing_slash_is_the_same_request(self, ada: Person) -> None:
        key = new_key()
        first = await ada.call("POST", ada.tasks, json={"title": "x"}, headers=key)
        second = await ada.call("POST", f"{ada.tasks}/", json={"title": "x"}, headers=key)
        assert second.content == first.content


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "two words", "ümlaut".encode(), b"\x7f", "tab\tbed"])
async def test_a_key_that_cannot_be_is_400(ada: Person, key: str | bytes) -> None:
    answer = await ada.call("POST", ada.tasks, json={"title": "x"}, headers={"Idempotency-Key": key})

    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]
    assert await ada.list() == []


async def test_two_keys_are_400(ada: Person) -> None:
    headers = [("Authorization", f"Bearer {ada.token}"), ("Idempotency-Key", "one"), ("Idempotency-Key", "two")]

    assert (await ada.client.post(ada.tasks, json={"title": "x"}, headers=headers)).status_code == 400


@pytest.mark.parametrize("key", ["x", "x" * 255, '"quoted"', "!~"])
async def test_any_visible_characters_are_a_key(ada: Person, key: str) -> None:
    for replayed in (None, "true"):
        answer = await ada.call("POST", ada.tasks, json={"title": "x"}, headers={"Idempotency-Key": key})
        assert (answer.status_code, answer.headers.get("idempotent-replayed")) == (201, replayed)


async def test_a_deleted_account_is_401_with_a_key_too(ada: Person) -> None:
    task = await ada.create()
    await ada.call("DELETE", "/api/auth/me")

    for method, path, body in WRITES:
        for headers in ({}, new_key()):
            answer = await ada.call(method, ada.home + path.format(id=task["id"]), json=body, headers=headers)
            assert answer.status_code == 401, path


async def test_a_keyed_write_is_two_round_trips(database_url: str) -> None:
    proxy = DatabaseProxy(database_url)
    async with proxy() as url, running(create_app(settings_for(url, pool_size=1))) as app, http(app) as client:
        ada = await sign_up(client, "ada")
        task = await ada.create()
        for _ in range(4):
            for call in (
                ada.call("POST", ada.tasks, json={"title": "x"}, headers=new_key()),
                ada.call("PUT", f"{ada.tasks}/{task['id']}", json={"title": str(uuid.uuid4())}, headers=new_key()),
                ada.toggle(task["id"], headers=new_key()),
                ada.call("DELETE", f"{ada.tasks}/{(await ada.create())['id']}", headers=new_key()),
            ):
                proxy.round_trips = 0
                answer = await call
                assert (answer.status_code // 100, proxy.round_trips) == (2, 2)


async def test_what_was_broken_off_is_tried_again_by_itself(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a lost connection, of which nobody knows what became: with a key it may simply run again."""
    real, calls = IdempotentDatabase.store, 0

    async def loses_the_first_answer(self: IdempotentDatabase, response: Any) -> None:
        nonlocal calls
        calls += 1
        await real(self, response)
        if calls == 1:
            raise Interrupted("the connection was lost after the commit", undone=False)

    monkeypatch.setattr(IdempotentDatabase, "store", loses_the_first_answer)
    answer = await ada.call("POST", ada.tasks, json={"title": "once"}, headers=new_key())

    assert answer.status_code == 201
    assert answer.headers["idempotent-replayed"] == "true"
    assert [task["title"] for task in await ada.list()] == ["once"]


async def test_nothing_of_a_replay_stays_on_a_connection(database_url: str) -> None:
    async with running(create_app(settings_for(database_url, pool_size=1))) as app, http(app) as client:
        ada, bob = await sign_up(client, "ada"), await sign_up(client, "bob")
        key = new_key()
        await ada.call("POST", ada.tasks, json={"title": "hers"}, headers=key)
        for _ in range(3):
            await ada.call("POST", ada.tasks, json={"title": "hers"}, headers=key)
            assert await bob.list() == []
            assert (await ada.since(0))["revision"] == 1
