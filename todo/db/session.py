"""SQLModel sessions: the ordinary way to the database, as one user.

A session enters the role and the user at the beginning of each of its transactions, so row-level security holds for
whatever is selected; `session.info["user_id"]` names the user. It is convenient, and costs several round trips: the
fast routes run a Statement instead.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.errors import InsufficientPrivilege
from psycopg.pq import TransactionStatus
from sqlalchemy import create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from todo.db.agents import Agent
from todo.db.failures import UNAVAILABLE
from todo.db.pipeline import Connection
from todo.db.roles import REQUESTS, Via, enter
from todo.settings import Settings

if TYPE_CHECKING:
    from todo.db.database import Database

DIALECT = "postgresql+psycopg://"

IDLE_IN_A_JOB = "600000"
"""Milliseconds that a transaction of `session_as` may do nothing: a person may be thinking in a notebook."""


def _enter_each_transaction(session: Any, values: Sequence[str]) -> None:
    """Enter the role and the user at the beginning of every transaction of this session, after a commit too."""

    @event.listens_for(session, "after_begin")
    def begin(_session: Any, _transaction: Any, connection: Any) -> None:
        connection.exec_driver_sql(enter(*["%s"] * len(values)), tuple(values))


class SessionFactory:
    """Makes sessions on the connections of the pool, for ordinary FastAPI routes and jobs in the server."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    @cached_property
    def _engine(self) -> AsyncEngine:
        return create_async_engine(DIALECT, async_creator=self._borrow, poolclass=NullPool, use_native_hstore=False)

    async def _borrow(self) -> "_Borrowed":
        connection = await self._database.acquire()
        await connection.set_autocommit(False)
        return _Borrowed(connection, self._database)

    @asynccontextmanager
    async def as_user(
        self, user_id: str, via: Via = "database", agent: Agent | None = None
    ) -> AsyncIterator[AsyncSession]:
        """`async with sessions.as_user(user_id) as session:` one transaction as this user, by the role for requests.

        Committed when the block ends, rolled back when it raises. Raises Unavailable when the database cannot serve.
        """
        database = self._database
        scope = database.as_user(user_id, via, agent)
        await database.shares.enter(user_id)
        try:
            async with AsyncSession(self._engine, expire_on_commit=False, info={"user_id": user_id}) as session:
                _enter_each_transaction(session.sync_session, scope.enter_transaction().values)
                yield session
                await session.commit()
        except DBAPIError as error:
            if isinstance(error.orig, UNAVAILABLE):
                raise database.unavailable(error.orig, wrote=True) from error
            if isinstance(error.orig, InsufficientPrivilege):
                raise scope.refusal(error.orig) from error
            raise
        finally:
            database.shares.leave(user_id)


class _Borrowed:
    """A connection of the pool as SQLAlchemy's driver connection: closing it returns it to the pool."""

    def __init__(self, connection: Connection, database: "Database") -> None:
        self._connection: Connection | None = connection
        self._database = database

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            if not connection.closed:
                if connection.pgconn.transaction_status != TransactionStatus.IDLE:
                    await connection.rollback()
                await connection.set_autocommit(True)
        except psycopg.Error:
            await connection.close()
        finally:
            self._database.pool.release(connection)


@contextmanager
def session_as(user_id: str, settings: Settings | None = None) -> Iterator[Session]:
    """A session of SQLModel as one user, for jobs and notebooks: one transaction, committed when the block ends.

        with todo.session_as("5f0c7f8e-…") as session:
            session.exec(select(Task)).all()

    On the database that the environment (or `settings`) names. Raises CannotStart, and psycopg's errors as
    SQLAlchemy wraps them.
    """
    from todo.db.url import database_url

    settings = settings or Settings.from_environment()
    with database_url(settings) as url:
        engine = create_engine(
            DIALECT, creator=lambda: psycopg.connect(url, application_name="todo session"), poolclass=NullPool
        )
        with Session(engine, expire_on_commit=False, info={"user_id": user_id}) as session:
            timeout = str(round(settings.statement_timeout * 1000))
            quotas = [str(settings.max_tasks_per_user), str(settings.max_log_bytes_per_user)]
            _enter_each_transaction(session, [REQUESTS, user_id, timeout, "database", *quotas, IDLE_IN_A_JOB])
            yield session
            session.commit()
