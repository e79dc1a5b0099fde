"""Load: the six endpoints at full speed, together with a thousand event streams."""

import asyncio
import json
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from drills import stand
from drills.clients import Client, signed_up
from drills.figures import Figures
from tests.conftest import Person
from tests.support.processes import Server

CLIENTS = 16
READERS_EACH = 20
MEGABYTE = 1 << 20


@asynccontextmanager
async def serving(folder: Path, **settings: Any) -> AsyncIterator[Server]:
    """A server with an embedded PostgreSQL, while the block runs."""
    server = Server(folder, data_dir=folder / "data", **settings)
    try:
        yield await asyncio.to_thread(server.ready)
    finally:
        if server.process.poll() is None:
            await asyncio.to_thread(server.stop)


async def six(client: Client, counts: Counter[str]) -> None:
    """Call each of the six endpoints once, on a task that is purged in the end."""
    calls: list[tuple[str, str, Any, int]] = [
        ("GET", "/tasks?limit=20", None, 200),
        ("GET", "/tasks/{id}", None, 200),
        ("PUT", "/tasks/{id}", {"title": "Water the ferns, all of them"}, 200),
        ("PATCH", "/tasks/{id}/complete", None, 200),
        ("DELETE", "/tasks/{id}?permanent=true", None, 204),
    ]
    made = await client.request("POST", "/tasks", {"title": "Water the ferns", "description": "the big ones " * 10})
    counts["requests"] += 1
    if made.status != 201:
        counts[f"responses {made.status}"] += 1
        return
    task = json.loads(made.body)["id"]
    for method, path, body, expected in calls:
        response = await client.request(method, path.format(id=task), body)
        counts["requests"] += 1
        counts[f"responses {response.status}"] += response.status != expected


async def repeat(seconds: float, work: Callable[[], Awaitable[None]], counts: Counter[str]) -> None:
    """Do `work` again and again for so many seconds, and count broken connections."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            await work()
        except (OSError, asyncio.IncompleteReadError):
            counts["broken connections"] += 1


class Reader:
    """A stream that is kept open, and must send every revision of its user once and in order."""

    def __init__(self) -> None:
        self.last: int | None = None
        self.events = 0
        self.gaps = 0
        self.open = True

    async def follow(self, port: int, person: Person) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        path = f"{person.home}/changes/stream"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {person.token}\r\n\r\n".encode())
        try:
            async for line in reader:
                if line.startswith(b"id: "):
                    revision = int(line[4:])
                    self.gaps += self.last is not None and revision != self.last + 1
                    self.events += self.last is not None
                    self.last = revision
        finally:
            self.open = False
            writer.close()


async def late_streams(port: int, writers: list[Person], readers: list[Reader]) -> list[str]:
    """The streams of the writers that have not received the last change some seconds after it."""
    late: list[str] = []
    deadline = time.monotonic() + 5
    for number, person in enumerate(writers):
        theirs = readers[number * READERS_EACH : (number + 1) * READERS_EACH]
        async with Client(port, person) as client:
            last = int((await client.request("GET", "/tasks?limit=1")).headers["etag"].strip('W/"'))
        while any(reader.last != last for reader in theirs) and time.monotonic() < deadline:  # noqa: ASYNC110 # of forty streams
            await asyncio.sleep(0.1)
        late += [f"a stream is at revision {reader.last} of {last}" for reader in theirs if reader.last != last]
    return late


def slope(points: list[tuple[float, float]]) -> float:
    """The slope of a straight line through the points, per unit of the first coordinate."""
    return statistics.linear_regression(*zip(*points, strict=True)).slope


async def full_load(folder: Path, seconds: float, figures: Figures, *, streams: int) -> None:
    """All six endpoints at full speed, together with the streams, some of which receive every write."""
    counts = Counter[str]()
    settings = {"workers": 2, "access_token_lifetime": 86_400, "max_streams_per_user": 50}
    async with serving(folder, **settings) as server, AsyncExitStack() as stack:
        users = await signed_up(f"http://127.0.0.1:{server.port}", streams // READERS_EACH)
        readers = [Reader() for _ in range(streams)]
        following = [
            asyncio.create_task(reader.follow(server.port, users[number // READERS_EACH]))
            for number, reader in enumerate(readers)
        ]
        stack.callback(lambda: [task.cancel() for task in following])
        while any(reader.last is None and reader.open for reader in readers):  # noqa: ASYNC110 # of a thousand streams
            await asyncio.sleep(0.1)
        writers = users[:2]  # whose changes forty streams send
        others = await signed_up(f"http://127.0.0.1:{server.port}", CLIENTS - len(writers))
        clients = [Client(server.port, person) for person in (*writers, *others)]
        loading = [
            asyncio.create_task(repeat(seconds, lambda client=client: six(client, counts), counts))  # type: ignore[misc] # mypy reads no defaults of a lambda
            for client in clients
        ]
        workers = stand.workers_of(server.process.pid)
        memory, files, began = [], [], time.monotonic()
        while not all(task.done() for task in loading):
            await asyncio.sleep(min(5, seconds / 10))
            minutes = (time.monotonic() - began) / 60
            memory.append((minutes, sum(process.memory_info().rss for process in workers) / MEGABYTE))
            files.append(sum(process.num_fds() for process in workers))
        await asyncio.gather(*loading)
        for client in clients:
            await client.close()
        duration = time.monotonic() - began
        late = await late_streams(server.port, writers, readers)
        last_two_thirds = memory[len(memory) // 3 :]
        figures.report("seconds of full load, 16 connections, 2 workers", round(duration))
        figures.report("requests answered", counts["requests"])
        figures.report("  per second", round(counts["requests"] / duration))
        wrong = {name: count for name, count in counts.items() if name != "requests" and count}
        figures.expect_none("errors", [f"{count} × {name}" for name, count in wrong.items()])
        figures.report("memory of both workers at the end, MB", round(memory[-1][1]))
        if seconds >= 300:  # in a shorter run the caches still fill
            figures.check("  growth, MB per minute", round(slope(last_two_thirds), 2), most=1)
        else:
            figures.report("  growth, MB per minute", round(slope(last_two_thirds), 2))
        figures.check("increase of open files in the last two thirds", files[-1] - files[len(files) // 3], most=4)
        figures.check("open event streams meanwhile", sum(reader.open for reader in readers), least=streams)
        figures.check("  events received", sum(reader.events for reader in readers), least=1)
        figures.expect_none("  streams without the last change", late)
        figures.expect_none(
            "  missing or duplicate events", ["a stream skipped or repeated a revision"] * sum(r.gaps for r in readers)
        )
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)


def run(folder: Path, *, long: bool) -> Figures:
    """Ten minutes when `long`, else one."""
    figures = Figures("load")
    asyncio.run(full_load(folder, 600 if long else 60, figures, streams=1000))
    return figures
