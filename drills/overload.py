"""Overload: ten times the connections that a server is sized for, and guessed passwords beside requests for tasks."""

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
from drills.load import serving, until_over


async def overload(folder: Path, seconds: float, figures: Figures, *, within: float) -> None:
    """Ten times the connections that the server is sized for; whoever is refused comes back when they are told to."""
    sized_for = 64
    served: list[float] = []
    refused: list[float] = []
    wrong = Counter[str]()
    async with serving(folder, max_connections=sized_for) as server:
        [person] = await signed_up(f"http://127.0.0.1:{server.port}", 1)
        async with Client(server.port, person) as first:
            await first.ask("POST", "/tasks", {"title": "Water the ferns"})
        deadline = time.monotonic() + seconds

        async def come() -> None:
            client = Client(server.port, person)
            while time.monotonic() < deadline:
                began = time.monotonic()
                try:
                    answer = await client.ask("GET", "/tasks?limit=20")
                except (OSError, asyncio.IncompleteReadError) as error:
                    wrong[type(error).__name__] += 1
                    continue
                taken = time.monotonic() - began
                if answer.status == 200:
                    served.append(taken)
                elif answer.status == 503 and "retry-after" in answer.headers:
                    refused.append(taken)
                    await asyncio.sleep(int(answer.headers["retry-after"]) * random.uniform(1, 2))  # not all at once
                else:
                    wrong[f"answered {answer.status}"] += 1
            await client.close()

        await asyncio.gather(*(come() for _ in range(10 * sized_for)))
        over = time.monotonic()
        client = Client(server.port, person)
        while (await client.ask("GET", "/tasks?limit=20")).status != 200:  # noqa: ASYNC110 # it is asked each time
            await asyncio.sleep(0.05)
        recovered = time.monotonic() - over
        await client.close()
    figures.judge(
        f"{10 * sized_for} connections where {sized_for} are served: served", len(served), least=sized_for // 2
    )
    figures.judge("  refused with 503 and Retry-After", len(refused), least=sized_for)
    figures.judge("  seconds to refuse, p99", round(statistics.quantiles(refused or [0, 0], n=100)[-1], 3), most=within)
    figures.tell("  seconds to serve, p99", round(statistics.quantiles(served or [0, 0], n=100)[-1], 3))
    figures.none("  anything else", [f"{count} × {name}" for name, count in wrong.items()])
    figures.judge("  seconds until served again afterwards", round(recovered, 2), most=within)


async def floods_of_sign_ins(folder: Path, seconds: float, figures: Figures, *, within: float) -> None:
    """Requests for tasks with and without sixty-four who guess passwords, in turns."""
    rates: dict[bool, list[float]] = {False: [], True: []}
    times: dict[bool, list[float]] = {False: [], True: []}
    told = Counter[str]()
    guesses = Counter[int]()
    async with serving(folder) as server:
        base = f"http://127.0.0.1:{server.port}"
        people = await signed_up(base, 4)

        async def guess(over: asyncio.Event) -> None:
            async with httpx.AsyncClient(base_url=base, timeout=60) as http:
                while not over.is_set():
                    body = {"email": f"{uuid4().hex}@example.com", "password": "a wild guess"}
                    guesses[(await http.post("/api/auth/signin", json=body)).status_code] += 1

        for flooded in itertools.islice(itertools.cycle([False, True]), 6):
            over = asyncio.Event()
            guessing = [asyncio.create_task(guess(over)) for _ in range(64)] if flooded else []
            await asyncio.sleep(0.5 if flooded else 0)

            async def timed(client: Client, flooded: bool = flooded) -> None:
                began = time.monotonic()
                answer = await client.ask("GET", "/tasks?limit=20")
                times[flooded].append(time.monotonic() - began)
                told[f"answered {answer.status}"] += answer.status != 200

            before, began = len(times[flooded]), time.monotonic()
            clients = [Client(server.port, person) for person in people]
            await asyncio.gather(
                *(until_over(seconds, lambda client=client: timed(client), told) for client in clients)  # type: ignore[misc] # mypy reads no defaults of a lambda
            )
            rates[flooded].append((len(times[flooded]) - before) / (time.monotonic() - began))
            for client in clients:
                await client.close()
            over.set()
            await asyncio.gather(*guessing)
    ratio = statistics.median(rates[True]) / statistics.median(rates[False])
    p99 = statistics.quantiles(times[True], n=100)[-1]
    wrong = [f"{count} × {name}" for name, count in told.items() if count]
    wrong += [f"{count} sign-ins answered {status}" for status, count in guesses.items() if status not in {401, 503}]
    figures.tell("sign-ins tried by 64 at once", sum(guesses.values()))
    figures.judge("  rate of task requests meanwhile : alone", round(ratio, 2), least=0.1)
    figures.judge("  seconds of a task request meanwhile, p99", round(p99, 3), most=within)
    figures.none("  errors", wrong)


async def drill(folder: Path) -> Figures:
    """Both, one after the other."""
    figures = Figures("overload")
    for name in ("over", "flood"):
        (folder / name).mkdir()
    await overload(folder / "over", 10, figures, within=1)
    await floods_of_sign_ins(folder / "flood", 3, figures, within=0.5)
    return figures


def run(folder: Path, *, long: bool) -> Figures:  # noqa: ARG001 # there is one form
    """Ten seconds of the first, twenty of the second."""
    return asyncio.run(drill(folder))
