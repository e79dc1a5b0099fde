"""Users of an external issuer: their rows are made with their first write, and not again once they are deleted."""

import asyncio
import time
import uuid

import httpx
import psycopg
import pytest

from tests.conftest import http, running, settings_for
from tests.support.external_issuer import ISS, Issuer, person
from todo.app import create_app

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_the_first_write_creates_the_users_row(
    client: httpx.AsyncClient, issuer: Issuer, external_url: str
) -> None:
    subject = f"user_{uuid.uuid4().hex}"
    ada = person(client, issuer.mint(subject, email="ada@example.com", **ISS), subject)

    before = await ada.call("GET", "/api/auth/me")
    assert await ada.list() == []
    with psycopg.connect(external_url) as owner:
        owner.execute("alter table users no force row level security")
        assert owner.execute("select count(*) from users where id = %s", [subject]).fetchone() == (0,)
        owner.rollback()
    await ada.create()
    after = await ada.call("GET", "/api/auth/me")

    assert before.json() == {"id": subject, "email": "ada@example.com", "name": None, "created_at": None}
    created_at = after.json()["created_at"]
    assert after.json() == {"id": subject, "email": "ada@example.com", "name": None, "created_at": created_at}
    assert after.json()["created_at"]


async def test_the_first_write_may_be_a_batch(client: httpx.AsyncClient, issuer: Issuer) -> None:
    subject = f"user_{uuid.uuid4().hex}"
    ada = person(client, issuer.mint(subject, **ISS), subject)
    operations = [{"op": "create", "task": {"title": title}} for title in ("one", "two")]

    unknown = {"operations": [{"op": "delete", "id": str(uuid.uuid4())}]}
    assert (await ada.call("POST", f"{ada.tasks}/batch", json=unknown)).status_code == 422
    assert (await ada.call("GET", f"{ada.home}/tags")).json() == []
    assert (await ada.call("DELETE", f"{ada.home}/tags/home")).status_code == 404
    dry = await ada.call("POST", f"{ada.tasks}/batch?dry_run=true", json={"operations": operations})
    keyed = {"headers": {"Idempotency-Key": "k"}, "json": {"operations": operations}}
    done = [await ada.call("POST", f"{ada.tasks}/batch", **keyed) for _ in range(2)]

    assert [response.status_code for response in (dry, *done)] == [200] * 3
    assert done[0].json()["revision"] == 2
    assert done[0].content == done[1].content
    assert [task["title"] for task in await ada.list()] == ["two", "one"]


async def test_an_email_that_cannot_be_stored_is_left_out(client: httpx.AsyncClient, issuer: Issuer) -> None:
    for email in ("x" * 300, "a\x00b@example.com", 7, "", None):
        subject = f"user_{uuid.uuid4().hex}"
        ada = person(client, issuer.mint(subject, email=email, **ISS), subject)
        await ada.create()
        assert (await ada.call("GET", "/api/auth/me")).json()["email"] is None


async def test_an_old_token_does_not_recreate_a_deleted_user(client: httpx.AsyncClient, issuer: Issuer) -> None:
    subject = f"user_{uuid.uuid4().hex}"
    ada = person(client, issuer.mint(subject, **(ISS | {"iat": int(time.time()) - 5})), subject)
    await ada.create()

    assert (await ada.call("DELETE", "/api/auth/me")).status_code == 204
    assert await ada.list() == []
    assert (await ada.post(title="too late")).status_code == 401
    assert (await ada.call("GET", "/api/auth/me")).status_code == 401

    await asyncio.sleep(1.1)  # `iat` counts whole seconds, so a token counts as newer from the next one on
    ada.token = issuer.mint(subject, **ISS)
    assert (await ada.call("GET", "/api/auth/me")).status_code == 200
    assert (await ada.create(title="signed in again"))["user_id"] == subject


async def test_a_token_of_an_issuer_whose_clock_is_ahead_does_not_recreate_a_deleted_user(
    issuer: Issuer, external_url: str
) -> None:
    settings = settings_for(external_url, jwt_jwks_url=issuer.jwks, jwt_issuer="https://issuer.example.com")
    subject = f"user_{uuid.uuid4().hex}"
    token = issuer.mint(subject, **(ISS | {"iat": int(time.time()) + 20}))
    async with running(create_app(settings)) as app, http(app) as client:
        ada = person(client, token, subject)
        await ada.create()
        assert (await ada.call("DELETE", "/api/auth/me")).status_code == 204
    await asyncio.sleep(1.1)
    async with running(create_app(settings)) as app, http(app) as client:  # which has not seen the token before
        ada = person(client, token, subject)
        assert (await ada.post(title="too late")).status_code == 401
        ada.token = issuer.mint(subject, **(ISS | {"iat": int(time.time()) + 21}))
        assert (await ada.create(title="signed in again"))["user_id"] == subject


async def test_concurrent_writes_do_not_recreate_a_deleted_user(client: httpx.AsyncClient, issuer: Issuer) -> None:
    for _ in range(15):
        subject = f"user_{uuid.uuid4().hex}"
        ada = person(client, issuer.mint(subject, **(ISS | {"iat": int(time.time()) - 5})), subject)
        await ada.create()
        deleted, *_ = await asyncio.gather(
            ada.call("DELETE", "/api/auth/me"), *(ada.post(title="too late") for _ in range(4))
        )
        assert deleted.status_code == 204
        assert (await ada.call("GET", "/api/auth/me")).status_code == 401
        assert await ada.list() == []


