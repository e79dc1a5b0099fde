"""Whether this process lives, whether it can serve, and whether it may: the walls are tried before anybody enters."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from psycopg.errors import InsufficientPrivilege, InvalidParameterValue, UndefinedTable
from sqlalchemy import Text, bindparam, column, func, literal_column, select, table
from starlette.requests import Request
from starlette.responses import Response

from todo import migrate
from todo.database import ACCOUNTS, REQUESTS, Database
from todo.encoding import encode
from todo.flights import Row
from todo.openapi import answers
from todo.problems import Problem, Unavailable
from todo.routing import JsonRoute
from todo.settings import CannotStart
from todo.statements import Statement
from todo.transactions import Tx

REVISION = Statement.of(select(column("version_num")).select_from(table("alembic_version")), reads=True)

WALL = Statement.of(select(func.row_security_active(bindparam("table", type_=Text))), reads=True)
WALLED = ("users", "tasks", "changes", "idempotency", "departed")

_trigger = table("pg_trigger", column("tgrelid"), column("tgname"), column("tgfoid"), column("tgenabled"))
_function = table("pg_proc", column("oid"), column("proname"), column("proowner"), column("prosecdef"))
LOG = Statement.of(
    select(_function.c.proname, func.pg_get_userbyid(_function.c.proowner), _function.c.prosecdef)
    .join_from(_trigger, _function, _function.c.oid == _trigger.c.tgfoid)
    .where(_trigger.c.tgrelid == func.to_regclass(bindparam("table", type_=Text)))
    .where(_trigger.c.tgname == bindparam("trigger", type_=Text))
    .where(_trigger.c.tgenabled != literal_column("'D'")),
    reads=True,
)
LOGGED = (("tasks", "log"), ("users", "begin"))
"""Tables, and the triggers on them that write as LOGGER, whoever wrote."""
LOGGER = "todo_log"


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
        for name, trigger in LOGGED:
            _judge_log(name, trigger, await Tx(database, "").one(LOG, table=name, trigger=trigger))
    except (UndefinedTable, InvalidParameterValue):  # no tables, or not even the roles
        migrate.require(None)
    except InsufficientPrivilege as error:
        raise WallError(
            f"the login may not work as {REQUESTS} and {ACCOUNTS}: "
            f"as an administrator, GRANT {REQUESTS}, {ACCOUNTS} TO it ({error.diag.message_primary})"
        ) from None


def _judge_log(name: str, trigger: str, found: list[Row]) -> None:
    """Raise WallError where a restore (`pg_restore --no-owner`) made the log somebody else's, or left it out."""
    if not found:
        raise WallError(
            f"the trigger {trigger} of {name} is missing or off: restore the dump whole, "
            f"or ALTER TABLE {name} ENABLE TRIGGER {trigger}"
        )
    function, owner, definer = found[0]
    if owner != LOGGER:
        raise WallError(
            f"the function {function} belongs to {owner}, whose rights every write would have: as the owner of the "
            f"schema, GRANT CREATE ON SCHEMA public TO {LOGGER}; ALTER FUNCTION {function}() OWNER TO {LOGGER}; "
            f"REVOKE CREATE ON SCHEMA public FROM {LOGGER}"
        )
    if not definer:
        raise WallError(
            f"the function {function} does not write as {LOGGER}: ALTER FUNCTION {function}() SECURITY DEFINER"
        )


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
    if database.failing or database.unfit or database.last_contact is None:
        try:
            await guard(database)
        except CannotStart as error:
            database.unfit = True
            raise Unavailable(f"Not ready: {error}.") from None
        database.unfit = False
    assert database.last_contact is not None
    contact = datetime.fromtimestamp(database.last_contact, UTC)
    return Response(encode({"status": "ready", "last_contact": contact}), media_type="application/json")
