"""The MCP server on standard input and output, for a program that starts `todo mcp`."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version

from mcp.server.stdio import stdio_server

from todo.mcp.client import ToolClient
from todo.mcp.server import Context, client_name, make_server


def run(make_client: Callable[[str | None], ToolClient]) -> None:
    """Serve until standard input ends. `make_client` makes the client of all calls, for an agent of this name."""
    asyncio.run(_serve(make_client))


async def _serve(make_client: Callable[[str | None], ToolClient]) -> None:
    async with AsyncExitStack() as stack:
        client: ToolClient | None = None

        @asynccontextmanager
        async def connect(context: Context) -> AsyncIterator[ToolClient]:
            nonlocal client
            if client is None:
                client = make_client(client_name(context))
                stack.push_async_callback(client.aclose)
            yield client

        server = make_server(version("todo-task-api"), connect)
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())
