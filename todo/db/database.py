"""The database: one pool of connections, and the database as one user, which is what actions work on.

Every transaction enters a role and names its user before its first statement, so the row-level policies hold
whatever the statement says. Role, user and statement travel in one pipeline, which is one transaction.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import UUID

from psycopg import OperationalError
from psycopg.errors import InsufficientPrivilege

from todo.db.agents import Agent
from todo.db.failures import ROLLED_BACK, UNAVAILABLE, connection_lost, is_of_the_statement, unavailable
from todo.db.pipeline import Connection, Query
from todo.db.pool import ANSWER_GRACE, NoConnection, Pool
from todo.db.roles import ACCOUNTS, ENTER, ENTER_AS_AGENT, ENTER_TO_WRITE, ENTER_TRANSACTION, LOCK, REQUESTS, Via
from todo.db.shares import Shares
from todo.db.statement import R, Statement
from todo.db.transaction import Transaction
from todo.problems import Interrupted, TooManyRequests, Unavailable
from todo.settings import Settings

if TYPE_CHECKING:
    from todo.db.session import SessionFactory

T = TypeVar("T")

LONG_RUNNING = 10
"""How many times the usual timeout a statement may run that is said to be long-running."""


class Database:
    """A pool of connections to one PostgreSQL, and what is known of its health.

    Open it with `async with`. Raises Unavailable when it cannot serve; its other errors are psycopg's.
    """

    def __init__(self, url: str, settings: Settings) -> None:
        self.last_contact: float | None = None
        """Seconds since the epoch."""
        self.failing = False
        """Whether it did not answer the last time it was asked."""
        self.schema_mismatch = False
        """Whether the last check found another schema version or broken isolation."""
        self.statement_timeout = str(round(settings.statement_timeout * 1000))
        self.long_timeout = str(round(settings.statement_timeout * 1000 * LONG_RUNNING))
        self.long_answer_timeout = settings.statement_timeout * LONG_RUNNING + ANSWER_GRACE
        self.max_tasks = str(settings.max_tasks_per_user)
        self.max_log_bytes = settings.max_log_bytes_per_user
        self.agent_deletions_per_hour = settings.agent_deletions_per_hour
        self.pool = Pool(url, settings)
        self.shares = Shares(_share(settings.pool_size), max(1, settings.pool_waiting // 2), settings.pool_timeout)

    async def __aenter__(self) -> Self:
        await self.pool.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pool.__aexit__()

    def as_user(self, user_id: str, via: Via = "database", agent: Agent | None = None) -> "ScopedDatabase":
        """The database as this user or their agent sees it: their own rows, by the role that serves requests."""
        return ScopedDatabase(self, REQUESTS, user_id, via, agent)

    def as_accounts(self, user_id: str = "", via: Via = "database") -> "ScopedDatabase":
        """The database as the built-in accounts see it: users, credentials, sessions, keys."""
        return ScopedDatabase(self, ACCOUNTS, user_id, via)

    @cached_property
    def sessions(self) -> "SessionFactory":
        """SQLModel sessions on the connections of the pool."""
        from todo.db.session import SessionFactory  # SQLAlchemy's asyncio part, which the fast routes do not need

        return SessionFactory(self)

    async def acquire(self) -> Connection:
        """A connection of the pool. Raises Unavailable."""
        try:
            return await self.pool.acquire()
        except NoConnection:
            self.failing = True
            raise

    def answered(self) -> None:
        """Note that the database answered."""
        self.last_contact = time.time()
        self.failing = False

    def unavailable(self, error: Exception, *, wrote: bool) -> Unavailable:
        """What a client is answered for psycopg's `error`; `wrote` where the change may have been made."""
        self.failing = self.failing or not is_of_the_statement(error)
        return unavailable(error, wrote=wrote)


