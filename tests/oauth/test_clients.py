"""Apps that register themselves, or are registered by the operator; and where they may send people."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import Person, http, running, settings_for
from tests.support.oauth import REDIRECT, OAuthApp
from tests.support.processes import run_command
from tests.support.sql_conditions import as_table_owner
from todo.accounts import api_tokens
from todo.app import create_app
from todo.oauth import clients, redirects
from todo.oauth.clients import UNNAMED, cleaned

pytestmark = pytest.mark.anyio

REGISTRATION = {"client_name": "Meal planner", "redirect_uris": [REDIRECT]}


async def registered(client: httpx.AsyncClient, **others: Any) -> httpx.Response:
    return await client.post("/oauth/register", json=REGISTRATION | others)


class TestRegistration:
    async def test_an_app_registers_itself_and_asks(self, ada: Person, client: httpx.AsyncClient) -> None:
        asked = {"token_endpoint_auth_method": "client_secret_post", "scope": "x", "logo_uri": "https://x.example.com/"}
        response = await registered(client, grant_types=["authorization_code", "refresh_token"], **asked)

        assert response.status_code == 201
        assert response.headers["cache-control"] == "no-store"
        made = response.json()
        assert made.pop("client_id_issued_at") > 1_700_000_000
        app = OAuthApp(client, made.pop("client_id"))
        assert made == REGISTRATION | {
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "scope": "read write",
        }
        assert await app.token(ada)

    @pytest.mark.parametrize(
        ("wrong", "error"),
        [
            ({"redirect_uris": None}, "invalid_redirect_uri"),
            ({"redirect_uris": []}, "invalid_redirect_uri"),
            ({"redirect_uris": REDIRECT}, "invalid_redirect_uri"),
            ({"redirect_uris": [REDIRECT] * 11}, "invalid_redirect_uri"),
            ({"redirect_uris": [1]}, "invalid_redirect_uri"),
            ({"redirect_uris": [REDIRECT, "javascript:alert(1)"]}, "invalid_redirect_uri"),
            ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
            ({"response_types": ["token"]}, "invalid_client_metadata"),
            ({"response_types": "code"}, "invalid_client_metadata"),
        ],
    )
    async def test_what_cannot_be_served_is_refused(
        self, client: httpx.AsyncClient, wrong: dict[str, Any], error: str
    ) -> None:
        response = await registered(client, **wrong)
        assert (response.status_code, response.json()["error"]) == (400, error)
        assert "javascript" not in response.text

    @pytest.mark.parametrize("content", [b"", b"[]", b"{", b'"x"', b"\xff", b"[" * 10_000])
    async def test_what_is_no_object_is_refused(self, client: httpx.AsyncClient, content: bytes) -> None:
        response = await client.post("/oauth/register", content=content, headers={"Content-Type": "application/json"})
        assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")

    async def test_bodies_are_bounded(self, client: httpx.AsyncClient) -> None:
        assert (await registered(client, client_name="x" * 70_000)).status_code == 413
        assert (await client.post("/oauth/token", content=b"x" * 70_000)).status_code == 413

    async def test_it_is_off_unless_it_is_switched_on(self, database_url: str) -> None:
        async with running(create_app(settings_for(database_url, mcp=True))) as app, http(app) as client:
            assert (await registered(client)).status_code == 404

    async def test_an_address_registers_few_and_is_refused_few_times(self, database_url: str) -> None:
        settings = settings_for(database_url, mcp=True, mcp_registration=True, rate_limit="6000/minute")
        async with running(create_app(settings)) as app, http(app) as client:
            assert [(await registered(client)).status_code for _ in range(21)] == [201] * 20 + [429]
            answers = [await client.post("/oauth/token", data={"client_id": "x"}) for _ in range(101)]
            assert {each.status_code for each in answers[:-1]} == {401}
            assert answers[-1].status_code == 429
            assert int(answers[-1].headers["retry-after"]) > 0
            assert (await client.get("/oauth/authorize?client_id=x")).status_code == 429

    async def test_one_more_than_are_kept_replaces_one_that_was_never_used(
        self, ada: Person, client: httpx.AsyncClient, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with as_table_owner(database_url, "oauth_clients") as owner:
            owner.execute("delete from oauth_clients where origin = 'registration'")
        monkeypatch.setattr(clients, "ADD", _limited_to(2))
        used, unused = [OAuthApp(client, (await registered(client)).json()["client_id"]) for _ in range(2)]
        await used.token(ada)
        assert (await registered(client)).status_code == 429
        with as_table_owner(database_url, "oauth_clients") as owner:
            owner.execute("update oauth_clients set created_at = now() - interval '2 hours'")
        assert (await registered(client)).status_code == 201
        assert (await used.page()).status_code == 200
        assert (await unused.page()).status_code == 400


def _limited_to(most: int) -> Any:
    [name] = [key for key, value in clients.ADD.constants.items() if value == clients.MAX_REGISTERED]
    return replace(clients.ADD, constants={**clients.ADD.constants, name: most})


class TestTheOperator:
    def test_adds_lists_and_removes_clients(self, database_url: str) -> None:
        def run(*arguments: str) -> str:
            done = run_command("client", *arguments, database_url=database_url)
            assert done.returncode == 0, done.stderr
            return done.stdout.strip()

        made = run("add", "The planner", "--redirect-uri", REDIRECT, "--redirect-uri", "http://127.0.0.1/back")
        assert f"{made}\toperator\tnever\t{REDIRECT} http://127.0.0.1/back\tThe planner" in run("list").splitlines()
        assert run("remove", made) == ""
        assert made not in run("list")
        done = run_command("client", "remove", made, database_url=database_url)
        assert (done.returncode, done.stderr) == (1, "todo: There is no such client.\n")

    @pytest.mark.parametrize(
        ("name", "uri"), [("x", "http://example.com/"), ("", REDIRECT), ("a\u202eb", REDIRECT), ("x" * 61, REDIRECT)]
    )
    def test_is_told_what_cannot_be_added(self, name: str, uri: str, database_url: str) -> None:
        done = run_command("client", "add", name, "--redirect-uri", uri, database_url=database_url)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        assert "must be" in done.stderr

    async def test_removes_the_tokens_of_a_client_with_it(
        self, ada: Person, planner: OAuthApp, app: FastAPI, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(api_tokens, "CACHED_FOR", 0.0)
        token = await planner.token(ada)
        own = (await ada.call("POST", "/api/auth/tokens", json={"name": "script"})).json()["token"]
        await clients.remove(app.state.resources.database, UUID(planner.id))
        for each, status in ((token, 401), (own, 200)):
            response = await ada.client.get(ada.tasks, headers={"Authorization": f"Bearer {each}"})
            assert response.status_code == status
        assert (await planner.page()).status_code == 400


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example.com/back",
        "https://app.example.com",
        "https://app.example.com:8443/back?x=1",
        "https://xn--bcher-kva.example/back",
        "https://[2001:db8::1]/back",
        "http://127.0.0.1/back",
        "http://127.0.0.1:8080/back",
        "http://[::1]:1/",
        "http://localhost:3000/callback",
        "cursor://anysphere.cursor-retrieval/oauth/callback",
        "com.example.app:/back",
    ],
)
def test_these_may_be_registered(uri: str) -> None:
    assert redirects.registered(uri) == uri
    assert redirects.matches(uri, [uri])


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "back",
        "/back",
        "//app.example.com/back",
        "https:app.example.com",
        "https:///back",
        "https://user@app.example.com/",
        "https://user:password@app.example.com/",
        "https://app.example.com\\@evil.example.com/",
        "https://app.example.com/#fragment",
        "https://app.example.com/ x",
        "https://app.example.com/\n",
        "https://app.example.com:0/",
        "https://app.example.com:x/",
        "https://bücher.example/back",
        "https://app..example.com/",
        "https://" + "x" * 500,
        "HTTPS://app.example.com/",
        "http://app.example.com/",
        "http://127.0.0.1.example.com/",
        "http://127.0.0.1@evil.example.com/",
        "http://localhost.evil.example.com/",
        "http://127.0.0.1:80:80/",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "vbscript:x",
        "ms-msdt:/id",
        "blob:https://app.example.com/x",
        "cursor:",
    ],
)
def test_these_may_not_be_registered(uri: str) -> None:
    with pytest.raises(ValueError, match=r"^must"):
        redirects.registered(uri)


@pytest.mark.parametrize(
    ("uri", "allowed"),
    [
        ("http://127.0.0.1:1/other", "http://127.0.0.1/back"),
        ("http://localhost:1/back", "http://127.0.0.1/back"),
        ("http://[::1]:1/back", "http://127.0.0.1/back"),
        ("http://127.0.0.1:1/back?x", "http://127.0.0.1/back"),
        ("http://127.0.0.1:1@evil.example.com/back", "http://127.0.0.1/back"),
        ("https://127.0.0.1:1/back", "https://127.0.0.1/back"),
        ("https://app.example.com:1/back", "https://app.example.com/back"),
        ("https://app.example.com/?to=http://127.0.0.1:1/", "https://app.example.com/?to=http://127.0.0.1:2/"),
        ("cursor://b/", "cursor://a/"),
    ],
)
def test_these_do_not_match(uri: str, allowed: str) -> None:
    assert not redirects.matches(uri, [allowed])


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("  Meal\n planner ", "Meal planner"),
        ("Ünïcödé 植物 🌿", "Ünïcödé 植物 🌿"),
        ("नमस्ते", "नमस्ते"),
        ("a\u202eb\u200b\u2066c\x00\x7f\ufeff", "abc"),
        ("a" + "\u0301" * 50, "á\u0301\u0301"),
        ("\u3164\u2800", UNNAMED),
        ("x" * 500, "x" * 60),
        ("", UNNAMED),
        (None, UNNAMED),
        (["x"], UNNAMED),
        ("\ud800x", "x"),
    ],
)
def test_names_are_cleaned(name: object, shown: str) -> None:
    assert cleaned(name) == shown
    json.dumps(cleaned(name)).encode()
