"""How tasks are answered: their bytes, their headers, their errors, and examples for the OpenAPI document."""

from collections.abc import Iterable, Mapping

from starlette.responses import Response

from todo.api.openapi.vocabulary import NULL
from todo.http import etags
from todo.http.json import encode
from todo.http.responses import PRIVATE, private_json
from todo.problems import Conflict, Invalid, NotFound, PreconditionFailed, Problem, Unauthorized
from todo.tasks.errors import (
    BatchRefused,
    IdInTrash,
    IdTaken,
    Outdated,
    PlaceNotFound,
    StaleTask,
    TagNotFound,
    TagTooCommon,
    TaskError,
    TaskNotFound,
    TooManyTasks,
    UnknownTimeZone,
    UserGone,
)
from todo.tasks.fields import EXAMPLES
from todo.tasks.rows import TaskRow

EXAMPLE = {
    "id": "01930d2c-6f6a-7d2e-9c1b-3f1f5b7a9d10",
    "user_id": "5f0c7f8e-4d3f-4b59-9c39-0d3f6a1f2b77",
    **{name: NULL if value is None else value for name, value in EXAMPLES.items()},
    "position": "ffd0e7c4b0a1fV",
    "completed_at": NULL,
    "created_at": "2026-11-22T08:30:00.000000Z",
    "updated_at": "2026-11-22T08:30:00.000000Z",
    "revision": 41,
}
DONE = EXAMPLE | {
    "completed": True,
    "completed_at": "2026-11-22T09:15:30.250000Z",
    "updated_at": "2026-11-22T09:15:30.250000Z",
    "revision": 42,
}

ETAG = "The task's revision, for If-Match and If-None-Match."
CREATED = {"Location": "The path of the task.", "ETag": ETAG}


def task_response(task: TaskRow, status: int = 200, **headers: str) -> Response:
    """One task, with its ETag."""
    return private_json(encode(task), status, ETag=etags.strong(task.revision), **headers)


def tasks_json(tasks: Iterable[TaskRow]) -> bytes:
    """The tasks as a JSON array."""
    return encode([*tasks])


def not_modified(etag: str) -> Response:
    """The copy that the caller has is still good (RFC 9110 §15.4.5)."""
    return Response(status_code=304, headers=PRIVATE | {"ETag": etag})


def problem_of(error: TaskError) -> Problem:
    """How the API words what kept an action from being done."""
    match error:
        case StaleTask(current=current):
            return PreconditionFailed(headers={"ETag": etags.strong(current.revision)}, current=current)
        case TooManyTasks(reason=reason):
            return Conflict(
                f"There is no room: {reason}, those in the trash included. Purge some with DELETE ?permanent=true."
            )
        case IdTaken():
            return Conflict("There is a task with this id, created with other fields: choose another id.")
        case IdInTrash():
            return Conflict(
                "The task with this id is in the trash: restore it with POST …/restore, purge it with "
                "DELETE ?permanent=true, or choose another id."
            )
        case UserGone():
            return Unauthorized("This account no longer exists.")
        case UnknownTimeZone(place=place):
            return Invalid.at(place, "time_zone", msg="is not known to the database: choose another time zone")
        case PlaceNotFound():
            return Invalid.at("body", "after", msg="names no task of yours outside the trash", kind="not_found")
        case Outdated(revision=revision):
            return Conflict(f"The task has changed: its revision is {revision}.")
        case BatchRefused(errors=errors):
            return _batch_refused(errors)
        case TagNotFound():
            return NotFound("No task has this tag.")
        case TagTooCommon(limit=limit):
            return Conflict(f"More than {limit:,} tasks have such a tag, and one call changes no more than these.")
        case TaskNotFound():
            return NotFound("There is no such task.")
    raise error  # a fact that this interface has no words for is a bug


KINDS: dict[type[TaskError], str] = {
    TaskNotFound: "not_found",
    PlaceNotFound: "not_found",
    TooManyTasks: "too_many_tasks",
    IdTaken: "id_taken",
    IdInTrash: "id_in_trash",
    Outdated: "outdated",
}
"""What `type` says of an operation that cannot be done."""

FIELDS_OF_OPERATIONS: dict[type[TaskError], tuple[str, ...]] = {
    TaskNotFound: ("id",),
    PlaceNotFound: ("after",),
    IdTaken: ("task", "id"),
    IdInTrash: ("task", "id"),
    Outdated: ("revision",),
    UnknownTimeZone: ("task", "time_zone"),
}


def _batch_refused(errors: Mapping[int, TaskError]) -> Problem:
    """Which operations cannot be done, and why; the detail has the first five."""
    reasons = {index: _reason(error) for index, error in errors.items()}
    listed = [
        {
            "loc": ["body", "operations", index, *FIELDS_OF_OPERATIONS.get(type(error), ())],
            "msg": reasons[index],
            "type": KINDS.get(type(error), "value_error"),
        }
        for index, error in errors.items()
    ]
    some = "; ".join(f"operation {index}: {reason}" for index, reason in [*reasons.items()][:5])
    return Invalid(f"Nothing was done, since not all of it can be: {some}", errors=listed)


def _reason(error: TaskError) -> str:
    problem = problem_of(error)
    errors = problem.members.get("errors")
    return str(errors[0]["msg"]) if errors else problem.detail
