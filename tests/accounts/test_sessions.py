"""Sessions: refresh tokens, by cookie and in the body, signing out, and what ends with a password or an account."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import jwt
import psycopg
import pytest
from fastapi import FastAPI

from tests.conftest import PASSWORD, Person, http, sign_up
from tests.support.processes import serving

pytestmark = pytest.mark.anyio


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a cookie jar of its own."""
    async with http(app) as client:
        yield client


def cookie(answer: httpx.Response) -> Morsel[str]:
    [morsel] = SimpleCookie(answer.headers["set-cookie"]).values()
    return morsel


async def signed_up(client: httpx.AsyncClient, **more: Any) -> tuple[httpx.Response, dict[str, str]]:
    who = {"email": f"ada-{uuid.uuid4().hex[:8]}@example.com", "password": PASSWORD}
    answer = await client.post("/api/auth/signup", json=who | more)
    assert answer.status_code == 201, answer.text
    return answer, who


async def in_body(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/api/auth/refresh", json={"refresh": "body", "refresh_token": token})


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_every_cookie_is_out_of_reach_and_in_no_body(app: FastAPI, scheme: str) -> None:
    """Of all calls about accounts: who sets one, how, and that it is told nowhere else."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"{scheme}://todo") as client:
        answer, who = await signed_up(client)
        ada = Person(client, answer.json()["user"]["id"], "", answer.json()["access_token"])
        new = "a short and loud night"
        answers = [
            answer,
            await client.post("/api/auth/signin", json=who),
            await client.post("/api/auth/refresh"),
            await client.post("/api/auth/signin", json=who | {"password": "wrong"}),
            await client.post("/api/auth/signin", json=who | {"refresh": "body"}),
            await ada.call("GET", "/api/auth/me"),
            await ada.call("POST", "/api/auth/tokens", json={"name": "script"}),
            await ada.call("GET", "/api/auth/tokens"),
            await ada.call("POST", "/api/auth/password", json={"current": PASSWORD, "new": new}),
            await ada.call("GET", ada.tasks),
            await client.post("/api/auth/signout"),
            await ada.call("POST", "/api/auth/signout-everywhere"),
            await ada.call("DELETE", "/api/auth/me"),
        ]

    set_by = [each for each in answers if "set-cookie" in each.headers]
    assert set_by == [*answers[:3], *answers[10:]]
    for each in set_by:
        [(name, morsel)] = SimpleCookie(each.headers["set-cookie"]).items()
        assert name == ("__Secure-todo_refresh" if scheme == "https" else "todo_refresh")
        assert (morsel["httponly"], morsel["samesite"].lower(), morsel["path"]) == (True, "strict", "/api/auth")
        assert bool(morsel["secure"]) is (scheme == "https")
        assert morsel["domain"] == ""
        assert int(morsel["max-age"]) == (0 if each in answers[10:] else 30 * 24 * 3600)
        secret = morsel.value.partition(".")[2]
        assert bool(secret) is (each in answers[:3])
        assert not secret or not [other for other in answers if secret in other.text]


async def test_the_cookie_gets_new_tokens_again_and_again(browser: httpx.AsyncClient) -> None:
    answer, _ = await signed_up(browser)
    tokens = [cookie(answer).value]
    for _ in range(3):
        refreshed = await browser.post("/api/auth/refresh")
        assert refreshed.status_code == 200
        session = refreshed.json()
        assert session["user"] == answer.json()["user"]
        person = Person(browser, session["user"]["id"], "", session["access_token"])
        assert await person.list() == []
        tokens.append(cookie(refreshed).value)
    assert len(set(tokens)) == 4


async def test_clients_without_cookies_get_it_in_the_body(browser: httpx.AsyncClient) -> None:
    answer, who = await signed_up(browser, refresh="body")
    assert "set-cookie" not in answer.headers
    again = await browser.post("/api/auth/signin", json=who | {"refresh": "body"})
    assert "set-cookie" not in again.headers

    first = again.json()["refresh_token"]
    second = await in_body(browser, first)
    third = await in_body(browser, second.json()["refresh_token"])

    assert (second.status_code, third.status_code) == (200, 200)
    assert "set-cookie" not in third.headers
    assert len({first, second.json()["refresh_token"], third.json()["refresh_token"]}) == 3


async def test_a_token_that_is_used_again_ends_its_session_and_no_other(browser: httpx.AsyncClient) -> None:
    answer, who = await signed_up(browser, refresh="body")
    stolen = answer.json()["refresh_token"]
    other = (await browser.post("/api/auth/signin", json=who | {"refresh": "body"})).json()["refresh_token"]
    newest = (await in_body(browser, stolen)).json()["refresh_token"]

    assert (await in_body(browser, stolen)).status_code == 401
    assert (await in_body(browser, newest)).status_code == 401
    assert (await in_body(browser, other)).status_code == 200


async def test_of_many_that_use_one_token_at_once_one_is_served_and_it_ends(
    browser: httpx.AsyncClient,
) -> None:
    answer, _ = await signed_up(browser, refresh="body")
    token = answer.json()["refresh_token"]

    answers = await asyncio.gather(*(in_body(browser, token) for _ in range(8)))

    assert sorted(each.status_code for each in answers) == [200] + [401] * 7
    [served] = [each for each in answers if each.status_code == 200]
    assert (await in_body(browser, served.json()["refresh_token"])).status_code == 401  # it was a copy's use as well


@pytest.mark.parametrize("token", ["", "x", "a.b", "0" * 32 + ".x", "ü.ü", "x" * 200, "\x00", "0" * 32 + "."])
async def test_other_tokens_are_refused(browser: httpx.AsyncClient, token: str) -> None:
    assert (await in_body(browser, token)).status_code == 401
    assert (await browser.post("/api/auth/refresh")).status_code == 401
    assert (await browser.post("/api/auth/refresh", json={"refresh": "body"})).status_code == 401


async def test_a_session_is_over_when_its_time_is(browser: httpx.AsyncClient, database_url: str) -> None:
    answer, _ = await signed_up(browser, refresh="body")
    with psycopg.connect(database_url) as owner:
        owner.execute("alter table sessions no force row level security")
        owner.execute(
            "update sessions set expires_at = now() - interval '1 second' where user_id = %s",
            [answer.json()["user"]["id"]],
        )
        owner.execute("alter table sessions force row level security")

    assert (await in_body(browser, answer.json()["refresh_token"])).status_code == 401


async def test_refresh_tokens_are_kept_as_hashes(browser: httpx.AsyncClient, database_url: str) -> None:
    answer, _ = await signed_up(browser, refresh="body")
    secret = answer.json()["refresh_token"].split(".")[1]
    with psycopg.connect(database_url) as owner:
        owner.execute("alter table sessions no force row level security")
        kept = owner.execute("select to_jsonb(s)::text from sessions s").fetchall()
        owner.rollback()
    assert kept
    assert all(secret not in row[0] for row in kept)


class TestSignOut:
    async def test_by_cookie(self, browser: httpx.AsyncClient) -> None:
        answer, _ = await signed_up(browser)
        person = Person(browser, answer.json()["user"]["id"], "", answer.json()["access_token"])
        token = cookie(answer).value

        gone = await browser.post("/api/auth/signout")

        assert (gone.status_code, gone.content) == (204, b"")
        assert int(cookie(gone)["max-age"]) == 0
        assert (await browser.post("/api/auth/refresh")).status_code == 401
        assert (await in_body(browser, token)).status_code == 401
        assert await person.list() == []  # the access token lives on until its 15 minutes are over

    async def test_in_the_body(self, browser: httpx.AsyncClient) -> None:
        answer, _ = await signed_up(browser, refresh="body")
        token = answer.json()["refresh_token"]

        body = {"refresh": "body", "refresh_token": token}
        assert (await browser.post("/api/auth/signout", json=body)).status_code == 204
        assert (await in_body(browser, token)).status_code == 401

    async def test_what_an_access_token_tells_signs_nobody_out(self, browser: httpx.AsyncClient) -> None:
        answer, _ = await signed_up(browser, refresh="body")
        sid = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})["sid"]
        token = answer.json()["refresh_token"]
        for guess in (f"{sid}.x", f"{token.split('.')[0]}.x"):
            body = {"refresh": "body", "refresh_token": guess}
            assert (await browser.post("/api/auth/signout", json=body)).status_code == 204
        assert (await in_body(browser, f"{sid}.x")).status_code == 401
        assert (await in_body(browser, token)).status_code == 200

    async def test_when_nobody_is_signed_in(self, browser: httpx.AsyncClient) -> None:
        assert (await browser.post("/api/auth/signout")).status_code == 204

    async def test_everywhere(self, browser: httpx.AsyncClient) -> None:
        answer, who = await signed_up(browser, refresh="body")
        tokens = [answer.json()["refresh_token"]]
        for _ in range(2):
            again = await browser.post("/api/auth/signin", json=who | {"refresh": "body"})
            tokens.append(again.json()["refresh_token"])
        person = Person(browser, answer.json()["user"]["id"], "", answer.json()["access_token"])

        assert (await person.call("POST", "/api/auth/signout-everywhere")).status_code == 204
        assert [(await in_body(browser, token)).status_code for token in tokens] == [401] * 3


class TestForgery:
    """A page of another site makes the browser send the cookie: it is refused, and the session stays."""

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Sec-Fetch-Site": "same-origin"}, 200),
            ({"Sec-Fetch-Site": "none"}, 200),
            ({"Sec-Fetch-Site": "same-site"}, 403),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "cross-site", "Origin": "http://todo"}, 403),
            ({"Origin": "http://todo"}, 200),
            ({"Origin": "https://todo"}, 403),
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({}, 200),
        ],
    )
    @pytest.mark.parametrize("path", ["/api/auth/refresh", "/api/auth/signout"])
    async def test_by_fetch_metadata_else_by_origin(
        self, browser: httpx.AsyncClient, path: str, headers: dict[str, str], status: int
    ) -> None:
        await signed_up(browser)

        answer = await browser.post(path, headers=headers)

        assert answer.status_code == (204 if status == 200 and path.endswith("signout") else status)
        if status == 403:
            assert (await browser.post("/api/auth/refresh")).status_code == 200

    async def test_a_token_in_the_body_is_no_forgery(self, browser: httpx.AsyncClient) -> None:
        answer, _ = await signed_up(browser, refresh="body")
        body = {"refresh": "body", "refresh_token": answer.json()["refresh_token"]}
        headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}

        assert (await browser.post("/api/auth/refresh", json=body, headers=headers)).status_code == 200


class TestPassword:
    async def test_a_change_ends_every_other_session(self, browser: httpx.AsyncClient) -> None:
        answer, who = await signed_up(browser, refresh="body")
        other = (await browser.post("/api/auth/signin", json=who | {"refresh": "body"})).json()["refresh_token"]
        person = Person(browser, answer.json()["user"]["id"], "", answer.json()["access_token"])
        new = "a short and loud night"

        changed = await person.call("POST", "/api/auth/password", json={"current": PASSWORD, "new": new})

        assert (changed.status_code, changed.content) == (204, b"")
        assert (await in_body(browser, answer.json()["refresh_token"])).status_code == 200
        assert (await in_body(browser, other)).status_code == 401
        assert (await browser.post("/api/auth/signin", json=who)).status_code == 401
        assert (await browser.post("/api/auth/signin", json=who | {"password": new})).status_code == 200

    async def test_a_sign_in_with_the_old_one_at_that_moment_gains_nothing(self, browser: httpx.AsyncClient) -> None:
        for number in range(4):
            answer, who = await signed_up(browser, refresh="body")
            person = Person(browser, answer.json()["user"]["id"], "", answer.json()["access_token"])
            change = {"current": PASSWORD, "new": f"a short and loud night {number}"}
            changed, *signed_in = await asyncio.gather(
                person.call("POST", "/api/auth/password", json=change),
                *(browser.post("/api/auth/signin", json=who | {"refresh": "body"}) for _ in range(6)),
            )
            assert changed.status_code == 204
            tokens = [each.json()["refresh_token"] for each in signed_in if each.status_code == 200]
            assert [(await in_body(browser, token)).status_code for token in tokens] == [401] * len(tokens)
            assert (await in_body(browser, answer.json()["refresh_token"])).status_code == 200

    async def test_it_takes_the_current_one(self, ada: Person) -> None:
        body = {"current": "not the password", "new": "a short and loud night"}

        answer = await ada.call("POST", "/api/auth/password", json=body)

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["loc"] == ["body", "current"]
        assert "not the password" not in answer.text.replace("is not the password of", "")

    @pytest.mark.parametrize("password", ["password", "PASSWORD", "12345678", "Football", "qwertyuiop"])
    async def test_the_most_common_ones_are_refused(
        self, browser: httpx.AsyncClient, ada: Person, password: str
    ) -> None:
        who = {"email": "common@example.com", "password": password}
        assert (await browser.post("/api/auth/signup", json=who)).status_code == 422
        change = {"current": PASSWORD, "new": password}
        assert (await ada.call("POST", "/api/auth/password", json=change)).status_code == 422


async def test_a_deleted_account_takes_everything_with_it(browser: httpx.AsyncClient, database_url: str) -> None:
    answer, who = await signed_up(browser, refresh="body")
    ada = Person(browser, answer.json()["user"]["id"], "", answer.json()["access_token"])
    bob = await sign_up(browser, "bob")
    await bob.create(title="his own")
    await ada.create()
    made = await ada.call("POST", "/api/auth/tokens", json={"name": "script"})

    gone = await ada.call("DELETE", "/api/auth/me")

    assert (gone.status_code, gone.content) == (204, b"")
    with psycopg.connect(database_url) as owner:
        tables = ["users", "credentials", "sessions", "api_tokens", "tasks"]
        for table in tables:
            owner.execute(f"alter table {table} no force row level security".encode())
            key = "id" if table == "users" else "user_id"
            query = f"select count(*) from {table} where {key} = %s".encode()
            assert owner.execute(query, [ada.id]).fetchone() == (0,), table
        owner.rollback()
    assert (await in_body(browser, answer.json()["refresh_token"])).status_code == 401
    assert (await browser.post("/api/auth/signin", json=who)).status_code == 401
    nothing = "01930d2c-6f6a-7d2e-9c1b-3f1f5b7a9d10"
    writes = [
        await ada.post(title="a ghost"),
        await ada.put(nothing, title="a ghost"),
        await ada.toggle(nothing),
        await ada.delete(nothing),
        await ada.call("POST", "/api/auth/tokens", json={"name": "a ghost's"}),
        await ada.call("DELETE", "/api/auth/me"),
        await ada.call("GET", "/api/auth/me"),
    ]
    assert [answer.status_code for answer in writes] == [401] * 7
    assert (await ada.get(nothing)).status_code == 404
    assert await ada.list() == []
    ada.token = made.json()["token"]
    assert (await ada.call("GET", "/api/auth/me")).status_code == 401
    assert len(await bob.list()) == 1
    assert (await browser.post("/api/auth/signup", json=who)).status_code == 201  # the address is free again


@pytest.mark.parametrize(("trusted", "secure"), [("127.0.0.1", True), ("192.0.2.0/24", False)])
def test_only_a_trusted_proxy_is_believed(tmp_path: Path, database_url: str, trusted: str, secure: bool) -> None:
    """A proxy says that the browser came by https, and from where; a stranger who says so is not heard."""
    with serving(
        tmp_path, database_url=database_url, trusted_proxies=trusted, rate_limit="6000/minute", workers=1
    ) as server:
        who = {"email": f"proxy-{server.port}@example.com", "password": PASSWORD}
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"}
        made = server.http.post("/api/auth/signup", json=who, headers=forwarded)
        assert bool(cookie(made)["secure"]) is secure
        wrong = who | {"password": "a guess"}
        for _ in range(10):
            assert server.http.post("/api/auth/signin", json=wrong, headers=forwarded).status_code == 401
        other = {"X-Forwarded-For": "203.0.113.9"}
        assert server.http.post("/api/auth/signin", json=wrong, headers=forwarded).status_code == 429
        assert server.http.post("/api/auth/signin", json=wrong, headers=other).status_code == (401 if secure else 429)


def test_a_front_ends_day(tmp_path: Path, database_url: str) -> None:
    """Sign up, work, wait past the token's end, refresh, go on: on a real server with tokens of two seconds."""
    with serving(tmp_path, database_url=database_url, access_token_lifetime=2) as server:
        who = {"email": f"day-{server.port}@example.com", "password": PASSWORD}
        session = server.http.post("/api/auth/signup", json=who).json()
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
