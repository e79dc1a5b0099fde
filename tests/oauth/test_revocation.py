"""Revoking a token (RFC 7009)."""

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import Person
from tests.support.oauth import OAuthApp, new_app, tokens, with_token
from tests.support.sql_conditions import as_table_owner
from todo.accounts import api_tokens

pytestmark = pytest.mark.anyio

BASE = "http://todo"


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
