"""Statements: written in SQLAlchemy Core, compiled once, and how what goes in and out of them is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader
from psycopg.pq import Format
from psycopg.types.numeric import Int8BinaryDumper
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql.psycopg import dialect

PSYCOPG = dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves its dialects untyped

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """A SQLAlchemy statement, compiled once to the text psycopg prepares."""

    sql: bytes
    constants: Mapping[str, Any]
    reads: bool
    alone_by: str | None = None
    slow: bool = False

    @classmethod
    def of(cls, clause: Executable, *, reads: bool = False, alone_by: str | None = None, slow: bool = False) -> Self:
        """Compile `clause`.

        `reads` says that it changes nothing, so it may run twice. `alone_by` names a parameter: statements that
        name one run one after the other for each of its values, and each sees all that those before it did,
        since its snapshot is taken after the lock. `slow` gives it more time, for what grows with a history.
        """
        compiled = clause.compile(dialect=PSYCOPG)  # type: ignore[attr-defined] # every Executable that we use can be compiled
        if compiled.prefetch or compiled.literal_execute_params or compiled.post_compile_params:
            raise TypeError("a statement must not need Python at execution: use server_default, and any_() for IN")
        names = compiled.bind_names
        constants = {names[bind]: bind.value for bind in names if not bind.required}
        return cls(str(compiled).encode(), constants, reads, alone_by, slow)


class _Rfc3339(Loader):
    """A timestamptz as RFC 3339 in UTC with microseconds, as the API writes it."""

    format = Format.BINARY

    def load(self, data: Buffer) -> str:
        moment = _EPOCH + timedelta(microseconds=int.from_bytes(data, "big", signed=True))
        return moment.isoformat(timespec="microseconds") + "Z"


_EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 # PostgreSQL's own epoch, in UTC, where isoformat must write no offset


def adapters() -> AdaptersMap:
    """How a connection of ours reads and writes values."""
    made = AdaptersMap(psycopg.adapters)
    made.register_loader("timestamptz", _Rfc3339)
    made.register_dumper(int, Int8BinaryDumper)  # one width of int: one prepared statement
    return made
