"""Sessions: refresh tokens by cookie and in the body, sign-out, and deleted accounts."""

import time
from pathlib import Path

import httpx
import jwt
import psycopg
import pytest

from tests.conftest import PASSWORD, Person, sign_up
from tests.support.accounts import cookie, refresh_in_body, signed_up
from tests.support.processes import serving

pytestmark = pytest.mark.anyio


async def test_clients_without_cookies_get_the_refresh_token_in_the_body(browser: httpx.AsyncClient) -> None:
    response, credentials = await signed_up(browser, refresh="body")
    assert "set-cookie" not in response.headers
    again = await browser.post("/api/auth/signin", json=credentials | {"refresh": "body"})
    assert "set-cookie" not in again.headers

    first = again.json()["refresh_token"]
    second = await refresh_in_body(browser, first)
    third = await refresh_in_body(browser, second.json()["refresh_token"])

    assert (second.status_code, third.status_code) == (200, 200)
    assert "set-cookie" not in third.headers
    assert len({first, second.json()["refresh_token"], third.json()["refresh_token"]}) == 3


@pytest.mark.parametrize("token", ["", "x", "a.b", "0" * 32 + ".x", "ü.ü", "x" * 200, "\x00", "0" * 32 + "."])
async def test_an_invalid_refresh_token_is_refused(browser: httpx.AsyncClient, token: str) -> None:
    assert (await refresh_in_body(browser, token)).status_code == 401
    assert (await browser.post("/api/auth/refresh")).status_code == 401
    assert (await browser.post("/api/auth/refresh", json={"refresh": "body"})).status_code == 401


async def test_an_expired_session_cannot_be_refreshed(browser: httpx.AsyncClient, database_url: str) -> None:
    response, _ = await signed_up(browser, refresh="body")
    with psycopg.connect(database_url) as owner:
        owner.execute("alter table sessions no force row level security")
        owner.execute(
            "update sessions set expires_at = now() - interval '1 second' where user_id = %s",
            [response.json()["user"]["id"]],
        )
        owner.execute("alter table sessions force row level security")

    assert (await refresh_in_body(browser, response.json()["refresh_token"])).status_code == 401


async def test_refresh_tokens_are_stored_as_hashes(browser: httpx.AsyncClient, database_url: str) -> None:
    response, _ = await signed_up(browser, refresh="body")
    secret = response.json()["refresh_token"].split(".")[1]
    with psycopg.connect(database_url) as owner:
        owner.execute("alter table sessions no force row level security")
        kept = owner.execute("select to_jsonb(s)::text from sessions s").fetchall()
        owner.rollback()
    assert kept
    assert all(secret not in row and secret.encode().hex() not in row for (row,) in kept)


class TestSignOut:
    async def test_the_session_of_the_cookie_ends(self, browser: httpx.AsyncClient) -> None:
        response, _ = await signed_up(browser)
        person = Person(browser, response.json()["user"]["id"], "", response.json()["access_token"])
        token = cookie(response).value

        signed_out = await browser.post("/api/auth/signout")

        assert (signed_out.status_code, signed_out.content) == (204, b"")
        assert int(cookie(signed_out)["max-age"]) == 0
        assert (await browser.post("/api/auth/refresh")).status_code == 401
        assert (await refresh_in_body(browser, token)).status_code == 401
        assert await person.list() == []  # the access token stays valid for its 15 minutes

    async def test_the_session_of_a_token_in_the_body_ends(self, browser: httpx.AsyncClient) -> None:
        response, _ = await signed_up(browser, refresh="body")
        token = response.json()["refresh_token"]

        body = {"refresh": "body", "refresh_token": token}
        assert (await browser.post("/api/auth/signout", json=body)).status_code == 204
        assert (await refresh_in_body(browser, token)).status_code == 401

    async def test_the_session_id_in_an_access_token_does_not_end_the_session(self, browser: httpx.AsyncClient) -> None:
        response, _ = await signed_up(browser, refresh="body")
        sid = jwt.decode(response.json()["access_token"], options={"verify_signature": False})["sid"]
        token = response.json()["refresh_token"]
        for wrong_token in (f"{sid}.x", f"{token.split('.')[0]}.x"):
            body = {"refresh": "body", "refresh_token": wrong_token}
            assert (await browser.post("/api/auth/signout", json=body)).status_code == 204
        assert (await refresh_in_body(browser, f"{sid}.x")).status_code == 401
        assert (await refresh_in_body(browser, token)).status_code == 200

    async def test_sign_out_without_a_session_succeeds(self, browser: httpx.AsyncClient) -> None:
        assert (await browser.post("/api/auth/signout")).status_code == 204

    async def test_sign_out_everywhere_ends_every_session(self, browser: httpx.AsyncClient) -> None:
        response, credentials = await signed_up(browser, refresh="body")
        tokens = [response.json()["refresh_token"]]
        for _ in range(2):
            again = await browser.post("/api/auth/signin", json=credentials | {"refresh": "body"})
            tokens.append(again.json()["refresh_token"])
        person = Person(browser, response.json()["user"]["id"], "", response.json()["access_token"])

        assert (await person.call("POST", "/api/auth/signout-everywhere")).status_code == 204
        assert [(await refresh_in_body(browser, token)).status_code for token in tokens] == [401] * 3


