"""The six endpoints, and restoring from the trash. A route parses, calls one action and answers."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import closing
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Body, Query
from starlette.requests import Request
from starlette.responses import Response

from todo.api.dependencies import CurrentCaller, UserDatabase
from todo.api.openapi.vocabulary import ANY, BODY, NULL, answers, shows
from todo.api.resources import Resources
from todo.api.route import OwnerRoute
from todo.http import etags
from todo.http.responses import PRIVATE, Streamed, private_json
from todo.problems import BadRequest, Conflict, Invalid, NotFound, PreconditionFailed
from todo.tasks import actions, lists
from todo.tasks.fields import WRITABLE
from todo.tasks.params import NOT_MODIFIED, IfMatch, IfNoneMatch, TaskId, ZoneOfPerson
from todo.tasks.query import ListQueryParams, next_page
from todo.tasks.responses import CREATED, DONE, ETAG, EXAMPLE, not_modified, task_response, tasks_json
from todo.tasks.rows import Page, TaskRow
from todo.tasks.shapes import Completion, NewTask, TaskEdit, TaskOut, TrashedTaskOut

TOGGLE = Completion.model_validate({})

router = APIRouter(
    prefix="/api/{user_id}/tasks",
    tags=["tasks"],
    route_class=OwnerRoute,
    responses={**ANY},
    redirect_slashes=False,
)


@router.get(
    "",
    response_model=list[TrashedTaskOut],
    responses={
        200: shows(
            [DONE, EXAMPLE],
            "The tasks, newest first, or as `sort` says.",
            ETag="The user's revision, weak: the list shows at least what had happened then. It is a `since` too. "
            "Lists that change with time (`due=overdue`, `today`, `week`) have none.",
            Link="The next page, when there is more.",
        ),
        **NOT_MODIFIED,
        **answers(Invalid),
    },
)
async def list_tasks(
    request: Request, db: UserDatabase, query: ListQueryParams, if_none_match: IfNoneMatch = None
) -> Response:
    """List the user's tasks, newest first.

    Without `limit` the whole list comes. With it a page comes, and a `Link` header with `rel="next"`
    (RFC 8288) when there is more: the way to read on without losing or repeating a task, in every order.
    """
    listing, limit = query.listing, query.limit
    by_clock = listing.filter.by_clock
    cached = [] if by_clock else etags.if_none_match(if_none_match)
    rows = limit or lists.stream_page(listing)
    page = await lists.page(db, listing, after=query.after, limit=rows, cached=cached or ())
    etag = etags.weak(page.revision)
    headers = {} if by_clock else {"ETag": etag}
    if cached is None or page.revision in cached:
        return not_modified(etag)
    if limit is None:
        return _whole_list(request, page, lists.following_pages(db, page, listing), headers)
    content = tasks_json(page.tasks)
    if page.more:
        headers["Link"] = f'<{next_page(request.scope, lists.cursor_after(page, listing), limit)}>; rel="next"'
    return private_json(content, 200, **headers)


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
    db: UserDatabase,
    caller: CurrentCaller,
    task: Annotated[
        NewTask,
        Body(
            openapi_examples={
                "title": {"summary": "The least", "value": {"title": "Water the ferns"}},
                "all": {
                    "summary": "With everything, and an id of one's own",
                    "value": {name: EXAMPLE[name] for name in ("id", *WRITABLE)},
                },
            }
        ),
    ],
) -> Response:
    """Create a task.

    A client may choose the `id`, so that it can create offline and send again: the same id with the same
    fields answers 200 with the task as it is now, the same id with other fields 409.
    """
    created, is_new = await actions.create(db, task, caller)
    return task_response(created, 201 if is_new else 200, Location=f"{quote(request.scope['path'])}/{created.id}")


@router.get(
    "/{id}",
    response_model=TaskOut,
    responses={200: shows(EXAMPLE, "The task.", ETag=ETAG), **NOT_MODIFIED, **answers(NotFound)},
)
async def read_task(db: UserDatabase, id: TaskId, if_none_match: IfNoneMatch = None) -> Response:
    """Read one task."""
    task = await actions.read(db, id)
    cached = etags.if_none_match(if_none_match)
    if cached is None or task.revision in cached:
        return not_modified(etags.strong(task.revision))
    return task_response(task)


UPDATE: dict[str, Any] = {
    "response_model": TaskOut,
    "responses": {
        200: shows(EXAMPLE, "The task as it is now.", ETag=ETAG),
        **answers(BadRequest, NotFound, PreconditionFailed, Conflict),
        **BODY,
    },
}


@router.put("/{id}", **UPDATE)
@router.patch("/{id}", **UPDATE, operation_id="patch_task")
async def update_task(
    db: UserDatabase,
    caller: CurrentCaller,
    id: TaskId,
    edit: Annotated[
        TaskEdit,
        Body(
            openapi_examples={
                "title": {"summary": "A new title, the rest stays", "value": {"title": "Water all ferns"}},
                "clear": {"summary": "Clear the due date", "value": {"due_date": NULL}},
            }
        ),
    ],
    time_zone: ZoneOfPerson = None,
    if_match: IfMatch = None,
) -> Response:
    """Update a task.

    Nothing is erased by silence: an omitted field keeps its value, `null` clears it where it may be null. PATCH does
    what PUT does.
    """
    matches = etags.if_match(if_match)
    return task_response(await actions.edit(db, caller, id, edit, matches=matches, time_zone=time_zone))


@router.delete(
    "/{id}",
    status_code=204,
    responses={204: {"description": "It is gone."}, **answers(BadRequest, NotFound, PreconditionFailed, Invalid)},
)
async def delete_task(
    db: UserDatabase,
    caller: CurrentCaller,
    id: TaskId,
    permanent: Annotated[bool, Query(description="Purge it, from the list or the trash.")] = False,
    if_match: IfMatch = None,
) -> Response:
    """Delete a task.

    It goes to the trash, from where it can be restored for 30 days; until then, reading, updating or completing it
    answers 404. `permanent=true` purges it, and what the history says of it.
    """
    await actions.delete(db, caller, id, permanent=permanent, matches=etags.if_match(if_match))
    return Response(status_code=204, headers=PRIVATE)


@router.patch(
    "/{id}/complete",
    response_model=TaskOut,
    responses={
        200: shows(DONE, "The task as it is now.", ETag=ETAG),
        **answers(BadRequest, NotFound, PreconditionFailed, Conflict),
        **BODY,
    },
)
async def complete_task(
    db: UserDatabase,
    caller: CurrentCaller,
    id: TaskId,
    completion: Annotated[
        Completion,
        Body(
            openapi_examples={
                "toggle": {"summary": "Toggle", "value": {}},
                "set": {"summary": "Set, which is safe to repeat", "value": {"completed": True}},
            }
        ),
    ] = TOGGLE,
    time_zone: ZoneOfPerson = None,
    if_match: IfMatch = None,
) -> Response:
    """Toggle a task's completion, or set it.

    No body, an empty one and `{}` toggle; `{"completed": true}` or `false` sets. Completing a task that repeats keeps
    it as done and makes the next one, once; taking that back takes an untouched next one back.
    """
    completed = completion.completed if completion.model_fields_set else None
    matches = etags.if_match(if_match)
    return task_response(await actions.complete(db, caller, id, completed, matches=matches, time_zone=time_zone))


@router.post(
    "/{id}/restore",
    response_model=TaskOut,
    responses={
        200: shows(EXAMPLE, "The task as it is now.", ETag=ETAG),
        **answers(BadRequest, NotFound, PreconditionFailed),
    },
)
async def restore_task(db: UserDatabase, caller: CurrentCaller, id: TaskId, if_match: IfMatch = None) -> Response:
    """Take a task out of the trash.

    One that is not in the trash stays as it is.
    """
    return task_response(await actions.restore(db, caller, id, matches=etags.if_match(if_match)))


def _whole_list(
    request: Request, first: Page, following: AsyncIterator[list[TaskRow]], headers: dict[str, str]
) -> Response:
    """The list in one piece when one page holds it, else streamed; its first page is read before it is answered."""
    beginning = tasks_json(first.tasks)
    if not first.more:
        return private_json(beginning, 200, **headers)

    unread, user_id = Resources.of(request).unread, request.path_params["user_id"]
    unread.refuse_when_over(user_id, len(beginning))

    async def contents() -> AsyncIterator[bytes]:
        yield beginning[:-1]
        async for tasks in following:
            yield b"," + tasks_json(tasks)[1:-1] if tasks else b""
        yield b"]"

    async def array() -> AsyncGenerator[bytes]:
        async for content in contents():
            with closing(unread.pieces(user_id, content)) as pieces:
                for piece in pieces:
                    yield piece

    return Streamed(array(), PRIVATE | headers, "application/json")
