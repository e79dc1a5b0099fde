"""What is noted about the request that a task answers, for logs, metrics and traces."""

from contextvars import ContextVar

from msgspec import Struct

MOST_ROUND_TRIPS = 100
"""Round trips to the database that are kept of one request, with their times; the others are only added up."""


class RequestRecord(Struct, gc=False):
    """A request that is observed. Nothing is noted where nothing observes: CURRENT is None then.

    It holds numbers and texts alone, and nothing of the request itself, so that many records can wait to be looked at.
    """

    began: float
    """By `time.perf_counter`, like all times here: the loop's clock may have milliseconds only."""
    method: str
    request_id: str = ""
    route: str | None = None
    """The template of its path, which has no ids and no secrets; None where no route serves it."""
    user_id: str = ""
    client: str = ""
    """The address that the request came from: by X-Forwarded-For of a trusted proxy, where there is one."""
    round_trips: int = 0
    """Round trips to the database, and their seconds, from the sending of statements to the last result."""
    database_seconds: float = 0.0
    times: list[tuple[float, float]] | None = None
    """When each round trip began and ended; None where no traces are made."""
    trace_context: dict[str, str] | None = None
    """The headers of W3C Trace Context that it came with; None where no traces are made."""
    scheme: str = "http"
    status: int = 0
    """0 without a response."""
    sent: int = 0
    """Bytes of the response's body."""
    complete: bool = True
    """Whether the whole response was sent."""
    endless: bool = False
    """Whether the response has no end of its own (an event stream)."""
    ended: float = 0.0

    def round_trip(self, began: float, ended: float) -> None:
        """Note a round trip to the database."""
        self.round_trips += 1
        self.database_seconds += ended - began
        if self.times is not None and len(self.times) < MOST_ROUND_TRIPS:
            self.times.append((began, ended))


CURRENT: ContextVar[RequestRecord | None] = ContextVar("todo.request", default=None)
"""The record of the request that this task answers."""
