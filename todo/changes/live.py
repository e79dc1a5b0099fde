"""Changes as they happen: server-sent events (WHATWG HTML, 9.2) for any number of streams, at the cost of one look-up.

While anybody listens, one query every INTERVAL asks for the revisions of all users who are listened to; who has moved
is read once for all of their streams that stand at the same place. Nothing is queued: a stream asks for the next page
when the last one is written, and whoever does not read is cut off by the Protocol. A stream holds no connection.
So it works through any pooler, and for changes that any process made.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress

import msgspec
from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from todo.accounts.tokens import Caller
from todo.changes import actions
from todo.changes.actions import Happened
from todo.changes.answers import event
from todo.database import Database
from todo.problems import Gone, TooManyRequests, Unauthorized, Unavailable
from todo.protocol import CONNECTION
from todo.transactions import Tx

log = logging.getLogger("todo")

INTERVAL = 0.4  # seconds between two look-ups
HEARTBEAT = 15.0  # seconds of silence before a comment
PIECE = 65_536  # bytes that are written at once, and then some
PAGE = 50  # changes that are read at a time: at most some 2 MB, and mostly a few kB
READERS = 4  # pages that are read at the same time, so that requests find connections too

BEGIN = "id: {}\nretry: 2000\n\n"
COMMENT = b": still here\n\n"

ENDS = {
    "shutdown": "The server stops: connect again.",
    "token": "The access token has expired or was revoked: connect again with a new one.",
    "gone": "The changes from here on are not kept: read the list anew, and go on from its ETag.",
    "account": "The account was deleted.",
}


class Watcher:
    """One stream's view of its user: `revision` as last heard of."""

    def __init__(self, *, exists: bool) -> None:
        self.revision = 0
        self.exists = exists
        self.deleted = False
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Let the stream look around."""
        self._woken.set()

    async def wait(self, seconds: float) -> None:
        """Wait for `wake`, so long and no longer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._woken.wait()
        self._woken.clear()


