"""Statements: written in SQLAlchemy Core, compiled once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql.psycopg import dialect

PSYCOPG = dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call] # SQLAlchemy leaves its dialects untyped


@dataclass(frozen=True, slots=True)
class Statement:
    """A SQLAlchemy statement, compiled once to the text that PostgreSQL prepares, with `$1` and so on for `names`."""

    sql: bytes
    names: tuple[str, ...]
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
        return cls(str(compiled).encode(), tuple(compiled.positiontup or ()), constants, reads, alone_by, slow)

    def values(self, params: Mapping[str, Any]) -> list[Any]:
        """The values of its parameters, in their order. Raises KeyError for one that is missing."""
        known = {**self.constants, **params}
        return [known[name] for name in self.names]


def array(numbers: Iterable[int]) -> str:
    """Whole numbers as PostgreSQL writes an array of them, which is ten times quicker than to adapt a list."""
    return "{" + ",".join(map(str, numbers)) + "}"
