"""Changes as they happen: server-sent events (WHATWG HTML, 9.2) for many streams, by one shared query.

While there are streams, one query every INTERVAL asks for the revisions of all their users; the changes of a user
whose revision has moved are read once for all streams at the same position. Nothing is queued: a stream asks for the
next page when the last one is written, and a client that does not read is disconnected by its ClientConnection. A
stream holds no database connection. So it works through any pooler, and for changes that any process made.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from contextvars import Context

import msgspec
from fastapi.sse import format_sse_event
from starlette.types import Receive, Scope, Send

from todo.auth.caller import Caller
from todo.changes import actions, pages
from todo.changes.errors import ChangesNotKept
from todo.changes.pages import Changes
from todo.db.database import Database
from todo.http.connection import EXTENSION
from todo.http.json import encode
from todo.http.responses import Streamed
from todo.metrics.counts import COUNTS
from todo.metrics.names import THROTTLED
from todo.problems import TooManyRequests, Unauthorized, Unavailable

log = logging.getLogger("todo")

INTERVAL = 0.4  # seconds between two look-ups
HEARTBEAT = 15.0  # seconds of silence before a comment
STALE = 30.0  # seconds without an answer of the database after which streams end, since they would miss changes
PIECE = 65_536  # bytes that are written at once, approximately
PAGE = 50  # changes that are read at a time: at most some 2 MB, and mostly a few kB
READERS = 4  # pages that are read at the same time, so that requests find connections too

BEGIN = "id: {}\nretry: 2000\n\n"
COMMENT = b": still here\n\n"

ENDS = {
    "shutdown": "The server stops: connect again.",
    "token": "The access token has expired or was revoked: connect again with a new one.",
    "gone": "The changes from here on are not kept: read the list again, and go on from its ETag.",
    "account": "The account was deleted.",
    "database": "The database does not answer, so changes would be missed: connect again in a while.",
}


class Watcher:
    """One stream's view of its user: `revision` is the newest that it knows of."""

    def __init__(self, *, exists: bool) -> None:
        self.revision = 0
        self.exists = exists
        self.deleted = False
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Let the stream check its state."""
        self._woken.set()

    async def wait(self, seconds: float) -> None:
        """Wait for `wake`, so long and no longer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._woken.wait()
        self._woken.clear()


