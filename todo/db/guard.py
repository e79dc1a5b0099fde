"""Start-up check: the schema is this build's, row-level security holds, and the log is written by its own role."""

from typing import NamedTuple

from psycopg.errors import InsufficientPrivilege, InvalidParameterValue, UndefinedTable
from sqlalchemy import Text, bindparam, column, func, literal_column, select, table

from todo.db import migrate
from todo.db.database import Database
from todo.db.roles import ACCOUNTS, REQUESTS
from todo.db.statement import Statement
from todo.settings import CannotStart

SCHEMA_VERSION = Statement.of(select(column("version_num")).select_from(table("alembic_version")), read_only=True)

ROW_SECURITY = Statement.of(select(func.row_security_active(bindparam("table", type_=Text))), read_only=True)
PROTECTED_TABLES = ("users", "tasks", "changes", "idempotency", "departed")
"""The tables that the role for requests must see behind row-level policies."""


class LogTrigger(NamedTuple):
    """A trigger's function: its name, its owner, and whether it works with its owner's rights."""

    function: str
    owner: str
    security_definer: bool


_trigger = table("pg_trigger", column("tgrelid"), column("tgname"), column("tgfoid"), column("tgenabled"))
_function = table("pg_proc", column("oid"), column("proname"), column("proowner"), column("prosecdef"))
LOG_TRIGGER = Statement.of(
    select(_function.c.proname, func.pg_get_userbyid(_function.c.proowner), _function.c.prosecdef)
    .join_from(_trigger, _function, _function.c.oid == _trigger.c.tgfoid)
    .where(_trigger.c.tgrelid == func.to_regclass(bindparam("table", type_=Text)))
    .where(_trigger.c.tgname == bindparam("trigger", type_=Text))
    .where(_trigger.c.tgenabled != literal_column("'D'")),
    row=LogTrigger,
    read_only=True,
)
_policy = table("pg_policy", column("polname"), column("polrelid"))
FENCE = Statement.of(
    select(_policy.c.polname)
    .where(_policy.c.polrelid == func.to_regclass(bindparam("table", type_=Text)))
    .where(_policy.c.polname == literal_column("'fence'")),
    read_only=True,
)
FENCED_TABLES = ("tasks", "changes", "feeds")
"""The tables of which an agent for one tag sees a part."""
LOGGED_TABLES = (("tasks", "log"), ("users", "begin"), ("users", "forget"))
"""Tables, and the triggers on them that work as LOG_ROLE for every writer."""
LOG_ROLE = "todo_log"


ENCODING = Statement.of(select(func.current_setting("server_encoding")), read_only=True)


class IsolationError(CannotStart):
    """Row-level security or the log would not hold here; the message says what to do."""


async def check_database(database: Database) -> None:
    """Raise CannotStart unless the text fits, the schema is this build's and the policies hold."""
    try:
        migrate.require_utf8((await database.as_accounts().run(ENCODING))[0][0])
        found = await database.as_accounts().run(SCHEMA_VERSION)
        migrate.require(found[0][0] if found else None)
        requests = database.as_user("")
        for name in PROTECTED_TABLES:
            if not (await requests.run(ROW_SECURITY, table=name))[0][0]:
                raise IsolationError(
                    f"row-level security does not hold for the role {REQUESTS} on {name}: "
                    "the role must own nothing, be no superuser and not have BYPASSRLS"
                )
        for name in FENCED_TABLES:
            if not await requests.run(FENCE, table=name):
                raise IsolationError(f"the policy fence of {name} is missing: restore the dump whole")
        for name, trigger in LOGGED_TABLES:
            _check_trigger(name, trigger, await requests.run(LOG_TRIGGER, table=name, trigger=trigger))
    except (UndefinedTable, InvalidParameterValue):  # no tables, or not even the roles
        migrate.require(None)
    except InsufficientPrivilege as error:
        raise IsolationError(
            f"the login may not work as {REQUESTS} and {ACCOUNTS}: "
            f"as an administrator, GRANT {REQUESTS}, {ACCOUNTS} TO it ({error.diag.message_primary})"
        ) from None


def _check_trigger(name: str, trigger: str, found: list[LogTrigger]) -> None:
    """Raise IsolationError where a restore (`pg_restore --no-owner`) gave the log to another role, or left it out."""
    if not found:
        raise IsolationError(
            f"the trigger {trigger} of {name} is missing or off: restore the dump whole, "
            f"or ALTER TABLE {name} ENABLE TRIGGER {trigger}"
        )
    function, owner, security_definer = found[0]
    if owner != LOG_ROLE:
        raise IsolationError(
            f"the function {function} belongs to {owner}, whose rights every write would have: as the owner of the "
            f"schema, GRANT CREATE ON SCHEMA public TO {LOG_ROLE}; ALTER FUNCTION {function}() OWNER TO {LOG_ROLE}; "
            f"REVOKE CREATE ON SCHEMA public FROM {LOG_ROLE}"
        )
    if not security_definer:
        raise IsolationError(
            f"the function {function} does not write as {LOG_ROLE}: ALTER FUNCTION {function}() SECURITY DEFINER"
        )