async def test_an_old_token_cannot_delete_the_new_account(client: httpx.AsyncClient, issuer: Issuer) -> None:
    subject = f"user_{uuid.uuid4().hex}"
    old = person(client, issuer.mint(subject, **(ISS | {"iat": time.time() - 5.5})), subject)
    await old.create()
    await old.call("DELETE", "/api/auth/me")
    await asyncio.sleep(1.1)
    new = person(client, issuer.mint(subject, **ISS), subject)
    await new.create(title="of the new account")

    assert (await old.call("DELETE", "/api/auth/me")).status_code == 401
    assert [task["title"] for task in await new.list()] == ["of the new account"]


class TestIdempotencyKeys:
    """Idempotency-Key of users whose row is created by their first write."""

    async def test_the_first_write_may_have_a_key(self, client: httpx.AsyncClient, issuer: Issuer) -> None:
        subject = f"user_{uuid.uuid4().hex}"
        ada = person(client, issuer.mint(subject, **ISS), subject)
        key = {"Idempotency-Key": "the-first"}

        responses = [await ada.call("POST", ada.tasks, json={"title": "x"}, headers=key) for _ in range(2)]

        assert [response.status_code for response in responses] == [201, 201]
        assert responses[0].content == responses[1].content
        assert len(await ada.list()) == 1

    async def test_a_404_of_the_first_write_is_stored_too(self, client: httpx.AsyncClient, issuer: Issuer) -> None:
        subject = f"user_{uuid.uuid4().hex}"
        ada = person(client, issuer.mint(subject, **ISS), subject)
        path, key = f"{ada.tasks}/{uuid.uuid4()}", {"Idempotency-Key": "the-first"}

        responses = [await ada.call("DELETE", path, headers=key) for _ in range(2)]

        assert [response.status_code for response in responses] == [404, 404]
        assert responses[1].headers["idempotent-replayed"] == "true"
        assert (await ada.since(0))["revision"] == 0

    async def test_a_write_with_a_key_does_not_recreate_a_deleted_user(
        self, client: httpx.AsyncClient, issuer: Issuer
    ) -> None:
        subject = f"user_{uuid.uuid4().hex}"
        ada = person(client, issuer.mint(subject, **(ISS | {"iat": int(time.time()) - 5})), subject)
        await ada.create()
        await ada.call("DELETE", "/api/auth/me")

        for method, path in (("POST", ada.tasks), ("DELETE", f"{ada.tasks}/{uuid.uuid4()}")):
            body = {"title": "too late"} if method == "POST" else None
            response = await ada.call(method, path, json=body, headers={"Idempotency-Key": method})
            assert response.status_code == 401
        assert (await ada.call("GET", "/api/auth/me")).status_code == 401

    async def test_concurrent_writes_with_and_without_keys_do_not_deadlock(
        self, client: httpx.AsyncClient, issuer: Issuer, external_url: str
    ) -> None:
        def deadlocks() -> int:
            with psycopg.connect(external_url, autocommit=True) as connection:
                query = "select deadlocks from pg_stat_database where datname = current_database()"
                return int(connection.execute(query).fetchall()[0][0])

        before = deadlocks()
        for _ in range(3):
            subject = f"user_{uuid.uuid4().hex}"
            ada = person(client, issuer.mint(subject, **(ISS | {"iat": int(time.time()) - 5})), subject)
            task = await ada.create()
            calls = [
                *(ada.toggle(task["id"], headers={"Idempotency-Key": uuid.uuid4().hex}) for _ in range(8)),
                *(ada.post(title="x") for _ in range(8)),
            ]
            responses = await asyncio.gather(*calls)
            assert {response.status_code for response in responses} == {200, 201}
            calls = [ada.toggle(task["id"], headers={"Idempotency-Key": uuid.uuid4().hex}) for _ in range(8)]
            *_, deleted = await asyncio.gather(*calls, ada.call("DELETE", "/api/auth/me"))
            assert deleted.status_code == 204
        await asyncio.sleep(1.5)  # until the statistics are written
        assert deadlocks() == before


async def test_the_revisions_of_a_new_account_start_above_the_old_ones(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    """No ETag and no `since` of the deleted account is valid in the new one."""
    subject = f"user_{uuid.uuid4().hex}"
    ada = person(client, issuer.mint(subject, **(ISS | {"iat": int(time.time()) - 5})), subject)
    for _ in range(3):
        await ada.create()
    await ada.call("DELETE", "/api/auth/me")
    await asyncio.sleep(1.1)
    ada.token = issuer.mint(subject, **ISS)

    task = await ada.create(title="of the new account")

    assert task["revision"] == 5
    for since in range(4):
        assert (await ada.call("GET", f"{ada.home}/changes", params={"since": since})).status_code == 410
    assert [change["revision"] for change in (await ada.since(4))["changes"]] == [5]
    assert (await ada.call("GET", ada.tasks, headers={"If-None-Match": 'W/"3"'})).status_code == 200
    await ada.call("DELETE", "/api/auth/me")
    await asyncio.sleep(1.1)
    ada.token = issuer.mint(subject, **ISS)
    assert (await ada.create())["revision"] == 7
