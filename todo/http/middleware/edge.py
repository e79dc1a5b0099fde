"""The edge of the application: what holds for every request and response, in one layer."""

import logging
import re
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo.http.access_log import given_request_id
from todo.http.body import BODY_LIMIT
from todo.http.connection import EXTENSION
from todo.http.errors import problem_response, unknown_path
from todo.http.request_parser import TARGET_LIMIT
from todo.metrics.counts import UNMATCHED
from todo.observation import CURRENT
from todo.problems import ContentTooLarge, Problem, Unavailable, UriTooLong

log = logging.getLogger("todo")

Header = tuple[bytes, bytes]

POLICY = b"content-security-policy"
DATA = (POLICY, b"default-src 'none'; frame-ancestors 'none'")
"""Of every response that has no policy of its own: it is no page."""

EXTRA_HEADERS = "todo.extra_headers"
"""In the scope of an ordinary route: a list of headers that its response carries, whether it succeeds or not."""

ENCODED_SEPARATOR = re.compile(rb"%(?:2[Ff]|[01][0-9A-Fa-f]|7[Ff])")
"""A slash or a control character that decoding would put between or into the segments of a path (RFC 3986 §2.2)."""

ALWAYS_SERVED = "/health/live"
"""Served also above the limit of connections: a busy process need not be killed."""


def security_headers(*, secure: bool, hsts_max_age: int) -> list[Header]:
    """What every response says to a browser: believe its content type, do not run or frame it, keep to https.

    `hsts_max_age` seconds, unless 0, go only to clients that came by https (RFC 6797 §7.2).
    """
    headers = [
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-resource-policy", b"same-origin"),  # which reads by CORS, as front ends make them, ignore
        DATA,
    ]
    if secure and hsts_max_age:
        headers.append((b"strict-transport-security", b"max-age=%d" % hsts_max_age))
    return headers


class FastRoute(Protocol):
    """What dispatch needs of a route."""

    path: str
    methods: Any

    async def respond(self, request: Request) -> Response:
        """The response, errors included."""


