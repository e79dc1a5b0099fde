"""Transactions: `Tx`, one as one user, of one statement in one round trip or of several in as few as there can be."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg.pq import TransactionStatus

from todo.database import ALONE, REQUESTS, UNAVAILABLE, Database, Via
from todo.flights import Connection, Row, Step
from todo.problems import Interrupted
from todo.statements import Statement

T = TypeVar("T")

COMMIT = b"commit"


class Transaction:
    """One transaction of several statements, from its first statement to `commit` or `end`.

    What is only queued goes with the next statement whose rows are wanted, or with the commit: each `rows` is one
    round trip. Raises Unavailable when the database cannot serve; a statement's own errors are psycopg's.
    """

    def __init__(self, tx: "Tx") -> None:
        self._tx = tx
        self._connection: Connection | None = None
        self._queued: list[Step] = [(b"begin", ()), tx.database.enter_to_write(tx)]

    def become(self, role: str) -> None:
        """Work as another role from here on, for the same user."""
        self._queued.append((b"select set_config('role', $1, true)", [role]))

    def undoes(self, revision: int) -> None:
        """Note which change the next ones take back, for the log."""
        self._queued.append((b"select set_config('app.undoes', $1, true)", [str(revision)]))

    def alone(self, name: str) -> None:
        """Wait here for every other transaction that is alone by the same name."""
        self._queued.append((ALONE, [name]))

    def savepoint(self) -> None:
        """Mark where `back_to_savepoint` leads."""
        self._queued.append((b"savepoint step", ()))

    def back_to_savepoint(self) -> None:
        """Undo what was done since, a failure included."""
        self._queued.append((b"rollback to savepoint step", ()))

    def run(self, statement: Statement, **params: Any) -> int:
        """Send `statement` with the next one; where its rows will be among those of that flight."""
        params = {"user_id": self._tx.user_id, **params}
        if statement.alone_by is not None:
            self.alone(str(params[statement.alone_by]))
        if statement.slow:
            self._queued.append((b"select set_config('statement_timeout', $1, true)", [self._tx.database.slow_timeout]))
        self._queued.append((statement.sql, statement.values(params)))
        return len(self._queued) - 1

    async def rows(self, statement: Statement, **params: Any) -> list[Row]:
        """Send all that waits and `statement`, whose rows are returned."""
        self.run(statement, **params)
        [*_, rows] = await self.all_rows()
        return rows

    async def all_rows(self) -> list[list[Row]]:
        """Send all that waits; the rows of each."""
        [*results, error] = await self.results()
        if isinstance(error, Exception):
            raise error
        return results

    async def results(self) -> list[Any]:
        """Send all that waits: the rows of each up to the first that fails, and last what it failed of, or None."""
        queued, self._queued = self._queued, []
        database = self._tx.database
        try:
            if self._connection is None:
                self._connection = await database.borrow()
            landed = await self._connection.fly(queued)
            if isinstance(landed.error, UNAVAILABLE):
                raise landed.error
        except UNAVAILABLE as error:
            raise database.unavailable(error, wrote=queued[-1][0] == COMMIT) from error
        database.heard()
        return [*map(self._connection.rows, landed.results), landed.error]

    async def commit(self) -> None:
        """Send all that waits and commit."""
        self._queued.append((COMMIT, ()))
        await self.all_rows()

    async def end(self) -> None:
        """Let go of the connection; what was not committed is undone."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                if not connection.closed and connection.pgconn.transaction_status != TransactionStatus.IDLE:
                    await connection.fly([(b"rollback", ())])
            except psycopg.Error:
                await connection.close()
            finally:
                await self._tx.database.pool.give_back(connection)


@dataclass(slots=True)
class Tx:
    """One transaction as one user. An action hands it a statement; nothing else commits."""

    database: Database
    user_id: str
    role: str = REQUESTS
    via: Via = "database"

    async def one(self, statement: Statement, /, **params: Any) -> list[Row]:
        """A whole transaction of one statement, as this user, in one round trip.

        The statement may name `:user_id`. Raises Unavailable when the database cannot serve.
        """
        return await self.database.one(self, statement, {"user_id": self.user_id, **params})

    def about(self, task_id: UUID) -> None:
        """Take note of the task that the answer speaks of, for those who keep answers."""

    @asynccontextmanager
    async def several(self) -> AsyncIterator[Transaction]:
        """A transaction of several statements as this user, committed when the block ends without an error."""
        transaction = Transaction(self)
        try:
            yield transaction
            await transaction.commit()
        finally:
            await transaction.end()

    async def atomically(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do `work` in a transaction of several statements; once more where the first time surely changed nothing."""
        try:
            async with self.several() as steps:
                return await work(steps)
        except Interrupted as interrupted:
            if not interrupted.undone:
                raise
        async with self.several() as steps:
            return await work(steps)
