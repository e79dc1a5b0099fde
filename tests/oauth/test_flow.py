"""From a request for access to a token, and what is refused on the way."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from tests.conftest import Person
from tests.support.oauth import LOOPBACK, OAuthApp, challenge_of, new_app
from tests.support.sql_conditions import as_table_owner
from todo.accounts import actions, api_tokens
from todo.oauth import grants

pytestmark = pytest.mark.anyio

BASE = "http://todo"


def with_token(person: Person, token: str) -> Person:
    return Person(person.client, person.id, person.email, token)


async def tokens(person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await person.call("GET", "/api/auth/tokens")).json()
    return found


class TestTheWholeWay:
    async def test_a_token_for_a_code_works_and_is_listed_by_the_name_of_the_app(
        self, ada: Person, planner: OAuthApp
    ) -> None:
        page = await planner.page()
        assert page.status_code == 200
        assert "Meal planner" in page.text
        assert "app.example.com" in page.text

        back = (await planner.decided(ada)).json()["redirect_to"]
        answer = dict(parse_qsl(urlsplit(back).query))
        assert {*answer} == {"code", "state", "iss"}
        assert (answer["state"], answer["iss"]) == (planner.state, BASE)
        given = await planner.exchange(answer["code"])

        assert given.status_code == 200
        assert given.headers["cache-control"] == "no-store"
        token = given.json()
        assert token.pop("access_token").startswith("todo_pat_agent_")
        assert token == {"token_type": "Bearer", "scope": "read write", "expires_in": 90 * 86_400}
        agent = with_token(ada, given.json()["access_token"])
        task = await agent.create("Buy leeks")
        assert [each["id"] for each in await ada.list()] == [task["id"]]
        [listed] = await tokens(ada)
        assert (listed["name"], listed["scope"]) == ("Meal planner", "write")
        ends = datetime.fromisoformat(listed["expires_at"]) - datetime.now(UTC)
        assert timedelta(days=89, hours=23) < ends <= timedelta(days=90)

    async def test_the_person_decides_how_much(self, ada: Person, planner: OAuthApp) -> None:
        given = await planner.exchange(await planner.code(ada, scope="read", days=None))

        assert given.json()["scope"] == "read"
        assert "expires_in" not in given.json()
        agent = with_token(ada, given.json()["access_token"])
        assert (await agent.post(title="x")).status_code == 403
        assert await agent.list() == []
        [listed] = await tokens(ada)
        assert (listed["scope"], listed["expires_at"]) == ("read", None)

    async def test_the_token_is_fenced_and_limited_as_the_person_decided(self, ada: Person, planner: OAuthApp) -> None:
        await ada.create("A secret")
        permissions = ["complete", "create"]
        agent = with_token(ada, await planner.token(ada, tag="groceries", permissions=permissions, days=7))

        task = await agent.create("Leeks")

        assert task["tags"] == ["groceries"]
        assert await agent.list() == [task]
        assert (await agent.put(task["id"], title="x")).status_code == 403
        assert (await agent.toggle(task["id"])).status_code == 200
        [listed] = await tokens(ada)
        assert (listed["agent"], listed["tag"]) == (True, "groceries")
        assert listed["permissions"] == ["create", "complete"]
        change = (await ada.since(1))["changes"][0]
        assert (change["via"], change["agent"], change["agent_id"]) == ("agent", "Meal planner", listed["id"])

    async def test_an_app_that_asks_to_read_gets_no_more(self, ada: Person, planner: OAuthApp) -> None:
        query = planner.query(scope="read offline_access")
        assert 'data-scope="read"' in (await planner.page(scope="read offline_access")).text
        assert (await planner.decided(ada, query)).status_code == 422
        assert (await planner.decided(ada, query, scope="read")).status_code == 200

    @pytest.mark.parametrize("resource", [BASE, f"{BASE}/", f"{BASE}/mcp", f"{BASE}/mcp/", "HTTP://TODO/mcp"])
    async def test_the_resource_may_be_named(self, ada: Person, planner: OAuthApp, resource: str) -> None:
        response = await planner.decided(ada, planner.query(resource=resource))
        code = dict(parse_qsl(urlsplit(response.json()["redirect_to"]).query))["code"]
        assert (await planner.exchange(code, resource=resource)).status_code == 200

    async def test_a_redirect_uri_keeps_its_own_query(
        self, ada: Person, app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        uri = "https://app.example.com/back?tab=1&x=%20"
        planner = await new_app(app.state.resources.database, client, "Meal planner", uri)
        assert (await planner.decided(ada)).json()["redirect_to"].startswith(f"{uri}&code=")

    async def test_an_app_on_the_device_may_listen_at_any_port(
        self, ada: Person, app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        planner = await new_app(app.state.resources.database, client, "Meal planner", LOOPBACK)
        planner.redirect_uri = "http://127.0.0.1:49152/back"
        assert "an app on this device" in (await planner.page()).text
        assert (await planner.exchange(await planner.code(ada))).status_code == 200

    async def test_nothing_is_kept_of_a_deleted_account(
        self, ada: Person, planner: OAuthApp, app: FastAPI, database_url: str
    ) -> None:
        await planner.token(ada)
        await planner.code(ada)
        await actions.delete_account(app.state.resources.database, ada.id, datetime.now(UTC))
        with as_table_owner(database_url, "oauth_grants") as owner:
            assert owner.execute("select from oauth_grants where user_id = %s", [ada.id]).rowcount == 0


class TestCodes:
    async def refused(self, response: httpx.Response, code: str = "invalid_grant", status: int = 400) -> None:
        assert response.status_code == status, response.text
        assert response.json()["error"] == code
        assert response.headers["cache-control"] == "no-store"

    async def test_a_code_used_twice_revokes_its_token(
        self, ada: Person, planner: OAuthApp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(api_tokens, "CACHED_FOR", 0.0)
        code = await planner.code(ada)
        token = (await planner.exchange(code)).json()["access_token"]
        agent = with_token(ada, token)
        assert await agent.list() == []

        await self.refused(await planner.exchange(code))

        assert (await agent.call("GET", ada.tasks)).status_code == 401
        assert await tokens(ada) == []
        await self.refused(await planner.exchange(code))

    @pytest.mark.parametrize(
        "wrong",
        [
            {"code_verifier": "x" * 43},
            {"code_verifier": "ü" * 43},
            {"redirect_uri": "https://app.example.com/back/"},
            {"redirect_uri": "https://evil.example.com/back"},
        ],
    )
    async def test_a_request_that_does_not_fit_uses_the_code_up(
        self, ada: Person, planner: OAuthApp, wrong: dict[str, str]
    ) -> None:
        code = await planner.code(ada)
        await self.refused(await planner.exchange(code, **wrong))
        await self.refused(await planner.exchange(code))
        assert await tokens(ada) == []

    async def test_a_code_is_for_the_app_that_asked(
        self, ada: Person, planner: OAuthApp, app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        other = await new_app(app.state.resources.database, client, "Another")
        code = await planner.code(ada)
        await self.refused(await planner.exchange(code, client_id=other.id))
        assert await tokens(ada) == []

    async def test_a_code_ends_after_a_minute(self, ada: Person, planner: OAuthApp, database_url: str) -> None:
        code = await planner.code(ada)
        with as_table_owner(database_url, "oauth_grants") as owner:
            [[left]] = owner.execute(
                "select expires_at - created_at from oauth_grants where user_id = %s", [ada.id]
            ).fetchall()
            owner.execute("update oauth_grants set expires_at = now() where user_id = %s", [ada.id])
        assert left == timedelta(seconds=60)
        await self.refused(await planner.exchange(code))

    async def test_of_two_at_once_one_gets_a_token_and_it_is_revoked(self, ada: Person, planner: OAuthApp) -> None:
        code = await planner.code(ada)
        answers = await asyncio.gather(*(planner.exchange(code) for _ in range(4)))
        assert sorted(each.status_code for each in answers) == [200, 400, 400, 400]
        assert await tokens(ada) == []

    async def test_codes_are_kept_as_hashes(self, ada: Person, planner: OAuthApp, database_url: str) -> None:
        code = await planner.code(ada)
        with as_table_owner(database_url, "oauth_grants") as owner:
            stored = str(owner.execute("select to_jsonb(g)::text from oauth_grants g").fetchall())
        assert ada.id in stored
        assert code not in stored
        assert code.encode().hex() not in stored

    @pytest.mark.parametrize(
        ("wrong", "error", "status"),
        [
            ({"grant_type": "refresh_token"}, "unsupported_grant_type", 400),
            ({"grant_type": None}, "unsupported_grant_type", 400),
            ({"code_verifier": None}, "invalid_request", 400),
            ({"code": None}, "invalid_request", 400),
            ({"client_id": None}, "invalid_client", 401),
            ({"client_id": "x"}, "invalid_client", 401),
            ({"client_id": str(uuid4())}, "invalid_client", 401),
            ({"resource": "https://other.example.com/mcp"}, "invalid_target", 400),
            ({"code": "\x00"}, "invalid_grant", 400),
        ],
    )
    async def test_other_requests_for_a_token_are_refused(
        self, ada: Person, planner: OAuthApp, wrong: dict[str, str | None], error: str, status: int
    ) -> None:
        given = {"grant_type": "authorization_code", "client_id": planner.id, "code_verifier": planner.verifier}
        code = await planner.code(ada)
        await self.refused(await planner.post("token", **{**given, "code": code, **wrong}), error, status)

    @pytest.mark.parametrize(
        ("content", "headers"),
        [
            (b'{"grant_type": "authorization_code"}', {"Content-Type": "application/json"}),
            (b"client_id=1&client_id=2", {"Content-Type": "application/x-www-form-urlencoded"}),
            (b"client_id=\xff", {"Content-Type": "application/x-www-form-urlencoded"}),
            (b"&".join(b"a%d=1" % n for n in range(100)), {"Content-Type": "application/x-www-form-urlencoded"}),
        ],
    )
    async def test_a_body_that_cannot_be_read_is_refused(
        self, client: httpx.AsyncClient, content: bytes, headers: dict[str, str]
    ) -> None:
        await self.refused(await client.post("/oauth/token", content=content, headers=headers), "invalid_request")

    async def test_there_are_no_secrets_of_apps(self, planner: OAuthApp) -> None:
        response = await planner.http.post("/oauth/token", data={"client_id": planner.id}, auth=(planner.id, "secret"))
        await self.refused(response, "invalid_client", 401)

    async def test_a_user_has_few_codes_and_as_many_tokens_as_elsewhere(
        self, ada: Person, planner: OAuthApp, database_url: str
    ) -> None:
        for _ in range(grants.MAX_PENDING):
            await planner.code(ada)
        assert (await planner.decided(ada)).status_code == 409
        with as_table_owner(database_url, "oauth_grants") as owner:
            owner.execute("update oauth_grants set expires_at = now() where user_id = %s", [ada.id])
        code = await planner.code(ada)
        with as_table_owner(database_url, "oauth_grants") as owner:
            assert owner.execute("select from oauth_grants where user_id = %s", [ada.id]).rowcount == 1
        for number in range(api_tokens.MAX_TOKENS):
            await ada.call("POST", "/api/auth/tokens", json={"name": str(number)})
        assert (await planner.decided(ada)).status_code == 409
        await self.refused(await planner.exchange(code))


class TestRequestsForAccess:
    @pytest.mark.parametrize(
        "foreign",
        [
            {"client_id": None},
            {"client_id": str(uuid4())},
            {"client_id": "' or 1=1"},
            {"redirect_uri": None},
            {"redirect_uri": "https://evil.example.com/back"},
            {"redirect_uri": "https://app.example.com/back/../evil"},
            {"redirect_uri": "https://app.example.com/back?x=1"},
            {"redirect_uri": "https://app.example.com/back#"},
            {"redirect_uri": "https://app.example.com@evil.example.com/back"},
            {"redirect_uri": "https://app.example.com:444/back"},
            {"redirect_uri": "https://APP.example.com/back"},
            {"redirect_uri": "http://app.example.com/back"},
            {"redirect_uri": "javascript:alert(1)"},
        ],
    )
    async def test_a_foreign_request_leads_nowhere(
        self, ada: Person, planner: OAuthApp, foreign: dict[str, str | None]
    ) -> None:
        page = await planner.page(**foreign)

        assert page.status_code == 400
        assert "location" not in page.headers
        assert set(re.findall(r'<a [^>]*href="([^"]*)"', page.text)) == {"/"}
        assert (await planner.decided(ada, planner.query(**foreign))).status_code == 422

    async def test_a_parameter_that_is_there_twice_leads_nowhere(self, planner: OAuthApp) -> None:
        page = await planner.http.get(f"/oauth/authorize?{planner.query()}&redirect_uri=https%3A%2F%2Fevil.example.com")
        assert page.status_code == 400
        assert "evil" not in page.text

    @pytest.mark.parametrize(
        ("wrong", "error"),
        [
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"response_type": None}, "unsupported_response_type"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"code_challenge_method": None}, "invalid_request"),
            ({"code_challenge": None}, "invalid_request"),
            ({"code_challenge": "short"}, "invalid_request"),
            ({"code_challenge": "+" * 43}, "invalid_request"),
            ({"resource": "https://other.example.com/mcp"}, "invalid_target"),
            ({"resource": f"{BASE}/mcp/../other"}, "invalid_target"),
            ({"state": "a\nb"}, "invalid_request"),
        ],
    )
    async def test_a_request_that_cannot_be_granted_is_told_and_sends_nobody_by_itself(
        self, ada: Person, planner: OAuthApp, wrong: dict[str, str | None], error: str
    ) -> None:
        page = await planner.page(**wrong)

        assert page.status_code == 400
        assert "location" not in page.headers
        [back] = re.findall(r'<a [^>]*href="([^"]*)"', page.text)
        answer = dict(parse_qsl(urlsplit(back.replace("&amp;", "&")).query))
        assert back.startswith(planner.redirect_uri)
        assert (answer["error"], answer["iss"]) == (error, BASE)
        assert answer.get("state") == (None if "state" in wrong else planner.state)
        assert (await planner.decided(ada, planner.query(**wrong))).status_code == 422

    async def test_who_decides_is_signed_in_and_calls_with_no_api_token(
        self, ada: Person, planner: OAuthApp, client: httpx.AsyncClient
    ) -> None:
        agent = with_token(ada, await planner.token(ada))
        assert (await planner.decided(agent)).status_code == 403
        body = {"query": planner.query(), "scope": "write", "days": 90}
        assert (await client.post("/oauth/authorize", json=body)).status_code == 401
        form = {"Content-Type": "text/plain"}
        response = await ada.call("POST", "/oauth/authorize", content=b"{}", headers=form)
        assert response.status_code == 415

    @pytest.mark.parametrize(
        "wrong",
        [
            {"scope": "admin"},
            {"scope": None},
            {"days": 365},
            {"permissions": []},
            {"permissions": ["purge"]},
            {"tag": ""},
            {"tag": "x" * 51},
            {"tag": "a\x00b"},
            {"query": "x" * 8193},
        ],
    )
    async def test_a_malformed_decision_is_refused(self, ada: Person, planner: OAuthApp, wrong: dict[str, Any]) -> None:
        body = {"query": planner.query(), "scope": "write", "days": 90, **wrong}
        assert (await ada.call("POST", "/oauth/authorize", json=body)).status_code == 422

    async def test_the_page_is_neither_kept_nor_framed_and_runs_its_own_files_alone(self, planner: OAuthApp) -> None:
        page = await planner.page()

        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cross-origin-opener-policy"] == "same-origin"
        policy = page.headers["content-security-policy"]
        for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'"):
            assert part in policy
        assert "unsafe" not in policy
        assert "$" not in page.text
        for address in re.findall(r'(?:src|href)="(/oauth/page/[^"]+)"', page.text):
            file = await planner.http.get(address)
            assert (file.status_code, "immutable" in file.headers["cache-control"]) == (200, True)
        assert (await planner.http.get("/oauth/page/000000000000/consent.js")).status_code == 404

    async def test_a_hostile_name_is_text(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        hostile = '"><script>alert(1)</script>\u202e\u200b  $root'
        planner = await new_app(app.state.resources.database, client, hostile)
        page = await planner.page()
        assert "<script>alert" not in page.text
        assert "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt; $root" in page.text
        assert "\u202e" not in page.text


class TestRevocation:
    async def test_an_app_gives_its_token_back(
        self, ada: Person, planner: OAuthApp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(api_tokens, "CACHED_FOR", 0.0)
        token = await planner.token(ada)
        for _ in range(2):
            response = await planner.post("revoke", token=token, client_id=planner.id, token_type_hint="access_token")
            assert response.status_code == 200
        assert (await with_token(ada, token).call("GET", ada.tasks)).status_code == 401

    async def test_it_revokes_no_token_of_others(
        self, ada: Person, planner: OAuthApp, app: FastAPI, client: httpx.AsyncClient
    ) -> None:
        other = await new_app(app.state.resources.database, client, "Another")
        own = (await ada.call("POST", "/api/auth/tokens", json={"name": "script"})).json()["token"]
        for token in (own, await planner.token(ada), "x", "todo_pat_" + "0" * 72):
            assert (await other.post("revoke", token=token, client_id=other.id)).status_code == 200
        assert [each["name"] for each in await tokens(ada)] == ["Meal planner", "script"]
        assert (await other.post("revoke", token=own)).status_code == 401
        assert (await other.post("revoke", client_id=other.id)).status_code == 400

    async def test_a_token_that_its_person_revokes_ends_the_grant(
        self, ada: Person, planner: OAuthApp, database_url: str
    ) -> None:
        await planner.token(ada)
        [listed] = await tokens(ada)
        assert (await ada.call("DELETE", f"/api/auth/tokens/{listed['id']}")).status_code == 204
        with as_table_owner(database_url, "oauth_grants") as owner:
            assert owner.execute("select from oauth_grants where user_id = %s", [ada.id]).rowcount == 0


async def test_requests_cannot_read_the_tables(database_url: str) -> None:
    for query in (b"select from oauth_clients", b"select from oauth_grants"):
        with psycopg.connect(database_url) as owner:
            owner.execute("set local role todo_app")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                owner.execute(query)


def test_a_challenge_is_as_rfc_7636_has_it() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert grants._challenge(verifier) == challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
