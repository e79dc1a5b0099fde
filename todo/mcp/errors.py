"""What is said to an agent when a call fails: what is wrong, and what to do next. No text of a task is repeated."""

import math

from pydantic import ValidationError

from todo.client import (
    ApiError,
    ClientError,
    Conflict,
    ConnectionFailed,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    PreconditionFailed,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from todo.client.models import FieldError

NO_TASK = "There is no task with this id: call list_tasks or search_tasks to find it."
OUTDATED = "The task was changed since you read it: call get_task, look at what changed, and use its revision."
NOT_ALLOWED = "Do not try another way: tell the person what you need it for."
ERRORS = 10
"""Values that an answer names, at most."""

BY_TYPE = {
    "not_found": NO_TASK,
    "outdated": OUTDATED,
    "id_taken": "There is another task with this id: leave the id out.",
    "id_in_trash": "The task with this id is in the trash: restore it by an operation restore of batch.",
}
"""What is said of an operation of a batch, by the `type` of its error."""


class Refused(Exception):  # noqa: N818 # the message is for the agent
    """A tool refuses a call before anything is sent; the message says why, and what to do."""


def explained(error: Exception, *, not_found: str = NO_TASK, key: str | None = None) -> str:
    """What to say of an error. Raises it where it is a bug."""
    match error:
        case Refused():
            return str(error)
        case ValidationError():
            return f"The arguments cannot be used: {_arguments(error)}."
        case TimeoutError():
            return f"There was no answer in time. {_again(key)}"
        case ConnectionFailed():
            return f"The server cannot be reached. {_again(key) if error.sent else 'Wait a little, then call again.'}"
        case Unauthorized():
            return "The token is not valid, or no longer: ask the person to sign in again, or for a new token."
        case Forbidden():
            return f"{error.detail} {NOT_ALLOWED}"
        case NotFound():
            return not_found
        case Gone():
            return f"{error.detail} Read it again with list_tasks."
        case PreconditionFailed():
            return OUTDATED
        case Conflict():
            return f"{error.detail}{_hindrance(error)}"
        case Invalid():
            return _invalid(error)
        case TooManyRequests():
            return f"{error.detail} {_wait(error)}"
        case Unavailable():
            return f"The server cannot do this now. {_wait(error)} {_again(key)}"
        case ApiError():
            reference = f" (request {error.request_id})" if error.request_id else ""
            return f"Something went wrong on the server's side{reference}. {_again(key)}"
        case ClientError():
            return "The server does not answer as this API does: tell the person to check its URL."
    raise error


def _again(key: str | None) -> str:
    if key:
        return f"It may have been done: repeat the call with the same key, {key}, and it is done once."
    return "Call again."


def _wait(error: ApiError) -> str:
    seconds = 1 if error.retry_after is None else max(1, math.ceil(error.retry_after))
    return f"Wait {seconds} s, then call again."


def _hindrance(error: ApiError) -> str:
    return " Call history of the task to see it." if error.hindrance else ""


def _arguments(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    named = [f"{_place(tuple(each['loc']))}{each['msg'].removeprefix('Value error, ')}" for each in found[:ERRORS]]
    return "; ".join(named)


def _invalid(error: ApiError) -> str:
    """Of a batch with one operation the place of it is left out: the tool took no list."""
    if not error.errors:
        return error.detail
    said = [_said(each) for each in error.errors[:ERRORS]]
    return f"Nothing was changed. {' '.join(dict.fromkeys(said))}"


def _said(error: FieldError) -> str:
    loc = tuple(each for each in error.loc if each not in {"body", "query", "header"})
    if loc[:1] == ("operations",) and len(loc) > 1:
        index, loc = loc[1], tuple(each for each in loc[2:] if each != "task")
        words = BY_TYPE.get(error.type) if loc[-1:] != ("after",) else None
        return f"Operation {index}: {words or f'{_place(loc)}{error.msg}.'}"
    return f"{_place(loc)}{error.msg}."


def _place(loc: tuple[str | int, ...]) -> str:
    place = ".".join(str(each)[:40] for each in loc)
    return f"{place}: " if place else ""
