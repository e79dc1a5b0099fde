"""The tree of errors a client can meet, and the handlers that answer them as RFC 9457 problem details.

    Problem
    ├── BadRequest              400  the request's headers
    ├── Invalid                 422  the request's values
    ├── Unauthorized            401  who calls
    ├── WrongPassword           401
    ├── Forbidden               403  whose tasks
    ├── InsufficientScope       403  what their token may
    ├── NotFound                404
    ├── Conflict                409
    ├── Gone                    410  what is kept no longer
    ├── PreconditionFailed      412  what If-Match says
    ├── ContentTooLarge         413
    ├── UnsupportedMediaType    415
    ├── TooManyRequests         429
    └── Unavailable             503  the database, for now
        └── Interrupted              it may run again

Raise, don't return. Anything else that escapes is a bug and becomes a 500 in `observe`.
"""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import Scope

from todo.encoding import encode

MEDIA_TYPE = "application/problem+json"

TOLD = "todo.told"
"""In a request's scope: headers that every answer to it carries, whether it succeeds or not."""


class Problem(Exception):  # noqa: N818 # the RFC's own word
    """An error that a client is told of: `status` and `title` by its class, `detail` for this occurrence."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal Server Error"
    detail: str = "Something went wrong on our side."

    def __init__(self, detail: str | None = None, *, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        self.detail = detail or type(self).detail
        self.headers = dict(headers or {})
        self.members = members
        super().__init__(self.detail)


class BadRequest(Problem):
    status, title = 400, "Bad Request"
    detail = "A header of the request cannot be understood."


class Invalid(Problem):
    status, title = 422, "Unprocessable Content"
    detail = "The request has values that cannot be used."

    @classmethod
    def at(cls, *loc: str | int, msg: str, kind: str = "value_error") -> "Invalid":
        """One value is wrong: `loc` says where, `msg` what is wanted."""
        return cls.of([{"loc": loc, "msg": msg, "type": kind}])

    @classmethod
    def of(cls, errors: Iterable[Mapping[str, Any]]) -> "Invalid":
        """From Pydantic's errors, of which only `loc`, `msg` and `type` are told: never the input."""
        told = [{"loc": list(e["loc"]), "msg": _message(e), "type": e["type"]} for e in errors]
        parts = [": ".join(filter(None, (_place(e["loc"]), e["msg"]))) for e in told[:5]]
        return cls("; ".join(parts) or None, errors=told)


def _message(error: Mapping[str, Any]) -> str:
    """Pydantic's message, save where it repeats a character of the input or calls characters items."""
    match error["type"]:
        case "uuid_parsing":
            return "Input should be a UUID"
        case "too_short":
            return f"Input should have at least {error['ctx']['min_length']} characters"
        case "too_long":
            return f"Input should have at most {error['ctx']['max_length']} characters"
    return str(error["msg"]).removeprefix("Value error, ")


def _place(loc: list[str | int]) -> str:
    return ".".join(str(part) for part in loc[1:] if not isinstance(part, int))


class Unauthorized(Problem):
    """No usable token (RFC 6750 §3): the answer names the scheme and an error code."""

    status, title = 401, "Unauthorized"
    detail = "A valid access token is needed: Authorization: Bearer <token>."

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="todo", error="invalid_token"'})


class WrongPassword(Problem):
    """A sign-in that failed: one message, whether the e-mail or the password was wrong."""

    status, title = 401, "Unauthorized"
    detail = "E-mail or password is wrong."

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": 'Bearer realm="todo"'})


class Forbidden(Problem):
    status, title = 403, "Forbidden"
    detail = "These are not yours: the user in the path is not the token's subject."


class InsufficientScope(Problem):
    """A good token that is not for this (RFC 6750 §3.1)."""

    status, title = 403, "Forbidden"
    detail = "This token may not do that."

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="todo", error="insufficient_scope"'})


class NotFound(Problem):
    status, title = 404, "Not Found"
    detail = "There is nothing here."


class Conflict(Problem):
    status, title = 409, "Conflict"
    detail = "This contradicts what is already stored."


class Gone(Problem):
    """What there was, and is kept no longer."""

    status, title = 410, "Gone"
    detail = "This is kept no longer."


class PreconditionFailed(Problem):
    """If-Match named another state (RFC 9110 §13.1.1); the member `current` is what there is now."""

    status, title = 412, "Precondition Failed"
    detail = "The task has changed since it was read: `current` is the task as it is now."


class ContentTooLarge(Problem):
    status, title = 413, "Content Too Large"
    detail = "The body is larger than 64 KiB."


class UnsupportedMediaType(Problem):
    status, title = 415, "Unsupported Media Type"
    detail = "Send the body as JSON, with Content-Type: application/json."


class TooManyRequests(Problem):
    """Somebody does this too often; `retry_after` is in seconds."""

    status, title = 429, "Too Many Requests"
    detail = "That was too often. Wait as long as Retry-After says."

    def __init__(
        self, detail: str | None = None, *, retry_after: int, told: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})
        self.headers |= {name.decode(): value.decode() for name, value in told}


class Unavailable(Problem):
    """The database cannot serve this now; `retry_after` is in seconds."""

    status, title = 503, "Service Unavailable"
    detail = "The database cannot be reached at the moment."

    def __init__(self, detail: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class Interrupted(Unavailable):
    """The same, of a transaction that was broken off; `undone` when it surely changed nothing and may run again."""

    def __init__(self, detail: str, *, undone: bool) -> None:
        super().__init__(detail)
        self.undone = undone


def document(status: int, title: str, detail: str, instance: str, members: Mapping[str, Any] | None = None) -> bytes:
    """A problem document (RFC 9457 §3)."""
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": instance}
    return encode({**problem, **(members or {})})


def render(problem: Problem, scope: Scope) -> Response:
    """The problem as the answer to the request in `scope`, with what every answer to it carries."""
    return _told(plain(problem, scope), scope)


def plain(problem: Problem, scope: Scope) -> Response:
    """The problem as an answer, alone."""
    return _answer(problem.status, problem.title, problem.detail, scope, problem.headers, problem.members)


def _told(response: Response, scope: Scope) -> Response:
    response.raw_headers.extend(scope.get(TOLD, ()))
    return response


def _answer(
    status: int,
    title: str,
    detail: str,
    scope: Scope,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> Response:
    body = document(status, title, detail, quote(scope["path"], errors="replace"), members)
    return Response(body, status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA_TYPE)


FRAMEWORK_DETAILS = {
    404: "There is no such path. The API is described at /docs.",
    405: "This method is not served here; the Allow header names those that are.",
}


async def _framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    detail = FRAMEWORK_DETAILS.get(error.status_code, phrase)
    headers = {"Allow": ", ".join(_allowed(request))} if error.status_code == 405 else error.headers
    return _told(_answer(error.status_code, phrase, detail, request.scope, headers), request.scope)


def _allowed(request: Request) -> list[str]:
    """Every method of this path (RFC 9110 §10.2.1), where the framework names those of one route."""
    methods: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.path and route.methods and compile_path(route.path)[0].match(request.scope["path"]):
            methods |= route.methods
    return sorted(methods) or ["GET", "HEAD"]  # of the static files, which are no routes


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return render(Invalid.of(error.errors()), request.scope)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return render(error, request.scope)


def answer_problems(app: FastAPI) -> None:
    """Every error of `app` is answered as a problem, the framework's own included."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(RequestValidationError, _invalid)
