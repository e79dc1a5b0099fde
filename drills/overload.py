"""Overload: ten times the connections that a server is configured for; password guessing during task requests."""

import asyncio
import itertools
import random
import statistics
import time
from collections import Counter
from pathlib import Path
from uuid import uuid4

import httpx

from drills.clients import Client, signed_up
from drills.figures import Figures
from drills.load import repeat, serving


async def overload(folder: Path, seconds: float, figures: Figures, *, within: float) -> None:
    """Ten times the configured connections. Refused clients retry after the time that the response names."""
    limit = 64
    served: list[float] = []
    refused: list[float] = []
    wrong = Counter[str]()
    async with serving(folder, max_connections=limit) as server:
        [person] = await signed_up(f"http://127.0.0.1:{server.port}", 1)
        async with Client(server.port, person) as first:
            await first.request("POST", "/tasks", {"title": "Water the ferns"})
        deadline = time.monotonic() + seconds

        async def connect_and_request() -> None:
            client = Client(server.port, person)
            while time.monotonic() < deadline:
                began = time.monotonic()
                try:
                    response = await client.request("GET", "/tasks?limit=20")
                except (OSError, asyncio.IncompleteReadError) as error:
                    wrong[type(error).__name__] += 1
                    continue
                seconds_taken = time.monotonic() - began
                if response.status == 200:
                    served.append(seconds_taken)
                elif response.status == 503 and "retry-after" in response.headers:
                    refused.append(seconds_taken)
                    pause = int(response.headers["retry-after"]) * random.uniform(1, 2)  # not all at once
                    await asyncio.sleep(pause)
                else:
                    wrong[f"responses {response.status}"] += 1
            await client.close()

        await asyncio.gather(*(connect_and_request() for _ in range(10 * limit)))
        ended = time.monotonic()
        client = Client(server.port, person)
        while (await client.request("GET", "/tasks?limit=20")).status != 200:  # noqa: ASYNC110 # each check is a request
            await asyncio.sleep(0.05)
        recovered = time.monotonic() - ended
        await client.close()
    figures.check(f"{10 * limit} connections, a limit of {limit}: responses 200", len(served), least=limit // 2)
    figures.check("  responses 503 with Retry-After", len(refused), least=limit)
    figures.check("  seconds to a 503, p99", round(statistics.quantiles(refused or [0, 0], n=100)[-1], 3), most=within)
    figures.report("  seconds to a 200, p99", round(statistics.quantiles(served or [0, 0], n=100)[-1], 3))
    figures.expect_none("  other responses or errors", [f"{count} × {name}" for name, count in wrong.items()])
    figures.check("  seconds until the next 200 afterwards", round(recovered, 2), most=within)


async def floods_of_sign_ins(folder: Path, seconds: float, figures: Figures, *, within: float) -> None:
    """Task requests with and without 64 clients that guess passwords, in turn."""
    rates: dict[bool, list[float]] = {False: [], True: []}
    times: dict[bool, list[float]] = {False: [], True: []}
    errors = Counter[str]()
    guesses = Counter[int]()
    async with serving(folder) as server:
        base = f"http://127.0.0.1:{server.port}"
        users = await signed_up(base, 4)

        async def guess(stop: asyncio.Event) -> None:
            async with httpx.AsyncClient(base_url=base, timeout=60) as http:
                while not stop.is_set():
                    body = {"email": f"{uuid4().hex}@example.com", "password": "a wild guess"}
                    guesses[(await http.post("/api/auth/signin", json=body)).status_code] += 1

        for flooded in itertools.islice(itertools.cycle([False, True]), 6):
            stop = asyncio.Event()
            guessing = [asyncio.create_task(guess(stop)) for _ in range(64)] if flooded else []
            await asyncio.sleep(0.5 if flooded else 0)

            async def timed(client: Client, flooded: bool = flooded) -> None:
                began = time.monotonic()
                response = await client.request("GET", "/tasks?limit=20")
                times[flooded].append(time.monotonic() - began)
                errors[f"responses {response.status}"] += response.status != 200

            before, began = len(times[flooded]), time.monotonic()
            clients = [Client(server.port, person) for person in users]
            await asyncio.gather(
                *(repeat(seconds, lambda client=client: timed(client), errors) for client in clients)  # type: ignore[misc] # mypy reads no defaults of a lambda
            )
            rates[flooded].append((len(times[flooded]) - before) / (time.monotonic() - began))
            for client in clients:
                await client.close()
            stop.set()
            await asyncio.gather(*guessing)
    ratio = statistics.median(rates[True]) / statistics.median(rates[False])
    p99 = statistics.quantiles(times[True], n=100)[-1]
    wrong = [f"{count} × {name}" for name, count in errors.items() if count]
    wrong += [
        f"{count} sign-ins with response {status}" for status, count in guesses.items() if status not in {401, 503}
    ]
    figures.report("sign-in attempts by 64 concurrent clients", sum(guesses.values()))
    figures.check("  rate of task requests, meanwhile : without", round(ratio, 2), least=0.1)
    figures.check("  seconds per task request meanwhile, p99", round(p99, 3), most=within)
    figures.expect_none("  errors", wrong)


async def drill(folder: Path) -> Figures:
    """Both, one after the other."""
    figures = Figures("overload")
    for name in ("over", "flood"):
        (folder / name).mkdir()
    await overload(folder / "over", 10, figures, within=1)
    await floods_of_sign_ins(folder / "flood", 3, figures, within=0.5)
    return figures


def run(folder: Path, *, long: bool) -> Figures:  # noqa: ARG001 # it has one form
    """Ten seconds of the first, twenty of the second."""
    return asyncio.run(drill(folder))
