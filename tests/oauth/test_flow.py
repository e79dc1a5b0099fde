"""From a request for access to a token, the whole way."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from tests.conftest import Person
from tests.support.oauth import LOOPBACK, OAuthApp, challenge_of, new_app, tokens, with_token
from tests.support.sql_conditions import as_table_owner
from todo.accounts import actions
from todo.oauth import grants

pytestmark = pytest.mark.anyio

BASE = "http://todo"


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


async def test_requests_cannot_read_the_tables(database_url: str) -> None:
    for query in (b"select from oauth_clients", b"select from oauth_grants"):
        with psycopg.connect(database_url) as owner:
            owner.execute("set local role todo_app")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                owner.execute(query)


def test_a_challenge_is_as_rfc_7636_has_it() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert grants._challenge(verifier) == challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
