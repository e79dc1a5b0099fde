"""AUTH_ALIASES: the names under which templates of front ends call the accounts, beside ours."""

import uuid
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import PASSWORD, Person, http, running, settings_for
from todo.app import create_app
from todo.db import migrate
from todo.http.rate_limit import FAILED_ATTEMPTS_OF_ADDRESS, FAILED_SIGN_INS, SIGN_UPS_OF_ADDRESS
from todo.settings import SettingsError

pytestmark = pytest.mark.anyio

PREFIXES = ["/api/auth", "/auth"]
SIGN_UPS = [f"{prefix}/{name}" for prefix in PREFIXES for name in ("signup", "register")]
SIGN_INS = [f"{prefix}/{name}" for prefix in PREFIXES for name in ("signin", "login")]
SIGN_OUTS = [f"{prefix}/{name}" for prefix in PREFIXES for name in ("signout", "logout")]
REFRESHES = [f"{prefix}/refresh" for prefix in PREFIXES]
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
async def aliased(database_url: str) -> AsyncIterator[FastAPI]:
    """The application with AUTH_ALIASES."""
    async with running(create_app(settings_for(database_url, auth_aliases="on"))) as app:
        yield app


@pytest.fixture
async def browser(aliased: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with http(aliased) as client:
        yield client


def credentials() -> dict[str, str]:
    return {"email": f"ada-{uuid.uuid4().hex[:8]}@example.com", "password": PASSWORD}


async def registered(browser: httpx.AsyncClient, path: str = "/auth/register", **more: Any) -> dict[str, Any]:
    response = await browser.post(path, json=credentials() | more)
    assert response.status_code == 201, response.text
    session: dict[str, Any] = response.json()
    return session


def cookie_paths(response: httpx.Response) -> dict[str, str]:
    """The values of the cookies that a response sets, by their paths."""
    morsels = [morsel for line in response.headers.get_list("set-cookie") for morsel in SimpleCookie(line).values()]
    assert {morsel.key for morsel in morsels} == {"todo_refresh"}
    assert {(morsel["httponly"], morsel["samesite"].lower()) for morsel in morsels} == {(True, "strict")}
    return {morsel["path"]: morsel.value for morsel in morsels}


class TestOn:
    @pytest.mark.parametrize("path", SIGN_UPS)
    async def test_every_name_of_the_sign_up_makes_an_account(self, browser: httpx.AsyncClient, path: str) -> None:
        session = await registered(browser, path, name="Ada")

        assert set(session) == {"access_token", "token", "token_type", "expires_in", "user"}
        assert (session["token_type"], session["user"]["name"]) == ("bearer", "Ada")
        ada = Person(browser, session["user"]["id"], "", session["token"])
        assert (await ada.create())["user_id"] == ada.id

    @pytest.mark.parametrize("path", SIGN_INS)
    async def test_every_name_of_the_sign_in_signs_in(self, browser: httpx.AsyncClient, path: str) -> None:
        who = credentials()
        made = (await browser.post("/api/auth/signup", json=who)).json()

        response = await browser.post(path, json=who)

        assert response.status_code == 200
        assert response.headers["cache-control"] == "no-store"
        assert response.json()["user"] == made["user"]
        assert (await browser.post(path, json=who | {"password": "wrong"})).status_code == 401

    @pytest.mark.parametrize("path", SIGN_OUTS)
    async def test_every_name_of_the_sign_out_ends_the_session(self, browser: httpx.AsyncClient, path: str) -> None:
        session = await registered(browser, refresh="body")
        by_body = {"refresh": "body", "refresh_token": session["refresh_token"]}

        assert (await browser.post(path, json=by_body)).status_code == 204
        assert (await browser.post("/api/auth/refresh", json=by_body)).status_code == 401

    @pytest.mark.parametrize("path", [*SIGN_UPS, *SIGN_INS, *REFRESHES])
    async def test_token_is_the_access_token_in_every_answer_that_has_one(
        self, browser: httpx.AsyncClient, path: str
    ) -> None:
        who = credentials()
        if path not in SIGN_UPS:
            await browser.post("/api/auth/signup", json=who)

        session = (await browser.post(path, json=None if path in REFRESHES else who)).json()

        assert session["token"] == session["access_token"]

    @pytest.mark.parametrize("prefix", PREFIXES)
    async def test_all_other_calls_are_served_under_both_prefixes(
        self, browser: httpx.AsyncClient, prefix: str
    ) -> None:
        session = await registered(browser)
        ada = Person(browser, session["user"]["id"], "", session["token"])
        passwords = {"current": PASSWORD, "new": "a short and loud night"}

        assert (await ada.call("GET", f"{prefix}/me")).json() == session["user"] | {"email_confirmed": False}
        made = await ada.call("POST", f"{prefix}/tokens", json={"name": "script"})
        assert made.status_code == 201
        assert [each["name"] for each in (await ada.call("GET", f"{prefix}/tokens")).json()] == ["script"]
        assert (await ada.call("DELETE", f"{prefix}/tokens/{made.json()['id']}")).status_code == 204
        [listed] = (await ada.call("GET", f"{prefix}/sessions")).json()
        assert (await ada.call("DELETE", f"{prefix}/sessions/{listed['id']}")).status_code == 204
        assert (await ada.call("POST", f"{prefix}/password", json=passwords)).status_code == 204
        assert (await ada.call("POST", f"{prefix}/signout-everywhere")).status_code == 204
        assert (await ada.call("DELETE", f"{prefix}/me")).status_code == 204
        assert (await ada.call("GET", f"{prefix}/me")).status_code == 401

    async def test_an_api_token_may_do_no_more_than_under_our_names(self, browser: httpx.AsyncClient) -> None:
        session = await registered(browser)
        ada = Person(browser, session["user"]["id"], "", session["token"])
        ada.token = (await ada.call("POST", "/auth/tokens", json={"name": "script"})).json()["token"]

        assert (await ada.call("GET", "/auth/me")).status_code == 200
        for method, path in (("DELETE", "/auth/me"), ("POST", "/auth/tokens"), ("POST", "/auth/signout-everywhere")):
            assert (await ada.call(method, path, json={"name": "x"})).status_code == 403

    @pytest.mark.parametrize("signed_in_at", ["/api/auth/signin", "/auth/login"])
    async def test_a_browser_refreshes_and_signs_out_under_either_prefix(
        self, browser: httpx.AsyncClient, signed_in_at: str
    ) -> None:
        who = credentials()
        await browser.post("/api/auth/signup", json=who)
        browser.cookies.clear()

        cookies = [cookie_paths(await browser.post(signed_in_at, json=who))]
        for path in [*REFRESHES, *REFRESHES]:
            refreshed = await browser.post(path)
            assert refreshed.status_code == 200, path
            cookies.append(cookie_paths(refreshed))

        assert [set(each) for each in cookies] == [{"/api/auth", "/auth"}] * 5
        tokens = [set(each.values()) for each in cookies]
        assert [len(each) for each in tokens] == [1] * 5
        assert len(set.union(*tokens)) == 5
        assert set(cookie_paths(await browser.post("/auth/logout"))) == {"/api/auth", "/auth"}
        assert [(await browser.post(path)).status_code for path in REFRESHES] == [401, 401]
        assert len(browser.cookies) == 0

    async def test_the_cookie_is_sent_with_no_other_request(self, browser: httpx.AsyncClient) -> None:
        await registered(browser)

        for path in ("/api/ada/tasks", "/health", "/authors"):
            assert "cookie" not in (await browser.get(path)).request.headers

    @pytest.mark.parametrize("path", [*REFRESHES, *SIGN_OUTS])
    @pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
    async def test_other_sites_cannot_make_a_browser_use_the_cookie(
        self, browser: httpx.AsyncClient, path: str, headers: dict[str, str]
    ) -> None:
        await registered(browser)

        assert (await browser.post(path, headers=headers)).status_code == 403
        assert (await browser.post("/auth/refresh")).status_code == 200

    @pytest.mark.parametrize("path", [*SIGN_UPS, *SIGN_INS, *SIGN_OUTS, *REFRESHES])
    async def test_bodies_are_judged_as_under_our_names(self, browser: httpx.AsyncClient, path: str) -> None:
        refused = [
            await browser.post(path, content=b" " * 65_537, headers=JSON),
            await browser.post(path, content=b"{}", headers={"Content-Type": "text/plain"}),
            await browser.post(path, content=b'{"email": 1, "refresh": 1}', headers=JSON),
            await browser.get(path),
        ]

        assert [response.status_code for response in refused] == [413, 415, 422, 405]
        assert {response.headers["content-type"] for response in refused} == {"application/problem+json"}

    async def test_the_document_describes_each_call_once_whatever_is_set(
        self, browser: httpx.AsyncClient, client: httpx.AsyncClient
    ) -> None:
        assert (await browser.get("/openapi.json")).json() == (await client.get("/openapi.json")).json()


class TestLimits:
    """The aliases and our names are counted together."""

    @pytest.fixture
    async def limited(self, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
        settings = settings_for(database_url, auth_aliases="on", rate_limit="6000/minute")
        async with running(create_app(settings)) as app, http(app) as client:
            yield client

    async def test_failed_sign_ins_of_an_account(self, limited: httpx.AsyncClient) -> None:
        who = credentials()
        await limited.post("/auth/register", json=who)
        wrong = who | {"password": "wrong"}
        for number in range(FAILED_SIGN_INS.amount):
            assert (await limited.post(SIGN_INS[number % 4], json=wrong)).status_code == 401

        assert [(await limited.post(path, json=who)).status_code for path in SIGN_INS] == [429] * 4

    async def test_refused_bodies_of_an_address(self, limited: httpx.AsyncClient) -> None:
        paths = [*SIGN_INS, *SIGN_UPS]
        for number in range(FAILED_ATTEMPTS_OF_ADDRESS.amount):
            assert (await limited.post(paths[number % 8], json={})).status_code == 422

        assert {(await limited.post(path, json=credentials())).status_code for path in paths} == {429}

    async def test_sign_ups_of_an_address(self, limited: httpx.AsyncClient) -> None:
        for number in range(SIGN_UPS_OF_ADDRESS.amount):
            await registered(limited, SIGN_UPS[number % 4])

        assert {(await limited.post(path, json=credentials())).status_code for path in SIGN_UPS} == {429}

    async def test_requests_of_a_user(self, database_url: str) -> None:
        settings = settings_for(database_url, auth_aliases="on", rate_limit="2/minute")
        async with running(create_app(settings)) as app, http(app) as client:
            session = await registered(client)
            ada = Person(client, session["user"]["id"], "", session["token"])
            paths = ["/auth/me", "/api/auth/me", "/auth/me"]

            assert [(await ada.call("GET", path)).status_code for path in paths] == [200, 200, 429]


class TestBelowAPrefix:
    async def test_the_cookies_have_the_prefix(self, database_url: str) -> None:
        settings = settings_for(database_url, auth_aliases="on", root_path="/todo")
        async with running(create_app(settings)) as app, http(app) as client:
            response = await client.post("/todo/auth/register", json=credentials())
            assert set(cookie_paths(response)) == {"/todo/api/auth", "/todo/auth"}
            for path in REFRESHES:
                assert (await client.post(f"/todo{path}")).status_code == 200

    async def test_the_prefix_may_not_be_auth_itself(self) -> None:
        with pytest.raises(SettingsError, match="ROOT_PATH"):
            settings_for("postgresql://localhost/todo", auth_aliases="on", root_path="/auth")
        assert settings_for("postgresql://localhost/todo", root_path="/auth").root_path == "/auth"


OURS = {"/api/auth/signup", "/api/auth/signin", "/api/auth/signout", "/api/auth/refresh"}


class TestOff:
    """As by default."""

    @pytest.mark.parametrize("path", sorted({*SIGN_UPS, *SIGN_INS, *SIGN_OUTS, *REFRESHES} - OURS))
    async def test_no_alias_is_served(self, client: httpx.AsyncClient, path: str) -> None:
        assert (await client.post(path, json=credentials())).status_code == 404

    async def test_no_alias_of_the_other_calls_is_served(self, ada: Person) -> None:
        for method, path in (("GET", "/auth/me"), ("DELETE", "/auth/me"), ("GET", "/auth/tokens")):
            assert (await ada.call(method, path)).status_code == 404

    async def test_there_is_no_token_beside_the_access_token(self, client: httpx.AsyncClient) -> None:
        session = await registered(client, "/api/auth/signup")

        assert set(session) == {"access_token", "token_type", "expires_in", "user"}


async def test_there_are_no_aliases_with_an_external_issuer(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    secret = "a secret of thirty-two bytes and more"
    settings = settings_for(empty_url, auth_aliases="on", jwt_secret=secret)
    async with running(create_app(settings)) as app, http(app) as client:
        for path in [*SIGN_UPS, *SIGN_INS, *SIGN_OUTS, *REFRESHES, "/auth/me"]:
            assert (await client.post(path, json=credentials())).status_code == 404
        assert (await client.get("/api/auth/me")).status_code == 401
