"""Whether /mcp is served, decided without the SDK, which takes half a second to import."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from todo.mcp.installed import MISSING, is_installed
from todo.settings import CannotStart, Settings


def served(app: FastAPI, settings: Settings) -> Callable[[], AbstractAsyncContextManager[None]]:
    """Add /mcp to the application where MCP=on; what is returned makes a block within which it is served.

    Raises CannotStart without the SDK.
    """
    if not settings.mcp:
        return _nothing
    if not is_installed():
        raise CannotStart(f"MCP: {MISSING}")
    from todo.mcp.endpoint import PATH, McpEndpoint

    endpoint = McpEndpoint(app, settings)
    app.add_route(PATH, endpoint, include_in_schema=False)  # type: ignore[arg-type] # an ASGI application
    return endpoint.running


@asynccontextmanager
async def _nothing() -> AsyncIterator[None]:
    yield