async def test_deleting_an_account_deletes_everything_of_it(browser: httpx.AsyncClient, database_url: str) -> None:
    response, credentials = await signed_up(browser, refresh="body")
    ada = Person(browser, response.json()["user"]["id"], "", response.json()["access_token"])
    bob = await sign_up(browser, "bob")
    await bob.create(title="of bob")
    await ada.create()
    made = await ada.call("POST", "/api/auth/tokens", json={"name": "script"})

    deleted = await ada.call("DELETE", "/api/auth/me")

    assert (deleted.status_code, deleted.content) == (204, b"")
    with psycopg.connect(database_url) as owner:
        tables = ["users", "credentials", "sessions", "api_tokens", "tasks"]
        for table in tables:
            owner.execute(f"alter table {table} no force row level security".encode())
            key = "id" if table == "users" else "user_id"
            query = f"select count(*) from {table} where {key} = %s".encode()
            assert owner.execute(query, [ada.id]).fetchone() == (0,), table
        owner.rollback()
    assert (await refresh_in_body(browser, response.json()["refresh_token"])).status_code == 401
    assert (await browser.post("/api/auth/signin", json=credentials)).status_code == 401
    nothing = "01930d2c-6f6a-7d2e-9c1b-3f1f5b7a9d10"
    writes = [
        await ada.post(title="too late"),
        await ada.put(nothing, title="too late"),
        await ada.toggle(nothing),
        await ada.delete(nothing),
        await ada.call("POST", "/api/auth/tokens", json={"name": "too late"}),
        await ada.call("DELETE", "/api/auth/me"),
        await ada.call("GET", "/api/auth/me"),
    ]
    assert [response.status_code for response in writes] == [401] * 7
    assert (await ada.get(nothing)).status_code == 404
    assert await ada.list() == []
    ada.token = made.json()["token"]
    assert (await ada.call("GET", "/api/auth/me")).status_code == 401
    assert len(await bob.list()) == 1
    assert (await browser.post("/api/auth/signup", json=credentials)).status_code == 201  # the e-mail is free again


@pytest.mark.slow
def test_a_front_end_refreshes_its_session_when_the_access_token_expires(tmp_path: Path, database_url: str) -> None:
    """Sign up, list, wait until the token expires, refresh, list again, on a real server with tokens of two seconds."""
    with serving(tmp_path, database_url=database_url, access_token_lifetime=2, jwt_leeway=0) as server:
        credentials = {"email": f"day-{server.port}@example.com", "password": PASSWORD}
        session = server.http.post("/api/auth/signup", json=credentials).json()
        assert session["expires_in"] == 2
        tasks = f"/api/{session['user']['id']}/tasks"

        def status() -> int:
            return server.http.get(tasks, headers={"Authorization": f"Bearer {session['access_token']}"}).status_code

        assert status() == 200
        deadline = time.monotonic() + 10
        while status() == 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert status() == 401
        session = server.http.post("/api/auth/refresh").json()
        assert status() == 200
