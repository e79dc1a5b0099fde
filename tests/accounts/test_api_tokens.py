"""API tokens: shown once, valid for tasks and `me` only, refused after they are revoked."""

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.conftest import Person, http, running, settings_for, sign_up
from todo.accounts import api_tokens
from todo.app import create_app
from todo.auth import authenticator

pytestmark = pytest.mark.anyio


async def create_token(person: Person, **wanted: Any) -> tuple[Person, dict[str, Any]]:
    """A new token: its user as a caller who sends it, and the response."""
    response = await person.call("POST", "/api/auth/tokens", json={"name": "script"} | wanted)
    assert response.status_code == 201, response.text
    token = response.json()
    return Person(person.client, person.id, person.email, token["token"]), token


async def test_a_token_is_shown_once_and_listed_without_its_secret(ada: Person) -> None:
    _, first = await create_token(ada, name="  waters the ferns ")
    _, second = await create_token(ada, name="looks", scope="read", expires_at="2099-01-01T00:00:00+01:00")

    listed = await ada.call("GET", "/api/auth/tokens")

    assert re.fullmatch(r"todo_pat_[0-9a-f]{72}", first["token"])
    assert [token["name"] for token in listed.json()] == ["looks", "waters the ferns"]
    assert listed.json() == [{k: v for k, v in token.items() if k != "token"} for token in (second, first)]
    assert (first["scope"], first["expires_at"], first["last_used_at"]) == ("write", None, None)
    assert second["expires_at"] == "2098-12-31T23:00:00.000000Z"
    assert first["token"] not in listed.text


async def test_a_token_is_accepted_for_tasks_and_me(ada: Person, bob: Person) -> None:
    script, _ = await create_token(ada)

    task = await script.create()

    assert (await script.toggle(task["id"])).status_code == 200
    assert [each["id"] for each in await ada.list()] == [task["id"]]
    assert (await script.call("GET", "/api/auth/me")).json()["id"] == ada.id
    assert (await script.call("GET", bob.tasks)).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/api/auth/me"),
        ("POST", "/api/auth/password"),
        ("POST", "/api/auth/signout-everywhere"),
        ("GET", "/api/auth/tokens"),
        ("POST", "/api/auth/tokens"),
        ("DELETE", "/api/auth/tokens/{id}"),
        ("GET", "/api/auth/sessions"),
        ("DELETE", "/api/auth/sessions/{session}"),
    ],
)
async def test_a_token_cannot_manage_the_account(ada: Person, method: str, path: str) -> None:
    script, token = await create_token(ada)
    [session] = (await ada.call("GET", "/api/auth/sessions")).json()

    path = path.format(id=token["id"], session=session["id"])
    response = await script.call(method, path, json={"name": "another"})

    assert response.status_code == 403
    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]
    assert (await ada.call("GET", "/api/auth/me")).status_code == 200
    assert len((await ada.call("GET", "/api/auth/tokens")).json()) == 1
    assert (await ada.call("GET", "/api/auth/sessions")).json() == [session]


async def test_a_token_that_may_only_read_cannot_write(ada: Person) -> None:
    task = await ada.create()
    script, _ = await create_token(ada, scope="read")

    assert await script.list() == [task]
    assert (await script.get(task["id"])).status_code == 200
    refused = [
        await script.post(title="x"),
        await script.put(task["id"], title="x"),
        await script.toggle(task["id"]),
        await script.delete(task["id"]),
    ]
    for response in refused:
        assert response.status_code == 403
        assert 'error="insufficient_scope"' in response.headers["www-authenticate"]
    assert await ada.list() == [task]


