"""How clients find the authorization server, where it is published at the root, below a path, or elsewhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from tests.conftest import http, running, settings_for
from tests.support.external_issuer import SECRET
from todo.app import create_app
from todo.db import migrate
from todo.oauth import addresses

pytestmark = pytest.mark.anyio

RESOURCE = "/.well-known/oauth-protected-resource"
SERVER = "/.well-known/oauth-authorization-server"


@asynccontextmanager
async def serving(url: str, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with running(create_app(settings_for(url, mcp=True, **settings))) as app, http(app) as client:
        yield client


async def test_the_resource_names_the_server_and_the_server_its_addresses(client: httpx.AsyncClient) -> None:
    resource = (await client.get(f"{RESOURCE}/mcp")).json()
    assert resource == {
        "resource": "http://todo/mcp",
        "authorization_servers": ["http://todo"],
        "bearer_methods_supported": ["header"],
        "resource_name": "todo",
        "scopes_supported": ["read", "write"],
    }
    assert (await client.get(RESOURCE)).json() == resource | {"resource": "http://todo"}
    assert (await client.get(SERVER)).json() == {
        "issuer": "http://todo",
        "authorization_endpoint": "http://todo/oauth/authorize",
        "token_endpoint": "http://todo/oauth/token",
        "revocation_endpoint": "http://todo/oauth/revoke",
        "registration_endpoint": "http://todo/oauth/register",
        "scopes_supported": ["read", "write"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "protected_resources": ["http://todo/mcp"],
    }


async def test_public_url_and_root_path_are_in_all_of_it(database_url: str) -> None:
    async with serving(database_url, public_url="https://example.com/todo", root_path="/todo") as client:
        for path in (f"/todo{RESOURCE}/mcp", f"{RESOURCE}/mcp", f"{RESOURCE}/todo/mcp"):
            found = (await client.get(path, headers={"Host": "other.example.com"})).json()
            assert found["resource"] == "https://example.com/todo/mcp", path
            assert found["authorization_servers"] == ["https://example.com/todo"]
        for path in (f"{SERVER}/todo", f"/todo{SERVER}", "/todo/.well-known/openid-configuration"):
            found = (await client.get(path)).json()
            assert found["issuer"] == "https://example.com/todo"
            assert found["token_endpoint"] == "https://example.com/todo/oauth/token"
            assert "registration_endpoint" not in found


async def test_without_public_url_the_address_is_that_of_the_request(database_url: str) -> None:
    async with serving(database_url, root_path="/todo") as client:
        found = (await client.get(f"/todo{SERVER}", headers={"Host": "example.com:8443"})).json()
        assert found["issuer"] == "http://example.com:8443/todo"


async def test_an_external_issuer_is_named_and_nothing_else_is_served(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    issuer = {"jwt_secret": SECRET, "jwt_issuer": "https://accounts.example.com/"}
    async with serving(empty_url, mcp_registration=True, **issuer) as client:
        found = (await client.get(f"{RESOURCE}/mcp")).json()
        assert found["authorization_servers"] == ["https://accounts.example.com/"]
        assert "scopes_supported" not in found
        for method, path in (("GET", SERVER), ("GET", "/oauth/authorize"), ("POST", "/oauth/token")):
            assert (await client.request(method, path)).status_code == 404, path
        assert (await client.post("/oauth/register", json={})).status_code == 404
    async with serving(empty_url, jwt_secret=SECRET) as client:
        assert (await client.get(f"{RESOURCE}/mcp")).status_code == 404


async def test_nothing_of_it_is_served_without_mcp(database_url: str) -> None:
    async with running(create_app(settings_for(database_url))) as app, http(app) as client:
        for path in (RESOURCE, f"{RESOURCE}/mcp", SERVER, "/oauth/authorize", "/oauth/page/x/consent.js"):
            assert (await client.get(path)).status_code == 404, path
        for path in ("/oauth/token", "/oauth/register", "/oauth/revoke", "/oauth/authorize"):
            assert (await client.post(path, json={})).status_code == 404, path


@pytest.mark.parametrize(
    ("settings", "header", "said"),
    [
        ({}, None, 'Bearer realm="todo", resource_metadata="http://todo/.well-known/oauth-protected-resource/mcp"'),
        (
            {"public_url": "https://example.com/todo"},
            "Bearer x",
            (
                'Bearer realm="todo", error="invalid_token", '
                'resource_metadata="https://example.com/todo/.well-known/oauth-protected-resource/mcp"'
            ),
        ),
        ({"jwt_secret": SECRET}, None, 'Bearer realm="todo"'),
    ],
)
def test_a_refusal_of_mcp_says_where_the_metadata_is(settings: dict[str, Any], header: str | None, said: str) -> None:
    headers = [(b"host", b"todo")] + ([(b"authorization", header.encode())] if header else [])
    scope = {"type": "http", "scheme": "http", "path": "/mcp", "root_path": "", "query_string": b"", "headers": headers}
    assert addresses.challenge(Request(scope), settings_for("postgresql://x/x", mcp=True, **settings)) == said
