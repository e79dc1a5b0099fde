"""The MCP server on standard input and output, for a program that starts `todo mcp`."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version

from mcp.server.stdio import stdio_server

from todo.client import AsyncClient
from todo.mcp.server import Context, make_server, name_of


def run(make_client: Callable[[str], AsyncClient]) -> None:
    """Serve until standard input ends. `make_client` makes the client of all calls, for an agent of this name."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # else Ctrl-C waits for the thread that reads the next line
    asyncio.run(_serve(make_client))


async def _serve(make_client: Callable[[str], AsyncClient]) -> None:
    async with AsyncExitStack() as stack:
        client: AsyncClient | None = None

        @asynccontextmanager
        async def connect(context: Context) -> AsyncIterator[AsyncClient]:
            nonlocal client
            if client is None:
                client = make_client(name_of(context))
                stack.push_async_callback(client.aclose)
            yield client

        server = make_server(version("todo-task-api"), connect)
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())