async def test_a_revoked_token_is_refused_once_its_cache_entry_expires(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert api_tokens.CACHED_FOR <= 30
    monkeypatch.setattr(api_tokens, "CACHED_FOR", 0.0)
    script, token = await create_token(ada)
    assert await script.list() == []

    assert (await ada.call("DELETE", f"/api/auth/tokens/{token['id']}")).status_code == 204
    assert (await script.call("GET", script.tasks)).status_code == 401
    assert (await ada.call("DELETE", f"/api/auth/tokens/{token['id']}")).status_code == 404


async def test_a_user_cannot_revoke_the_token_of_another(ada: Person, bob: Person) -> None:
    _, token = await create_token(ada)

    for name in (token["id"], "nonsense", "00000000-0000-0000-0000-000000000000"):
        assert (await bob.call("DELETE", f"/api/auth/tokens/{name}")).status_code == 404
    assert (await bob.call("GET", "/api/auth/tokens")).json() == []
    assert len((await ada.call("GET", "/api/auth/tokens")).json()) == 1


async def test_an_expired_token_is_refused(ada: Person) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    script, _ = await create_token(ada, expires_at=soon)

    assert await script.list() == []
    deadline = time.monotonic() + 5
    while (await script.call("GET", script.tasks)).status_code == 200:
        assert time.monotonic() < deadline
    assert (await script.call("GET", script.tasks)).status_code == 401


async def test_last_used_at_is_not_written_with_every_request(
    ada: Person, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_tokens, "CACHED_FOR", 0.0)
    script, token = await create_token(ada)
    for _ in range(5):
        await script.list()
    [listed] = (await ada.call("GET", "/api/auth/tokens")).json()
    assert listed["last_used_at"]
    with psycopg.connect(database_url) as owner:
        owner.execute("alter table api_tokens no force row level security")
        before = owner.execute("select ctid from api_tokens where id = %s", [token["id"]]).fetchone()
        owner.rollback()
    await script.list()
    with psycopg.connect(database_url) as owner:
        owner.execute("alter table api_tokens no force row level security")
        assert owner.execute("select ctid from api_tokens where id = %s", [token["id"]]).fetchone() == before
        owner.rollback()


async def test_tokens_are_stored_as_hashes(ada: Person, database_url: str) -> None:
    _, token = await create_token(ada)
    with psycopg.connect(database_url) as owner:
        owner.execute("alter table api_tokens no force row level security")
        stored = str(owner.execute("select to_jsonb(t)::text from api_tokens t").fetchall())
        owner.rollback()
    assert token["id"] in stored
    secret = token["token"].removeprefix("todo_pat_")[:64]
    assert secret not in stored
    assert secret.encode().hex() not in stored


@pytest.mark.parametrize(
    "token", ["todo_pat_", "todo_pat_" + "0" * 72, "todo_pat_" + "ü" * 72, "todo_pat_" + "0" * 5000, "todo_pat"]
)
async def test_text_that_only_looks_like_a_token_is_refused(ada: Person, token: str) -> None:
    headers = [(b"authorization", f"Bearer {token}".encode())]

    assert (await ada.client.get(ada.tasks, headers=headers)).status_code == 401


@pytest.mark.parametrize(
    "wanted",
    [
        {"name": ""},
        {"name": " "},
        {"name": "x" * 101},
        {"name": "a\x00b"},
        {"name": None},
        {"name": "x", "scope": "admin"},
        {"name": "x", "expires_at": "tomorrow"},
        {"name": "x", "expires_at": 4_102_444_800},
        {"name": "x", "expires_at": "4102444800"},
        {"name": "x", "expires_at": "2027-01-01T00:00:00"},
        {"name": "x", "expires_at": "2020-01-01T00:00:00Z"},
        {"name": "x", "expires_at": "0001-01-01T00:00:00+14:00"},
        {"name": "x", "expires_at": "9999-12-31T23:59:59-12:00"},
    ],
)
async def test_an_invalid_creation_of_a_token_is_refused(ada: Person, wanted: dict[str, Any]) -> None:
    assert (await ada.call("POST", "/api/auth/tokens", json=wanted)).status_code == 422


async def test_a_user_has_at_most_a_hundred_tokens(ada: Person) -> None:
    for number in range(api_tokens.MAX_TOKENS):
        assert (await ada.call("POST", "/api/auth/tokens", json={"name": str(number)})).status_code == 201
    assert (await ada.call("POST", "/api/auth/tokens", json={"name": "one more"})).status_code == 409


async def test_the_cache_of_callers_is_bounded(ada: Person, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authenticator, "CACHE_SIZE", 3)
    async with running(create_app(settings_for(database_url))) as app:
        key = await app.state.resources.accounts.issuer.signing_key()
        for _ in range(10):
            await app.state.resources.authenticator.authenticate(
                b"Bearer " + key.issue(ada.id, uuid4().hex, 900).encode()
            )
        assert len(app.state.resources.authenticator._cache) == 3


async def test_a_revoked_token_is_refused_on_every_worker(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two servers have cached it (for less than 30 s here, so that the test is quick); then both refuse it."""
    monkeypatch.setattr(api_tokens, "CACHED_FOR", 0.5)
    settings = settings_for(database_url)
    async with (
        running(create_app(settings)) as one,
        running(create_app(settings)) as two,
        http(one) as here,
        http(two) as there,
    ):
        ada = await sign_up(here, "ada")
        script, token = await create_token(ada)
        headers = {"Authorization": f"Bearer {script.token}"}
        for client in (here, there):
            assert (await client.get(ada.tasks, headers=headers)).status_code == 200
        assert (await ada.call("DELETE", f"/api/auth/tokens/{token['id']}")).status_code == 204
        assert (await there.get(ada.tasks, headers=headers)).status_code == 200  # cached
        await asyncio.sleep(0.6)
        for client in (here, there):
            assert (await client.get(ada.tasks, headers=headers)).status_code == 401
