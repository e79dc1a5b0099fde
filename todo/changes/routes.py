"""Sync, event streams, history and undo over HTTP."""

import re
from contextlib import ExitStack
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query
from pydantic import WithJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from todo.api.access import NO_ONE_TAG, authenticate
from todo.api.dependencies import CurrentCaller, UserDatabase
from todo.api.openapi.vocabulary import ANY, answers, shows
from todo.api.resources import Resources
from todo.api.route import OwnerRoute, Route
from todo.changes import actions, pages
from todo.changes.responses import EXAMPLE, PAST, past_page
from todo.changes.shapes import ChangeOut, ChangesOut, PastChange
from todo.changes.stream import BEGIN, PAGE, EventStream, events
from todo.http import etags
from todo.http.json import encode
from todo.http.responses import PRIVATE, private_json
from todo.problems import BadRequest, Conflict, Gone, Invalid, NotFound, PreconditionFailed
from todo.tasks.params import IfMatch, TaskId

MAX_REVISION = 2**63 - 1
REVISION = re.compile("[1-9][0-9]{0,17}")

Since = Annotated[int, Query(ge=0, le=MAX_REVISION, description="The revision that the caller has; 0 for nothing.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="The greatest number of changes in one answer.")]


async def _revision(
    revision: Annotated[str, Path(description="The revision of a change.", examples=["42"])],
) -> int | None:
    """The revision, or None where the text is no number: then no change is found."""
    return int(revision) if REVISION.fullmatch(revision) else None


RevisionNumber = Annotated[int | None, Depends(_revision)]

router = APIRouter(
    prefix="/api/{user_id}", tags=["changes"], route_class=Route.with_access(NO_ONE_TAG), responses={**ANY}
)
past_router = APIRouter(prefix="/api/{user_id}", tags=["changes"], route_class=OwnerRoute, responses={**ANY})


@router.get(
    "/changes",
    response_model=ChangesOut,
    responses={
        200: shows({"changes": [EXAMPLE], "revision": 42, "more": False}, "The changes after `since`."),
        **answers(Gone, Invalid),
    },
)
async def list_changes(
    db: UserDatabase,
    since: Since = 0,
    limit: Limit = 1000,
    compact: Annotated[bool, Query(description="Only the newest change of each task.")] = False,
) -> Response:
    """List what happened to the tasks since a revision.

    Read the list, take the revision from its `ETag` (of the first page, when it comes in pages), then ask for the
    changes since, again and again from the `revision` that was answered. 410 when `since` is older than what is kept
    (90 days) or newer than what there is: read the list again.
    """
    found = await pages.since(db, since, limit=limit, compact=compact)
    return private_json(encode({"changes": found.changes, "revision": found.revision, "more": found.more}))


LastEventId = Annotated[
    str | None,
    WithJsonSchema({"type": "string", "pattern": "^(0|[1-9][0-9]{0,17})?$"}),
    Header(
        alias="Last-Event-ID",
        description="The id of the last event that was received: the stream goes on after it.",
    ),
]
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
)
async def stream_changes(
    request: Request,
    db: UserDatabase,
    caller: CurrentCaller,
    since: Annotated[
        int | None,
        Query(ge=0, le=MAX_REVISION, description="The revision that the caller has; the newest by default."),
    ] = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Stream what happens to the tasks, as it happens.

    Events named `change` hold what the list of changes does, and their ids are the revisions; a comment comes every
    15 seconds of silence, and a last event `end` says why the stream ends. It goes on after `Last-Event-ID`, else
    `since`, else begins now.
    """
    resources = Resources.of(request)
    position = _position(last_event_id)
    if position is None:
        position = since
    with ExitStack() as place:
        watcher = place.enter_context(resources.streams.watch(caller.user_id, exists=not caller.external))
        if position is None:
            begin = pages.Changes([], await actions.current_revision(db), more=False)
        else:
            begin = await pages.since(db, position, limit=PAGE)
        stream = events(resources.streams, watcher, caller, begin, lambda: authenticate(request, resources))
        return EventStream(place.pop_all(), stream, headers=PRIVATE | {"X-Accel-Buffering": "no"})


@past_router.post(
    "/changes/{revision}/undo",
    response_model=ChangeOut,
    responses={
        200: shows(EXAMPLE | {"undoes": 41}, "The change that undoes it.", ETag="The task's revision."),
        **answers(BadRequest, NotFound, PreconditionFailed, Conflict),
    },
)
async def undo_change(
    db: UserDatabase,
    caller: CurrentCaller,
    revision: RevisionNumber,
    dry_run: Annotated[bool, Query(description="Only say which change would be made.")] = False,
    if_match: IfMatch = None,
) -> Response:
    """Undo a change, as a new change.

    The fields that it altered get the values they had; a created task goes to the trash. 409 for a purge, and when a
    later change of the same task altered the same fields (`hindrance` names it), unless that was undone itself.

    Changes that were made together (those of one `batch`) are undone together, as a new batch, or not at all: the
    answer is the last of the new changes. `If-Match` is about the task of the change that the path names.
    """
    change = await actions.undo(db, caller, revision, matches=etags.if_match(if_match), dry_run=dry_run)
    return private_json(encode(change), ETag=etags.strong(change.revision))


@past_router.get(
    "/tasks/{id}/history",
    response_model=list[PastChange],
    responses={
        200: shows([PAST], "The changes, newest first.", Link="The older ones, when there are more."),
        **answers(NotFound, Invalid),
    },
)
async def task_history(
    request: Request,
    db: UserDatabase,
    id: TaskId,
    limit: Limit = 1000,
    before: Annotated[
        int, Query(ge=1, le=MAX_REVISION, description="Only changes with smaller revisions.")
    ] = MAX_REVISION,
) -> Response:
    """List the changes of one task, newest first.

    Also of one in the trash. What a purged task said is erased from its history.
    """
    changes, more = await pages.history(db, id, below=before, limit=limit)
    return past_page(request, changes, limit, more=more)


def _position(last_event_id: str | None) -> int | None:
    if not last_event_id:
        return None
    if last_event_id == "0" or REVISION.fullmatch(last_event_id):
        return int(last_event_id)
    raise Invalid.at("header", "Last-Event-ID", msg="not the id of an event of this stream")