class Edge:
    """Refuses connections above the limit, sends fast routes their requests, answers bugs, adds security headers.

    A path that ends in a slash is served like the one without, where a redirect would lose bodies and headers. HEAD is
    served wherever GET is. Below `root_path`, requests are served with this prefix and without it.
    """

    def __init__(
        self, app: ASGIApp, routes: Iterable[FastRoute] = (), hsts_max_age: int = 0, root_path: str = ""
    ) -> None:
        self._app = app
        self._root_path = root_path
        self._plain = security_headers(secure=False, hsts_max_age=hsts_max_age)
        self._secure = security_headers(secure=True, hsts_max_age=hsts_max_age)
        self._routes: dict[str, list[tuple[re.Pattern[str], FastRoute]]] = {}
        for route in routes:
            pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path) + r"\Z")
            for method in {*route.methods} | ({"HEAD"} if "GET" in route.methods else set()):
                self._routes.setdefault(method, []).append((pattern, route))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = self._secure if scope["scheme"] == "https" else self._plain
        connection = scope.get("extensions", {}).get(EXTENSION)
        path: str = scope["path"]
        root: str = scope.get("root_path") or self._root_path
        if root:
            path = path.removeprefix(root) if path == root or path.startswith(f"{root}/") else path
            scope = {**scope, "root_path": root, "path": f"{root}{path or '/'}"}
        if connection is not None and connection.over_limit and path != ALWAYS_SERVED:
            response = problem_response(Unavailable("The server has as many connections as it can serve."), scope)
            response.headers["Connection"] = "close"
            await self._pass_on(response, scope, receive, send, headers)
            return
        raw_path = scope.get("raw_path") or b""
        if len(raw_path) + len(scope["query_string"]) > TARGET_LIMIT:
            await self._pass_on(problem_response(UriTooLong(), {**scope, "path": ""}), scope, receive, send, headers)
            return
        if b"%" in raw_path and ENCODED_SEPARATOR.search(raw_path):
            await self._pass_on(unknown_path(scope), scope, receive, send, headers)
            return
        if path.endswith("/") and path != "/":
            path = path[:-1]
            scope = {**scope, "path": root + path}
        for pattern, route in self._routes.get(scope["method"], ()):
            if found := pattern.match(path):
                scope["path_params"] = found.groupdict()
                if (record := CURRENT.get()) is not None:
                    record.route = route.path
                await self._respond(route, scope, receive, send, headers)
                return
        await self._pass_on(self._app, scope, receive, send, headers)

    async def _respond(
        self, route: FastRoute, scope: Scope, receive: Receive, send: Send, headers: Sequence[Header]
    ) -> None:
        try:
            response = await route.respond(Request(scope, receive))
        except ClientDisconnect:
            _log_hang_up(scope, route.path)
            return
        except Exception as error:  # noqa: BLE001 # a bug, which is logged
            response = _bug(scope, route.path, error)
        response.raw_headers.extend(headers)
        if scope["method"] == "HEAD":
            response.body = b""  # its Content-Length stays
        try:
            await response(scope, receive, send)
        except Exception as error:
            _log_bug(scope, route.path, error)
            raise  # the connection is closed, so that half a response never looks whole

    async def _pass_on(
        self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, headers: Sequence[Header]
    ) -> None:
        """The same for what has no fast route: ordinary routes, pages, static files, 404 and 405."""
        head_only, root = scope["method"] == "HEAD", scope.get("root_path", "")
        if head_only:
            scope = {**scope, "method": "GET"}  # which ordinary routes serve
        started = ended = False
        received = 0
        extra: list[Header] = []
        scope[EXTRA_HEADERS] = extra
        scope["headers"] = [_without_backslashes(header) for header in scope["headers"]]

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > BODY_LIMIT:
                raise HTTPException(413, ContentTooLarge.detail)  # FastAPI passes no other exception on
            return message

        async def with_headers(message: Message) -> None:
            nonlocal started, ended
            if ended:
                return
            if message["type"] == "http.response.start":
                started = True
                own = message.get("headers", ())
                added = [each for each in headers if each is not DATA] if POLICY in dict(own) else headers
                message["headers"] = [*own, *extra, *added]
            elif head_only:
                ended, message = True, {"type": "http.response.body"}
            await send(message)

        try:
            await app(scope, bounded, with_headers)
        except ClientDisconnect:
            _log_hang_up(scope, _template(scope, root))
        except Exception as error:
            if started:
                _log_bug(scope, _template(scope, root), error)
                raise
            await _bug(scope, _template(scope, root), error)(scope, receive, with_headers)
        finally:
            if (record := CURRENT.get()) is not None:
                record.route = _template(scope, root)


def _without_backslashes(header: Header) -> Header:
    """No cookie may have a backslash (RFC 6265 §4.1.1), and Python before 3.11.10 unquotes them in quadratic time.

    FastAPI parses all cookies of a request to an ordinary route (CVE-2024-7592).
    """
    name, value = header
    return (name, value.replace(b"\\", b"")) if name == b"cookie" else header


def _template(scope: Scope, root: str) -> str | None:
    """The template of the path of a request that an ordinary route or a mounted application has served."""
    route: FastRoute | None = scope.get("route")
    if route is not None:
        return route.path
    mounted: str = scope["root_path"]
    if mounted != root:
        return mounted.removeprefix(root) + "/{path}"
    known = scope.get("endpoint") is not None and not scope.get("path_params")
    path: str = scope["path"]
    return path.removeprefix(root) if known else None


def _log_hang_up(scope: Scope, template: str | None) -> None:
    log.debug("a client hung up in the middle of its request: %s %s", scope["method"], template or UNMATCHED)


def _log_bug(scope: Scope, template: str | None, error: Exception) -> str:
    """Log it by its template: a path has ids, and may have a secret. The id of the request."""
    record = CURRENT.get()
    request_id = (record.request_id if record else "") or given_request_id(scope["headers"]) or str(uuid.uuid4())
    log.error("request %s failed: %s %s", request_id, scope["method"], template or UNMATCHED, exc_info=error)
    return request_id


def _bug(scope: Scope, template: str | None, error: Exception) -> Response:
    """A 500 that shows nothing but a request id, which is in the log."""
    detail = "Something went wrong on our side. The request id finds it in the log."
    request_id = _log_bug(scope, template, error)
    response = problem_response(Problem(detail, request_id=request_id), scope)
    record = CURRENT.get()
    if record is None or not record.request_id:  # otherwise every response has it
        response.headers["X-Request-Id"] = request_id
    return response
