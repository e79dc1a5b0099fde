"""What observes connections and requests: access log, metrics and traces, each where it is switched on.

While a request is answered only its record is kept. Many records are looked at together, which costs less: the
processor has the code for it in its caches then.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Protocol

from starlette.types import Scope

from todo.http.access_log import AT_ONCE, REQUEST_ID, AccessLog, given_request_id
from todo.metrics.counts import COUNTS
from todo.metrics.names import CONNECTIONS, IN_PROGRESS
from todo.observation import RequestRecord

DELAY = 1.0  # seconds that one of them waits at most

TRACE_CONTEXT = {b"traceparent", b"tracestate"}
"""Headers of W3C Trace Context."""


class Tracer(Protocol):
    """What makes traces (`http.traces`, which needs an extra)."""

    def request(self, record: RequestRecord) -> str:
        """Make the spans of a request that is over; the id of its trace."""


class Observer:
    """What observes the requests of a process."""

    def __init__(self, access_log: AccessLog | None, tracer: Tracer | None, *, metrics: bool) -> None:
        self._access_log = access_log
        self._tracer = tracer
        self._metrics = metrics
        self._server: Any = None
        self._at_once = AT_ONCE if access_log is None else access_log.at_once
        self._over: list[RequestRecord] = []
        self._timer: asyncio.TimerHandle | None = None

    def serves(self, server: Any) -> None:
        """Learn uvicorn's state of the server, which has its connections and running requests."""
        self._server = server

    def gauge(self) -> None:
        """Set the gauges of the server."""
        if self._server is not None:
            COUNTS.set(CONNECTIONS, to=len(self._server.connections))
            COUNTS.set(IN_PROGRESS, to=len(self._server.tasks))

    def begin(self, scope: Scope) -> RequestRecord:
        """The record of a request."""
        record = RequestRecord(time.perf_counter(), scope["method"])
        if self._access_log is not None:
            record.request_id = given_request_id(scope["headers"]) or self._access_log.new_request_id()
        if self._tracer is not None:
            record.times = []
            record.trace_context = {
                name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in TRACE_CONTEXT
            }
        return record

    def end(self, record: RequestRecord, scope: Scope) -> None:
        """Note a request that is over."""
        record.ended = time.perf_counter()
        if (client := scope["client"]) is not None:
            record.client = client[0]
        record.scheme = scope["scheme"]
        self._over.append(record)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(DELAY, self._overdue)
        if len(self._over) >= self._at_once:
            self.flush()

    def _overdue(self) -> None:
        self._timer = None
        self.flush()

    def flush(self) -> None:
        """Count, log and trace the requests that are over."""
        for record in self._over:
            if self._metrics:
                COUNTS.request(record)
            trace_id = self._tracer.request(record) if self._tracer is not None else None
            if self._access_log is not None:
                line = self._access_log.add(record)
                if trace_id is not None:
                    line.trace_id = trace_id
        self._over.clear()
        if self._access_log is not None:
            self._access_log.flush()

    def close(self) -> None:
        """Do so for the last time."""
        if self._timer is not None:
            self._timer.cancel()
        self.flush()

    def refused(self, client: tuple[str, int] | None, status: int, detail: str) -> Sequence[tuple[bytes, bytes]]:
        """Note what was refused before it was a request; headers for its response."""
        now = time.perf_counter()
        record = RequestRecord(now, "-", status=status, client=client[0] if client else "", ended=now)
        if self._metrics:
            COUNTS.request(record)
        if self._access_log is None:
            return ()
        record.request_id = self._access_log.new_request_id()
        self._access_log.add(record).refused = detail
        self._access_log.flush()
        return [(REQUEST_ID, record.request_id.encode())]