class Streams:
    """What all the event streams of a process share."""

    def __init__(self, database: Database, *, limit: int, limit_per_user: int) -> None:
        self.ending = False
        self._limit = limit
        self._limit_per_user = limit_per_user
        self._database = database
        self._watchers: dict[str, set[Watcher]] = {}
        self._polling: asyncio.Task[None] | None = None
        self._polled_at = 0.0
        """When the database last answered, on the monotonic clock, or the poll began."""
        self._reads: dict[tuple[str, int], asyncio.Task[Changes]] = {}
        self._readers = asyncio.Semaphore(READERS)

    @property
    def count(self) -> int:
        """How many are open."""
        return sum(map(len, self._watchers.values()))

    @contextmanager
    def watch(self, user_id: str, *, exists: bool) -> Iterator[Watcher]:
        """Watch a user, who `exists` unless they are an external issuer's and have not written yet.

        Raises TooManyRequests or Unavailable at the limit of streams.
        """
        if len(self._watchers.get(user_id, ())) >= self._limit_per_user:
            COUNTS.add(THROTTLED, "streams")
            raise TooManyRequests("You have as many streams open as is allowed: close one.", retry_after=15)
        if self.count >= self._limit:
            raise Unavailable("The server has as many streams as it can serve.", retry_after=15)
        watcher = Watcher(exists=exists)
        self._watchers.setdefault(user_id, set()).add(watcher)
        if self._polling is None:
            self._polled_at = time.monotonic()
            self._polling = asyncio.create_task(self._poll(), context=Context())  # of no request
        try:
            yield watcher
        finally:
            others = self._watchers[user_id]
            others.remove(watcher)
            if not others:
                del self._watchers[user_id]

    async def read(self, user_id: str, revision: int) -> Changes:
        """The next changes of a user after `revision`, read once for all streams that ask at the same time."""
        key = user_id, revision
        reading = self._reads.get(key)
        if reading is None:
            reading = self._reads[key] = asyncio.create_task(self._read(*key), context=Context())
            reading.add_done_callback(lambda _: self._reads.pop(key, None))
        return await asyncio.shield(reading)

    async def _read(self, user_id: str, revision: int) -> Changes:
        async with self._readers:
            return await pages.since(self._database.as_user(user_id), revision, limit=PAGE)

    async def _poll(self) -> None:
        """Ask for the revisions of all users who are watched, while there are any, whatever fails meanwhile."""
        try:
            while self._watchers and not self.ending:
                await asyncio.sleep(INTERVAL)
                asked = {user_id: [*watchers] for user_id, watchers in self._watchers.items()}
                try:
                    revisions = await actions.revisions(self._database, [*asked])
                except Unavailable as problem:
                    log.debug("polling for event streams failed: %s", problem.detail)
                except Exception:  # nothing else would start the poll again
                    log.exception("polling for event streams failed")
                    await asyncio.sleep(10 * INTERVAL)
                else:
                    self._polled_at = time.monotonic()
                    self.notify(asked, revisions)
        finally:
            self._polling = None

    def notify(self, asked: Mapping[str, Sequence[Watcher]], revisions: Mapping[str, int]) -> None:
        """Wake the watchers in `asked` whose users have new changes or are gone."""
        for user_id, watchers in asked.items():
            revision = revisions.get(user_id)
            for watcher in watchers:
                if revision is None:
                    if watcher.exists:
                        watcher.deleted = True
                        watcher.wake()
                    continue
                watcher.exists = True
                if revision != watcher.revision:
                    watcher.revision = revision
                    watcher.wake()

    @property
    def stale(self) -> bool:
        """Whether the database has not answered for a while."""
        return time.monotonic() > self._polled_at + STALE

    def end(self) -> None:
        """End every stream, since the server is about to stop."""
        if self.ending:
            return
        self.ending = True
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.wake()

    async def close(self) -> None:
        """Stop asking."""
        self.end()
        running = [*self._reads.values(), *([self._polling] if self._polling else [])]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def events(
    streams: Streams, watcher: Watcher, caller: Caller, begin: Changes, authenticate: Callable[[], Awaitable[Caller]]
) -> AsyncGenerator[bytes]:
    """The stream of a caller from `begin` on. `authenticate` verifies the token again, or raises Unauthorized."""
    position, expires_at, spoke_at = begin.revision, caller.expires_at, time.monotonic()
    watcher.revision = max(watcher.revision, position + begin.more)
    yield BEGIN.format(begin.changes[0].revision - 1 if begin.changes else position).encode()
    for piece in _pieces(begin):
        yield piece
    del begin  # a stream may last for days, and keeps nothing of what it has sent
    while (reason := _over(streams, watcher)) is None:
        if time.time() >= expires_at:
            try:
                expires_at = max((await authenticate()).expires_at, time.time() + 1)  # by an issuer's leeway
            except Unauthorized:
                reason = "token"
                break
            except Unavailable:
                expires_at = time.time() + 1
        if watcher.revision != position:
            try:
                changes = await streams.read(caller.user_id, position)
            except ChangesNotKept:
                reason = "gone"
                break
            except Unavailable:
                await asyncio.sleep(INTERVAL)
            else:
                for piece in _pieces(changes):
                    yield piece
                    spoke_at = time.monotonic()
                position = changes.revision
                watcher.revision = max(watcher.revision, position + changes.more)
                del changes
        else:
            await watcher.wait(min(spoke_at + HEARTBEAT - time.monotonic(), expires_at - time.time()))
        if time.monotonic() >= spoke_at + HEARTBEAT:
            yield COMMENT
            spoke_at = time.monotonic()
    end = msgspec.json.encode({"reason": reason, "detail": ENDS[reason]}).decode()
    yield format_sse_event(data_str=end, event="end", id=str(position))


def _over(streams: Streams, watcher: Watcher) -> str | None:
    """Why the stream must end, if it must, for reasons outside it."""
    if streams.ending:
        return "shutdown"
    return "account" if watcher.deleted else "database" if streams.stale else None


def _pieces(changes: Changes) -> Iterator[bytes]:
    """The events, in pieces of about PIECE bytes."""
    piece = bytearray()
    for change in changes.changes:
        piece += format_sse_event(data_str=encode(change).decode(), event="change", id=str(change.revision))
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


class EventStream(Streamed):
    """Server-sent events, for as long as the client is connected.

    FastAPI's own stream of events puts two tasks and a queue behind each reader, and waits for them for ever.
    """

    media_type = "text/event-stream"

    def __init__(self, place: ExitStack, stream: AsyncGenerator[bytes], headers: Mapping[str, str]) -> None:
        """`place` is released when the stream is over."""
        super().__init__(stream, headers, self.media_type)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = scope.get("extensions", {}).get(EXTENSION)
        if connection is not None and scope["method"] != "HEAD":
            connection.endless_response()
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._place.close()
