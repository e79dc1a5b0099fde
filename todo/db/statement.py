"""Statements: written in SQLAlchemy Core on the SQLModel tables, compiled once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar, overload

from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql.psycopg import dialect

from todo.db.pipeline import Query, Row

R = TypeVar("R")
"""What a row is made into."""

PSYCOPG = dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call] # SQLAlchemy leaves its dialects untyped


@dataclass(frozen=True, slots=True)
class Statement(Generic[R]):
    """A SQLAlchemy statement, compiled once to the text that PostgreSQL prepares, with `$1` and so on for `names`."""

    sql: bytes
    names: tuple[str, ...]
    constants: Mapping[str, Any]
    make_rows: Callable[[list[Row]], list[R]] | None
    """Makes the rows of the result into what the caller reads; None leaves them tuples."""
    read_only: bool
    lock_by: str | None
    long_running: bool

    @overload
    @classmethod
    def of(
        cls, clause: Executable, *, read_only: bool = ..., lock_by: str | None = ..., long_running: bool = ...
    ) -> "Statement[Row]": ...

    @overload
    @classmethod
    def of(
        cls,
        clause: Executable,
        *,
        row: Callable[..., R] = ...,
        rows: Callable[[list[Row]], list[R]] = ...,
        read_only: bool = ...,
        lock_by: str | None = ...,
        long_running: bool = ...,
    ) -> "Statement[R]": ...

    @classmethod
    def of(
        cls,
        clause: Executable,
        *,
        row: Callable[..., Any] | None = None,
        rows: Callable[[list[Row]], list[Any]] | None = None,
        read_only: bool = False,
        lock_by: str | None = None,
        long_running: bool = False,
    ) -> "Statement[Any]":
        """Compile `clause`.

        `row` is called with the columns of each row, in their order, or `rows` with all rows. `read_only` says that
        the statement changes nothing, so it may run twice. `lock_by` names a parameter: statements that name one run
        one after the other for each of its values, and each sees all that those before it did, since its snapshot is
        taken after the lock. `long_running` gives it more time, for work that grows with a user's history. Raises
        TypeError for a statement that needs Python when it is executed.
        """
        compiled = clause.compile(dialect=PSYCOPG)  # type: ignore[attr-defined] # every Executable that we use can be compiled
        if compiled.prefetch or compiled.literal_execute_params or compiled.post_compile_params:
            raise TypeError("a statement must not need Python at execution: use server_default, and any_() for IN")
        names = compiled.bind_names
        constants = {names[bind]: bind.value for bind in names if not bind.required}
        if row is not None:
            rows = partial(_each, row)
        positions = tuple(compiled.positiontup or ())
        return Statement(str(compiled).encode(), positions, constants, rows, read_only, lock_by, long_running)

    def query(self, params: Mapping[str, Any]) -> Query:
        """The statement with these values. Raises KeyError for one that is missing."""
        constants = self.constants
        return Query(self.sql, [params[name] if name in params else constants[name] for name in self.names])

    def typed(self, rows: list[Row]) -> list[R]:
        """The rows as `row` or `rows` makes them."""
        return rows if self.make_rows is None else self.make_rows(rows)  # type: ignore[return-value] # R is Row


def _each(row: Callable[..., R], rows: list[Row]) -> list[R]:
    return [row(*columns) for columns in rows]


def array(numbers: Iterable[int]) -> str:
    """Whole numbers as PostgreSQL writes an array of them, which is ten times quicker than to adapt a list."""
    return "{" + ",".join(map(str, numbers)) + "}"


def text_array(texts: Iterable[str]) -> str:
    """Texts as PostgreSQL writes an array of them (documentation, 8.15.6)."""
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return "{" + ",".join(f'"{text}"' for text in quoted) + "}"
