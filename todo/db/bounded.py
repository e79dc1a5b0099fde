"""Pages that are bounded in bytes as well as rows."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

PAGE_BYTES = 4 * 1024 * 1024
"""Bytes of a page as the database counts them, approximately: JSON's escapes may double them, to 8 MiB."""

Columns = Any
"""The columns of a selectable, by their names."""


def bounded(
    rows: Select[Any], size: Callable[[Columns], ColumnElement[int]], order: Callable[[Columns], Sequence[Any]]
) -> Select[Any]:
    """The first of these rows, together about PAGE_BYTES and at least one; the last column is how many there were.

    `rows` has a limit; `size` is what a row takes, in bytes, and `order` the order of the rows, by their columns.
    """
    some = rows.subquery("some")
    preceding = func.sum(size(some.c)).over(order_by=order(some.c), rows=(None, 0)) - size(some.c)
    summed = select(*some.c, func.count().over().label("count"), preceding.label("preceding")).subquery("summed")
    shown = [column for column in summed.c if column.name != "preceding"]
    return select(*shown).where(summed.c.preceding < PAGE_BYTES).order_by(*order(summed.c))
