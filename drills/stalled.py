"""What stands still: a network that swallows everything before the database, and a worker that is stopped."""

import asyncio
import contextlib
import itertools
import json
import random
import signal
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import psycopg

from drills import stand
from drills.clients import Client, signed_up
from drills.figures import Figures, others
from tests.conftest import Person
from tests.support.db_proxy import DatabaseProxy
from tests.support.processes import Server
from todo.db import migrate
from todo.db.embedded import server as embedded

STATEMENT_TIMEOUT = 3
"""Seconds; the default is 10."""

PATIENCE = 3 * (STATEMENT_TIMEOUT + 5) + 5
"""Seconds within which every request is answered: two attempts, and the opening of a connection."""


@contextlib.asynccontextmanager
async def serving(folder: Path, url: str, **settings: Any) -> AsyncIterator[Server]:
    server = Server(folder, database_url=url, statement_timeout=STATEMENT_TIMEOUT, **settings)
    try:
        yield await asyncio.to_thread(server.ready)
    finally:
        if server.process.poll() is None:
            await asyncio.to_thread(server.stop)


async def swallowing_network(folder: Path, seconds: float, figures: Figures) -> None:
    """Requests and a stream while nothing passes between the server and its database, and afterwards."""
    waited: list[float] = []
    statuses = Counter[int]()
    ended: list[str] = []
    with embedded.running(folder / "data") as url:
        migrate.upgrade(url)
        proxy = DatabaseProxy(url)
        async with proxy() as proxied, serving(folder, proxied) as server:
            base = f"http://127.0.0.1:{server.port}"
            [person] = await signed_up(base, 1)
            deadline = time.monotonic() + seconds

            async def stream() -> None:
                async with httpx.AsyncClient(base_url=base, timeout=120) as http:
                    headers = {"Authorization": f"Bearer {person.token}"}
                    answer = await http.get(f"{person.home}/changes/stream", headers=headers)
                    ended.append(answer.text.rstrip().rpartition("data: ")[2].partition("\n")[0])

            async def ask(number: int) -> None:
                keys = itertools.count()
                async with Client(server.port, person) as client:
                    while time.monotonic() < deadline:
                        began = time.monotonic()
                        if number % 2:
                            answer = await client.request("GET", "/tasks?limit=20")
                        else:
                            key = {"Idempotency-Key": f"{number}-{next(keys)}"}
                            answer = await client.request("POST", "/tasks", {"title": "Water the ferns"}, **key)
                        waited.append(time.monotonic() - began)
                        statuses[answer.status] += 1
                        await asyncio.sleep(0.2)

            streaming = asyncio.create_task(stream())
            asking = [asyncio.create_task(ask(number)) for number in range(8)]
            await asyncio.sleep(2)
            proxy.drop = lambda _round_trip, _sending: True
            await asyncio.wait([streaming], timeout=90)
            await asyncio.gather(*asking)
            proxy.drop = None
            began = time.monotonic()
            async with Client(server.port, person) as client:
                while (await client.request("GET", "/tasks?limit=20")).status != 200:  # noqa: ASYNC110 # each check is a request
                    await asyncio.sleep(0.1)
            recovered = time.monotonic() - began
    figures.check(f"a network that swallows for {seconds:.0f} s: requests answered", len(waited), least=8)
    figures.report("  answers by status", dict(statuses))
    figures.expect_none("  other answers than 200, 201 and 503", others(statuses, 200, 201, 503))
    figures.check("  seconds that a request waited, worst", round(max(waited), 1), most=PATIENCE)
    reason = json.loads(ended[0])["reason"] if ended else "it did not end"
    figures.report("  the event stream ended, and said why", reason)
    figures.expect_none("  streams that went on", [] if reason == "database" else [f"the stream: {reason}"])
    figures.check("  seconds until a request succeeds afterwards", round(recovered, 1), most=PATIENCE)


async def stopped_worker(folder: Path, rounds: int, figures: Figures) -> None:
    """One of two workers is stopped (SIGSTOP) in the middle of a transaction: the user's other writes go on."""
    waited: list[float] = []
    wrong = Counter[str]()
    with embedded.running(folder / "data") as url:
        migrate.upgrade(url)
        async with serving(folder, url, workers=2) as server:
            [person] = await signed_up(f"http://127.0.0.1:{server.port}", 1)
            hit = 0
            keys = itertools.count()

            async def write(client: Client) -> int:
                key = {"Idempotency-Key": str(next(keys))}
                return (await client.request("POST", "/tasks", {"title": "Water the ferns"}, **key)).status

            async def keep_writing() -> None:
                async with Client(server.port, person) as client:
                    while True:
                        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                            await write(client)

            while hit < rounds:
                writing = [asyncio.create_task(keep_writing()) for _ in range(6)]
                await asyncio.sleep(random.uniform(0.2, 0.4))
                [worker, *_] = random.sample(await asyncio.to_thread(stand.workers_of, server.process.pid), 2)
                worker.send_signal(signal.SIGSTOP)
                await asyncio.sleep(0.05)
                stopped = _in_transaction(url)
                for task in writing:
                    task.cancel()
                await asyncio.gather(*writing, return_exceptions=True)
                if stopped:
                    hit += 1
                    waited.append(await _until_written(server.port, person, wrong))
                worker.send_signal(signal.SIGCONT)
    figures.check("times that a worker was stopped in a transaction", hit, least=rounds)
    median = round(statistics.median(waited), 1)
    figures.check("  seconds until the user's next write elsewhere, median", median, most=PATIENCE)
    figures.check("  worst", round(max(waited), 1), most=PATIENCE)
    figures.expect_none("  other answers than 201 and 503", [f"{count} × {name}" for name, count in wrong.items()])


def _in_transaction(url: str) -> bool:
    """Whether a transaction of the stopped worker stands open."""
    with psycopg.connect(url) as connection:
        query = (
            "select count(*) from pg_stat_activity where application_name = 'todo' and state = 'idle in transaction'"
        )
        return bool((connection.execute(query).fetchone() or [0])[0])


async def _until_written(port: int, person: Person, wrong: Counter[str]) -> float:
    """Seconds until a write of this user succeeds, at the worker that still runs."""
    began = time.monotonic()
    while True:
        async with Client(port, person) as client:
            status = (await client.request("POST", "/tasks", {"title": "Water the ferns"})).status
        if status == 201:
            return time.monotonic() - began
        if status != 503:
            wrong[f"answers {status}"] += 1


async def drill(folder: Path, *, long: bool) -> Figures:
    """Both, one after the other."""
    figures = Figures("what stands still")
    for name in ("network", "worker"):
        (folder / name).mkdir()
    await swallowing_network(folder / "network", 45 if long else 12, figures)
    await stopped_worker(folder / "worker", 8 if long else 1, figures)
    return figures


def run(folder: Path, *, long: bool) -> Figures:
    """Two minutes when `long`."""
    return asyncio.run(drill(folder, long=long))
