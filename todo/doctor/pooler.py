"""A pooler in front of the database: whether there is one, in which mode, and whether prepared statements pass it."""

from collections.abc import Iterator
from contextlib import ExitStack
from enum import Enum
from typing import Any

import psycopg

from todo.doctor.finding import Finding, ok, problem, warning
from todo.settings import Settings

TRIES = 6
"""Connections with an open transaction: so many servers of the pool are taken from the one that is watched."""


class Pooling(Enum):
    """What stands between this process and PostgreSQL."""

    NONE = "none"
    SESSION = "session"
    TRANSACTION = "transaction"


def is_pooled(connection: psycopg.Connection[Any]) -> bool:
    """Whether the process that PostgreSQL works in is another than the one that the connection was told at its start.

    A pooler invents that number, with which a client could cancel its query.
    """
    return _server_process(connection) != connection.info.backend_pid


def _server_process(connection: psycopg.Connection[Any]) -> int:
    [[pid]] = connection.execute("select pg_backend_pid()").fetchall()
    return int(pid)


class Check:
    """Opens a few connections, and looks at which server each is sent to."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._url = url
        self._settings = settings
        self.kind = Pooling.NONE

    def run(self) -> Iterator[Finding]:
        """What was found; `kind` is known with the first finding."""
        try:
            with ExitStack() as opened:
                watched = opened.enter_context(self._connect())
                if not is_pooled(watched):
                    yield ok("pooler", "none: connections lead to PostgreSQL itself")
                    return
                self.kind = Pooling.TRANSACTION if self._moves(watched) else Pooling.SESSION
                yield self._mode()
            yield self._prepared()
        except psycopg.Error as error:
            reason = " ".join(str(error).split())
            yield problem("pooler", f"it refused what todo does: {reason}", "see docs/how-to/deployment.md")

    def _connect(self, threshold: int | None = None) -> psycopg.Connection[Any]:
        return psycopg.connect(
            self._url, connect_timeout=self._settings.connect_timeout, prepare_threshold=threshold, autocommit=True
        )

    def _moves(self, watched: psycopg.Connection[Any]) -> bool:
        """Whether its next statement is sent to another server while others hold the ones that it used."""
        first = _server_process(watched)
        with ExitStack() as opened:
            for _ in range(TRIES):
                other = opened.enter_context(self._connect())
                opened.enter_context(other.transaction())
                if _server_process(other) == first:  # ours, although we are connected
                    return True
        return False

    def _mode(self) -> Finding:
        if self.kind is Pooling.TRANSACTION:
            return ok("pooler", "transaction pooling, which todo is made for: it keeps no state in sessions")
        return warning(
            "pooler",
            "session pooling: each connection of todo keeps one of the pooler's, so it saves none",
            "pool_mode = transaction (PgBouncer), or connect without the pooler",
        )

    def _prepared(self) -> Finding:
        """Prepare a statement, let another connection take the server that knows it, and execute it again."""
        threshold = self._settings.prepare_threshold
        works = self._survives(prepare=True)
        if not self._survives(prepare=False):
            return problem(
                "prepared statements", "not even unprepared ones pass the pooler", "see the pooler's log for the reason"
            )
        if works and threshold >= 0:
            return ok("prepared statements", "pass the pooler")
        if works:
            return warning(
                "prepared statements",
                f"pass the pooler, and PREPARE_THRESHOLD={threshold} does without",
                "unset PREPARE_THRESHOLD: the database then need not plan each statement again",
            )
        if threshold < 0:
            return ok("prepared statements", "do not pass the pooler, and PREPARE_THRESHOLD is below 0, as it must be")
        return warning(
            "prepared statements",
            "do not pass the pooler; todo notices, and does without, at the cost of some failed tries",
            "PgBouncer 1.21 or newer with max_prepared_statements = 200, or PREPARE_THRESHOLD=-1",
        )

    def _survives(self, *, prepare: bool) -> bool:
        threshold = 0 if prepare else None
        with ExitStack() as opened:
            one = opened.enter_context(self._connect(threshold))
            other = opened.enter_context(self._connect(threshold))
            try:
                for number in range(3):
                    _ask(one, number)
                    with other.transaction():
                        _ask(other, number)
                        _ask(one, number)
            except (
                psycopg.errors.InvalidSqlStatementName,
                psycopg.errors.DuplicatePreparedStatement,
                psycopg.errors.ProtocolViolation,
            ):
                return False
            return True


def _ask(connection: psycopg.Connection[Any], number: int) -> None:
    found = connection.execute("select %s::int + 1", [number]).fetchone()
    assert found == (number + 1,)
