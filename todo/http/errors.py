"""From an exception to its response: application/problem+json (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from todo.http.json import encode
from todo.http.pages import not_found_page, prefers_html
from todo.problems import MEDIA_TYPE, Invalid, Problem

FRAMEWORK_DETAILS = {
    404: "There is no such path. The API is described at /docs.",
    405: "This method is not served here; the Allow header names those that are.",
}
FEEDS = "/feeds/"
METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


def escaped_path(scope: Scope) -> str:
    """The path of a request as it is shown and logged: in ASCII, without control characters (RFC 3986 §2.1).

    Below /feeds/ it is a secret, which is left out.
    """
    path: str = scope["path"]
    before, feeds, _ = path.partition(FEEDS)
    return quote(f"{before}{feeds}-" if feeds and before == scope.get("root_path", "") else path, errors="replace")


def document(status: int, title: str, detail: str, instance: str, members: Mapping[str, Any] | None = None) -> bytes:
    """A problem document (RFC 9457 §3)."""
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": instance}
    return encode({**problem, **(members or {})})


def problem_response(problem: Problem, scope: Scope) -> Response:
    """The problem as the response to the request in `scope`."""
    return _response(problem.status, problem.title, problem.detail, scope, problem.headers, problem.members)


def _response(
    status: int,
    title: str,
    detail: str,
    scope: Scope,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> Response:
    body = document(status, title, detail, escaped_path(scope), members)
    return Response(body, status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA_TYPE)


async def error_response(request: Request, error: Exception) -> Response:
    """The response that the application's exception handlers make of `error`. Raises it where there is none."""
    handlers = request.app.exception_handlers
    for kind in type(error).__mro__:
        if (handler := handlers.get(kind)) is not None:
            response: Response = await handler(request, error)
            return response
    raise error


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    if error.status_code == 405:
        return _response(405, phrase, FRAMEWORK_DETAILS[405], request.scope, {"Allow": ", ".join(_allowed(request))})
    if error.status_code == 404 and error.detail == phrase:
        return unknown_path(request.scope)
    return _response(error.status_code, phrase, str(error.detail), request.scope, error.headers)


def unknown_path(scope: Scope) -> Response:
    """The 404 of a path that nothing is served at: a problem, or a page for a browser that is not below /api."""
    root = scope.get("root_path", "")
    below = scope["path"].removeprefix(root)
    if below != "/api" and not below.startswith("/api/") and prefers_html(scope):
        return not_found_page(scope["path"], root)
    return _response(404, "Not Found", FRAMEWORK_DETAILS[404], scope)


def _allowed(request: Request) -> list[str]:
    """Every method of this path (RFC 9110 §10.2.1), where the framework names those of one route."""
    routes = request.app.routes
    methods = [
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] == Match.FULL for route in routes)
    ]
    if "GET" in methods and "HEAD" not in methods:  # see http.middleware.edge
        methods.insert(methods.index("GET") + 1, "HEAD")
    return methods or ["GET", "HEAD"]  # of the static files, which no route of ours serves


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem_response(Invalid.of(error.errors()), request.scope)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error, request.scope)


def answer_problems(app: FastAPI) -> None:
    """Every error of `app` is answered as a problem, the framework's own included."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _invalid)
