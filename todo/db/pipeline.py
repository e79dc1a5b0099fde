"""Statements to PostgreSQL and back in one round trip, by libpq's pipeline mode.

psycopg connects, adapts values and names the errors. The pipeline itself is run on `psycopg.pq`, since psycopg's own
pipeline costs more than the rest of a request (docs/decisions/0011). All queries before a Sync are one transaction,
unless they begin one themselves (PostgreSQL documentation, 55.2.4 "Pipelining").
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
from psycopg import AsyncConnection, OperationalError
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.types.numeric import Int8BinaryDumper

from todo.db.prepared import STALE, PreparedKey, PreparedStatements
from todo.metrics.counts import round_trip

Row = tuple[Any, ...]


class NoAnswerError(OperationalError):
    """The server did not answer in time, and its network does not say why: the connection is closed."""


class Query(NamedTuple):
    """The text of a statement, with `$1` and so on, and its values."""

    sql: bytes
    values: Sequence[Any] = ()


BAD = ConnStatus.BAD
IDLE = TransactionStatus.IDLE
SYNC, ROWS = ExecStatus.PIPELINE_SYNC, ExecStatus.TUPLES_OK
FAILED = {ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE}

_ADAPTERS = psycopg.adapt.AdaptersMap(psycopg.adapters)
_ADAPTERS.register_dumper(int, Int8BinaryDumper)  # one width of int: one prepared statement

_AUTO = [[PyFormat.AUTO] * count for count in range(64)]


@dataclass(slots=True)
class PipelineResult:
    """A result for each query up to the first that failed, and the error of that one."""

    results: list[PGresult]
    error: psycopg.Error | None = None


class _Prepares(NamedTuple):
    """A message that prepares a statement under a name."""

    key: PreparedKey
    name: bytes


@dataclass(slots=True)
class _Running:
    """A pipeline that was sent: what has come back of it."""

    done: "asyncio.Future[None]"
    deadline: float
    """On the loop's clock."""
    received: list[PGresult] = field(default_factory=list)
    ends: int = 0
    """How many times in a row libpq had no result: each query's results have one end."""


