"""Whether this process answers, and whether it can serve."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from todo.api.openapi.vocabulary import answers
from todo.api.resources import Resources
from todo.api.route import Route
from todo.db.guard import check_database
from todo.http.json import encode
from todo.problems import BadRequest, Problem, Unavailable
from todo.settings import CannotStart

router = APIRouter(prefix="/health", tags=["health"], route_class=Route, responses=answers(Problem, BadRequest))


def _body(example: dict[str, Any], description: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {name: {"type": ["string", "null"]} for name in example}}
    return {
        "description": description,
        "content": {"application/json": {"schema": schema, "example": example}},
    }


@router.get("/live", responses={200: _body({"status": "ok"}, "The process answers.")})
async def live() -> Response:
    """Whether the process answers. It never touches the database."""
    return Response(b'{"status":"ok"}', media_type="application/json")


@router.get("", responses={200: _body({"status": "ok"}, "The process answers.")})
async def health() -> Response:
    """Whether the process answers, like /health/live. It never touches the database."""
    return await live()


@router.get(
    "/ready",
    responses={
        200: _body({"status": "ready", "last_contact": "2026-11-22T08:30:00.000000Z"}, "It can serve."),
        **answers(Unavailable),
    },
)
async def ready(request: Request) -> Response:
    """Whether the database answers with the schema this build needs, and the server is not about to stop.

    It reports the last contact that traffic made, and asks the database itself only at start and after a
    failure, so that probes do not keep a serverless database awake.
    """
    resources = Resources.of(request)
    database = resources.database
    if resources.shutdown.draining:
        raise Unavailable("Not ready: the server is about to stop.")
    if database.failing or database.schema_mismatch or database.last_contact is None:
        try:
            await check_database(database)
        except CannotStart as error:
            database.schema_mismatch = True
            raise Unavailable(f"Not ready: {error}.") from None
        database.schema_mismatch = False
    assert database.last_contact is not None
    contact = datetime.fromtimestamp(database.last_contact, UTC)
    return Response(encode({"status": "ready", "last_contact": contact}), media_type="application/json")