@dataclass(slots=True)
class ScopedDatabase:
    """The database as one role and one user: actions run their statements on it."""

    database: Database
    role: str
    user_id: str
    via: Via = "database"
    agent: Agent | None = None

    @property
    def one_tag(self) -> bool:
        """Whether it sees the tasks with one tag only."""
        return self.agent is not None and self.agent.tag is not None

    async def run(self, statement: Statement[R], /, **params: Any) -> list[R]:
        """A whole transaction of one statement, in one round trip; its rows.

        The statement may name `:user_id`. A read is tried twice when its connection dies, a write only when it
        surely was not done. Raises Unavailable when the database cannot serve.
        """
        params.setdefault("user_id", self.user_id)
        queries = self._queries(statement, params)
        try:
            try:
                return await self._run(statement, queries)
            except OperationalError as error:
                if not (error.sqlstate in ROLLED_BACK or (connection_lost(error) and statement.read_only)):
                    raise
                return await self._run(statement, queries)
        except UNAVAILABLE as error:
            raise self.database.unavailable(error, wrote=not statement.read_only) from error
        except InsufficientPrivilege as error:
            raise self.refusal(error) from error

    def refusal(self, error: InsufficientPrivilege) -> Exception:
        """What a client is answered where the database refuses it: of anybody but an agent it is a bug."""
        return error if self.agent is None else self.agent.refusal(error)

    def mentions(self, *task_ids: UUID) -> None:
        """The answer shows these tasks; none stands for all. `IdempotentDatabase` records it, for their purge."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction of several statements, committed when the block ends without an error."""
        transaction = Transaction(self)
        try:
            yield transaction
            await transaction.commit()
        finally:
            await transaction.close()

    async def in_transaction(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do `work` in a transaction of several statements; once more when the first surely changed nothing."""
        try:
            async with self.transaction() as transaction:
                return await work(transaction)
        except Interrupted as interrupted:
            if not interrupted.undone:
                raise
        async with self.transaction() as transaction:
            return await work(transaction)

    async def dry_run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """What `work` returns, in a transaction that is rolled back: of an IdempotentDatabase one beside its own."""
        scope = ScopedDatabase(self.database, self.role, self.user_id, self.via, self.agent)
        transaction = Transaction(scope, ends_later=True)
        try:
            return await work(transaction)
        finally:
            await transaction.close()

    def enter_to_write(self) -> Query:
        """What a transaction begins with that may write."""
        database = self.database
        timeout = database.statement_timeout
        quotas = [database.max_tasks, str(database.max_log_bytes)]
        values = [self.role, self.user_id, timeout, self.via, *quotas]
        if self.agent is not None:
            return Query(ENTER_AS_AGENT, [*values, timeout, *self.agent.values])
        return Query(ENTER_TO_WRITE, values)

    def enter_transaction(self) -> Query:
        """What a transaction of several round trips begins with."""
        enter = self.enter_to_write()
        if self.agent is not None:
            return enter
        return Query(ENTER_TRANSACTION, [*enter.values, self.database.statement_timeout])

    async def acquire(self) -> Connection:
        """A connection of the pool, within the user's share. Raises Unavailable or TooManyRequests."""
        if not self._shared:
            return await self.database.acquire()
        try:
            await self.database.shares.enter(self.user_id)
        except TooManyRequests:
            if self.database.failing:  # which is why the user's other requests do not end
                raise NoConnection from None
            raise
        try:
            return await self.database.acquire()
        except BaseException:
            self.database.shares.leave(self.user_id)
            raise

    def release(self, connection: Connection) -> None:
        """Give back what `acquire` gave."""
        self.database.pool.release(connection)
        if self._shared:
            self.database.shares.leave(self.user_id)

    @property
    def _shared(self) -> bool:
        """Whether it works for a user's requests; sign-ins and our own work are bounded otherwise."""
        return self.role == REQUESTS and self.user_id != ""

    def _queries(self, statement: Statement[Any], params: Mapping[str, Any]) -> list[Query]:
        if statement.read_only and self.agent is None:
            queries = [Query(ENTER, [self.role, self.user_id, self.database.statement_timeout])]
        else:
            enter = self.enter_to_write()
            if statement.long_running:
                enter = enter._replace(values=[*enter.values[:2], self.database.long_timeout, *enter.values[3:]])
            queries = [enter]
        if statement.lock_by is not None:
            queries.append(Query(LOCK, [str(params[statement.lock_by])]))
        queries.append(statement.query(params))
        return queries

    async def _run(self, statement: Statement[R], queries: list[Query]) -> list[R]:
        timeout = self.database.long_answer_timeout if statement.long_running else None
        connection = await self.acquire()
        try:
            outcome = await connection.run_pipeline(queries, timeout)
            if outcome.error is not None:
                raise outcome.error
            self.database.answered()
            return statement.typed(connection.rows(outcome.results[-1]))
        finally:
            self.release(connection)


def _share(pool_size: int) -> int:
    """How many connections one user's requests may hold at once: the rest is left to others."""
    return pool_size - pool_size // 4
