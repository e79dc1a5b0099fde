"""Idempotency-Key: a repeated write is done once, and gets the same response."""

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


def status_body_and_headers(response: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """What must be equal in a response and its replay."""
    headers = {name: value for name, value in response.headers.items() if name != "idempotent-replayed"}
    return response.status_code, response.content, headers


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
    async def test_a_repeated_write_is_done_once_and_gets_the_same_response(
        self, ada: Person, method: str, path: str, body: Any
    ) -> None:
        task = await ada.create()
        key, url = new_key(), ada.home + path.format(id=task["id"])

        first = await ada.call(method, url, json=body, headers=key)
        before = await ada.since(0)
        second = await ada.call(method, url, json=body, headers=key)

        assert first.status_code in {200, 201, 204}
        assert "idempotent-replayed" not in first.headers
        assert second.headers["idempotent-replayed"] == "true"
        assert status_body_and_headers(second) == status_body_and_headers(first)
        assert await ada.since(0) == before

    async def test_of_many_concurrent_repetitions_one_is_done(
        self, ada: Person, method: str, path: str, body: Any
    ) -> None:
        for _ in range(3):
            task = await ada.create()
            key, url = new_key(), ada.home + path.format(id=task["id"])
            revision = (await ada.since(0))["revision"]

            responses = await asyncio.gather(*(ada.call(method, url, json=body, headers=key) for _ in range(8)))

            assert len({status_body_and_headers(response)[:2] for response in responses}) == 1
            replayed = [response.headers.get("idempotent-replayed") for response in responses]
            assert sorted(map(str, replayed)) == ["None"] + ["true"] * 7
            if not path.endswith(("restore", "undo")):
                assert (await ada.since(0))["revision"] == revision + 1

    async def test_another_request_with_the_same_key_is_refused(
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

        assert [response.status_code for response in others] == [422] * len(others)
        assert others[0].json()["errors"][0]["loc"] == ["header", "Idempotency-Key"]
        assert await ada.since(0) == before

    async def test_the_same_key_of_another_user_is_another_key(
        self, ada: Person, bob: Person, method: str, path: str, body: Any
    ) -> None:
        key = new_key()
        for person in (ada, bob):
            task = await person.create()
            response = await person.call(method, person.home + path.format(id=task["id"]), json=body, headers=key)
            assert response.status_code in {200, 201, 204}
            assert "idempotent-replayed" not in response.headers

    async def test_the_caller_is_checked_before_the_key(
        self, ada: Person, bob: Person, method: str, path: str, body: Any
    ) -> None:
        task = await ada.create()
        key, url = new_key(), ada.home + path.format(id=task["id"])
        await ada.call(method, url, json=body, headers=key)

        assert (await ada.client.request(method, url, json=body, headers=key)).status_code == 401
        assert (await bob.call(method, url, json=body, headers=key)).status_code == 403


class TestStoredResponses:
    async def test_refusals_of_the_action_are_stored(self, ada: Person) -> None:
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
            assert status_body_and_headers(second) == status_body_and_headers(first)
            assert second.headers["idempotent-replayed"] == "true"

    async def test_a_replay_is_returned_before_its_tag_is_compared(self, ada: Person) -> None:
        task = await ada.create()
        headers = {"If-Match": '"1"'} | new_key()

        first = await ada.toggle(task["id"], headers=headers)
        second = await ada.toggle(task["id"], headers=headers)

        assert (first.status_code, second.status_code) == (200, 200)
        assert second.content == first.content

    @pytest.mark.parametrize("rewritten", ['W/"1"', '"1-gzip"'])
    async def test_a_retry_through_a_compressing_proxy_is_the_same_request(self, ada: Person, rewritten: str) -> None:
        task = await ada.create()
        key = new_key()

        first = await ada.toggle(task["id"], headers={"If-Match": '"1"'} | key)
        second = await ada.toggle(task["id"], headers={"If-Match": rewritten} | key)
        other = await ada.toggle(task["id"], headers={"If-Match": '"2"'} | key)

        assert (first.status_code, second.content, other.status_code) == (200, first.content, 422)

    async def test_an_invalid_body_is_not_stored(self, ada: Person) -> None:
        key = new_key()

        assert (await ada.call("POST", ada.tasks, json={"title": ""}, headers=key)).status_code == 422
        assert (await ada.call("POST", ada.tasks, json={"title": "corrected"}, headers=key)).status_code == 201

    async def test_a_bug_is_not_stored(self, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        key = new_key()
        real = actions.edit

        async def breaks_after_the_write(*args: Any, **options: Any) -> Any:
            await real(*args, **options)
            raise RuntimeError

        task = await ada.create(title="old")
        monkeypatch.setattr(actions, "edit", breaks_after_the_write)
        path = f"{ada.tasks}/{task['id']}"
        assert (await ada.call("PUT", path, json={"title": "new"}, headers=key)).status_code == 500
        assert (await ada.get(task["id"])).json() == task  # rolled back together with the stored response
        monkeypatch.setattr(actions, "edit", real)
        assert (await ada.call("PUT", path, json={"title": "new"}, headers=key)).status_code == 200

    async def test_the_responses_of_a_purged_task_are_erased(self, ada: Person) -> None:
        create, delete = new_key(), new_key()
        secret = f"secret {uuid.uuid4()}"
        made = await ada.call("POST", ada.tasks, json={"title": secret}, headers=create)
        path = f"{ada.tasks}/{made.json()['id']}"
        await ada.call("DELETE", path, headers=delete)
        await ada.call("DELETE", f"{path}?permanent=true")

        assert (await ada.call("DELETE", path, headers=delete)).status_code == 204
        erased = await ada.call("POST", ada.tasks, json={"title": secret}, headers=create)
        assert erased.status_code == 410
        assert secret not in erased.text
        assert await ada.list() == []

    async def test_a_concurrent_purge_erases_the_response_too(
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
            stored = owner.execute("select body from idempotency where user_id = %s", [ada.id]).fetchall()
        assert stored == [(None,)]

    async def test_a_key_can_be_used_again_after_a_day(self, ada: Person, database_url: str) -> None:
        key = new_key()
        await ada.call("POST", ada.tasks, json={"title": "yesterday"}, headers=key)
        for age, titles in (
            (timedelta(hours=23, minutes=59), ["yesterday"]),
            (timedelta(hours=24, minutes=1), ["today", "yesterday"]),
        ):
            with as_table_owner(database_url) as owner:
                owner.execute("update idempotency set at = now() - %s where user_id = %s", [age, ada.id])
            response = await ada.call("POST", ada.tasks, json={"title": "today"}, headers=key)
            assert response.status_code == (422 if len(titles) == 1 else 201)
            assert [task["title"] for task in await ada.list()] == titles
        again = await ada.call("POST", ada.tasks, json={"title": "today"}, headers=key)
        assert status_body_and_headers(again) == status_body_and_headers(response)

    async def test_a_key_of_a_read_is_ignored(self, ada: Person) -> None:
        key = new_key()
        assert (await ada.call("GET", ada.tasks, headers=key)).json() == []
        task = await ada.create()
        assert (await ada.call("GET", ada.tasks, headers=key)).json() == [task]

    async def test_account_endpoints_store_no_response(self, client: httpx.AsyncClient, database_url: str) -> None:
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
async def test_a_malformed_key_is_400(ada: Person, key: str | bytes) -> None:
    response = await ada.call("POST", ada.tasks, json={"title": "x"}, headers={"Idempotency-Key": key})

    assert response.status_code == 400
    assert "Idempotency-Key" in response.json()["detail"]
    assert await ada.list() == []


async def test_two_keys_are_400(ada: Person) -> None:
    headers = [("Authorization", f"Bearer {ada.token}"), ("Idempotency-Key", "one"), ("Idempotency-Key", "two")]

    assert (await ada.client.post(ada.tasks, json={"title": "x"}, headers=headers)).status_code == 400


@pytest.mark.parametrize("key", ["x", "x" * 255, '"quoted"', "!~"])
async def test_a_key_may_have_any_visible_characters(ada: Person, key: str) -> None:
    for replayed in (None, "true"):
        response = await ada.call("POST", ada.tasks, json={"title": "x"}, headers={"Idempotency-Key": key})
        assert (response.status_code, response.headers.get("idempotent-replayed")) == (201, replayed)


async def test_a_deleted_account_is_401_with_a_key_too(ada: Person) -> None:
    task = await ada.create()
    await ada.call("DELETE", "/api/auth/me")

    for method, path, body in WRITES:
        for headers in ({}, new_key()):
            response = await ada.call(method, ada.home + path.format(id=task["id"]), json=body, headers=headers)
            assert response.status_code == 401, path


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
                response = await call
                assert (response.status_code // 100, proxy.round_trips) == (2, 2)


async def test_an_interrupted_write_with_a_key_is_retried_by_the_server(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a lost connection, when the outcome is unknown: with a key the write can be run again."""
    real, calls = IdempotentDatabase.store, 0

    async def loses_the_first_response(self: IdempotentDatabase, response: Any) -> None:
        nonlocal calls
        calls += 1
        await real(self, response)
        if calls == 1:
            raise Interrupted("the connection was lost after the commit", undone=False)

    monkeypatch.setattr(IdempotentDatabase, "store", loses_the_first_response)
    response = await ada.call("POST", ada.tasks, json={"title": "once"}, headers=new_key())

    assert response.status_code == 201
    assert response.headers["idempotent-replayed"] == "true"
    assert [task["title"] for task in await ada.list()] == ["once"]


async def test_a_replay_leaves_no_state_on_its_connection(database_url: str) -> None:
    async with running(create_app(settings_for(database_url, pool_size=1))) as app, http(app) as client:
        ada, bob = await sign_up(client, "ada"), await sign_up(client, "bob")
        key = new_key()
        await ada.call("POST", ada.tasks, json={"title": "hers"}, headers=key)
        for _ in range(3):
            await ada.call("POST", ada.tasks, json={"title": "hers"}, headers=key)
            assert await bob.list() == []
            assert (await ada.since(0))["revision"] == 1
