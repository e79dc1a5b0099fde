"""The orders of lists, and where a page of each begins.

An order has keys, then `created_at` and `id`, newest first, which make it total. Keys are never null, but for the due
date: tasks without one come last in a range of their own, so that the index of due dates serves for the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    REAL,
    ColumnElement,
    DateTime,
    Integer,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    tuple_,
)
from sqlmodel import col

from todo.tasks.fields import PRIORITIES
from todo.tasks.search import RELEVANCE
from todo.tasks.tables import Task

Kind = Literal["moment", "number", "text", "real"]
NEWEST_FIRST = "-created"
WITHOUT = len(PRIORITIES)
"""The key of a task without a priority: after all others, whichever way they are sorted."""

_Column = Any  # ColumnElement, which a column of SQLModel is to SQLAlchemy, and not to mypy
_newest = tuple_(col(Task.created_at), col(Task.id))
_after_newest = tuple_(bindparam("after_at", type_=DateTime(timezone=True)), bindparam("after_id", type_=Uuid))


@dataclass(frozen=True, slots=True)
class Order:
    """An order of tasks."""

    kind: Kind | None = None
    """What the key is that a cursor has; None where there is none but `created_at` and `id`."""
    keys: tuple[_Column, ...] = ()
    """The last of them is the one that a cursor has."""
    after: tuple[_Column, ...] = ()
    """The keys of the parameter `after_key`."""
    descending: bool = False
    """Of the keys."""
    oldest_first: bool = False
    """Of `created_at` and `id`."""
    nulls: bool = False
    """Whether the key may be null."""
    indexed: bool = False
    """Whether an index has this order, so that a page does not read all tasks."""

    def by(self, keys: Sequence[_Column], created_at: _Column, id: _Column) -> list[_Column]:
        """The order of rows with these columns."""
        first = [(key.desc() if self.descending else key.asc()) for key in keys]
        if self.nulls:
            first = [key.nulls_last() for key in first]
        return [*first, created_at, id] if self.oldest_first else [*first, created_at.desc(), id.desc()]

    def keyset(self) -> ColumnElement[bool]:
        """Behind the parameters `after_key`, `after_at` and `after_id`, of rows whose key is not null."""
        behind = self.behind_newest()
        if not self.keys:
            return behind
        keys, after = (tuple_(*self.keys), tuple_(*self.after)) if len(self.keys) > 1 else (self.keys[0], self.after[0])
        if self.descending:
            return and_(keys <= after, or_(keys < after, behind))
        return and_(keys >= after, or_(keys > after, behind))

    def behind_newest(self) -> ColumnElement[bool]:
        """The same of rows whose keys are all equal, or null."""
        return _newest > _after_newest if self.oldest_first else _newest < _after_newest


def _key(type_: Any) -> _Column:
    return bindparam("after_key", type_=type_)


def _c(text: _Column) -> _Column:
    """Sorted by code points, which is the same in every database."""
    return text.collate("C")


def _ranks(names: Sequence[str]) -> _Column:
    """Numbers of priorities in this order."""
    whens: list[Any] = [
        (col(Task.priority) == literal_column(f"'{name}'"), literal_column(str(at))) for at, name in enumerate(names)
    ]
    return case(*whens, else_=literal_column(str(WITHOUT)))


def _both(
    name: str, kind: Kind, keys: tuple[_Column, ...], after: tuple[_Column, ...], **options: Any
) -> dict[str, Order]:
    return {f"{sign}{name}": Order(kind, keys, after, descending=bool(sign), **options) for sign in ("", "-")}


_moment, _text = _key(DateTime(timezone=True)), _key(Text)

ORDERS: dict[str, Order] = {
    NEWEST_FIRST: Order(indexed=True),
    "created": Order(oldest_first=True, indexed=True),
    **_both("updated", "moment", (col(Task.updated_at),), (_moment,)),
    **_both("due_date", "moment", (col(Task.due_at),), (_moment,), nulls=True, indexed=True),
    "priority": Order("number", (_ranks(PRIORITIES),), (_key(Integer),)),
    "-priority": Order("number", (_ranks(PRIORITIES[::-1]),), (_key(Integer),)),
    **_both(
        "title", "text", (_c(func.lower(col(Task.title))), _c(col(Task.title))), (_c(func.lower(_text)), _c(_text))
    ),
    **_both("position", "text", (col(Task.position),), (_text,), indexed=True),
    "relevance": Order("real", (RELEVANCE,), (cast(_key(REAL), REAL),), descending=True),
}
"""By name, with `-` for descending; `relevance`, the best first, is for searches."""

SORTS = tuple(ORDERS)
"""A cursor names its order by the number here: add new ones at the end."""
