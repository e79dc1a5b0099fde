"""Many operations on tasks in one request."""

from typing import Annotated

from fastapi import APIRouter, Body, Query
from starlette.requests import Request
from starlette.responses import Response

from todo.api.access import count_further_writes
from todo.api.dependencies import CurrentCaller, UserDatabase
from todo.api.openapi.vocabulary import ANY, BODY, NULL, answers, shows
from todo.api.route import OwnerRoute
from todo.http.json import encode
from todo.http.responses import private_json
from todo.problems import BadRequest
from todo.tasks import batch
from todo.tasks.batch_shapes import Batch, BatchOut
from todo.tasks.params import ZoneOfPerson
from todo.tasks.responses import DONE, EXAMPLE

router = APIRouter(prefix="/api/{user_id}/tasks", tags=["tasks"], route_class=OwnerRoute, responses={**ANY})

ID = EXAMPLE["id"]
RESULTS = [
    {"op": "create", "status": 201, "task": EXAMPLE},
    {"op": "complete", "status": 200, "task": DONE},
    {"op": "delete", "status": 204, "task": NULL},
]


@router.post(
    "/batch",
    response_model=BatchOut,
    responses={
        200: shows({"results": RESULTS, "revision": 43}, "What became of each operation."),
        **answers(BadRequest),
        **BODY,
    },
)
async def run_batch(
    request: Request,
    db: UserDatabase,
    caller: CurrentCaller,
    operations: Annotated[
        Batch,
        Body(
            openapi_examples={
                "create": {
                    "summary": "Create one",
                    "value": {"operations": [{"op": "create", "task": {"title": "Water the ferns"}}]},
                },
                "all": {
                    "summary": "One of each kind, on a task that the batch creates",
                    "value": {
                        "operations": [
                            {"op": "create", "task": {"id": ID, "title": "Water the ferns"}},
                            {"op": "update", "id": ID, "task": {"priority": "high"}},
                            {"op": "complete", "id": ID, "completed": True},
                            {"op": "move", "id": ID, "after": NULL},
                            {"op": "delete", "id": ID},
                            {"op": "restore", "id": ID},
                        ]
                    },
                },
            }
        ),
    ],
    dry_run: Annotated[bool, Query(description="Only say what would become of each operation.")] = False,
    time_zone: ZoneOfPerson = None,
) -> Response:
    """Do up to 100 operations on tasks, all of them or none.

    They are done in their order, as one transaction, and one undo takes them all back. An operation may name a task
    that one before it has created. Each has the result that the single request would have had.

    When one cannot be done, nothing is: 422, with `errors` that say which operations (`loc` has their index, from 0)
    and why, by `type` too: `not_found`, `id_taken`, `id_in_trash`, `outdated`, `too_many_tasks`. What only shows when
    it is tried, is named up to the first.

    With `dry_run=true` nothing is changed, and no number taken: the answer has the ids, times and revisions that would
    be. An `Idempotency-Key` has no effect then.
    """
    await count_further_writes(request, len(operations.operations) - 1)
    done = await batch.run(db, caller, operations.operations, dry_run=dry_run, time_zone=time_zone)
    return private_json(encode(done))
