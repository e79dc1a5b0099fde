"""The database: one pool of connections, and what a transaction begins with.

Every transaction enters a role and names its user before its first statement, so the row-level policies
bite whatever the statement says. Role, user and statement travel in one flight, which is one transaction.
"""

import time
from collections.abc import Mapping
from typing import Any, Literal, Protocol, Self

from psycopg import InterfaceError, OperationalError, errors
from psycopg.conninfo import conninfo_to_dict

from todo.flights import Connection, Row, Step
from todo.pool import NoConnection, Pool
from todo.problems import Interrupted, Unavailable
from todo.settings import Settings
from todo.statements import Statement

REQUESTS = "todo_app"
"""The role that serves requests: it owns nothing and sees the rows of the user it was told."""

ACCOUNTS = "todo_accounts"
"""The role for what happens before there is a user: sign-up, sign-in, keys."""


Via = Literal["session", "api_token", "command_line", "sweep", "database"]
"""Who writes, as the log of changes tells it; `database` for whoever names nobody, as in psql."""

ENTER = (
    b"select set_config('role', $1, true), set_config('app.user_id', $2, true),"
    b" set_config('statement_timeout', $3, true)"
)
ENTER_TO_WRITE = ENTER + b", set_config('app.via', $4, true), set_config('app.max_tasks', $5, true)"
ALONE = b"select pg_advisory_xact_lock(hashtextextended($1, 0))"
"""In a statement of its own, for which the timeout of the one before holds already."""

SLOW = 10
"""How many times the usual timeout a statement may run that is said to be slow."""

SURELY_NOT_DONE = {errors.DeadlockDetected.sqlstate, errors.SerializationFailure.sqlstate}
"""The server rolled the whole transaction back and says so: it may run again."""

UNAVAILABLE = (
    OperationalError,
    InterfaceError,
    errors.ReadOnlySqlTransaction,
    errors.IdleInTransactionSessionTimeout,
    errors.TransactionTimeout,
)
"""psycopg's errors that say something of the database and nothing of the statement."""


class Who(Protocol):
    """As whom a transaction works: a role, for one user, and how they write."""

    role: str
    user_id: str
    via: Via


class Database:
    """A pool of connections to one PostgreSQL, and what is known of its health.

    Open it with `async with`. Raises Unavailable when it cannot serve; its other errors are psycopg's.
    """

    def __init__(self, url: str, settings: Settings) -> None:
        self.last_contact: float | None = None
        """Seconds since the epoch."""
        self.failing = False
        """Whether it did not answer the last time it was asked."""
        self.unfit = False
        """Whether what answers is not what this build needs."""
        self._statement_timeout = str(round(settings.statement_timeout * 1000))
        self.slow_timeout = str(round(settings.statement_timeout * 1000 * SLOW))
        self._max_tasks = str(settings.max_tasks_per_user)
        self.pool = Pool(url, settings)

    async def __aenter__(self) -> Self:
        await self.pool.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pool.__aexit__()

    async def one(self, who: Who, statement: Statement, params: Mapping[str, Any]) -> list[Row]:
        """Run `statement` as a transaction of its own, in one round trip, and return its rows.

        A read is tried twice when its connection dies, a write only when it surely was not done.
        """
        steps = self._steps(who, statement, params)
        try:
            try:
                return await self._flight(steps)
            except OperationalError as error:
                if not (error.sqlstate in SURELY_NOT_DONE or (_lost(error) and statement.reads)):
                    raise
                return await self._flight(steps)
        except UNAVAILABLE as error:
            raise self.unavailable(error, wrote=not statement.reads) from error

    def _steps(self, who: Who, statement: Statement, params: Mapping[str, Any]) -> list[Step]:
        if statement.reads:
            steps: list[Step] = [(ENTER, [who.role, who.user_id, self._statement_timeout])]
        else:
            enter, terms = self.enter_to_write(who)
            if statement.slow:
                terms[2] = self.slow_timeout
            steps = [(enter, terms)]
        if statement.alone_by is not None:
            steps.append((ALONE, [str(params[statement.alone_by])]))
        steps.append((statement.sql, statement.values(params)))
        return steps

    async def _flight(self, steps: list[Step]) -> list[Row]:
        connection = await self.borrow()
        try:
            landed = await connection.fly(steps)
        finally:
            await self.pool.give_back(connection)
        if landed.error is not None:
            raise landed.error
        self.heard()
        return connection.rows(landed.results[-1])

    def enter_to_write(self, who: Who) -> tuple[bytes, list[str]]:
        """What a transaction begins with that may write, and its parameters."""
        return ENTER_TO_WRITE, [who.role, who.user_id, self._statement_timeout, who.via, self._max_tasks]

    def heard(self) -> None:
        """Note that the database answered."""
        self.last_contact = time.time()
        self.failing = False

    async def borrow(self) -> Connection:
        """A connection of the pool. Raises Unavailable."""
        try:
            return await self.pool.borrow()
        except NoConnection:
            self.failing = True
            raise

    def unavailable(self, error: Exception, *, wrote: bool) -> Unavailable:
        """What a client is told of psycopg's `error`; `wrote` where the change may have been made."""
        sqlstate = getattr(error, "sqlstate", None)
        if sqlstate == errors.QueryCanceled.sqlstate:
            return Unavailable("The database took too long; nothing was changed.")
        if sqlstate in SURELY_NOT_DONE:
            return Interrupted("Others were changing the same; nothing was changed. Try again.", undone=True)
        self.failing = True
        if not _lost(error):
            return Unavailable("The database refuses to work at the moment; nothing was changed.")
        if wrote:
            return Interrupted(
                "The connection to the database was lost: the change may or may not have been made. "
                "Read before you repeat it, or repeat it with the same Idempotency-Key.",
                undone=False,
            )
        return Interrupted("The connection to the database was lost; nothing was changed.", undone=True)


def _lost(error: Exception) -> bool:
    """Whether the connection died, and not the server that refuses."""
    sqlstate = getattr(error, "sqlstate", None)
    return sqlstate is None or sqlstate.startswith(("08", "57P", "25P03", "25P04"))


def described(url: str) -> str:
    """The URL as it may be shown: where the database is and who enters, never a password."""
    parts = conninfo_to_dict(url)
    place = f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}"
    return f"{parts.get('dbname', 'the default database')} at {place} as {parts.get('user', 'the current user')}"
