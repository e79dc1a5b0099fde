"""A reader of server-sent events, as a browser's page reads them with fetch."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeVar

import httpx

T = TypeVar("T")


class Event(NamedTuple):
    name: str
    data: dict[str, Any]
    id: str | None


async def read(response: httpx.Response) -> AsyncIterator[Event | str]:
    """The events of a stream (WHATWG HTML, 9.2.6), and its comments as plain text."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line.startswith(":"):
            yield line
        elif line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield Event(fields.get("event", "message"), json.loads(fields["data"]), fields.get("id"))
            fields = {}
        else:
            fields = {}


class Stream:
    """An open stream. `next` waits for its next event."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._events = read(response)

    async def next(self, seconds: float = 10) -> Event:
        """The next event, comments left out."""
        return await self._next(Event, seconds)

    async def comment(self, seconds: float = 20) -> str:
        """The next comment."""
        return await self._next(str, seconds)

    async def _next(self, kind: type[T], seconds: float) -> T:
        async with asyncio.timeout(seconds):
            async for event in self._events:
                if isinstance(event, kind):
                    return event
        raise EOFError


@asynccontextmanager
async def streaming(base: str, path: str, token: str, **headers: str) -> AsyncIterator[Stream]:
    """Open the stream at `path` of the server at `base`."""
    sent = {"Authorization": f"Bearer {token}", **headers}
    async with (
        httpx.AsyncClient(base_url=base, timeout=httpx.Timeout(10, read=None)) as client,
        client.stream("GET", path, headers=sent) as response,
    ):
        yield Stream(response)


async def until(condition: Any, seconds: float = 5) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
