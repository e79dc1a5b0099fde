"""Lists of tasks by other conditions, or in another order, than the newest first: a statement for each combination.

They are made when they are first asked for, and a bounded number is kept. Each names its owner.
"""

from dataclasses import replace
from enum import Enum
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Select,
    all_,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    outerjoin,
    select,
    true,
    union_all,
)
from sqlmodel import col

from todo.auth.tables import User
from todo.db.bounded import bounded
from todo.db.statement import Statement
from todo.tasks.filters import CONDITIONS
from todo.tasks.rows import COLUMNS, COLUMNS_WITH_TRASH, Page, TaskRow, TrashedTaskRow, bounded_page, plain_page, size
from todo.tasks.sorting import ORDERS, Order
from todo.tasks.tables import Task


class Begin(Enum):
    """Where a page begins."""

    START = "start"
    AFTER = "after"
    """Behind a task with a key, or in an order without one."""
    AFTER_NULL = "after null"
    """Behind a task without a key, in an order that has them last."""


_skip, _limit = bindparam("skip", type_=BigInteger), bindparam("limit", type_=BigInteger)
_up_to = _skip.op("+")(_limit)
_me = col(User.id) == bindparam("user_id")
_changed = select(col(User.revision)).where(_me).scalar_subquery() != all_(bindparam("cached", type_=ARRAY(BigInteger)))
"""Evaluated once, before any task is read."""


@lru_cache(maxsize=500)
def page_statement(
    conditions: tuple[str, ...], sort: str, begin: Begin = Begin.START, *, large: bool = False
) -> Statement[Page]:
    """A page of the tasks that meet the conditions, in this order: each row ended by the user's revision.

    As in `lists`, all in one snapshot, and not run where the caller's cached revision is the current one. `large` is
    bounded in bytes too. Parameters are the values of the conditions, `skip`, `limit`, `cached`, and of a page that
    begins behind a task `after_at`, `after_id` and `after_key`.
    """
    trash = "deleted" in conditions
    order = ORDERS[sort]
    columns = COLUMNS_WITH_TRASH if trash else COLUMNS
    keys = [key.label(f"key_{number}") for number, key in enumerate(order.keys)]
    tasks: Select[Any] = select(*columns, *keys).where(
        col(Task.user_id) == bindparam("user_id"), *(CONDITIONS[name] for name in conditions), _changed
    )
    rows = _with_nulls_last(tasks, order, begin) if order.nulls else _in_order(tasks, order, begin)
    rows = rows.limit(_limit).offset(_skip)

    def by(shown: Any) -> list[Any]:
        return order.by([shown[key.name] for key in keys], shown.created_at, shown.id)

    page = (bounded(rows, size, by) if large else rows).subquery("page")
    make = partial(bounded_page if large else plain_page, TrashedTaskRow if trash else TaskRow, keys=len(keys))
    return Statement.of(
        select(*page.c, col(User.revision)).select_from(outerjoin(User, page, true())).where(_me),
        rows=make,
        read_only=True,
    )


def _in_order(tasks: Select[Any], order: Order, begin: Begin) -> Select[Any]:
    if begin is not Begin.START:
        tasks = tasks.where(order.keyset())
    return tasks.order_by(*order.by(order.keys, col(Task.created_at), col(Task.id)))


def _with_nulls_last(tasks: Select[Any], order: Order, begin: Begin) -> Select[Any]:
    """Two ranges: tasks with a key, by the index; then those without, read only as far as the first did not suffice."""
    [key] = order.keys
    without = tasks.where(key.is_(None)).with_only_columns(
        *[column for column in tasks.selected_columns if not column.name.startswith("key_")],
        cast(null(), DateTime(timezone=True)).label("key_0"),
    )
    without = without.order_by(*order.by((), col(Task.created_at), col(Task.id)))
    if begin is Begin.AFTER_NULL:
        return without.where(order.behind_newest())
    with_key = tasks.where(key.is_not(None))
    if begin is Begin.AFTER:
        with_key = with_key.where(order.keyset())
    index_order = replace(order, nulls=False).by(order.keys, col(Task.created_at), col(Task.id))
    first = with_key.order_by(*index_order).limit(_up_to).cte("with_key")
    missing = func.greatest(literal_column("0"), _up_to - select(func.count()).select_from(first).scalar_subquery())
    rest = without.limit(missing).subquery("without_key")
    both = union_all(select(*first.c), select(*rest.c)).subquery("both")
    return select(*both.c).order_by(*order.by([both.c.key_0], both.c.created_at, both.c.id))
