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
from todo.problems import MEDIA_TYPE, Invalid, Problem

FRAMEWORK_DETAILS = {
    404: "There is no such path. The API is described at /docs.",
    405: "This method is not served here; the Allow header names those that are.",
}
METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


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
    body = document(status, title, detail, quote(scope["path"], errors="replace"), members)
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
    unknown_path = error.status_code == 404 and error.detail == phrase
    detail = FRAMEWORK_DETAILS[404] if unknown_path else str(error.detail)
    return _response(error.status_code, phrase, detail, request.scope, error.headers)


def _allowed(request: Request) -> list[str]:
    """Every method of this path (RFC 9110 §10.2.1), where the framework names those of one route."""
    routes = request.app.routes
    methods = [
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] == Match.FULL for route in routes)
    ]
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
