"""The six endpoints, and the way back from the trash. A route parses, calls one action and answers."""

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Body, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from todo import etags
from todo.accounts.current import CurrentCaller, OwnersRoute, OwnTx
from todo.flights import Row
from todo.openapi import ANY, BODY, NULL, answers, shows
from todo.problems import BadRequest, Conflict, Invalid, NotFound, PreconditionFailed
from todo.tasks import actions, lists
from todo.tasks.answers import DONE, ETAG, EXAMPLE, PRIVATE, as_json, not_modified, one
from todo.tasks.answers import as_array as tasks_as_array
from todo.tasks.cursors import Cursor
from todo.tasks.models import ID, REVISION, Completion, NewTask, Status, TaskEdit, TaskOut, TrashedTaskOut
from todo.tasks.parameters import IF_MATCH, IF_NONE_MATCH, NOT_MODIFIED, TaskId

CREATED = {"Location": "The path of the task.", "ETag": ETAG}

router = APIRouter(
    prefix="/api/{user_id}/tasks",
    tags=["tasks"],
    route_class=OwnersRoute,
    responses={**ANY},
    redirect_slashes=False,
)


@router.get(
    "",
    response_model=list[TrashedTaskOut],
    responses={
        200: shows(
            [DONE, EXAMPLE],
            "The tasks, newest first.",
            ETag="The user's revision, weak: the list shows at least what had happened then. It is a `since` too.",
            Link="The next page, when there is more.",
        ),
        **NOT_MODIFIED,
        **answers(Invalid),
    },
    openapi_extra=IF_NONE_MATCH,
)
async def list_tasks(
    request: Request,
    tx: OwnTx,
    status: Annotated[Status, Query(description="Which tasks; `deleted` for those in the trash.")] = "all",
    limit: Annotated[int | None, Query(ge=1, le=1000, description="The size of a page; without it all come.")] = None,
    cursor: Annotated[str | None, Query(description="Where the page starts: taken from a `Link` header.")] = None,
) -> Response:
    """List the user's tasks, newest first.

    Without `limit` the whole list comes. With it a page comes, and a `Link` header with `rel="next"`
    (RFC 8288) when there is more.
    """
    after, known = _cursor(cursor), etags.known(request.headers.getlist("if-none-match"))
    most = lists.STREAM_PAGE if limit is None else limit + 1
    page = await lists.page(tx, status=status, after=after, most=most, known=known or ())
    etag = etags.weak(page.revision)
    if known is None or page.revision in known:
        return not_modified(etag)
    as_array = partial(tasks_as_array, in_trash=status == "deleted")
    if limit is None:
        return _whole_list(page, lists.rest(tx, page, status=status), etag, as_array)
    if len(page.rows) <= limit:
        return as_json(as_array(page.rows), ETag=etag)
    rows = page.rows[:limit]
    following = f"{quote(request.scope['path'])}?status={status}&limit={limit}&cursor={lists.cursor_after(rows)}"
    return as_json(as_array(rows), ETag=etag, Link=f'<{following}>; rel="next"')


@router.post(
    "",
    response_model=TaskOut,
    status_code=201,
    responses={
        201: shows(EXAMPLE, "The new task.", **CREATED),
        200: {
            "model": TaskOut,
            **shows(EXAMPLE, "It was there already, created with the same id and fields.", **CREATED),
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
    return one(row, 201 if new else 200, Location=f"{quote(request.scope['path'])}/{row[ID]}")


@router.get(
    "/{id}",
    response_model=TaskOut,
    responses={200: shows(EXAMPLE, "The task.", ETag=ETAG), **NOT_MODIFIED, **answers(NotFound)},
    openapi_extra=IF_NONE_MATCH,
)
async def read_task(request: Request, tx: OwnTx, id: TaskId) -> Response:
    """Read one task."""
    row = await actions.read(tx, id)
    known = etags.known(request.headers.getlist("if-none-match"))
    if known is None or row[REVISION] in known:
        return not_modified(etags.strong(row[REVISION]))
    return one(row)


@router.put(
    "/{id}",
    response_model=TaskOut,
    responses={
        200: shows(EXAMPLE, "The task as it is now.", ETag=ETAG),
        **answers(BadRequest, NotFound, PreconditionFailed),
        **BODY,
    },
    openapi_extra=IF_MATCH,
)
async def update_task(
    request: Request,
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
    return one(await actions.edit(tx, caller, id, wish, matches=_to_match(request)))


@router.delete(
    "/{id}",
    status_code=204,
    responses={204: {"description": "It is gone."}, **answers(BadRequest, NotFound, PreconditionFailed, Invalid)},
    openapi_extra=IF_MATCH,
)
async def delete_task(
    request: Request,
    tx: OwnTx,
    caller: CurrentCaller,
    id: TaskId,
    permanent: Annotated[bool, Query(description="Purge it, from the list or the trash.")] = False,
) -> Response:
    """Delete a task.

    It goes to the trash, from where it can be restored for 30 days, and every other of the six calls answers 404
    for it; `permanent=true` purges it, and what the history says of it.
    """
    await actions.delete(tx, caller, id, permanent=permanent, matches=_to_match(request))
    return Response(status_code=204, headers=PRIVATE)


@router.patch(
    "/{id}/complete",
    response_model=TaskOut,
    responses={
        200: shows(DONE, "The task as it is now.", ETag=ETAG),
        **answers(BadRequest, NotFound, PreconditionFailed),
        **BODY,
    },
    openapi_extra=IF_MATCH,
)
async def complete_task(
    request: Request,
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
    completed = wish.completed if wish and says else None
    return one(await actions.complete(tx, caller, id, completed, matches=_to_match(request)))


@router.post(
    "/{id}/restore",
    response_model=TaskOut,
    responses={200: shows(EXAMPLE, "The task as it is now.", ETag=ETAG), **answers(NotFound)},
)
async def restore_task(tx: OwnTx, caller: CurrentCaller, id: TaskId) -> Response:
    """Take a task out of the trash.

    One that is not in the trash stays as it is.
    """
    return one(await actions.restore(tx, caller, id))


def _cursor(text: str | None) -> Cursor:
    if text is None:
        return lists.START
    try:
        return Cursor.parse(text)
    except ValueError:
        raise Invalid.at("query", "cursor", msg="not a cursor of this list: take it from a Link header") from None


def _to_match(request: Request) -> list[int] | None:
    return etags.to_match(request.headers.getlist("if-match"))


def _whole_list(
    first: lists.Page, rest: AsyncIterator[list[Row]], etag: str, as_array: Callable[[list[Row]], bytes]
) -> Response:
    """The list in one piece when one page holds it, else streamed; its first page is read before it answers."""
    beginning = as_array(first.rows)
    if len(first.rows) < lists.STREAM_PAGE:
        return as_json(beginning, ETag=etag)

    async def array() -> AsyncIterator[bytes]:
        yield beginning[:-1]
        async for rows in rest:
            if rows:
                yield b"," + as_array(rows)[1:-1]
        yield b"]"

    return StreamingResponse(array(), headers=PRIVATE | {"ETag": etag}, media_type="application/json")
