"""The six endpoints. A route parses, calls one action and answers."""

import re
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import quote, urlencode
from uuid import UUID

import msgspec
from fastapi import APIRouter, Body, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from todo.accounts.current import CurrentCaller, OwnersRoute, OwnTx
from todo.database import Row
from todo.openapi import ANY, BODY, NULL, answers, shows
from todo.problems import Conflict, Invalid, NotFound
from todo.tasks import actions
from todo.tasks.cursors import Cursor
from todo.tasks.models import Completion, NewTask, Status, TaskEdit, TaskOut

PRIVATE = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
CANONICAL_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

EXAMPLE = {
    "id": "01930d2c-6f6a-7d2e-9c1b-3f1f5b7a9d10",
    "user_id": "5f0c7f8e-4d3f-4b59-9c39-0d3f6a1f2b77",
    "title": "Water the ferns",
    "description": "The ones in the hall too",
    "completed": False,
    "completed_at": NULL,
    "created_at": "2026-11-22T08:30:00.000000Z",
    "updated_at": "2026-11-22T08:30:00.000000Z",
}
DONE = EXAMPLE | {
    "completed": True,
    "completed_at": "2026-11-22T09:15:30.250000Z",
    "updated_at": "2026-11-22T09:15:30.250000Z",
}


async def _task_id(
    id: Annotated[
        str,
        Path(
            description="The task's id, a UUID.",
            examples=[EXAMPLE["id"]],
            json_schema_extra={"format": "uuid"},
        ),
    ],
) -> UUID | None:
    """The id in the path; what is no UUID in its one canonical form is None, which no task has for its id."""
    return UUID(id) if CANONICAL_UUID.fullmatch(id) else None


TaskId = Annotated[UUID | None, Depends(_task_id)]

router = APIRouter(
    prefix="/api/{user_id}/tasks",
    tags=["tasks"],
    route_class=OwnersRoute,
    responses={**ANY},
    redirect_slashes=False,
)


@router.get(
    "",
    response_model=list[TaskOut],
    responses={
        200: shows([DONE, EXAMPLE], "The tasks, newest first.", Link="The next page, when there is more."),
        **answers(Invalid),
    },
)
async def list_tasks(
    request: Request,
    tx: OwnTx,
    status: Annotated[Status, Query(description="Which tasks.")] = "all",
    limit: Annotated[int | None, Query(ge=1, le=1000, description="The size of a page; without it all come.")] = None,
    cursor: Annotated[str | None, Query(description="Where the page starts: taken from a `Link` header.")] = None,
) -> Response:
    """List the user's tasks, newest first.

    Without `limit` the whole list comes. With it a page comes, and a `Link` header with `rel="next"`
    (RFC 8288) when there is more.
    """
    after = _cursor(cursor)
    if limit is None:
        return await _whole_list(actions.pages(tx, status=status, after=after))
    rows = await actions.page(tx, status=status, after=after, most=limit + 1)
    headers = PRIVATE
    if len(rows) > limit:
        rows = rows[:limit]
        query = urlencode({"status": status, "limit": limit, "cursor": actions.cursor_after(rows)})
        headers = PRIVATE | {"Link": f'<{quote(request.scope["path"])}?{query}>; rel="next"'}
    return _json(_tasks(rows), headers=headers)


@router.post(
    "",
    response_model=TaskOut,
    status_code=201,
    responses={
        201: shows(EXAMPLE, "The new task.", Location="The path of the task."),
        200: {
            "model": TaskOut,
            **shows(
                EXAMPLE,
                "It was there already, created with the same id and fields.",
                Location="The path of the task.",
            ),
        },
        **answers(Conflict),
        **BODY,
    },
)
async def create_task(
    request: Request,
    tx: OwnTx,
    caller: CurrentCaller,
    task: Annotated[
        NewTask,
        Body(
            openapi_examples={
                "title": {"summary": "The least", "value": {"title": "Water the ferns"}},
                "all": {
                    "summary": "With everything, and an id of one's own",
                    "value": {k: EXAMPLE[k] for k in ("id", "title", "description", "completed")},
                },
            }
        ),
    ],
) -> Response:
    """Create a task.

    A client may choose the `id`, so that it can create offline and send again: the same id with the same
    fields answers 200 with the task as it is now, the same id with other fields 409.
    """
    row, new = await actions.create(tx, task, caller)
    location = f"{quote(request.scope['path'])}/{row[actions.ID]}"
    return _json(_task(row), 201 if new else 200, PRIVATE | {"Location": location})


