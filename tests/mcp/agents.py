"""Agents: the official client of MCP, over both transports, and what it is answered."""

import json
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import httpx2
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, Implementation, TextContent

from tests.conftest import PASSWORD
from tests.support.processes import TODO, Server

KINDS = ["http", "http of 2025", "stdio"]
"""Streamable HTTP of the revision 2026-07-28, that of 2025-11-25, and `todo mcp`."""
NAME = "Test Agent"
MARKED = re.compile(r"<(data-[0-9a-f]{16})>\n(.*)\n</\1>\Z", re.DOTALL)


@dataclass
class Human:
    """A person with an account, whom agents work for."""

    url: str
    folder: Path
    id: str
    token: str
    http: httpx.Client

    @classmethod
    def signs_up(cls, server: Server, folder: Path, name: str) -> "Human":
        email = f"{name}-{uuid.uuid4().hex[:8]}@example.com"
        response = server.http.post("/api/auth/signup", json={"email": email, "password": PASSWORD})
        assert response.status_code == 201, response.text
        session = response.json()
        url = f"http://127.0.0.1:{server.port}"
        return cls(url, folder, session["user"]["id"], session["access_token"], server.http)

    def call(self, method: str, path: str, **options: Any) -> Any:
        """The answer of the API to the person, without an agent."""
        headers = {"Authorization": f"Bearer {self.token}"}
        response = self.http.request(method, path.replace("~", f"/api/{self.id}"), headers=headers, **options)
        assert response.is_success, response.text
        return response.json() if response.content else None

    def api_token(self, **fields: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.call("POST", "/api/auth/tokens", json={"name": "for an agent", **fields})
        return made

    def titles(self) -> list[str]:
        return [task["title"] for task in self.call("GET", "~/tasks")]


class Agent:
    """A connected client."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def tries(self, tool: str, **arguments: Any) -> CallToolResult:
        return await self.client.call_tool(tool, arguments)

    async def does(self, tool: str, **arguments: Any) -> Any:
        """The structured answer of a call that succeeds; the text has the same."""
        result = await self.tries(tool, **arguments)
        assert not result.is_error, said(result)
        found = MARKED.search(said(result))
        assert found is not None
        assert json.loads(found[2]) == result.structured_content
        return result.structured_content

    async def is_refused(self, tool: str, **arguments: Any) -> str:
        """What is said of a call that fails."""
        result = await self.tries(tool, **arguments)
        assert result.is_error, said(result)
        assert result.structured_content is None
        return said(result)


def said(result: CallToolResult) -> str:
    """The text of an answer."""
    [content] = result.content
    assert isinstance(content, TextContent)
    return content.text


@asynccontextmanager
async def agent(
    kind: str, human: Human, token: str | None = None, url: str | None = None, name: str = NAME
) -> AsyncIterator[Agent]:
    """An agent that works for somebody, with their token or another one."""
    token, url = token or human.token, url or human.url
    client_info = Implementation(name=name, version="1")
    async with AsyncExitStack() as stack:
        if kind == "stdio":
            environment = {"TODO_URL": url, "TODO_TOKEN": token, "HOME": str(human.folder), "TZ": "UTC"}
            log = stack.enter_context((human.folder / "stderr.log").open("a"))
            transport = stdio_client(StdioServerParameters(command=TODO, args=["mcp"], env=environment), errlog=log)
        else:
            headers = {"Authorization": f"Bearer {token}"}
            http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=60))
            transport = streamable_http_client(f"{url}/mcp", http_client=http)
        mode = "legacy" if kind == "http of 2025" else "auto"
        yield Agent(await stack.enter_async_context(Client(transport, mode=mode, client_info=client_info)))
