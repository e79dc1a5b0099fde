"""Clients that ask for more than their share: pipelined requests, one user on very many connections, large answers."""

import asyncio
import contextlib
import json
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import psutil

from drills.clients import Client, signed_up
from drills.figures import Figures, others
from drills.load import serving
from tests.conftest import Person

MEGABYTE = 2**20
LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
LONG = "🌿" * 9_990  # 40 kB


@contextlib.asynccontextmanager
async def growth(pid: int, found: list[float]) -> AsyncIterator[None]:
    """Append to `found` how many MB larger the process became during the block."""
    process = psutil.Process(pid)
    before = most = process.memory_info().rss

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, process.memory_info().rss)
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        found.append((most - before) / MEGABYTE)


async def pipelining(folder: Path, seconds: float, figures: Figures) -> None:
    """One client sends without end and reads, twenty send without end and do not read; another one is served."""
    found: list[float] = []
    times: list[float] = []
    received = 0
    async with serving(folder) as server:
        address = "127.0.0.1", server.port
        deadline = time.monotonic() + seconds

        async def send(writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                while time.monotonic() < deadline:
                    writer.write(LIVE * 500)
                    await writer.drain()

        async def read(reader: asyncio.StreamReader) -> None:
            nonlocal received
            with contextlib.suppress(OSError):
                while data := await reader.read(65_536):
                    received += data.count(b"HTTP/1.1 200")

        async def ask() -> None:
            while time.monotonic() < deadline:
                began = time.monotonic()
                reader, writer = await asyncio.open_connection(*address)
                writer.write(LIVE)
                await reader.readuntil(b"}")
                writer.close()
                times.append(time.monotonic() - began)
                await asyncio.sleep(0.02)

        reader, writer = await asyncio.open_connection(*address)
        silent = [await asyncio.open_connection(*address, limit=1) for _ in range(20)]
        async with growth(server.process.pid, found):
            tasks = [asyncio.create_task(send(each)) for each in (writer, *(other for _, other in silent))]
            reading = asyncio.create_task(read(reader))
            await ask()
            for task in (reading, *tasks):
                task.cancel()
            await asyncio.gather(reading, *tasks, return_exceptions=True)
        for each in (writer, *(other for _, other in silent)):
            each.transport.abort()
    figures.check("pipelined requests that were answered to one client", received, least=10)
    figures.check("  MB that the server grew, beside twenty that do not read", round(found[0], 1), most=32)
    figures.report("  seconds per request of another client, p99", round(statistics.quantiles(times, n=100)[-1], 3))


async def one_of_many(folder: Path, connections: int, figures: Figures) -> None:
    """One user on so many connections, another one on one."""
    statuses = {"greedy": Counter[int](), "modest": Counter[int]()}
    async with serving(folder) as server:
        greedy, modest = await signed_up(f"http://127.0.0.1:{server.port}", 2)
        for person in (greedy, modest):
            async with Client(server.port, person) as client:
                for number in range(30):
                    await client.request("POST", "/tasks", {"title": f"task {number}"})
        done = asyncio.Event()

        async def ask(person: Person, name: str, times: int, pause: float = 0.0) -> None:
            async with Client(server.port, person) as client:
                for _ in range(times):
                    if name == "greedy" and done.is_set():
                        return
                    statuses[name][(await client.request("GET", "/tasks?limit=20")).status] += 1
                    await asyncio.sleep(pause)

        asking = [asyncio.create_task(ask(greedy, "greedy", 4)) for _ in range(connections)]
        await asyncio.sleep(0.1)
        await ask(modest, "modest", 16, 0.05)
        done.set()
        await asyncio.gather(*asking)
    figures.check(f"one user on {connections:,} connections: requests answered", statuses["greedy"][200], least=100)
    figures.report("  refused with 429", statuses["greedy"][429])
    figures.expect_none("  other answers to that user", others(statuses["greedy"], 200, 429))
    figures.expect_none("  of 16 reads of another user, refused", others(statuses["modest"], 200))


async def large_answers(folder: Path, edits: int, readers: int, figures: Figures) -> None:
    """A user edits a long text often, and asks for its whole history on many connections at once."""
    found: list[float] = []
    statuses = Counter[int]()
    largest = 0
    async with serving(folder) as server:
        [person] = await signed_up(f"http://127.0.0.1:{server.port}", 1)
        async with Client(server.port, person) as client:
            made = await client.request("POST", "/tasks", {"title": "a long text"})
            task = json.loads(made.body)["id"]
            for number in range(edits):
                edited = await client.request("PUT", f"/tasks/{task}", {"description": f"{number}{LONG}"})
                assert edited.status == 200, edited.body

        async def read() -> None:
            nonlocal largest
            async with Client(server.port, person) as client:
                answer = await client.request("GET", f"/tasks/{task}/history?limit=1000")
                statuses[answer.status] += 1
                largest = max(largest, len(answer.body))

        async with growth(server.process.pid, found):
            await asyncio.gather(*(read() for _ in range(readers)))
    figures.report(f"a history of {edits} edits of 40 kB, {readers} readers at once: answers by status", dict(statuses))
    figures.check("  MB of the largest answer", round(largest / MEGABYTE, 1), most=8)
    figures.check("  MB that the server grew", round(found[0], 1), most=400)
    figures.check("  answers 200", statuses[200], least=1)
    figures.expect_none("  other answers than 200 and 429", others(statuses, 200, 429))


async def drill(folder: Path, *, long: bool) -> Figures:
    """All three, one after the other."""
    figures = Figures("greedy clients")
    for name in ("pipelining", "many", "large"):
        (folder / name).mkdir()
    await pipelining(folder / "pipelining", 25 if long else 5, figures)
    await one_of_many(folder / "many", 1_200, figures)
    await large_answers(folder / "large", 1_000 if long else 150, 20, figures)
    return figures


def run(folder: Path, *, long: bool) -> Figures:
    """A minute when `long`."""
    return asyncio.run(drill(folder, long=long))
