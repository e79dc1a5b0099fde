"""Sync, live updates, history and undo over HTTP."""

import re
from contextlib import ExitStack
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from todo import etags
from todo.accounts.current import CurrentCaller, OwnersRoute, OwnTx, known_again
from todo.changes import actions
from todo.changes.answers import EXAMPLE, PAST, past, shown
from todo.changes.live import BEGIN, PAGE, EventStream, Feed, events
from todo.changes.models import ChangeOut, Changes, PastChange
from todo.encoding import encode
from todo.openapi import ANY, answers, shows, takes
from todo.problems import Conflict, Gone, Invalid, NotFound
from todo.tasks.answers import PRIVATE, as_json
from todo.tasks.parameters import TaskId

MOST = 2**63 - 1
REVISION = re.compile("[1-9][0-9]{0,17}")

Since = Annotated[int, Query(ge=0, le=MOST, description="The revision that the caller has; 0 for nothing.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="The most changes that are answered at once.")]


async def _revision(
    revision: Annotated[str, Path(description="The revision of a change.", examples=["42"])],
) -> int | None:
    """The number in the path; what is none is None, which no change has for its number."""
    return int(revision) if REVISION.fullmatch(revision) else None


RevisionNumber = Annotated[int | None, Depends(_revision)]

router = APIRouter(prefix="/api/{user_id}", tags=["changes"], route_class=OwnersRoute, responses={**ANY})


@router.get(
    "/changes",
    response_model=Changes,
    responses={
        200: shows({"changes": [EXAMPLE], "revision": 42, "more": False}, "The changes after `since`."),
        **answers(Gone, Invalid),
    },
)
async def list_changes(
    tx: OwnTx,
    since: Since = 0,
    limit: Limit = 1000,
    compact: Annotated[bool, Query(description="Of each task only its newest change.")] = False,
) -> Response:
    """List what happened to the tasks since a revision.

    Read the list, take the revision from its `ETag` (of the first page, when it comes in pages), then ask for the
    changes since, again and again from the `revision` that was answered. 410 when `since` is older than what is kept
    (90 days) or newer than what there is: read the list anew.
    """
    happened = await actions.since(tx, since, most=limit, compact=compact)
    answer = {
        "changes": [shown(row) for row in happened.rows],
        "revision": happened.revision,
        "more": happened.more,
    }
    return as_json(encode(answer))


LAST_EVENT_ID = takes(
    "Last-Event-ID",
    "The id of the last event that was received: the stream goes on behind it.",
    pattern="^(0|[1-9][0-9]{0,17})?$",
)
EVENTS = f"""{BEGIN.format(41)}event: change
data: {{"revision":42,"task_id":"{EXAMPLE["task_id"]}","kind":"update",…}}
id: 42

event: end
data: {{"reason":"token","detail":"The access token has expired or was revoked: …"}}

"""


@router.get(
    "/changes/stream",
    response_class=EventStream,
    status_code=200,
    responses={
        200: {
            "description": "Server-sent events.",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EVENTS}},
        },
        **answers(Gone, Invalid),
    },
    openapi_extra=LAST_EVENT_ID,
)
async def stream_changes(
    request: Request,
    tx: OwnTx,
    caller: CurrentCaller,
    since: Annotated[
        int | None, Query(ge=0, le=MOST, description="The revision that the caller has; by default that of now.")
    ] = None,
) -> Response:
    """Stream what happens to the tasks, as it happens.

    Events named `change` hold what the list of changes does, and their ids are the revisions; a comment comes every
    15 seconds of silence, and a last event `end` says why the stream ends. It goes on behind `Last-Event-ID`, else
    `since`, else begins now.
    """
    feed: Feed = request.app.state.feed
    position = _last_event_id(request)
    if position is None:
        position = since
    with ExitStack() as place:
        watcher = place.enter_context(feed.watch(caller.user_id, exists=not caller.foreign))
        if position is None:
            begin = actions.Happened([], await actions.now(tx), more=False)
        else:
            begin = await actions.since(tx, position, most=PAGE)
        stream = events(feed, watcher, caller, begin, lambda: known_again(request))
        return EventStream(place.pop_all(), stream, headers=PRIVATE | {"X-Accel-Buffering": "no"})


@router.post(
    "/changes/{revision}/undo",
    response_model=ChangeOut,
    responses={
        200: shows(EXAMPLE | {"undoes": 41}, "The change that takes it back.", ETag="The task's revision."),
        **answers(NotFound, Conflict),
    },
)
async def undo_change(tx: OwnTx, caller: CurrentCaller, revision: RevisionNumber) -> Response:
    """Take a change back, as a new change.

    The fields that it altered get the values they had; a created task goes to the trash. 409 for a purge, and when a
    later change of the same task altered the same fields (`hindrance` names it), unless that was taken back itself.
    """
    row = await actions.undo(tx, caller, revision)
    return as_json(encode(shown(row)), ETag=etags.strong(row[0]))


@router.get(
    "/tasks/{id}/history",
    response_model=list[PastChange],
    responses={
        200: shows([PAST], "The changes, newest first.", Link="The older ones, when there are more."),
        **answers(NotFound, Invalid),
    },
)
async def task_history(
    request: Request,
    tx: OwnTx,
    id: TaskId,
    limit: Limit = 1000,
    before: Annotated[int, Query(ge=1, le=MOST, description="Only changes with smaller revisions.")] = MOST,
) -> Response:
    """List the changes of one task, newest first.

    Also of one in the trash. What a purged task said is erased from its history.
    """
    rows = await actions.history(tx, id, below=before, most=limit + 1)
    headers = {}
    if len(rows) > limit:
        rows = rows[:limit]
        query = urlencode({"limit": limit, "before": rows[-1][0]})
        headers["Link"] = f'<{quote(request.scope["path"])}?{query}>; rel="next"'
    return as_json(encode([past(row) for row in rows]), 200, **headers)


def _last_event_id(request: Request) -> int | None:
    text = request.headers.get("last-event-id")
    if text is None or text == "":
        return None
    if text == "0" or REVISION.fullmatch(text):
        return int(text)
    raise Invalid.at("header", "Last-Event-ID", msg="not the id of an event of this stream")
