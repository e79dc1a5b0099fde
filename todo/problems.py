"""The tree of errors that a client is answered with, as RFC 9457 problem details; `http.errors` answers them.

    Problem
    ├── BadRequest              400  the request's headers
    ├── Invalid                 422  the request's values
    ├── Unauthorized            401  who calls
    ├── WrongPassword           401
    ├── Forbidden               403  whose tasks
    ├── InsufficientScope       403  what their token may
    ├── NotFound                404
    ├── Conflict                409
    ├── Gone                    410  what is no longer kept
    ├── PreconditionFailed      412  what If-Match says
    ├── ContentTooLarge         413
    ├── UriTooLong              414
    ├── UnsupportedMediaType    415
    ├── TooManyRequests         429
    └── Unavailable             503  for now: the database, a limit
        └── Interrupted              a transaction; `undone` when nothing was changed

Raise, don't return. Actions raise facts of their own feature (`tasks.errors`), which its responses word as these.
Anything else is a bug, and a 500.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 # the RFC's own word
    """An error that a client is answered with: `status` and `title` by its class, `detail` by its occurrence."""

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
        """From Pydantic's errors, of which only `loc`, `msg` and `type` are repeated: never the input."""
        kept = [{"loc": list(e["loc"]), "msg": _message(e), "type": e["type"]} for e in errors]
        parts = [": ".join(filter(None, (_place(e["loc"]), e["msg"]))) for e in kept[:5]]
        return cls("; ".join(parts) or None, errors=kept)


def _message(error: Mapping[str, Any]) -> str:
    """Pydantic's message, save where it repeats a character of the input or calls characters items."""
    match error["type"]:
        case "uuid_parsing":
            return "Input should be a UUID"
        case "union_tag_invalid":
            return f"Input should have {error['ctx']['discriminator']} as one of {error['ctx']['expected_tags']}"
        case "too_short" if error["ctx"].get("field_type") != "List":
            return f"Input should have at least {error['ctx']['min_length']} characters"
        case "too_long" if error["ctx"].get("field_type") != "List":
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
    detail = "The user in the path is not the token's subject."


class InsufficientScope(Problem):
    """A valid token that does not allow this (RFC 6750 §3.1)."""

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
    """What was asked for existed, and is no longer kept."""

    status, title = 410, "Gone"
    detail = "This is no longer kept."


class PreconditionFailed(Problem):
    """If-Match named another state (RFC 9110 §13.1.1); the member `current` is what there is now."""

    status, title = 412, "Precondition Failed"
    detail = "The task has changed since it was read: `current` is the task as it is now."


class ContentTooLarge(Problem):
    status, title = 413, "Content Too Large"
    detail = "The body is larger than 64 KiB."


class UriTooLong(Problem):
    status, title = 414, "URI Too Long"
    detail = "The path and the query together are longer than 8 KiB."


class UnsupportedMediaType(Problem):
    status, title = 415, "Unsupported Media Type"
    detail = "Send the body as JSON, with Content-Type: application/json."


class TooManyRequests(Problem):
    """Too many requests of one kind; `retry_after` is in seconds."""

    status, title = 429, "Too Many Requests"
    detail = "Too many requests. Wait as long as Retry-After says."

    def __init__(
        self, detail: str | None = None, *, retry_after: int, extra_headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})
        self.headers |= {name.decode(): value.decode() for name, value in extra_headers}


class Unavailable(Problem):
    """The server, or something it depends on, cannot serve this now; `retry_after` is in seconds."""

    status, title = 503, "Service Unavailable"
    detail = "The database cannot be reached at the moment."

    def __init__(self, detail: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class Interrupted(Unavailable):
    """A transaction was interrupted; `undone` when it surely changed nothing and may run again."""

    def __init__(self, detail: str, *, undone: bool) -> None:
        super().__init__(detail)
        self.undone = undone
