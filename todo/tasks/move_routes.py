"""Moving a task in the user's own order."""

from typing import Annotated

from fastapi import APIRouter, Body
from starlette.responses import Response

from todo.api.dependencies import CurrentCaller, UserDatabase
from todo.api.openapi.vocabulary import ANY, BODY, NULL, answers, shows
from todo.api.route import OwnerRoute
from todo.http import etags
from todo.problems import BadRequest, NotFound, PreconditionFailed
from todo.tasks import moves
from todo.tasks.params import IfMatch, TaskId
from todo.tasks.responses import ETAG, EXAMPLE, task_response
from todo.tasks.shapes import Move, TaskOut

router = APIRouter(prefix="/api/{user_id}/tasks", tags=["tasks"], route_class=OwnerRoute, responses={**ANY})


@router.post(
    "/{id}/move",
    response_model=TaskOut,
    responses={
        200: shows(EXAMPLE, "The task as it is now.", ETag=ETAG),
        **answers(BadRequest, NotFound, PreconditionFailed),
        **BODY,
    },
)
async def move_task(
    db: UserDatabase,
    caller: CurrentCaller,
    id: TaskId,
    move: Annotated[
        Move,
        Body(
            openapi_examples={
                "front": {"summary": "To the front", "value": {"after": NULL}},
                "after": {"summary": "Behind another task", "value": {"after": EXAMPLE["id"]}},
            }
        ),
    ],
    if_match: IfMatch = None,
) -> Response:
    """Move a task in the user's own order, which is that of `position`, then of `id`.

    It goes right behind the task `after`, or to the front, and only its own `position` changes. Where no short key
    is left between the two, the tasks around get new ones too, in one batch with the move. A task that is there
    already, or that is to go behind itself, stays as it is. An `after` that is no task of the user, or is in the
    trash, is 422.
    """
    return task_response(await moves.move(db, caller, id, move.after, matches=etags.if_match(if_match)))
