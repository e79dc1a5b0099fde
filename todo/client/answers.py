"""What an HTTP response says: a typed value, an error, the next page."""

from email.utils import parsedate_to_datetime
from types import NoneType
from typing import TypeVar

import httpx
import msgspec

from todo.client.errors import ApiError, ClientError, ConnectionFailed, UnexpectedAnswer
from todo.client.models import Problem

T = TypeVar("T")


def decoded(response: httpx.Response, shape: type[T]) -> T:
    """The body as `shape`; of NoneType nothing is expected. Raises UnexpectedAnswer."""
    try:
        return msgspec.json.decode(b"null" if shape is NoneType else response.content, type=shape)
    except msgspec.DecodeError as error:  # ValidationError too
        raise unexpected(response, f"does not answer as this API does ({_cause(error)})") from None


def _cause(error: msgspec.DecodeError) -> str:
    """What is wrong with its shape; no values of it are repeated."""
    return str(error) if isinstance(error, msgspec.ValidationError) else "not JSON"


def failure(response: httpx.Response) -> ClientError:
    """The error that a response with a status other than 2xx stands for."""
    status, kind = response.status_code, response.headers.get("content-type", "")
    if response.has_redirect_location:
        target = response.url.join(response.headers["location"])
        return unexpected(response, f"is redirected to {_place(target)}: use that URL")
    try:
        problem = msgspec.json.decode(response.content, type=Problem) if "json" in kind else None
    except msgspec.DecodeError:
        problem = None
    if problem is None and status not in {413, 429, 502, 503, 504}:  # those a proxy may answer
        return unexpected(response, f"answers {status} without a problem document: is this the URL of the server?")
    if problem is None or problem.status != status:
        detail = problem.detail if problem else f"{response.request.method} {_place(response.url)} failed"
        problem = Problem(status=status, title=response.reason_phrase, detail=detail)
    return ApiError.of(problem, retry_after=_retry_after(response))


def unexpected(response: httpx.Response, what: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(f"{response.request.method} {_place(response.url)} {what}.")


def not_answered(error: httpx.RequestError, request: httpx.Request) -> ConnectionFailed:
    """Say which server gave no answer, why, and what to do."""
    server = f"{request.url.scheme}://{request.url.netloc.decode()}"
    sent = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    cause = str(error).strip() or type(error).__name__
    if not sent:
        text = f"{server} cannot be reached ({cause}): is the server running, and is this its URL?"
    elif isinstance(error, httpx.TimeoutException):
        text = f"{server} did not answer in time ({type(error).__name__})."
    else:
        text = f"The connection to {server} broke off ({cause})."
    return ConnectionFailed(text, sent=sent)


def next_page(response: httpx.Response) -> list[tuple[str, str]] | None:
    """The query parameters of the next page (RFC 8288), None on the last one.

    Only these are taken of the link, so that the token goes nowhere but to the server that was given.
    """
    link = response.links.get("next", {}).get("url")
    return None if link is None else httpx.URL(link).params.multi_items()


def revision_of(response: httpx.Response) -> int:
    """The revision that the ETag of a list names. Raises UnexpectedAnswer."""
    tag = response.headers.get("etag", "").removeprefix("W/").strip('"').partition("-")[0]
    if not tag.isdecimal():
        raise unexpected(response, "has no revision as its ETag")
    return int(tag)


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds (RFC 9110 §10.2.3), of a date counted from the server's own."""
    text = response.headers.get("retry-after", "")
    if text.isdecimal():
        return float(text)
    try:
        at, now = (parsedate_to_datetime(each) for each in (text, response.headers.get("date", "")))
        return max(0.0, (at - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _place(url: httpx.URL) -> str:
    """The URL without its query, which may hold what was searched for."""
    return str(url.copy_with(query=None, fragment=None, username=None, password=None))
