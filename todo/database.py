"""The database: one pool, statements compiled once, and `Tx`, one transaction as one user.

Every transaction enters a role and names its user before its first statement, so the row-level policies
bite whatever the statement says. Role, user and statement travel in one flight: psycopg's pipeline mode
sends them up to one Sync, and PostgreSQL runs what lies before a Sync as one transaction
(PostgreSQL documentation, 55.2.4 "Pipelining").
"""

import select
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection, AsyncCursor, InterfaceError, OperationalError, errors
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Format
from psycopg.types.numeric import Int8BinaryDumper
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql.psycopg import dialect

from todo.problems import Unavailable
from todo.settings import Settings

REQUESTS = "todo_app"
"""The role that serves requests: it owns nothing and sees the rows of the user it was told."""

ACCOUNTS = "todo_accounts"
"""The role for what happens before there is a user: sign-up, sign-in, keys."""

Row = tuple[Any, ...]

PSYCOPG = dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves its dialects untyped

ENTER = (
    b"select set_config('role', %s, true), set_config('app.user_id', %s, true),"
    b" set_config('statement_timeout', %s, true)"
)
ENTER_ALONE = ENTER + b", pg_advisory_xact_lock(hashtextextended(%s, 0))"

SURELY_NOT_DONE = {errors.DeadlockDetected.sqlstate, errors.SerializationFailure.sqlstate}
"""The server rolled the whole transaction back and says so: it may run again."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A SQLAlchemy statement, compiled once to the text psycopg prepares."""

    sql: bytes
    constants: Mapping[str, Any]
    reads: bool
    alone_by: str | None = None

    @classmethod
    def of(cls, clause: Executable, *, reads: bool = False, alone_by: str | None = None) -> Self:
        """Compile `clause`.

        `reads` says that it changes nothing, so it may run twice. `alone_by` names a parameter: statements that
        name one run one after the other for each of its values, and each sees all that those before it did,
        since its snapshot is taken after the lock.
        """
        compiled = clause.compile(dialect=PSYCOPG)  # type: ignore[attr-defined] # every Executable that we use can be compiled
        if compiled.prefetch or compiled.literal_execute_params or compiled.post_compile_params:
            raise TypeError("a statement must not need Python at execution: use server_default, and any_() for IN")
        names = compiled.bind_names
        constants = {names[bind]: bind.value for bind in names if not bind.required}
        return cls(str(compiled).encode(), constants, reads, alone_by)


class _Rfc3339(Loader):
    """A timestamptz as RFC 3339 in UTC with microseconds, as the API writes it."""

    format = Format.BINARY

    def load(self, data: Buffer) -> str:
        moment = _EPOCH + timedelta(microseconds=int.from_bytes(data, "big", signed=True))
        return moment.isoformat(timespec="microseconds") + "Z"


_EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 # PostgreSQL's own epoch, in UTC, where isoformat must write no offset


def _adapters() -> AdaptersMap:
    adapters = AdaptersMap(psycopg.adapters)
    adapters.register_loader("timestamptz", _Rfc3339)
    adapters.register_dumper(int, Int8BinaryDumper)  # one width of int: one prepared statement
    return adapters


