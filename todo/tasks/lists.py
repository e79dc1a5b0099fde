"""Lists of tasks, page by page.

As in `actions`, every statement names its owner, although row-level security would hide other people's rows anyway.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Text,
    Uuid,
    all_,
    bindparam,
    cast,
    func,
    literal,
    outerjoin,
    select,
    true,
    tuple_,
)
from sqlmodel import col

from todo.auth.tables import User
from todo.db.bounded import bounded
from todo.db.database import ScopedDatabase
from todo.db.statement import Statement, array
from todo.problems import Gone
from todo.tasks.cursors import Cursor
from todo.tasks.fields import WRITABLE
from todo.tasks.rows import (
    COLUMNS,
    COLUMNS_WITH_TRASH,
    ROW_BYTES,
    Page,
    TaskRow,
    TrashedTaskRow,
    bounded_page,
    plain_page,
)
from todo.tasks.shapes import Status
from todo.tasks.tables import Task

STREAM_PAGE = 200
"""Rows of a whole list that are read at a time, each page in a transaction of its own.

They are small enough together, however large each is: about 8 MB. A larger page is bounded in bytes too.
"""

START = Cursor(datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))

_completed = col(Task.completed) == bindparam("completed", type_=Boolean)
_live = col(Task.deleted_at).is_(None)


def _order(columns: Any) -> tuple[Any, Any]:
    return columns.created_at.desc(), columns.id.desc()


def _size(columns: Any) -> ColumnElement[int]:
    written: list[Any] = [func.coalesce(func.octet_length(cast(columns[name], Text)), 0) for name in WRITABLE]
    return sum(written, literal(ROW_BYTES))


def _page(
    *where: ColumnElement[bool], columns: Sequence[Column[Any]], row: type[TaskRow], large: bool
) -> Statement[Page]:
    """A page of tasks, each row ended by the user's revision, all in one snapshot.

    Where the caller's cached revision is the current one, the lateral subquery is not run. The outer query has one row,
    so the join is a nested loop, which keeps the order of the subquery.
    """
    tasks = (
        select(*columns)
        .where(col(Task.user_id) == bindparam("user_id"), *where)
        .where(
            tuple_(col(Task.created_at), col(Task.id))
            < tuple_(bindparam("after_at", type_=DateTime(timezone=True)), bindparam("after_id", type_=Uuid))
        )
        .where(col(User.revision) != all_(bindparam("cached", type_=ARRAY(BigInteger))))
        .order_by(col(Task.created_at).desc(), col(Task.id).desc())
        .limit(bindparam("limit", type_=BigInteger))
    )
    page = (bounded(tasks.correlate(User), _size, _order) if large else tasks).lateral("page")
    return Statement.of(
        select(*page.c, col(User.revision))
        .select_from(outerjoin(User, page, true()))
        .where(col(User.id) == bindparam("user_id")),
        rows=partial(bounded_page, row) if large else partial(plain_page, row),
        read_only=True,
    )


PAGE = _page(_live, columns=COLUMNS, row=TaskRow, large=False)
PAGE_BY_COMPLETION = _page(_live, _completed, columns=COLUMNS, row=TaskRow, large=False)
PAGE_OF_TRASH = _page(~_live, columns=COLUMNS_WITH_TRASH, row=TrashedTaskRow, large=False)
LARGE_PAGE = _page(_live, columns=COLUMNS, row=TaskRow, large=True)
LARGE_PAGE_BY_COMPLETION = _page(_live, _completed, columns=COLUMNS, row=TaskRow, large=True)
LARGE_PAGE_OF_TRASH = _page(~_live, columns=COLUMNS_WITH_TRASH, row=TrashedTaskRow, large=True)


def _statement(status: Status, limit: int) -> Statement[Page]:
    large = limit > STREAM_PAGE
    match status:
        case "all":
            return LARGE_PAGE if large else PAGE
        case "deleted":
            return LARGE_PAGE_OF_TRASH if large else PAGE_OF_TRASH
        case "pending" | "completed":
            return LARGE_PAGE_BY_COMPLETION if large else PAGE_BY_COMPLETION


async def page(
    db: ScopedDatabase, *, status: Status, after: Cursor = START, limit: int, cached: Sequence[int] = ()
) -> Page:
    """At most `limit` tasks of this status, newest first, after the cursor; none where the revision is `cached`.

    A page of more than STREAM_PAGE rows has about PAGE_BYTES at most.
    """
    [found] = await db.run(
        _statement(status, limit),
        completed=status == "completed",
        after_at=after.created_at,
        after_id=after.id,
        limit=limit + 1,
        cached=array(cached),
    )
    found.more = found.more or len(found.tasks) > limit
    del found.tasks[limit:]
    return found


async def following_pages(db: ScopedDatabase, first: Page, *, status: Status) -> AsyncIterator[list[TaskRow]]:
    """The pages after the `first`, each in a transaction of its own; nothing is held between two of them."""
    following = first
    while following.more:
        following = await page(db, status=status, after=cursor_after(following.tasks), limit=STREAM_PAGE)
        if following.revision < first.revision:
            raise Gone("The account was deleted while its list was read.")  # which must not look like its end
        yield following.tasks


def cursor_after(tasks: Sequence[TaskRow]) -> Cursor:
    """The cursor of what comes after the last of `tasks`."""
    return Cursor(tasks[-1].created_at, tasks[-1].id)
