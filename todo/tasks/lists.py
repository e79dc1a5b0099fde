"""Lists of tasks, page by page.

As in `actions`, every statement names its owner, although row-level security would hide other people's rows anyway.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Uuid,
    all_,
    any_,
    bindparam,
    outerjoin,
    select,
    true,
    tuple_,
)
from sqlmodel import col

from todo.auth.tables import User
from todo.db.database import ScopedDatabase
from todo.db.pipeline import Row
from todo.db.statement import Statement, array
from todo.problems import Gone
from todo.tasks.cursors import Cursor
from todo.tasks.rows import COLUMNS, COLUMNS_WITH_TRASH, Page, TaskRow, page_of_list, page_of_trash
from todo.tasks.shapes import Status
from todo.tasks.tables import Task

STREAM_PAGE = 500
"""Rows of a whole list that are read at a time, each page in a transaction of its own."""

START = Cursor(datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))
FLAGS = {"all": "{f,t}", "pending": "{f}", "completed": "{t}", "deleted": "{f,t}"}
"""Which values of `completed` a list shows, as PostgreSQL writes an array."""


def _page(
    where: ColumnElement[bool], columns: Sequence[Column[Any]], rows: Callable[[list[Row]], list[Page]]
) -> Statement[Page]:
    """A page of tasks, each row ended by the user's revision, all in one snapshot.

    Where the caller's cached revision is the current one, the lateral subquery is not run. The outer query has one row,
    so the join is a nested loop, which keeps the order of the subquery.
    """
    tasks = (
        select(*columns)
        .where(col(Task.user_id) == bindparam("user_id"), where)
        .where(
            tuple_(col(Task.created_at), col(Task.id))
            < tuple_(bindparam("after_at", type_=DateTime(timezone=True)), bindparam("after_id", type_=Uuid))
        )
        .where(col(Task.completed) == any_(bindparam("flags", type_=ARRAY(Boolean))))
        .where(col(User.revision) != all_(bindparam("cached", type_=ARRAY(BigInteger))))
        .order_by(col(Task.created_at).desc(), col(Task.id).desc())
        .limit(bindparam("limit", type_=BigInteger))
        .lateral("page")
    )
    return Statement.of(
        select(*tasks.c, col(User.revision))
        .select_from(outerjoin(User, tasks, true()))
        .where(col(User.id) == bindparam("user_id")),
        rows=rows,
        read_only=True,
    )


PAGE = _page(col(Task.deleted_at).is_(None), COLUMNS, page_of_list)
PAGE_OF_TRASH = _page(col(Task.deleted_at).is_not(None), COLUMNS_WITH_TRASH, page_of_trash)


async def page(
    db: ScopedDatabase, *, status: Status, after: Cursor = START, limit: int, cached: Sequence[int] = ()
) -> Page:
    """At most `limit` tasks of this status, newest first, after the cursor; none where the revision is `cached`."""
    statement = PAGE_OF_TRASH if status == "deleted" else PAGE
    [found] = await db.run(
        statement, flags=FLAGS[status], after_at=after.created_at, after_id=after.id, limit=limit, cached=array(cached)
    )
    return found


async def following_pages(db: ScopedDatabase, first: Page, *, status: Status) -> AsyncIterator[list[TaskRow]]:
    """The pages after the `first`, each in a transaction of its own; nothing is held between two of them."""
    tasks = first.tasks
    while len(tasks) == STREAM_PAGE:
        following = await page(db, status=status, after=cursor_after(tasks), limit=STREAM_PAGE)
        if following.revision < first.revision:
            raise Gone("The account was deleted while its list was read.")  # which must not look like its end
        tasks = following.tasks
        yield tasks


def cursor_after(tasks: Sequence[TaskRow]) -> Cursor:
    """The cursor of what comes after the last of `tasks`."""
    return Cursor(tasks[-1].created_at, tasks[-1].id)
