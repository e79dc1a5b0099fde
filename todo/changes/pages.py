"""Pages of the log of changes, bounded in rows and in bytes: what happened since a revision, and to one task."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    or_,
    outerjoin,
    select,
    true,
)
from sqlmodel import col

from todo.auth.tables import User
from todo.changes.errors import ChangesNotKept
from todo.changes.rows import CHANGE_COLUMNS, TASK_COLUMNS, ChangeRow, PastChangeRow, change, past_change
from todo.changes.tables import Change
from todo.db.bounded import bounded
from todo.db.database import ScopedDatabase
from todo.db.statement import Statement
from todo.tasks.errors import TaskNotFound
from todo.tasks.tables import Task

mine = col(Change.user_id) == bindparam("user_id")
me = col(User.id) == bindparam("user_id")


def number(name: str) -> BindParameter[int]:
    """A parameter that is a revision or a limit."""
    return bindparam(name, type_=BigInteger)


def shown(log: FromClause, *more: str) -> Select[Any]:
    """The changes of `log` with each task in the columns that the table has today, so that it is shown like any task.

    Fields that were added since are null in older changes, but for tags and position, which every task has.
    """
    task: Any = func.jsonb_populate_record(literal_column("null::tasks"), log.c.after).table_valued(
        *TASK_COLUMNS, name="task"
    )
    kept = {
        "id": log.c.task_id,
        "user_id": log.c.user_id,
        "revision": log.c.revision,
        "tags": func.coalesce(task.c.tags, cast("{}", ARRAY(Text))),
        "position": func.coalesce(task.c.position, func.task_position(task.c.created_at)),
    }
    return select(
        *(log.c[name] for name in CHANGE_COLUMNS),
        *(kept.get(name, task.c[name]).label(f"its_{name}") for name in TASK_COLUMNS),
        *(log.c[name] for name in more),
    ).select_from(log.join(task, true()))


def _size(columns: Any) -> ColumnElement[int]:
    """Sizes were not kept always: older changes are measured."""
    measured = [func.octet_length(cast(columns[name], Text)) for name in ("before", "after")]
    return func.coalesce(columns.size, sum(func.coalesce(each, 0) for each in measured))


def _oldest_first(columns: Any) -> tuple[Any]:
    return (columns.revision,)


def _newest_first(columns: Any) -> tuple[Any]:
    return (columns.revision.desc(),)


class _Page(NamedTuple):
    """A row of a page of the log: a change unless the page is empty, and numbers of the page as a whole."""

    change: ChangeRow | None
    found: int | None
    """How many changes there were, of which the page has the first."""
    end: int | None
    """The last revision that was looked at, where not all up to the newest were."""
    current: int
    """The user's revision."""
    oldest: int | None
    """The oldest revision that is kept."""


def _page(*columns: Any) -> _Page:
    *its, found, end, current, oldest = columns
    return _Page(None if its[0] is None else change(*its), found, end, current, oldest)


_ahead = select(Change).where(mine, col(Change.revision) > number("since")).order_by(col(Change.revision))


def _since(changes: Select[Any], end: ColumnElement[Any]) -> Statement[_Page]:
    """These changes, in one snapshot with the numbers of the page."""
    log = shown(bounded(changes.limit(number("limit")), _size, _oldest_first).subquery("log"), "count").lateral("log")
    oldest = select(func.min(col(Change.revision))).where(mine).scalar_subquery()
    return Statement.of(
        select(*log.c, end, col(User.revision), oldest)
        .select_from(outerjoin(User, log, true()))
        .where(me)
        .order_by(log.c.revision),
        row=_page,
        read_only=True,
    )


COMPACT_WINDOW = 10_000
"""Changes that one compact page looks at: its cost does not follow how often a task was changed."""

_window = _ahead.limit(literal_column(str(COMPACT_WINDOW))).subquery("window")
_its_task = and_(col(Task.user_id) == bindparam("user_id"), col(Task.id) == _window.c.task_id)
_newest = or_(col(Task.revision) == _window.c.revision, and_(col(Task.id).is_(None), _window.c.kind == "purge"))
"""The task has the number of its newest change. Joined by a unique key, this has no plan that is quadratic."""
SINCE = _since(_ahead, null())
SINCE_COMPACT = _since(
    select(*_window.c).select_from(outerjoin(_window, Task, _its_task)).where(_newest).order_by(_window.c.revision),
    select(func.max(_window.c.revision)).scalar_subquery(),
)


def past_changes(condition: ColumnElement[bool]) -> Statement[tuple[PastChangeRow, int]]:
    """The user's changes that meet the condition, newest first, each with how many there were within the limit."""
    return Statement.of(
        shown(
            bounded(
                select(Change)
                .where(mine, condition, col(Change.revision) < number("below"))
                .order_by(col(Change.revision).desc())
                .limit(number("limit")),
                _size,
                _newest_first,
            ).subquery("log"),
            "before",
            "count",
        ).order_by(literal_column("log.revision").desc()),
        row=lambda *columns: (past_change(*columns[:-1]), columns[-1]),
        read_only=True,
    )


HISTORY = past_changes(col(Change.task_id) == bindparam("id"))
EXISTS = Statement.of(
    select(col(Task.id)).where(col(Task.user_id) == bindparam("user_id"), col(Task.id) == bindparam("id")),
    read_only=True,
)


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes after a revision, and what to ask from next time."""

    changes: list[ChangeRow]
    revision: int
    more: bool


async def since(db: ScopedDatabase, revision: int, *, limit: int, compact: bool = False) -> Changes:
    """At most `limit` changes after `revision`, and about PAGE_BYTES; `compact` keeps only the newest of each task.

    A compact page may have none, and more after it. Raises ChangesNotKept when `revision` is older than what is kept,
    or newer than what there is.
    """
    page = await db.run(SINCE_COMPACT if compact else SINCE, since=revision, limit=limit)
    if not page:  # an external user who has written nothing
        page = [_Page(None, None, None, 0, None)]
    first = page[0]
    current, oldest = first.current, first.oldest
    if revision > current or (revision < current and (oldest is None or oldest > revision + 1)):
        raise ChangesNotKept(revision)
    changes = [row.change for row in page if row.change is not None]
    if changes and (len(changes) == limit or len(changes) < (first.found or 0)):
        position = changes[-1].revision
    else:
        position = current if first.end is None else first.end
    return Changes(changes, position, more=position < current)


async def history(db: ScopedDatabase, id: UUID | None, *, below: int, limit: int) -> tuple[list[PastChangeRow], bool]:
    """The changes of one task with numbers below `below`, newest first, and whether there are more.

    At most `limit`, and about PAGE_BYTES. Raises TaskNotFound when there was none.
    """
    found = await db.run(HISTORY, id=id, below=below, limit=limit + 1)
    if not found and not await db.run(EXISTS, id=id):
        raise TaskNotFound
    return page_of_past(found, limit)


def page_of_past(found: Sequence[tuple[PastChangeRow, int]], limit: int) -> tuple[list[PastChangeRow], bool]:
    """The first changes of those that were asked for with one more than `limit`, and whether there are more."""
    changes = [change for change, _ in found]
    return changes[:limit], bool(found) and (len(changes) > limit or len(changes) < found[0][1])
