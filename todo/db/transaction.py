"""Transactions of several statements, in as few round trips as there can be."""

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.errors import InsufficientPrivilege
from psycopg.pq import TransactionStatus

from todo.db.failures import UNAVAILABLE
from todo.db.pipeline import Connection, Query, Row
from todo.db.prepared import STALE
from todo.db.roles import LOCK
from todo.db.statement import R, Statement
from todo.problems import Interrupted

if TYPE_CHECKING:
    from todo.db.database import ScopedDatabase

COMMIT = b"commit"
BEGIN_WORK = Query(b"savepoint work")


class Transaction:
    """One transaction of several statements, from its first statement to `commit` or `close`.

    Queued statements are sent with the next one whose rows are wanted, or with the commit: each `fetch` is one
    round trip. Raises Unavailable when the database cannot serve; a statement's own errors are psycopg's.
    """

    def __init__(self, scope: "ScopedDatabase", *, ends_later: bool = False) -> None:
        """`ends_later` where something is to be written yet when the work in it is done."""
        self._scope = scope
        self._ends_later = ends_later
        self._committed = False
        self._connection: Connection | None = None
        self._queued: list[Query] = [Query(b"begin"), scope.enter_transaction()]
        self._timeout: float | None = None

    def set_role(self, role: str) -> None:
        """Work as another role from here on, for the same user."""
        self._queued.append(Query(b"select set_config('role', $1, true)", [role]))

    def set_undoes(self, revision: int) -> None:
        """Note in the log which change the next ones undo."""
        self._queued.append(Query(b"select set_config('app.undoes', $1, true)", [str(revision)]))

    def set_completes(self, *, on: bool) -> None:
        """Whether the next changes follow from the completion of a repeating task: then an agent needs no more."""
        if self._scope.agent is not None:
            self._queued.append(Query(b"select set_config('app.completes', $1, true)", ["on" if on else ""]))

    @property
    def one_tag(self) -> bool:
        """Whether it works for an agent that sees the tasks with one tag only."""
        return self._scope.one_tag

    @property
    def of_agent(self) -> bool:
        """Whether it works for an agent."""
        return self._scope.agent is not None

    def set_fence(self, *, on: bool) -> None:
        """Whether only what an agent's tag lets it see is seen from here on; off to judge, on to read and write."""
        if self._scope.agent is not None and self._scope.agent.tag is not None:
            tag = self._scope.agent.tag if on else ""
            self._queued.append(Query(b"select set_config('app.tag', $1, true)", [tag]))

    def begin_batch(self) -> None:
        """Note in the log that the changes from here on belong together."""
        self._queued.append(Query(b"select set_config('app.batch', '0', true)"))

    def lock(self, name: str) -> None:
        """Wait here for every other transaction that holds the lock of this name."""
        self._queued.append(Query(LOCK, [name]))

    def savepoint(self) -> None:
        """Mark what `rollback_to_savepoint` goes back to."""
        self._queued.append(Query(b"savepoint step"))

    def rollback_to_savepoint(self) -> None:
        """Undo what was done since the savepoint, a failure included."""
        self._queued.append(Query(b"rollback to savepoint step"))

    def begin_work(self) -> None:
        """Mark what `undo_work` goes back to."""
        self._queued.append(BEGIN_WORK)

    def undo_work(self) -> None:
        """Forget what is queued, and undo what was done since `begin_work`, a failure included."""
        done = BEGIN_WORK not in self._queued
        self._queued.clear()
        if done:
            self._queued.append(Query(b"rollback to savepoint work"))

    def queue(self, statement: Statement[Any], **params: Any) -> int:
        """Send `statement` with the next fetch; the index that its rows will have among those of that round trip."""
        params.setdefault("user_id", self._scope.user_id)
        if statement.lock_by is not None:
            self.lock(str(params[statement.lock_by]))
        if statement.long_running:
            database = self._scope.database
            self._timeout = database.long_answer_timeout
            self._queued.append(Query(b"select set_config('statement_timeout', $1, true)", [database.long_timeout]))
        self._queued.append(statement.query(params))
        return len(self._queued) - 1

    async def fetch(self, statement: Statement[R], **params: Any) -> list[R]:
        """Send what is queued and `statement`; its rows."""
        self.queue(statement, **params)
        [*_, rows] = await self.fetch_all()
        return statement.typed(rows)

    async def fetch_last(self, statement: Statement[R], **params: Any) -> list[R]:
        """The same of the last statement of the work in it, with which it commits."""
        index = self.queue(statement, **params)
        return statement.typed((await self.fetch_all_last())[index])

    async def fetch_all_last(self) -> list[list[Row]]:
        """The same of the last statements of the work in it."""
        if not self._ends_later:
            self._queued.append(Query(COMMIT))
            self._committed = True
        return await self.fetch_all()

    async def fetch_all(self) -> list[list[Row]]:
        """Send what is queued; the rows of each query. Raises the error of the first one that fails."""
        rows, error = await self.flush()
        if error is not None:
            raise self.failure(error) from error
        return rows

    def failure(self, error: psycopg.Error) -> Exception:
        """What to raise for the error of a statement: itself, or what an agent is answered where it is refused."""
        return self._scope.refusal(error) if isinstance(error, InsufficientPrivilege) else error

    async def flush(self) -> tuple[list[list[Row]], psycopg.Error | None]:
        """Send what is queued; the rows of each query up to the first that fails, and its error."""
        queued, self._queued = self._queued, []
        database = self._scope.database
        try:
            if self._connection is None:
                self._connection = await self._scope.acquire()
            outcome = await self._connection.run_pipeline(queued, self._timeout)
            if isinstance(outcome.error, UNAVAILABLE):
                raise outcome.error
            if outcome.error is not None and outcome.error.sqlstate in STALE:  # the whole transaction may run again
                raise Interrupted("A prepared statement was gone; nothing was changed. Try again.", undone=True)
        except UNAVAILABLE as error:
            raise database.unavailable(error, wrote=queued[-1].sql == COMMIT) from error
        database.answered()
        return [self._connection.rows(result) for result in outcome.results], outcome.error

    async def commit(self) -> None:
        """Send what is queued and commit, unless that was done with the last statement."""
        if self._committed:
            return
        self._queued.append(Query(COMMIT))
        await self.fetch_all()

    async def close(self) -> None:
        """Release the connection; what was not committed is rolled back."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            if not connection.closed and connection.pgconn.transaction_status != TransactionStatus.IDLE:
                await connection.run_pipeline([Query(b"rollback")])
        except psycopg.Error:
            await connection.close()
        finally:
            self._scope.release(connection)
