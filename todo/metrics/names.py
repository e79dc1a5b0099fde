"""Every metric: its kind, name, help and labels (Prometheus exposition format 0.0.4, and its naming conventions)."""

from dataclasses import dataclass
from typing import Literal

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds, in seconds, of the histogram of requests; +Inf stands behind them."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric. Counters are shown with `_total`, summaries as `_sum` and `_count`."""

    kind: Literal["counter", "gauge", "histogram", "summary"]
    name: str
    help: str
    labels: tuple[str, ...] = ()
    newest: bool = False
    """Whether the largest value of all processes counts, those that have ended included, and not their sum."""
    values: tuple[str, ...] = ()
    """The values of its only label that are shown from the start, with 0."""


REQUESTS = Metric("counter", "todo_requests", "Requests, by the class of their status.", ("route", "method", "status"))
DURATION = Metric(
    "histogram",
    "todo_request_duration_seconds",
    "Seconds from a request's head to the end of its response, without event streams.",
    ("route", "method"),
)
IN_PROGRESS = Metric("gauge", "todo_requests_in_progress", "Requests that are answered now, event streams included.")
CONNECTIONS = Metric("gauge", "todo_connections", "Connections of clients that are open.")
STREAMS = Metric("gauge", "todo_event_streams", "Event streams that are open.")
POOL_MAX = Metric("gauge", "todo_pool_connections_max", "The most database connections of all workers (POOL_SIZE).")
POOL_OPEN = Metric("gauge", "todo_pool_connections", "Database connections that are open, in use or idle.")
POOL_IN_USE = Metric("gauge", "todo_pool_connections_in_use", "Database connections that work for a request.")
POOL_WAITING = Metric("gauge", "todo_pool_waiting", "Requests that wait for a database connection.")
POOL_WAIT = Metric("summary", "todo_pool_wait_seconds", "Seconds that requests waited for a database connection.")
POOL_REFUSALS = Metric(
    "counter",
    "todo_pool_refusals",
    "Requests refused for want of a database connection: at POOL_WAITING (full), after POOL_TIMEOUT (timeout).",
    ("reason",),
    values=("full", "timeout"),
)
ROUND_TRIPS = Metric("summary", "todo_database_round_trip_seconds", "Round trips to the database, and their seconds.")
THROTTLED = Metric(
    "counter",
    "todo_throttled",
    "Requests answered 429, by the limit that they met.",
    ("kind",),
    values=("requests", "sign_in", "sign_up", "address", "mail", "feed", "agent", "client", "share", "streams"),
)
SWEPT = Metric(
    "counter",
    "todo_swept_rows",
    "Expired rows that were deleted.",
    ("kind",),
    values=("trash", "changes", "keys", "sessions", "links", "codes", "clients"),
)
LAST_SWEEP = Metric(
    "gauge",
    "todo_last_sweep_timestamp_seconds",
    "When a worker last deleted expired rows, started, or found the database unused, in seconds since the epoch.",
    newest=True,
)
REPLAYS = Metric("counter", "todo_idempotent_replays", "Requests that were answered with a stored answer.")
CPU = Metric("counter", "process_cpu_seconds", "Seconds of CPU of all processes, user and system.")
READY = Metric("gauge", "todo_workers_ready", "Workers that can serve, as GET /health/ready says.")

ALL = (
    REQUESTS, DURATION, IN_PROGRESS, CONNECTIONS, STREAMS, POOL_MAX, POOL_OPEN, POOL_IN_USE, POOL_WAITING, POOL_WAIT,
    POOL_REFUSALS, ROUND_TRIPS, THROTTLED, SWEPT, LAST_SWEEP, REPLAYS, CPU, READY,
)  # fmt: skip
