"""Uploads: large bodies, which go to a temporary file as they arrive, and how many of them there may be at once."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import BinaryIO, cast

from starlette.requests import ClientDisconnect, Request

from todo.http.connection import EXTENSION
from todo.problems import ContentTooLarge, Invalid, TooManyRequests, Unavailable

IN_MEMORY = 1024 * 1024  # bytes that are kept in memory before they go to a file
PIECE = 256 * 1024  # bytes that are written at a time

MAX_ARRIVING = 16
"""Uploads that may arrive at a process at the same time."""

MAX_WORKING = 2
"""Of them those that are worked on; each takes a core for a while."""

WAIT = 10.0  # seconds that an upload waits to be worked on


class Uploads:
    """Counts the uploads of a process: one for each user."""

    def __init__(self) -> None:
        self._users: set[str] = set()
        self._places = asyncio.Semaphore(MAX_WORKING)

    @contextmanager
    def of(self, user_id: str) -> Iterator[None]:
        """In the block this user has an upload. Raises TooManyRequests or Unavailable."""
        if user_id in self._users:
            raise TooManyRequests("An import of yours is running: wait until it has ended.", retry_after=5)
        if len(self._users) >= MAX_ARRIVING:
            raise Unavailable("As many files are being imported as the server takes at once.", retry_after=10)
        self._users.add(user_id)
        try:
            yield
        finally:
            self._users.discard(user_id)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """In the block an upload is worked on. Raises Unavailable where others keep it waiting."""
        try:
            async with asyncio.timeout(WAIT):
                await self._places.acquire()
        except TimeoutError:
            raise Unavailable("Other imports are running. Try again in a moment.", retry_after=10) from None
        try:
            yield
        finally:
            self._places.release()


@asynccontextmanager
async def received(request: Request, limit: int) -> AsyncIterator[BinaryIO]:
    """The body of the request as a file, which is deleted behind the block.

    Raises ContentTooLarge above `limit` bytes, by the Content-Length before anything is read, and Invalid when it is
    empty.
    """
    detail = f"The file is larger than the {limit:,} bytes that this server imports (MAX_IMPORT_BYTES)."
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise ContentTooLarge(detail)
    if (connection := request.scope.get("extensions", {}).get(EXTENSION)) is not None:
        connection.current.begin_upload()
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        size, piece, more = 0, bytearray(), True
        while more:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body = message.get("body", b"")
            size += len(body)
            if size > limit:
                raise ContentTooLarge(detail)
            piece += body
            more = message.get("more_body", False)
            if len(piece) >= PIECE or not more:
                await asyncio.to_thread(file.write, bytes(piece))
                piece.clear()
        if not size:
            raise Invalid.at("body", msg="the file is empty")
        file.seek(0)
        yield cast("BinaryIO", file)
