"""Changes as they happen: server-sent events (WHATWG HTML, 9.2) for any number of streams, at the cost of one look-up.

While anybody listens, one query every INTERVAL asks for the revisions of all users who are listened to; who has moved
is read once for all of their streams that stand at the same place. Nothing is queued: a stream asks for the next page
when the last one is written, and whoever does not read for PATIENCE seconds is cut off. A stream holds no connection.
So it works through any pooler, and for changes that any process made.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

import msgspec
from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from todo.accounts.tokens import Caller
from todo.changes import actions
from todo.changes.actions import Happened
from todo.changes.answers import event
from todo.database import Database
from todo.problems import Gone, Unauthorized, Unavailable
from todo.protocol import ABORT
from todo.transactions import Tx

log = logging.getLogger("todo")

INTERVAL = 0.4  # seconds between two look-ups
HEARTBEAT = 15.0  # seconds of silence before a comment
PATIENCE = 30.0  # seconds for which a reader may not read
PAGE = 200  # changes that are read at a time
READERS = 4  # pages that are read at the same time, so that requests find connections too

BEGIN = b"retry: 2000\n\n"
COMMENT = b": still here\n\n"

ENDS = {
    "shutdown": "The server stops: connect again.",
    "token": "The access token has expired or was revoked: connect again with a new one.",
    "gone": "The changes from here on are not kept: read the list anew, and go on from its ETag.",
    "account": "The account was deleted.",
}


class Watcher:
    """One stream's view of its user: `revision` as last heard of."""

    def __init__(self, revision: int, *, exists: bool) -> None:
        self.revision = revision
        self.exists = exists
        self.deleted = False
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Let the stream look around."""
        self._woken.set()

    async def wait(self, seconds: float) -> bool:
        """Wait for `wake`; whether it came in time."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True


class Feed:
    """What all the streams of a process share."""

    def __init__(self, database: Database) -> None:
        self.leaving = False
        self._database = database
        self._watchers: dict[str, set[Watcher]] = {}
        self._polling: asyncio.Task[None] | None = None
        self._reads: dict[tuple[str, int], asyncio.Task[Happened]] = {}
        self._readers = asyncio.Semaphore(READERS)

    @contextmanager
    def watch(self, user_id: str, revision: int, *, exists: bool) -> Iterator[Watcher]:
        """Watch a user, who `exists` unless they are another issuer's and have not written yet."""
        watcher = Watcher(revision, exists=exists)
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
        """Ask for all who are watched, for as long as there are any."""
        try:
            while self._watchers and not self.leaving:
                await asyncio.sleep(INTERVAL)
                try:
                    self._tell(await actions.revisions(self._database, list(self._watchers)))
                except Unavailable as problem:
                    log.debug("the streams wait: %s", problem.detail)
        finally:
            self._polling = None

    def _tell(self, revisions: dict[str, int]) -> None:
        for user_id, watchers in self._watchers.items():
            revision = revisions.get(user_id)
            for watcher in watchers:
                if revision is None:
                    if watcher.exists:
                        watcher.deleted = True
                        watcher.wake()
                elif revision != watcher.revision:
                    watcher.revision, watcher.exists = revision, True
                    watcher.wake()

    def leave(self) -> None:
        """End every stream, since the server is about to stop."""
        self.leaving = True
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.wake()

    async def close(self) -> None:
        """Stop asking."""
        self.leave()
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)


async def events(
    feed: Feed, caller: Caller, begin: Happened, again: Callable[[], Awaitable[Caller]]
) -> AsyncGenerator[bytes]:
    """The stream of a caller from `begin` on. `again` knows the caller anew, or raises Unauthorized."""
    yield BEGIN + _written(begin)
    position, until = begin.revision, caller.until
    with feed.watch(caller.user_id, position, exists=not caller.foreign) as watcher:
        if begin.more:
            watcher.revision = position + 1
        while True:
            if feed.leaving:
                yield _end("shutdown")
                return
            if time.time() >= until:
                try:
                    until = max((await again()).until, time.time() + 1)  # an issuer's leeway lets it live on a little
                except Unauthorized:
                    yield _end("token")
                    return
                except Unavailable:
                    until = time.time() + 1
            if watcher.deleted:
                yield _end("account")
                return
            if watcher.revision > position:
                try:
                    happened = await feed.read(caller.user_id, position)
                except Gone:
                    yield _end("gone")
                    return
                except Unavailable:
                    await asyncio.sleep(INTERVAL)
                    continue
                position = happened.revision
                watcher.revision = max(watcher.revision, position + happened.more)
                if happened.rows:
                    yield _written(happened)
                continue
            if watcher.revision < position:  # the database was set back to an earlier state
                yield _end("gone")
                return
            if not await watcher.wait(min(HEARTBEAT, until - time.time())) and time.time() < until:
                yield COMMENT


def _written(happened: Happened) -> bytes:
    return b"".join(
        format_sse_event(data_str=event(row).decode(), event="change", id=str(row[0])) for row in happened.rows
    )


def _end(reason: str) -> bytes:
    said = {"reason": reason, "detail": ENDS[reason]}
    return format_sse_event(data_str=msgspec.json.encode(said).decode(), event="end")


class EventStream(StreamingResponse):
    """Server-sent events to somebody who reads them: who does not is cut off, whatever lies in their buffers.

    FastAPI's own stream of events puts two tasks and a queue behind each reader, and waits for them for ever.
    """

    media_type = "text/event-stream"

    def __init__(self, stream: AsyncGenerator[bytes], headers: Mapping[str, str]) -> None:
        super().__init__(stream, headers=headers)
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def patiently(message: Message) -> None:
            async with asyncio.timeout(PATIENCE):
                await send(message)

        try:
            await super().__call__(scope, receive, patiently)
        except TimeoutError:
            log.info("a reader of changes did not read for %g s and was cut off", PATIENCE)
            scope[ABORT]()
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            await self._stream.aclose()  # it may stand at a yield, where nobody else would end it