class Database:
    """A pool of connections to one PostgreSQL, and what is known of its health.

    Open it with `async with`. Raises Unavailable when it cannot serve; its other errors are psycopg's.
    """

    def __init__(self, url: str, settings: Settings) -> None:
        self.last_contact: datetime | None = None
        self.failing = False
        self._statement_timeout = str(round(settings.statement_timeout * 1000))
        threshold = settings.prepare_threshold
        self._pool = AsyncConnectionPool[AsyncConnection[Row]](
            url,
            kwargs={
                "autocommit": True,
                "prepare_threshold": None if threshold < 0 else threshold,
                "connect_timeout": settings.connect_timeout,
                "application_name": "todo",
                "context": _adapters(),
            },
            min_size=min(2, settings.pool_size),
            max_size=settings.pool_size,
            timeout=settings.pool_timeout,
            max_waiting=settings.pool_waiting,
            reconnect_timeout=settings.pool_timeout,
            open=False,
        )

    async def __aenter__(self) -> Self:
        await self._pool.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()

    async def one(self, role: str, user_id: str, statement: Statement, params: Mapping[str, Any]) -> list[Row]:
        """Run `statement` as a transaction of its own, in one round trip, and return its rows.

        A read is tried twice when its connection dies, a write only when it surely was not done.
        """
        params = {**statement.constants, **params}
        try:
            try:
                return await self._flight(role, user_id, statement, params)
            except OperationalError as error:
                lost = error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))
                if not (error.sqlstate in SURELY_NOT_DONE or (lost and statement.reads)):
                    raise
                return await self._flight(role, user_id, statement, params)
        except (OperationalError, InterfaceError, errors.ReadOnlySqlTransaction) as error:
            raise self._unavailable(error, wrote=not statement.reads) from error

    async def _flight(self, role: str, user_id: str, statement: Statement, params: Mapping[str, Any]) -> list[Row]:
        enter, terms = ENTER, [role, user_id, self._statement_timeout]
        if statement.alone_by is not None:
            enter, terms = ENTER_ALONE, [*terms, str(params[statement.alone_by])]
        async with self._connection() as connection:
            async with connection.pipeline():
                await connection.execute(enter, terms)
                cursor = await connection.execute(statement.sql, params, binary=True)
            return await cursor.fetchall() if cursor.description else []

    @asynccontextmanager
    async def several(self, role: str, user_id: str) -> AsyncIterator["Several"]:
        """Several statements in one transaction: committed at the end of the block, rolled back on any error."""
        try:
            async with self._connection() as connection:
                try:
                    async with connection.pipeline():
                        await connection.execute(b"begin")
                        await connection.execute(ENTER, (role, user_id, self._statement_timeout))
                        yield Several(connection, user_id)
                        await connection.execute(b"commit")
                except BaseException:
                    await connection.rollback()
                    raise
        except (OperationalError, InterfaceError, errors.ReadOnlySqlTransaction) as error:
            raise self._unavailable(error, wrote=True) from error

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[Row]]:
        connection = await self._live_connection()
        try:
            yield connection
        finally:
            await self._pool.putconn(connection)
        self.last_contact = datetime.now(UTC)
        self.failing = False

    async def _live_connection(self) -> AsyncConnection[Row]:
        """A connection that the server has not closed while it lay in the pool.

        An idle connection has nothing to read; where there is something, it is the server's farewell.
        So a serverless database that went to sleep is noticed before work starts, without a round trip.
        """
        deadline = time.monotonic() + self._pool.timeout
        while True:
            try:
                connection = await self._pool.getconn(timeout=max(0.01, deadline - time.monotonic()))
            except TooManyRequests as error:
                raise Unavailable("Too many requests are waiting for the database.") from error
            except PoolTimeout as error:
                self.failing = True
                raise Unavailable("The database has no free connection in time.") from error
            if connection.closed or _readable(connection.fileno()):
                await connection.close()
                await self._pool.putconn(connection)
                continue
            return connection

    def _unavailable(self, error: Exception, *, wrote: bool) -> Unavailable:
        sqlstate = getattr(error, "sqlstate", None)
        if sqlstate == errors.QueryCanceled.sqlstate:
            return Unavailable("The database took too long; nothing was changed.")
        if sqlstate in SURELY_NOT_DONE:
            return Unavailable("Others were changing the same; nothing was changed. Try again.")
        self.failing = True
        if sqlstate is not None and not sqlstate.startswith(("08", "57P")):
            return Unavailable("The database refuses to work at the moment; nothing was changed.")
        if wrote:
            return Unavailable(
                "The connection to the database was lost: the change may or may not have been made. "
                "Read before you repeat it."
            )
        return Unavailable("The connection to the database was lost.")


def _readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


class Several:
    """The statements of one transaction. What fails is raised by the next `rows`, or at the end of the block."""

    def __init__(self, connection: AsyncConnection[Row], user_id: str) -> None:
        self._connection = connection
        self._user_id = user_id

    async def run(self, statement: Statement, **params: Any) -> AsyncCursor[Row]:
        """Send `statement` without waiting for it."""
        params = {**statement.constants, "user_id": self._user_id, **params}
        return await self._connection.execute(statement.sql, params, binary=True)

    async def rows(self, statement: Statement, **params: Any) -> list[Row]:
        """Send `statement` and wait for its rows: a round trip."""
        return await (await self.run(statement, **params)).fetchall()


@dataclass(frozen=True, slots=True)
class Tx:
    """One transaction as one user. An action hands it a statement; nothing else commits."""

    database: Database
    user_id: str
    role: str = REQUESTS

    async def one(self, statement: Statement, /, **params: Any) -> list[Row]:
        """A whole transaction of one statement, as this user, in one round trip.

        The statement may name `:user_id`. Raises Unavailable when the database cannot serve.
        """
        return await self.database.one(self.role, self.user_id, statement, {"user_id": self.user_id, **params})

    @asynccontextmanager
    async def several(self) -> AsyncIterator[Several]:
        """A transaction of several statements as this user, committed when the block ends without an error."""
        async with self.database.several(self.role, self.user_id) as several:
            yield several


def described(url: str) -> str:
    """The URL as it may be shown: where the database is and who enters, never a password."""
    parts = conninfo_to_dict(url)
    place = f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}"
    return f"{parts.get('dbname', 'the default database')} at {place} as {parts.get('user', 'the current user')}"