class Connection(AsyncConnection[Row]):
    """A connection that runs pipelines, and knows which statements are prepared on it.

    The event loop watches its socket for as long as it is open, since to begin and end watching takes four system
    calls. So a connection that the server ends while it is idle is known as unusable without a round trip.
    """

    def __init__(self, pgconn: PGconn, *args: Any, **kwargs: Any) -> None:
        super().__init__(pgconn, *args, **kwargs)
        self.usable = True
        """False once the server has sent something on it while it was idle: mostly that it ends the connection."""
        self.prepared = PreparedStatements()
        self.timeout = 60.0
        """Seconds in which a pipeline must be answered; the pool sets it."""
        self.opened_at = self.idle_since = 0.0
        """On the loop's clock; the pool keeps them."""
        self._loop = asyncio.get_running_loop()
        self._watched = 0
        """The descriptor that the loop watches; 0 for none. libpq forgets it when the connection is lost."""
        self._running: _Running | None = None
        self._transformer = Transformer(_ADAPTERS)  # of no connection, so that times are in UTC

    async def run_pipeline(self, queries: Sequence[Query], within: float | None = None) -> PipelineResult:
        """Send all queries up to one Sync, and receive their results, `within` seconds.

        Raises OperationalError when the connection is lost meanwhile, NoAnswerError after that. Whatever else
        interrupts it (a cancelled request) closes the connection, since results may still arrive.
        """
        pgconn, transformer = self.pgconn, self._transformer
        dump = transformer.dump_sequence
        messages = [
            (sql, dump(values, _AUTO[len(values)]), transformer.types or (), transformer.formats)
            for sql, values in queries
        ]
        self.watch()
        began, sent = time.perf_counter(), list[_Prepares | None]()
        try:
            pgconn.enter_pipeline_mode()
            for message in messages:
                self._send(sent, *message)
            pgconn.pipeline_sync()
            deadline = self._loop.time() + (within or self.timeout)
            running = self._running = _Running(self._loop.create_future(), deadline)
            if pgconn.flush():
                await self._flush(running)
            await running.done
            self._running = None
            pgconn.exit_pipeline_mode()
        except BaseException:
            self._running = None
            await self.close()
            raise
        finally:
            round_trip(began, time.perf_counter())
        outcome = self._outcome(sent, running.received)
        if outcome.error is not None and outcome.error.sqlstate in STALE and self.prepared.threshold is not None:
            self.usable = self.prepared.stop(outcome.error)
            if pgconn.transaction_status == IDLE:  # nothing of it was done
                return await self.run_pipeline(queries, within)
        return outcome

    def rows(self, result: PGresult) -> list[Row]:
        """The rows of a result, as Python's values."""
        if result.status != ROWS:
            return []
        self._transformer.set_pgresult(result, set_loaders=True)
        rows: list[Row] = self._transformer.load_rows(0, result.ntuples, tuple)
        return rows

    async def wait(self, gen: PQGen[Any], *args: Any, **kwargs: Any) -> Any:
        """Run one of psycopg's own operations, which watches the socket itself. Raises NoAnswerError."""
        self._unwatch()
        try:
            async with asyncio.timeout(self.timeout):
                return await super().wait(gen, *args, **kwargs)
        except TimeoutError:
            self.close_now()
            raise NoAnswerError("the server did not answer") from None

    async def close(self) -> None:
        """Close the connection; running statements are ended by the server when it notices."""
        self._unwatch()
        await super().close()

    def close_now(self) -> None:
        """The same, from where nothing can be awaited. A running pipeline fails."""
        self._unwatch()
        if self._running is not None and not self._running.done.done():
            self._running.done.set_exception(OperationalError("the connection was closed"))
        self.pgconn.finish()

    def check_deadline(self, now: float) -> bool:
        """Whether the pipeline that runs is overdue, which then fails with NoAnswerError."""
        running = self._running
        if running is None or running.done.done() or now < running.deadline:
            return False
        running.done.set_exception(NoAnswerError("the server did not answer"))
        return True

    def watch(self) -> None:
        """Let the event loop watch the socket, where it does not yet."""
        if not self._watched:
            self._watched = self.pgconn.socket
            self._loop.add_reader(self._watched, self._readable)

    def _unwatch(self) -> None:
        if self._watched:
            with suppress(OSError):  # of asyncio's own loop, where libpq has closed the descriptor
                self._loop.remove_writer(self._watched)  # that of a flush: left behind, it would spoil the descriptor
            self._loop.remove_reader(self._watched)
            self._watched = 0

    def _send(
        self,
        sent: list[_Prepares | None],
        sql: bytes,
        values: Sequence[Any],
        types: tuple[int, ...],
        formats: Sequence[Format] | None,
    ) -> None:
        """Hand a query to libpq; adds to `sent` None for each message, or what the message prepares."""
        key = sql, types
        prepared = self.prepared
        name = prepared.name_of(key) or next((each.name for each in sent if each and each.key == key), None)
        if name is None and (name := prepared.name_to_prepare(key)) is not None:
            self.pgconn.send_prepare(name, sql, types)
            sent.append(_Prepares(key, name))
        if name is None:
            self.pgconn.send_query_params(sql, values, types, formats, Format.BINARY)
        else:
            self.pgconn.send_query_prepared(name, values, formats, Format.BINARY)
        sent.append(None)

    async def _flush(self, running: _Running) -> None:
        """Send what the socket had no room for, while `_readable` reads, so that neither side waits for the other."""
        while not running.done.done() and self.pgconn.flush():
            writable = self._loop.create_future()
            self._loop.add_writer(self._watched, _wake, writable)
            try:
                await asyncio.wait((writable, running.done), return_when=asyncio.FIRST_COMPLETED)
            finally:
                if self._watched:
                    self._loop.remove_writer(self._watched)

    def _readable(self) -> None:
        """Receive what has arrived; the pipeline is done when its Sync came back."""
        running = self._running
        if running is None:
            self.usable = False
            self._unwatch()
            return
        if running.done.done():
            return
        try:
            self.pgconn.consume_input()
            if self._received_all(running):
                running.done.set_result(None)
        except OperationalError as error:
            self._unwatch()
            running.done.set_exception(self._reason(running) or error)

    def _received_all(self, running: _Running) -> bool:
        """Take the results that are complete. Raises OperationalError when the connection was lost."""
        pgconn = self.pgconn
        while not pgconn.is_busy():
            result = pgconn.get_result()
            if result is None:
                running.ends += 1
                if running.ends > 1 or pgconn.status == BAD:
                    raise OperationalError("the connection is lost")
                continue
            running.ends = 0
            if result.status == SYNC:
                return True
            running.received.append(result)
        return False

    def _reason(self, running: _Running) -> psycopg.Error | None:
        """The server's own error behind a lost connection, among what was read before the end."""
        ended = [self.pgconn.get_result() for _ in range(4)]
        for result in (*running.received, *ended):
            if result is not None and result.error_field(DiagnosticField.SQLSTATE):
                return error_from_result(result)
        return None

    def _outcome(self, sent: list[_Prepares | None], received: list[PGresult]) -> PipelineResult:
        outcome = PipelineResult([])
        sent += [None] * (len(received) - len(sent))  # the Sync itself may fail, by what is checked at the commit
        for prepares, result in zip(sent, received, strict=True):
            if result.status in FAILED:
                outcome.error = error_from_result(result)
                break
            if prepares is None:
                outcome.results.append(result)
            else:
                self.prepared.add(*prepares)
        return outcome


def _wake(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