@router.get("/{id}", response_model=TaskOut, responses={200: shows(EXAMPLE, "The task."), **answers(NotFound)})
async def read_task(tx: OwnTx, id: TaskId) -> Response:
    """Read one task."""
    return _json(_task(await actions.read(tx, id)))


@router.put(
    "/{id}",
    response_model=TaskOut,
    responses={200: shows(EXAMPLE, "The task as it is now."), **answers(NotFound), **BODY},
)
async def update_task(
    tx: OwnTx,
    caller: CurrentCaller,
    id: TaskId,
    wish: Annotated[
        TaskEdit,
        Body(
            openapi_examples={
                "title": {"summary": "A new title, the rest stays", "value": {"title": "Water all ferns"}},
                "clear": {"summary": "Clear the description", "value": {"description": NULL}},
            }
        ),
    ],
) -> Response:
    """Update a task.

    Nothing is erased by silence: an omitted field keeps its value, `null` clears the description.
    """
    return _json(_task(await actions.edit(tx, caller, id, wish)))


@router.delete("/{id}", status_code=204, responses={204: {"description": "It is gone."}, **answers(NotFound, Invalid)})
async def delete_task(
    tx: OwnTx,
    caller: CurrentCaller,
    id: TaskId,
    permanent: Annotated[bool, Query(description="Purge it, from the list or the trash.")] = False,
) -> Response:
    """Delete a task.

    It goes to the trash, and every call for it answers 404 from then on; `permanent=true` purges it.
    """
    await actions.delete(tx, caller, id, permanent=permanent)
    return Response(status_code=204, headers=PRIVATE)


@router.patch(
    "/{id}/complete",
    response_model=TaskOut,
    responses={200: shows(DONE, "The task as it is now."), **answers(NotFound), **BODY},
)
async def complete_task(
    tx: OwnTx,
    caller: CurrentCaller,
    id: TaskId,
    wish: Annotated[
        Completion | None,
        Body(
            openapi_examples={
                "toggle": {"summary": "Toggle", "value": {}},
                "set": {"summary": "Set, which is safe to repeat", "value": {"completed": True}},
            }
        ),
    ] = None,
) -> Response:
    """Toggle a task's completion, or set it.

    No body, an empty one and `{}` toggle; `{"completed": true}` or `false` sets.
    """
    says = wish is not None and bool(wish.model_fields_set)
    return _json(_task(await actions.complete(tx, caller, id, wish.completed if wish and says else None)))


def _cursor(text: str | None) -> Cursor:
    if text is None:
        return actions.START
    try:
        return Cursor.parse(text)
    except ValueError:
        raise Invalid.at("query", "cursor", msg="not a cursor of this list: take it from a Link header") from None


def _task(row: Row) -> bytes:
    return msgspec.json.encode(dict(zip(actions.FIELDS, row, strict=True)))


def _tasks(rows: list[Row]) -> bytes:
    return msgspec.json.encode([dict(zip(actions.FIELDS, row, strict=True)) for row in rows])


def _json(content: bytes, status: int = 200, headers: dict[str, str] = PRIVATE) -> Response:
    return Response(content, status, headers, "application/json")


async def _whole_list(pages: AsyncIterator[list[Row]]) -> Response:
    """The list in one piece when one page holds it, else streamed; its first page is read before it answers."""
    first = await anext(pages)
    if len(first) < actions.STREAM_PAGE:
        return _json(_tasks(first))

    async def array() -> AsyncIterator[bytes]:
        yield _tasks(first)[:-1]
        async for rows in pages:
            if rows:
                yield b"," + _tasks(rows)[1:-1]
        yield b"]"

    return StreamingResponse(array(), headers=PRIVATE, media_type="application/json")
