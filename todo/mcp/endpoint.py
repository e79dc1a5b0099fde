"""/mcp of the server: streamable HTTP, whose tools call the API in this process as the caller.

Each POST is a whole exchange: there are no sessions, so any worker may answer it, and no streams, so that nothing holds
a shutdown up. The same Authorization header goes with the tools' own requests, which pass every stage of the API:
authentication, permissions, rate limits, row-level security.
"""

import ipaddress
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo import __version__
from todo.api.access import authenticate, declared_agent
from todo.api.resources import Resources
from todo.client import AsyncClient, Retry
from todo.http.body import BODY_LIMIT, read_body
from todo.http.errors import problem_response
from todo.mcp.server import Context, make_server, name_of
from todo.oauth.addresses import challenge
from todo.observation import CURRENT
from todo.problems import Forbidden, Problem, TooManyRequests, Unauthorized
from todo.settings import Settings

PATH = "/mcp"
INSIDE = "http://todo.internal"
"""The address that tools call, which is this process."""

CALLER = "todo.mcp.caller"
"""In the scope of a request: the id of the user, and what its header calls the agent."""

AT_ONCE = 16
"""Calls of one user that a worker runs at the same time."""

RETRY = Retry(attempts=3, total=8.0, first_wait=0.2)
"""Of requests in this process: what the database is away for is short, or told to the agent."""


class MethodNotAllowed(Problem):
    """Another method than POST."""

    status, title = 405, "Method Not Allowed"
    detail = "Only POST is served here: there are no sessions and no streams."

    def __init__(self) -> None:
        super().__init__(headers={"Allow": "POST"})


class Misdirected(Problem):
    """A Host that is not ours (RFC 9110 §15.5.20)."""

    status, title = 421, "Misdirected Request"
    detail = "This is not the host that PUBLIC_URL names."


class McpEndpoint:
    """The application at /mcp."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """`app` is the whole API, with everything that stands around it."""
        self._settings = settings
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._manager: StreamableHTTPSessionManager | None = None
        self._running: Counter[str] = Counter()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve within the block, by a manager of its own: one runs once."""
        self._manager = StreamableHTTPSessionManager(
            make_server(__version__, self._connect),
            json_response=True,
            stateless=True,
            max_request_body_size=BODY_LIMIT,
        )
        async with self._manager.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        user_id: str | None = None
        try:
            refuse_rebinding(request, self._settings)
            resources = Resources.of(request)
            caller = await authenticate(request, resources)
            if (record := CURRENT.get()) is not None:
                record.user_id = caller.user_id
            if request.method != "POST":
                raise MethodNotAllowed
            if resources.rate_limits is not None:  # the limits of agents count what tools ask for
                await resources.rate_limits.count_request(caller.user_id)
            declared = declared_agent(request)
            body = await read_body(request, json_expected=True)
            if self._running[caller.user_id] >= AT_ONCE:
                raise TooManyRequests(f"At most {AT_ONCE} calls of a user run at once: wait for one.", retry_after=1)
            user_id = caller.user_id
            self._running[user_id] += 1
            scope[CALLER] = user_id, declared
            assert self._manager is not None  # requests come within the block of `running`
            await self._manager.handle_request(scope, _replayed(body, receive), _uncached(send))
        except Problem as problem:
            if isinstance(problem, Unauthorized):
                problem.headers |= {"WWW-Authenticate": challenge(request, self._settings)}
            await problem_response(problem, scope)(scope, receive, send)
        finally:
            if user_id is not None:
                self._running[user_id] -= 1
                if not self._running[user_id]:
                    del self._running[user_id]

    @asynccontextmanager
    async def _connect(self, context: Context) -> AsyncIterator[AsyncClient]:
        """A client for one call, with the header of the request that it came by. It costs no connection."""
        request = context.request
        assert isinstance(request, Request)
        header = request.headers.get("authorization", "")
        user_id, declared = request.scope[CALLER]
        client = AsyncClient(
            INSIDE,
            header.partition(" ")[2].strip(),
            agent=declared or name_of(context),
            user_id=user_id,
            retry=RETRY,
            transport=_Borrowed(self._transport),
        )
        async with client:
            yield client


class _Borrowed(httpx.AsyncBaseTransport):
    """A transport that a client does not close."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._transport.handle_async_request(request)


def refuse_rebinding(request: Request, settings: Settings) -> None:
    """Refuse pages that reach this server by a name of their own (DNS rebinding), and pages of other origins.

    Where PUBLIC_URL is set, the Host must be its, or one that nobody can point here: an address, or a name without a
    dot. An Origin, which all browsers send with a POST, must be in CORS_ORIGINS, or be the server's own under such a
    host. Raises Misdirected or Forbidden.
    """
    public = urlsplit(settings.public_url or "")
    host = request.headers.get("host", "")
    name = _hostname(host)
    ours = name == public.hostname or _cannot_be_rebound(name)
    if public.hostname and not ours:
        raise Misdirected
    origin = request.headers.get("origin")
    if origin is None or origin in settings.cors_origins:
        return
    if not (ours and origin in {f"{request.url.scheme}://{host}", f"{public.scheme}://{public.netloc}"}):
        raise Forbidden("CORS_ORIGINS does not let this page call.")


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _cannot_be_rebound(name: str | None) -> bool:
    if not name:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "." not in name
    return True


def _replayed(body: bytes, receive: Receive) -> Receive:
    """What an application receives whose body has been read."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _uncached(send: Send) -> Send:
    async def with_header(message: Any) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"cache-control", b"no-store")]
        await send(message)

    return with_header
