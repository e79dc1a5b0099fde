"""Calendar feeds: made, listed, revoked, and found by their secret.

A secret is random and long, so a plain SHA-256 of it is enough (OWASP ASVS 5.0, 6.5). It is looked up by that, so the
same work is done whether it is a feed's, was one's, or never was.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import msgspec
from psycopg.errors import ForeignKeyViolation
from sqlalchemy import LargeBinary, Text, Uuid, bindparam, delete, func, insert, or_, select, update
from sqlmodel import col

from todo.auth.caller import Caller
from todo.auth.provisioning import claims, provisioned_user
from todo.changes import actions as changes
from todo.db.database import Database, ScopedDatabase
from todo.db.statement import Statement
from todo.problems import Conflict, NotFound
from todo.tasks import lists
from todo.tasks.cursors import Cursor
from todo.tasks.errors import UserGone
from todo.tasks.filters import Filter
from todo.tasks.lists import Listing
from todo.tasks.rows import TaskRow
from todo.transfer.tables import Feed

MAX_FEEDS = 10
"""Feeds of one user."""

MAX_TASKS = 5000
"""Tasks of a feed: those that are due first."""

MAX_BYTES = 8 * 1024 * 1024
"""Of the tasks of a feed, as JSON; what would come after them is left out."""

DUE = Listing(Filter("pending"), sort="due_date")
PAGE = 1000


class FeedRow(msgspec.Struct):
    """A feed, as it is encoded."""

    id: UUID
    created_at: datetime
    last_used_at: datetime | None


_mine = col(Feed.user_id) == bindparam("user_id")
_columns = (col(Feed.id), col(Feed.created_at), col(Feed.last_used_at))
_count = select(func.count()).select_from(Feed).where(_mine).scalar_subquery()
_new = (
    bindparam("user_id", type_=Text),
    bindparam("id", type_=Uuid),
    bindparam("secret_hash", type_=LargeBinary),
)
_names = ["user_id", "id", "secret_hash"]
_provisioned = select(func.count()).select_from(provisioned_user()).scalar_subquery()
MAKE = Statement.of(
    insert(Feed).from_select(_names, select(*_new).where(_count < MAX_FEEDS)).returning(*_columns),
    row=FeedRow,
    lock_by="user_id",
)
MAKE_WITH_USER = Statement.of(
    insert(Feed).from_select(_names, select(*_new).where(_provisioned >= 0, _count < MAX_FEEDS)).returning(*_columns),
    row=FeedRow,
    lock_by="user_id",
)
"""For a user of an external issuer; the first condition is always true, as in `tasks.actions`."""

LIST = Statement.of(
    select(*_columns).where(_mine).order_by(col(Feed.created_at).desc(), col(Feed.id)), row=FeedRow, read_only=True
)
REVOKE = Statement.of(delete(Feed).where(_mine, col(Feed.id) == bindparam("id")).returning(col(Feed.id)))

_this = col(Feed.secret_hash) == bindparam("secret_hash")
_used = (
    update(Feed)
    .where(_this, or_(col(Feed.last_used_at).is_(None), col(Feed.last_used_at) < func.now() - timedelta(hours=1)))
    .values(last_used_at=func.now())
    .cte("used")
)
FIND = Statement.of(select(col(Feed.user_id)).where(_this).add_cte(_used))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()


async def make(db: ScopedDatabase, caller: Caller) -> tuple[FeedRow, str]:
    """A new feed, and its secret. Raises Conflict when there are MAX_FEEDS already, or UserGone."""
    secret = secrets.token_urlsafe(32)
    statement, extra = (MAKE_WITH_USER, claims(caller)) if caller.external else (MAKE, {})
    try:
        rows = await db.run(statement, id=uuid4(), secret_hash=_hash(secret), **extra)
    except ForeignKeyViolation:
        raise UserGone from None
    if not rows:
        raise Conflict(f"There are {MAX_FEEDS} calendar feeds already: revoke one first.")
    return rows[0], secret


async def of_user(db: ScopedDatabase) -> list[FeedRow]:
    """The user's feeds, newest first."""
    return await db.run(LIST)


async def revoke(db: ScopedDatabase, caller: Caller, id: UUID | None) -> None:
    """End a feed of the user. Raises NotFound or UserGone."""
    if not await db.run(REVOKE, id=id):
        if not caller.external and not await db.run(changes.REVISION):
            raise UserGone
        raise NotFound("There is no such calendar feed.")


async def user_of(database: Database, secret: str) -> str | None:
    """Whose feed has this secret; None for no feed's. When it was last used is written at most once an hour."""
    rows = await database.as_accounts().run(FIND, secret_hash=_hash(secret))
    return str(rows[0][0]) if rows else None


async def tasks(db: ScopedDatabase) -> list[TaskRow]:
    """The open tasks that have a due date, those that are due first, at most MAX_TASKS and MAX_BYTES of them."""
    found: list[TaskRow] = []
    size = 0
    after: Cursor | None = None
    while len(found) < MAX_TASKS:
        page = await lists.page(db, DUE, after=after, limit=PAGE)
        dated = [task for task in page.tasks if task.due_date is not None]
        for task in dated:
            size += len(msgspec.json.encode(task))
            if size > MAX_BYTES:
                return found[:MAX_TASKS]
            found.append(task)
        if not page.more or len(dated) < len(page.tasks):
            break
        after = lists.cursor_after(page, DUE)
    return found[:MAX_TASKS]
