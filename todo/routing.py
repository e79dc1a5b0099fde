"""How a request comes to its endpoint: to its route, past who judges it, with its body, along the straight way."""

import inspect
import re
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi.routing import APIRoute
from starlette.convertors import StringConvertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from todo.problems import TOLD, ContentTooLarge, Problem, UnsupportedMediaType, render
from todo.straight import Plan, parsed

BODY_LIMIT = 64 * 1024  # bytes

BODY = "todo.body"
"""In a request's scope: its body, of a request that may have one."""

SAFE = {"GET", "HEAD", "OPTIONS"}
"""Methods that change nothing (RFC 9110 §9.2.1)."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
RawHeaders = Sequence[tuple[bytes, bytes]]


class JsonRoute(APIRoute):
    """A route whose body, where it takes one, is JSON of at most 64 KiB.

    FastAPI describes it and has read its signature; what is judged, in which order, and how it is called is ours.
    """

    async def judge(self, request: Request) -> RawHeaders:  # noqa: ARG002 # for those who judge
        """Headers for the answer. Raises a Problem when the request may not go on; its body has not been read yet."""
        return ()

    async def serve(self, request: Request, handle: Handler) -> Response:
        """The answer of the endpoint, for those who do something around it."""
        return await handle(request)

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """The first line of the endpoint's docstring is its summary, the rest its description; its name is its id."""
        summary, _, description = inspect.cleandoc(endpoint.__doc__ or "").partition("\n")
        options |= {"summary": summary.rstrip("."), "description": description.strip()}
        options["operation_id"] = options.get("operation_id") or endpoint.__name__
        super().__init__(path, endpoint, **options)
        self._plan = Plan(self.dependant)
        self._writes = self.body_field is not None or not SAFE.issuperset(self.methods or ())

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, in place of FastAPI's handler."""
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)  # which says so
            return
        try:
            response = await self._answer(Request(scope, receive))
        except Problem as problem:
            response = render(problem, scope)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        told = request.scope[TOLD] = await self.judge(request)
        if self._writes:
            request.scope[BODY] = await _bounded_body(request, is_taken=self.body_field is not None)
        response = await self.serve(request, self._call)
        response.raw_headers.extend(told)
        return response

    async def _call(self, request: Request) -> Response:
        body = parsed(request.scope[BODY]) if self.body_field is not None else None
        response: Response = await self._plan(request, body)
        return response


async def _bounded_body(request: Request, *, is_taken: bool) -> bytes:
    """The body of the request; raises ContentTooLarge, or UnsupportedMediaType where the body is taken.

    White space is no body. A body is counted as it comes, whatever its length was said to be.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > BODY_LIMIT:
        raise ContentTooLarge
    body = b""
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > BODY_LIMIT:
            raise ContentTooLarge
    content = body.strip(b" \t\r\n")
    if content and is_taken and not _is_json(request.headers.get("content-type", "")):
        raise UnsupportedMediaType
    return content


def _is_json(content_type: str) -> bool:
    """application/json, or any application/*+json (RFC 6839 §3.1)."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


class Shortcut:
    """Takes a request to its route at once; what has none goes the framework's own long way, to 404, 405 or its pages.

    A path that ends in a slash is served like the one without, where a redirect would lose bodies and headers.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._routes: dict[str, list[tuple[re.Pattern[str], JsonRoute]]] = {}
        for route in routes:
            if isinstance(route, JsonRoute) and {type(c) for c in route.param_convertors.values()} <= {StringConvertor}:
                for method in route.methods or ():
                    self._routes.setdefault(method, []).append((route.path_regex, route))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            if path.endswith("/") and path != "/":
                path = path[:-1]
                scope = {**scope, "path": path}
            routes = () if scope.get("root_path") else self._routes.get(scope["method"], ())
            for pattern, route in routes:
                if found := pattern.match(path):
                    scope["path_params"] = found.groupdict()
                    await route.handle(scope, receive, send)
                    return
        await self._app(scope, receive, send)
