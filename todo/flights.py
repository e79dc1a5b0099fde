"""Flights: statements to PostgreSQL and back in one round trip, by libpq's pipeline mode.

psycopg connects, adapts values and names errors; this takes its libpq the straight way, since psycopg's own pipeline
costs more than all the rest of a request (docs/decisions/0011). What lies before a Sync is one transaction, unless
it begins one itself (PostgreSQL documentation, 55.2.4 "Pipelining").
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection, OperationalError, errors
from psycopg.abc import Buffer
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.types.numeric import Int8BinaryDumper

Row = tuple[Any, ...]
Step = tuple[bytes, Sequence[Any]]
"""The text of a statement, with `$1` and so on, and its values."""

Key = tuple[bytes, tuple[int, ...]]
"""A statement's text and the types of its values, which it is prepared for."""

BAD = ConnStatus.BAD
SQLSTATE = DiagnosticField.SQLSTATE
SYNC, ROWS = ExecStatus.PIPELINE_SYNC, ExecStatus.TUPLES_OK
FAILED = {ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE}

STALE = {errors.InvalidSqlStatementName.sqlstate, errors.FeatureNotSupported.sqlstate}
"""What was prepared is gone (`DEALLOCATE`, another server behind a pooler), or would return other columns now."""

_ADAPTERS = psycopg.adapt.AdaptersMap(psycopg.adapters)
_ADAPTERS.register_dumper(int, Int8BinaryDumper)  # one width of int: one prepared statement


@dataclass(slots=True)
class Landed:
    """What came back: a result for each step up to the first that failed, and the error of that one."""

    results: list[PGresult]
    error: psycopg.Error | None = None


class Connection(AsyncConnection[Row]):
    """A connection that flies, and remembers what is prepared on it."""

    def __init__(self, pgconn: PGconn, *args: Any, **kwargs: Any) -> None:
        super().__init__(pgconn, *args, **kwargs)
        self._names: dict[Key, bytes] = {}
        self._times: Counter[Key] = Counter()
        self.known_since = 0.0
        """When psycopg's pool saw it last, on the monotonic clock."""
        self._numbers = itertools.count()
        self._adapter = Transformer(_ADAPTERS)  # of no connection, so that times are in UTC

    async def fly(self, steps: Sequence[Step]) -> Landed:
        """Send all steps up to one Sync, and receive all that comes back.

        Raises OperationalError when the connection is lost on the way. Whatever else breaks the flight off closes
        the connection, since answers to it may still come.
        """
        pgconn, adapter = self.pgconn, self._adapter
        messages = [
            (sql, adapter.dump_sequence(values, [PyFormat.AUTO] * len(values)), adapter.types or (), adapter.formats)
            for sql, values in steps
        ]
        try:
            pgconn.enter_pipeline_mode()
            sent = [prepares for message in messages for prepares in self._send(*message)]
            pgconn.pipeline_sync()
            while pgconn.flush():
                await self._until_ready(writing=True)
                pgconn.consume_input()
            received = await self._receive()
            pgconn.exit_pipeline_mode()
        except BaseException:
            await self.close()
            raise
        landed = self._landed(sent, received)
        if landed.error is not None and landed.error.sqlstate in STALE and self._names:
            self._names.clear()
            self._times.clear()
            if pgconn.transaction_status == TransactionStatus.IDLE:  # nothing of it was done
                return await self.fly(steps)
        return landed

    def _landed(self, sent: list[tuple[Key, bytes] | None], received: list[PGresult]) -> Landed:
        landed = Landed([])
        sent += [None] * (len(received) - len(sent))  # the Sync itself may fail, of what is checked at the commit
        for prepares, result in zip(sent, received, strict=True):
            if result.status in FAILED:
                landed.error = error_from_result(result)
                break
            if prepares is None:
                landed.results.append(result)
            else:
                key, name = prepares
                self._names[key] = name
        return landed

    def _send(
        self, sql: bytes, values: Sequence[Buffer | None], types: tuple[int, ...], formats: Sequence[Format] | None
    ) -> list[tuple[Key, bytes] | None]:
        """Hand a step to libpq; for each message None, or for one that prepares what it prepares, and its name."""
        key, sent = (sql, types), []
        name = self._names.get(key)
        if name is None and self.prepare_threshold is not None:
            self._times[key] += 1
            if self._times[key] > self.prepare_threshold:
                name = b"todo_%d" % next(self._numbers)
                self.pgconn.send_prepare(name, sql, types)
                sent.append((key, name))
        if name is None:
            self.pgconn.send_query_params(sql, values, types, formats, Format.BINARY)
        else:
            self.pgconn.send_query_prepared(name, values, formats, Format.BINARY)
        return [*sent, None]

    async def _receive(self) -> list[PGresult]:
        """A result for each message. Raises OperationalError when the connection is lost before the Sync comes back."""
        pgconn = self.pgconn
        received: list[PGresult] = []
        ends = 0
        try:
            while True:
                while pgconn.is_busy():
                    await self._until_ready()
                    pgconn.consume_input()
                result = pgconn.get_result()
                ends = ends + 1 if result is None else 0
                if ends > 1 or (ends and pgconn.status == BAD):  # each step's results have one end
                    raise OperationalError("the connection is lost")  # noqa: TRY301 # as libpq does
                if result is not None and result.status == SYNC:
                    return received
                if result is not None:
                    received.append(result)
        except OperationalError:
            ended = [pgconn.get_result() for _ in range(4)]  # what was read before the end, and the ends of results
            for result in (*received, *ended):
                if result is not None and result.error_field(SQLSTATE):  # the server's last words
                    raise error_from_result(result) from None
            raise

    async def _until_ready(self, *, writing: bool = False) -> None:
        """Wait until the socket has something to read, or room for more to write."""
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        descriptor = self.pgconn.socket
        loop.add_reader(descriptor, _set, ready)
        if writing:
            loop.add_writer(descriptor, _set, ready)
        try:
            await ready
        finally:
            loop.remove_reader(descriptor)
            if writing:
                loop.remove_writer(descriptor)

    def rows(self, result: PGresult) -> list[Row]:
        """The rows of a result, as Python's values."""
        if result.status != ROWS:
            return []
        self._adapter.set_pgresult(result, set_loaders=True)
        rows: list[Row] = self._adapter.load_rows(0, result.ntuples, tuple)
        return rows


def _set(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
