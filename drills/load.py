"""Load: the six endpoints as fast as they come, beside a thousand event streams."""

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
    server = Server(folder, data_dir=folder / "data", **settings)
    try:
        yield await asyncio.to_thread(server.ready)
    finally:
        if server.process.poll() is None:
            await asyncio.to_thread(server.stop)


async def six(client: Client, told: Counter[str]) -> None:
    """Each of the six endpoints once, in a sensible order, on a task that is gone afterwards."""
    calls: list[tuple[str, str, Any, int]] = [
        ("GET", "/tasks?limit=20", None, 200),
        ("GET", "/tasks/{id}", None, 200),
        ("PUT", "/tasks/{id}", {"title": "Water the ferns, all of them"}, 200),
        ("PATCH", "/tasks/{id}/complete", None, 200),
        ("DELETE", "/tasks/{id}?permanent=true", None, 204),
    ]
    made = await client.ask("POST", "/tasks", {"title": "Water the ferns", "description": "the big ones " * 10})
    told["requests"] += 1
    if made.status != 201:
        told[f"answered {made.status}"] += 1
        return
    task = json.loads(made.body)["id"]
    for method, path, body, wanted in calls:
        answer = await client.ask(method, path.format(id=task), body)
        told["requests"] += 1
        told[f"answered {answer.status}"] += answer.status != wanted


async def until_over(seconds: float, work: Callable[[], Awaitable[None]], told: Counter[str]) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            await work()
        except (OSError, asyncio.IncompleteReadError):
            told["broken connections"] += 1


class Reader:
    """A stream that is held, and must tell every revision of its user once and in order."""

    def __init__(self) -> None:
        self.last: int | None = None
        self.events = 0
        self.gaps = 0
        self.open = True

    async def hold(self, port: int, person: Person) -> None:
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


async def streams_behind(port: int, writers: list[Person], readers: list[Reader]) -> list[str]:
    """Which of the streams of those who wrote have not told the last change, some seconds after it."""
    behind: list[str] = []
    deadline = time.monotonic() + 5
    for number, person in enumerate(writers):
        theirs = readers[number * READERS_EACH : (number + 1) * READERS_EACH]
        async with Client(port, person) as client:
            last = int((await client.ask("GET", "/tasks?limit=1")).headers["etag"].strip('W/"'))
        while any(reader.last != last for reader in theirs) and time.monotonic() < deadline:  # noqa: ASYNC110 # of forty streams
            await asyncio.sleep(0.1)
        behind += [f"a stream stands at {reader.last} of {last}" for reader in theirs if reader.last != last]
    return behind


def slope(points: list[tuple[float, float]]) -> float:
    """Of a straight line through the points, per unit of the first coordinate."""
    return statistics.linear_regression(*zip(*points, strict=True)).slope


async def full_load(folder: Path, seconds: float, figures: Figures, *, streams: int) -> None:
    """All six endpoints as fast as they come, with the streams beside them, some of which see every write."""
    told = Counter[str]()
    settings = {"workers": 2, "access_token_lifetime": 86_400, "max_streams_per_user": 50}
    async with serving(folder, **settings) as server, AsyncExitStack() as stack:
        people = await signed_up(f"http://127.0.0.1:{server.port}", streams // READERS_EACH)
        readers = [Reader() for _ in range(streams)]
        holding = [
            asyncio.create_task(reader.hold(server.port, people[number // READERS_EACH]))
            for number, reader in enumerate(readers)
        ]
        stack.callback(lambda: [task.cancel() for task in holding])
        while any(reader.last is None and reader.open for reader in readers):  # noqa: ASYNC110 # a thousand, one by one
            await asyncio.sleep(0.1)
        writers = people[:2]  # whose changes forty streams tell
        others = await signed_up(f"http://127.0.0.1:{server.port}", CLIENTS - len(writers))
        clients = [Client(server.port, person) for person in (*writers, *others)]
        loading = [
            asyncio.create_task(until_over(seconds, lambda client=client: six(client, told), told))  # type: ignore[misc] # mypy reads no defaults of a lambda
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
        taken = time.monotonic() - began
        behind = await streams_behind(server.port, writers, readers)
        settled = memory[len(memory) // 3 :]
        figures.tell("seconds of full load, 16 connections, 2 workers", round(taken))
        figures.tell("requests answered", told["requests"])
        figures.tell("  a second", round(told["requests"] / taken))
        wrong = {name: count for name, count in told.items() if name != "requests" and count}
        figures.none("errors", [f"{count} × {name}" for name, count in wrong.items()])
        figures.tell("memory of both workers at the end, MB", round(memory[-1][1]))
        if seconds >= 300:  # before, caches fill
            figures.judge("  its slope, MB a minute", round(slope(settled), 2), most=1)
        else:
            figures.tell("  its slope, MB a minute", round(slope(settled), 2))
        figures.judge("open files more at the end than after a third", files[-1] - files[len(files) // 3], most=4)
        figures.judge("streams held beside it", sum(reader.open for reader in readers), least=streams)
        figures.judge("  events that they told", sum(reader.events for reader in readers), least=1)
        figures.none("  streams that did not tell the last change", behind)
        figures.none(
            "  events missing or double", ["a stream told a number twice or none"] * sum(r.gaps for r in readers)
        )
        for task in holding:
            task.cancel()
        await asyncio.gather(*holding, return_exceptions=True)


def run(folder: Path, *, long: bool) -> Figures:
    """Ten minutes when `long`, or one."""
    figures = Figures("load")
    asyncio.run(full_load(folder, 600 if long else 60, figures, streams=1000))
    return figures
