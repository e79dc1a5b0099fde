"""Codes: what is refused when one is exchanged for a token."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import Person
from tests.support.oauth import OAuthApp, new_app, tokens, with_token
from tests.support.sql_conditions import as_table_owner
from todo.accounts import api_tokens
from todo.oauth import grants

pytestmark = pytest.mark.anyio

BASE = "http://todo"


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
