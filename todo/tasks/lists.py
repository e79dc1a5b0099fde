"""Lists of tasks, page by page. Those newest first, of one status, have statements here; others are made in `finding`.

As in `actions`, every statement names its owner, although row-level security would hide other people's rows anyway.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from psycopg.errors import InvalidParameterValue
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Uuid,
    all_,
    bindparam,
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
from todo.tasks.errors import UnknownTimeZone
from todo.tasks.filters import Filter
from todo.tasks.finding import Begin, page_statement
from todo.tasks.rows import (
    COLUMNS,
    COLUMNS_WITH_TRASH,
    Page,
    TaskRow,
    TrashedTaskRow,
    bounded_page,
    plain_page,
    size,
)
from todo.tasks.shapes import Status
from todo.tasks.sorting import NEWEST_FIRST, ORDERS
from todo.tasks.tables import Task

STREAM_PAGE = 200
"""Rows of a whole list that are read at a time, each page in a transaction of its own.

They are small enough together, however large each is: about 8 MB. A larger page is bounded in bytes too.
"""

SORTED_PAGE = 2000
"""The same in an order without an index."""

START = Cursor(datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))


@dataclass(frozen=True, slots=True)
class Listing:
    """Which tasks, in which order."""

    filter: Filter = field(default_factory=Filter)
    sort: str = NEWEST_FIRST
    offset: int = 0
    """How many to leave out before the first page."""

    @property
    def is_plain(self) -> bool:
        """Whether it has a statement of its own here."""
        return self.sort == NEWEST_FIRST and self.offset == 0 and self.filter.by_status_alone


EVERYTHING = Listing()

_completed = col(Task.completed) == bindparam("completed", type_=Boolean)
_live = col(Task.deleted_at).is_(None)


def _order(columns: Any) -> tuple[Any, Any]:
    return columns.created_at.desc(), columns.id.desc()


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
    page = (bounded(tasks.correlate(User), size, _order) if large else tasks).lateral("page")
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
    db: ScopedDatabase,
    listing: Listing = EVERYTHING,
    *,
    after: Cursor | None = None,
    limit: int,
    cached: Sequence[int] = (),
) -> Page:
    """At most `limit` tasks of this list, after the cursor, which is one of its order.

    None where the revision is `cached`. A page of more than STREAM_PAGE rows has about PAGE_BYTES at most.
    """
    if listing.is_plain:
        status, start = listing.filter.status, after or START
        values = {"completed": status == "completed", "after_at": start.created_at, "after_id": start.id}
        statement = _statement(status, limit)
    else:
        values = listing.filter.values | {"skip": listing.offset}
        if after is not None:
            values |= {"after_at": after.created_at, "after_id": after.id, "after_key": after.key}
        begin = _begin(listing, after)
        statement = page_statement(listing.filter.conditions, listing.sort, begin, large=limit > STREAM_PAGE)
    try:
        [found] = await db.run(statement, **values, limit=limit + 1, cached=array(cached))
    except InvalidParameterValue:
        raise UnknownTimeZone("query") from None
    found.more = found.more or len(found.tasks) > limit
    del found.tasks[limit:], found.keys[limit:]
    return found


def _begin(listing: Listing, after: Cursor | None) -> Begin:
    if after is None:
        return Begin.START
    return Begin.AFTER_NULL if after.key is None and ORDERS[listing.sort].nulls else Begin.AFTER


def stream_page(listing: Listing) -> int:
    """Rows of a whole list that are read at a time.

    More where each page reads all of the user's tasks to sort them, so that there are few; they are bounded in bytes.
    """
    return STREAM_PAGE if ORDERS[listing.sort].indexed else SORTED_PAGE


async def following_pages(
    db: ScopedDatabase, first: Page, listing: Listing = EVERYTHING
) -> AsyncIterator[list[TaskRow]]:
    """The pages after the `first`, each in a transaction of its own; nothing is held between two of them."""
    following, rest = first, replace(listing, offset=0)
    while following.more:
        after = cursor_after(following, listing)
        following = await page(db, rest, after=after, limit=stream_page(listing))
        if following.revision < first.revision:
            raise Gone("The account was deleted while its list was read.")  # which must not look like its end
        yield following.tasks


def cursor_after(page: Page, listing: Listing = EVERYTHING) -> Cursor:
    """The cursor of what comes after the last task of the page."""
    last = page.tasks[-1]
    return Cursor(last.created_at, last.id, listing.sort, page.keys[-1] if page.keys else None)
