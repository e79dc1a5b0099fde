"""The official client finds the server, registers, asks, and works: by `mcp.client.auth` against /mcp."""

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from mcp.client import Client
from mcp.client.auth import OAuthClientProvider, OAuthRegistrationError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from tests.conftest import PASSWORD
from tests.support.processes import Server, run_command, serving

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

REDIRECT = "http://127.0.0.1:3030/callback"


class Memory:
    """What the client keeps."""

    def __init__(self, client: OAuthClientInformationFull | None = None) -> None:
        self.client = client
        self.tokens: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Person:
    """Somebody who allows what the client asks for."""

    def __init__(self, server: Server, root: str = "", **decision: Any) -> None:
        account = {"email": f"ada-{uuid.uuid4().hex[:8]}@example.com", "password": PASSWORD}
        session = server.http.post(f"{root}/api/auth/signup", json=account).json()
        self.headers = {"Authorization": f"Bearer {session['access_token']}"}
        self.home = f"{root}/api/{session['user']['id']}"
        self.decision = {"scope": "write", "days": 30} | decision
        self.server, self.root = server, root
        self.back = ""

    async def sees(self, url: str) -> None:
        """The page is there, and is decided about."""
        assert self.server.http.get(url).status_code == 200
        body = {"query": urlsplit(url).query} | self.decision
        answer = self.server.http.post(f"{self.root}/oauth/authorize", json=body, headers=self.headers)
        assert answer.status_code == 200, answer.text
        self.back = answer.json()["redirect_to"]

    async def returns(self) -> AuthorizationCodeResult:
        given = dict(parse_qsl(urlsplit(self.back).query))
        return AuthorizationCodeResult(code=given["code"], state=given["state"], iss=given["iss"])

    def get(self, path: str) -> Any:
        return self.server.http.get(path, headers=self.headers).json()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("official")
    with serving(folder, database_url=database_url, mcp="on", mcp_registration="on") as running:
        yield running


@asynccontextmanager
async def connected(person: Person, memory: Memory) -> AsyncIterator[Client]:
    url = f"http://127.0.0.1:{person.server.port}{person.root}/mcp"
    metadata = OAuthClientMetadata(client_name="Meal planner", redirect_uris=[AnyUrl(REDIRECT)])
    auth = OAuthClientProvider(url, metadata, memory, person.sees, person.returns)
    async with (
        httpx2.AsyncClient(auth=auth, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield client


async def test_it_registers_asks_and_works_within_its_fence(server: Server) -> None:
    ada, memory = Person(server, tag="groceries", permissions=["create", "complete"]), Memory()
    server.http.post(f"{ada.home}/tasks", json={"title": "A secret"}, headers=ada.headers)
    async with connected(ada, memory) as client:
        added = await client.call_tool("add_task", {"title": "Leeks"})
        listed = await client.call_tool("list_tasks", {})
        refused = await client.call_tool("delete_task", {"id": ada.get(f"{ada.home}/tasks?tag=groceries")[0]["id"]})

    assert not added.is_error
    assert [task["title"] for task in (listed.structured_content or {})["tasks"]] == ["Leeks"]
    assert refused.is_error
    assert memory.tokens is not None
    assert (memory.tokens.scope, memory.tokens.expires_in) == ("read write", 30 * 86_400)
    assert memory.tokens.refresh_token is None
    [token] = ada.get("/api/auth/tokens")
    assert (token["name"], token["tag"], token["agent"]) == ("Meal planner", "groceries", True)
    task = ada.get(f"{ada.home}/tasks?tag=groceries")[0]
    [change] = ada.get(f"{ada.home}/tasks/{task['id']}/history")
    assert (change["via"], change["agent"]) == ("agent", "Meal planner")


async def test_it_asks_again_when_its_token_was_revoked(server: Server) -> None:
    ada, memory = Person(server), Memory()
    async with connected(ada, memory) as client:
        await client.call_tool("list_tasks", {})
    assert memory.tokens is not None
    assert memory.client is not None
    first = memory.tokens.access_token
    form = {"token": first, "client_id": memory.client.client_id}
    assert server.http.post("/oauth/revoke", data=form).status_code == 200
    memory.tokens.access_token = f"{first[:-1]}x"  # as it is, a worker may still know it for half a minute
    async with connected(ada, memory) as client:
        assert not (await client.call_tool("list_tasks", {})).is_error
    assert memory.tokens.access_token != first


async def test_without_registration_it_works_as_the_operator_has_registered_it(
    tmp_path: Path, database_url: str
) -> None:
    with serving(tmp_path, database_url=database_url, mcp="on") as server:
        ada = Person(server)
        with pytest.RaisesGroup(OAuthRegistrationError, allow_unwrapped=True, flatten_subgroups=True):
            async with connected(ada, Memory()):
                pass
        command = ["client", "add", "Meal planner", "--redirect-uri", "http://127.0.0.1/callback"]
        client_id = run_command(*command, database_url=database_url).stdout.strip()
        known = OAuthClientInformationFull(client_id=client_id, redirect_uris=[AnyUrl(REDIRECT)])
        async with connected(ada, Memory(known)) as client:
            assert not (await client.call_tool("list_tasks", {})).is_error


async def test_below_a_root_path(tmp_path: Path, database_url: str) -> None:
    """By the addresses of RFC 8414 and RFC 9728, which have the path at their end."""
    settings = {"database_url": database_url, "mcp": "on", "mcp_registration": "on", "root_path": "/todo"}
    with serving(tmp_path, **settings) as server:
        ada = Person(server, "/todo")
        async with connected(ada, Memory()) as client:
            assert not (await client.call_tool("list_tasks", {})).is_error
