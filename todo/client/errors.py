"""The errors that a client raises.

    ClientError
    ├── ConnectionFailed        the server gave no answer: `sent` says whether it may have got the request
    ├── UnexpectedAnswer        the answer is not one of this API: the URL is another server's
    ├── LocalCopyError          the file is not the local copy that it should be
    └── ApiError                the API answered with an error (RFC 9457)
        ├── Invalid             400, 413, 415, 422
        ├── Unauthorized        401
        ├── Forbidden           403
        ├── NotFound            404
        ├── Conflict            409
        ├── Gone                410  what was asked for is no longer kept
        ├── PreconditionFailed  412  `current` is the task as it is now
        ├── TooManyRequests     429
        └── Unavailable         502, 503, 504

No message contains a token or a password.
"""

from todo.client.models import FieldError, Problem, Task


class ClientError(Exception):
    """Something went wrong; the message says what, and what to do."""


class ConnectionFailed(ClientError):
    """There was no answer, after all retries. A write that was `sent` may have been made."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class UnexpectedAnswer(ClientError):
    """The answer is not one of this API."""


class LocalCopyError(ClientError):
    """The file is no local copy, or that of another user or server."""


class ApiError(ClientError):
    """An error that the API answered. `retry_after` is in seconds, None where the answer named none."""

    def __init__(self, problem: Problem, *, retry_after: float | None = None) -> None:
        self.status: int = problem.status
        self.type: str = problem.type
        self.title: str = problem.title
        self.detail: str = problem.detail
        self.instance: str | None = problem.instance
        self.errors: tuple[FieldError, ...] = problem.errors
        self.current: Task | None = problem.current
        self.hindrance: int | None = problem.hindrance
        self.request_id: str | None = problem.request_id
        self.retry_after = retry_after
        super().__init__(_message(problem))

    @classmethod
    def of(cls, problem: Problem, *, retry_after: float | None = None) -> "ApiError":
        """The error of the class for its status."""
        return _BY_STATUS.get(problem.status, ApiError)(problem, retry_after=retry_after)


def _message(problem: Problem) -> str:
    message = f"{problem.status} {problem.title}".strip()
    if problem.detail:
        message = f"{message}: {problem.detail}"
    return f"{message} (request {problem.request_id})" if problem.request_id else message


class Invalid(ApiError):
    """The request cannot be used as it is: `errors` names the values."""


class Unauthorized(ApiError):
    """No valid token: sign in again."""


class Forbidden(ApiError):
    """The token does not allow this."""


class NotFound(ApiError):
    """There is no such thing, or it is not this user's."""


class Conflict(ApiError):
    """It contradicts what is stored; of an undo, `hindrance` is the conflicting change."""


class Gone(ApiError):
    """It is no longer kept: read the list again."""


class PreconditionFailed(ApiError):
    """The task was changed since it was read: `current` is the task as it is now."""


class TooManyRequests(ApiError):
    """Above a limit of the server."""


class Unavailable(ApiError):
    """The server, or its database, cannot serve now."""


_BY_STATUS: dict[int, type[ApiError]] = {
    **dict.fromkeys((400, 413, 415, 422), Invalid),
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    412: PreconditionFailed,
    429: TooManyRequests,
    **dict.fromkeys((502, 503, 504), Unavailable),
}
