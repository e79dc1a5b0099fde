"""Lists of tasks: a page of one, and what comes behind it.

As in `actions`, every statement names its owner, although the row-level policy would hide other people's rows anyway.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
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
from sqlalchemy.orm import Mapped
from sqlmodel import col

from todo.accounts.models import User
from todo.flights import Row
from todo.problems import Gone
from todo.statements import Statement, array
from todo.tasks.cursors import Cursor
from todo.tasks.models import CREATED_AT, ID, SHOWN, Status, Task
from todo.transactions import Tx

STREAM_PAGE = 500
"""Rows of a whole list that are read at a time, each page in a transaction of its own."""

START = Cursor(datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))
FLAGS = {"all": "{f,t}", "pending": "{f}", "completed": "{t}", "deleted": "{f,t}"}
"""Which values of `completed` a list shows, as PostgreSQL writes an array."""


def _page(where: ColumnElement[bool], *more: Mapped[datetime | None]) -> Statement:
    """A page of tasks, each row ended by the user's revision, all in one snapshot.

    Where the caller knows that revision, the inner part is never run. Its order stays: the outer part is one row,
    and what depends on it can only be joined to it by a loop.
    """
    tasks = (
        select(*SHOWN, *more)
        .where(col(Task.user_id) == bindparam("user_id"), where)
        .where(
            tuple_(col(Task.created_at), col(Task.id))
            < tuple_(bindparam("after_at", type_=DateTime(timezone=True)), bindparam("after_id", type_=Uuid))
        )
        .where(col(Task.completed) == any_(bindparam("flags", type_=ARRAY(Boolean))))
        .where(col(User.revision) != all_(bindparam("known", type_=ARRAY(BigInteger))))
        .order_by(col(Task.created_at).desc(), col(Task.id).desc())
        .limit(bindparam("most", type_=BigInteger))
        .lateral("page")
    )
    return Statement.of(
        select(*tasks.c, col(User.revision))
        .select_from(outerjoin(User, tasks, true()))
        .where(col(User.id) == bindparam("user_id")),
        reads=True,
    )


PAGE = _page(col(Task.deleted_at).is_(None))
PAGE_OF_TRASH = _page(col(Task.deleted_at).is_not(None), col(Task.deleted_at))


@dataclass(frozen=True, slots=True)
class Page:
    """Tasks, and the user's revision when they were read."""

    revision: int
    rows: list[Row]


async def page(tx: Tx, *, status: Status, after: Cursor = START, most: int, known: Sequence[int] = ()) -> Page:
    """At most `most` tasks of this status, newest first, after the cursor; none where the revision is `known`."""
    statement = PAGE_OF_TRASH if status == "deleted" else PAGE
    rows = await tx.one(
        statement, flags=FLAGS[status], after_at=after.created_at, after_id=after.id, most=most, known=array(known)
    )
    if not rows:  # a user of another issuer who has written nothing yet
        return Page(0, [])
    return Page(rows[0][-1], [] if rows[0][ID] is None else rows)


async def rest(tx: Tx, first: Page, *, status: Status) -> AsyncIterator[list[Row]]:
    """The pages behind the `first`, each in a transaction of its own; holds nothing between two of them."""
    rows = first.rows
    while len(rows) == STREAM_PAGE:
        following = await page(tx, status=status, after=cursor_after(rows), most=STREAM_PAGE)
        if following.revision < first.revision:
            raise Gone("The account was deleted while its list was read.")  # which must not look like its end
        rows = following.rows
        yield rows


def cursor_after(rows: Sequence[Row]) -> Cursor:
    """The cursor behind the last of `rows`."""
    last = rows[-1]
    return Cursor(last[CREATED_AT], last[ID])