class Feed:
    """What all the streams of a process share."""

    def __init__(self, database: Database, *, most: int, most_each: int) -> None:
        self.leaving = False
        self._most = most
        self._most_each = most_each
        self._database = database
        self._watchers: dict[str, set[Watcher]] = {}
        self._polling: asyncio.Task[None] | None = None
        self._reads: dict[tuple[str, int], asyncio.Task[Happened]] = {}
        self._readers = asyncio.Semaphore(READERS)

    @contextmanager
    def watch(self, user_id: str, *, exists: bool) -> Iterator[Watcher]:
        """Watch a user, who `exists` unless they are another issuer's and have not written yet.

        Raises TooManyRequests or Unavailable where there are as many streams as there may be.
        """
        if len(self._watchers.get(user_id, ())) >= self._most_each:
            raise TooManyRequests("You have as many streams open as there may be: close one.", retry_after=15)
        if sum(map(len, self._watchers.values())) >= self._most:
            raise Unavailable("The server has as many streams as it can serve.", retry_after=15)
        watcher = Watcher(exists=exists)
        self._watchers.setdefault(user_id, set()).add(watcher)
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll())
        try:
            yield watcher
        finally:
            others = self._watchers[user_id]
            others.remove(watcher)
            if not others:
                del self._watchers[user_id]

    async def read(self, user_id: str, revision: int) -> Happened:
        """The next changes of a user after `revision`, read once for all who ask at the same time."""
        key = user_id, revision
        reading = self._reads.get(key)
        if reading is None:
            reading = self._reads[key] = asyncio.create_task(self._read(*key))
            reading.add_done_callback(lambda _: self._reads.pop(key, None))
        return await asyncio.shield(reading)

    async def _read(self, user_id: str, revision: int) -> Happened:
        async with self._readers:
            return await actions.since(Tx(self._database, user_id), revision, most=PAGE)

    async def _poll(self) -> None:
        """Ask for all who are watched, for as long as there are any, whatever goes wrong meanwhile."""
        try:
            while self._watchers and not self.leaving:
                await asyncio.sleep(INTERVAL)
                asked = {user_id: [*watchers] for user_id, watchers in self._watchers.items()}
                try:
                    revisions = await actions.revisions(self._database, [*asked])
                except Unavailable as problem:
                    log.debug("the streams wait: %s", problem.detail)
                except Exception:  # nobody else would start the poll again
                    log.exception("the streams wait")
                    await asyncio.sleep(10 * INTERVAL)
                else:
                    self.tell(asked, revisions)
        finally:
            self._polling = None

    def tell(self, asked: Mapping[str, Sequence[Watcher]], revisions: Mapping[str, int]) -> None:
        """Wake those of `asked` whose users are elsewhere by now, or gone."""
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

    def leave(self) -> None:
        """End every stream, since the server is about to stop."""
        if self.leaving:
            return
        self.leaving = True
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.wake()

    async def close(self) -> None:
        """Stop asking."""
        self.leave()
        running = [*self._reads.values(), *([self._polling] if self._polling else [])]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def events(
    feed: Feed, watcher: Watcher, caller: Caller, begin: Happened, again: Callable[[], Awaitable[Caller]]
) -> AsyncGenerator[bytes]:
    """The stream of a caller from `begin` on. `again` knows the caller anew, or raises Unauthorized."""
    position, until, spoke_at = begin.revision, caller.until, time.monotonic()
    watcher.revision = max(watcher.revision, position + begin.more)
    yield BEGIN.format(begin.rows[0][0] - 1 if begin.rows else position).encode()
    for piece in _pieces(begin):
        yield piece
    del begin  # a stream may last for days, and keeps nothing of what it has sent
    while (reason := _over(feed, watcher)) is None:
        if time.time() >= until:
            try:
                until = max((await again()).until, time.time() + 1)  # an issuer's leeway lets it live on a little
            except Unauthorized:
                reason = "token"
                break
            except Unavailable:
                until = time.time() + 1
        if watcher.revision != position:
            try:
                happened = await feed.read(caller.user_id, position)
            except Gone:
                reason = "gone"
                break
            except Unavailable:
                await asyncio.sleep(INTERVAL)
            else:
                for piece in _pieces(happened):
                    yield piece
                    spoke_at = time.monotonic()
                position = happened.revision
                watcher.revision = max(watcher.revision, position + happened.more)
                del happened
        else:
            await watcher.wait(min(spoke_at + HEARTBEAT - time.monotonic(), until - time.time()))
        if time.monotonic() >= spoke_at + HEARTBEAT:
            yield COMMENT
            spoke_at = time.monotonic()
    said = msgspec.json.encode({"reason": reason, "detail": ENDS[reason]}).decode()
    yield format_sse_event(data_str=said, event="end", id=str(position))


def _over(feed: Feed, watcher: Watcher) -> str | None:
    """Why the stream ends, if it does, for reasons that are not its own."""
    return "shutdown" if feed.leaving else "account" if watcher.deleted else None


def _pieces(happened: Happened) -> Iterator[bytes]:
    """The events, in pieces of about PIECE bytes."""
    piece = bytearray()
    for row in happened.rows:
        piece += format_sse_event(data_str=event(row).decode(), event="change", id=str(row[0]))
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


class EventStream(StreamingResponse):
    """Server-sent events, for as long as somebody is there.

    FastAPI's own stream of events puts two tasks and a queue behind each reader, and waits for them for ever.
    """

    media_type = "text/event-stream"

    def __init__(self, place: ExitStack, stream: AsyncGenerator[bytes], headers: Mapping[str, str]) -> None:
        """Where `place` among those of the feed is given back when the stream is over."""
        super().__init__(stream, headers=headers)
        self._place = place
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = scope.get(CONNECTION)  # where it is our own Protocol, which cuts off whoever does not read
        if connection is not None:
            connection.ends_with_its_reader()
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._place.close()
            await self._stream.aclose()  # it may stand at a yield, where nobody else would end it
