"""Exports: all that a user has, page by page. Each page is a transaction of its own; nothing is held between two.

The writers of the formats are ordinary generators. They run in a thread, which asks the event loop for the next page.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, select
from sqlmodel import col

from todo import formats
from todo.auth.tables import User
from todo.db.database import ScopedDatabase
from todo.db.statement import Statement
from todo.formats import Written
from todo.http.json import encode
from todo.http.large_responses import PIECE, UnreadBytes
from todo.tasks import lists
from todo.tasks.filters import Filter
from todo.tasks.lists import Listing
from todo.tasks.rows import Page, TaskRow

TASKS, TRASH = Listing(sort="position"), Listing(Filter("deleted"))

USER = Statement.of(select(col(User.email), col(User.name)).where(col(User.id) == bindparam("user_id")), read_only=True)


async def user(db: ScopedDatabase) -> dict[str, Any]:
    """What the export says of the user."""
    rows = [] if db.agent is not None else await db.run(USER)
    email, name = rows[0] if rows else (None, None)
    return {"id": db.user_id, "email": email, "name": name}


async def first_page(db: ScopedDatabase) -> Page:
    """The first of the tasks, before anything is answered."""
    return await lists.page(db, TASKS, limit=lists.stream_page(TASKS))


async def contents(
    db: ScopedDatabase, first: Page, format: Written, user: Mapping[str, Any], at: datetime, unread: UnreadBytes
) -> AsyncGenerator[bytes]:
    """The file in pieces; `first` is the first page. What was read of a page counts as unread by the user."""
    loop = asyncio.get_running_loop()
    opened = [_encoded(db, first, TASKS, unread), _encoded(db, None, TRASH, unread)]

    def rows(pages: AsyncGenerator[bytes]) -> Iterator[Any]:
        while page := asyncio.run_coroutine_threadsafe(_next(pages), loop).result():
            yield from msgspec.json.decode(page)

    tasks, trash = map(rows, opened)
    exported_at = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    file = formats.write(format, tasks, trash=trash, user=user, exported_at=exported_at)
    working: asyncio.Future[bytes] = asyncio.ensure_future(asyncio.to_thread(_some, file))
    try:
        while piece := await asyncio.shield(working):
            yield piece
            working = asyncio.ensure_future(asyncio.to_thread(_some, file))
    finally:  # a thread that waits for its page has it within the bounds of the database
        await asyncio.wait([working])
        for pages in opened:
            await pages.aclose()


async def _encoded(
    db: ScopedDatabase, first: Page | None, listing: Listing, unread: UnreadBytes
) -> AsyncGenerator[bytes]:
    async for rows in _pages(db, first, listing):
        page = encode(rows)
        with unread.held(db.user_id, len(page)):
            yield page


async def _pages(db: ScopedDatabase, first: Page | None, listing: Listing) -> AsyncIterator[list[TaskRow]]:
    first = first or await lists.page(db, listing, limit=lists.stream_page(listing))
    if first.tasks:
        yield first.tasks
    async for rows in lists.following_pages(db, first, listing):
        if rows:
            yield rows


async def _next(pages: AsyncGenerator[bytes]) -> bytes:
    return await anext(pages, b"")


def _some(file: Iterator[bytes]) -> bytes:
    """The next pieces of the file, together at least PIECE unless it ends."""
    pieces, size = [], 0
    for piece in file:
        pieces.append(piece)
        size += len(piece)
        if size >= PIECE:
            break
    return b"".join(pieces)
