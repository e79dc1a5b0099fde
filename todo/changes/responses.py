"""How changes are answered: their errors, and examples for the OpenAPI document."""

from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from todo.api.openapi.vocabulary import NULL
from todo.changes.errors import CannotUndoPurge, ChangeError, ChangeNotFound, ChangesNotKept, ConflictingChange
from todo.changes.rows import PastChangeRow
from todo.http.json import encode
from todo.http.responses import private_json
from todo.problems import Conflict, Gone, NotFound, Problem
from todo.tasks import responses as tasks

EXAMPLE = {
    "revision": 42,
    "task_id": tasks.EXAMPLE["id"],
    "kind": "update",
    "at": tasks.DONE["updated_at"],
    "via": "session",
    "undoes": NULL,
    "batch": NULL,
    "agent_id": NULL,
    "agent": NULL,
    "task": tasks.DONE,
}
PAST = EXAMPLE | {"before": {"completed": False}}


TIMES = ("deleted_at", "remind_at")


def _as_shown(change: PastChangeRow) -> PastChangeRow:
    """The change with the times in `before` in UTC, which the database writes into JSON in its own way.

    What the server keeps of a series is left out.
    """
    before = change.before
    if before:
        times = {name: datetime.fromisoformat(before[name]).astimezone(UTC) for name in TIMES if before.get(name)}
        change.before = {name: times.get(name, value) for name, value in before.items() if name != "series"}
    return change


def past_page(request: Request, changes: list[PastChangeRow], limit: int, *, more: bool) -> Response:
    """A page of the past, newest first; where there are more changes its `Link` leads to them."""
    headers: dict[str, str] = {}
    if more:
        query = urlencode({"limit": limit, "before": changes[-1].revision})
        headers["Link"] = f'<{quote(request.scope["path"])}?{query}>; rel="next"'
    return private_json(encode([_as_shown(change) for change in changes]), 200, **headers)


def problem_of(error: ChangeError) -> Problem:
    """How the API words what kept an action from being done."""
    match error:
        case ChangeNotFound():
            return NotFound("There is no such change, or it is no longer kept.")
        case ChangesNotKept(revision=revision):
            return Gone(
                f"The changes after {revision} are not available: read the list again, and go on from the revision "
                "in its ETag."
            )
        case CannotUndoPurge():
            return Conflict("A purge cannot be undone: nothing is left of the task.")
        case ConflictingChange(revision=revision, kind=kind, undid_it=undid_it):
            what = "has undone it already" if undid_it else f"(a later {kind}) altered the same fields"
            return Conflict(f"Change {revision} of the same task {what}.", hindrance=revision)
    raise error  # a fact that this interface has no words for is a bug
