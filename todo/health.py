"""Whether this process lives, whether it can serve, and whether it may: the walls are tried before anybody enters."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from psycopg.errors import InsufficientPrivilege, InvalidParameterValue, UndefinedTable
from sqlalchemy import Text, bindparam, column, func, select, table
from starlette.requests import Request
from starlette.responses import Response

from todo import migrate
from todo.database import ACCOUNTS, REQUESTS, Database
from todo.encoding import encode
from todo.openapi import answers
from todo.problems import Problem, Unavailable
from todo.routing import JsonRoute
from todo.settings import CannotStart
from todo.statements import Statement
from todo.transactions import Tx

REVISION = Statement.of(select(column("version_num")).select_from(table("alembic_version")), reads=True)

WALL = Statement.of(select(func.row_security_active(bindparam("table", type_=Text))), reads=True)
WALLED = ("users", "tasks", "changes", "idempotency", "departed")


class WallError(CannotStart):
    """Row-level security would not hold here; the message says what to do."""


async def guard(database: Database) -> None:
    """Raise SchemaError or WallError unless the schema is this build's and the policies bite."""
    try:
        found = await Tx(database, "", ACCOUNTS).one(REVISION)
        migrate.require(found[0][0] if found else None)
        for name in WALLED:
            if not (await Tx(database, "").one(WALL, table=name))[0][0]:
                raise WallError(
                    f"row-level security does not hold for the role {REQUESTS} on {name}: "
                    "the role must own nothing, be no superuser and not have BYPASSRLS"
                )
    except (UndefinedTable, InvalidParameterValue):  # no tables, or not even the roles
        migrate.require(None)
    except InsufficientPrivilege as error:
        raise WallError(
            f"the login may not work as {REQUESTS} and {ACCOUNTS}: "
            f"as an administrator, GRANT {REQUESTS}, {ACCOUNTS} TO it ({error.diag.message_primary})"
        ) from None


router = APIRouter(prefix="/health", tags=["health"], route_class=JsonRoute, responses=answers(Problem))


def _says(example: dict[str, Any], description: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {name: {"type": ["string", "null"]} for name in example}}
    return {
        "description": description,
        "content": {"application/json": {"schema": schema, "example": example}},
    }


@router.get("/live", responses={200: _says({"status": "alive"}, "The process answers.")})
async def live() -> Response:
    """Whether the process answers. It never touches the database."""
    return Response(b'{"status":"alive"}', media_type="application/json")


@router.get(
    "/ready",
    responses={
        200: _says({"status": "ready", "last_contact": "2026-11-22T08:30:00.000000Z"}, "It can serve."),
        **answers(Unavailable),
    },
)
async def ready(request: Request) -> Response:
    """Whether the database answers with the schema this build needs, and the server is not about to stop.

    It reports the last contact that traffic made, and asks the database itself only at start and after a
    failure, so that probes do not keep a serverless database awake.
    """
    database: Database = request.app.state.database
    if request.app.state.ending.near:
        raise Unavailable("Not ready: the server is about to stop.")
    if database.failing or database.last_contact is None:
        try:
            await guard(database)
        except CannotStart as error:
            database.failing = True  # although it answered
            raise Unavailable(f"Not ready: {error}.") from None
    assert database.last_contact is not None
    contact = datetime.fromtimestamp(database.last_contact, UTC)
    return Response(encode({"status": "ready", "last_contact": contact}), media_type="application/json")
