"""Requests for access: which are shown to a person, and which are refused."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import Person
from tests.support.oauth import OAuthApp, new_app, with_token

pytestmark = pytest.mark.anyio

BASE = "http://todo"


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
