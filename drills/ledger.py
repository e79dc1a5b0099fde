"""The ledger: clients write and record the responses, while faults are injected at random.

Afterwards the records are compared with the database: each acknowledged write is there exactly once, no refused write
is there, no edit is partial, no revision is missing or duplicate, and replicas that follow the changes equal the lists.
"""

import asyncio
import contextlib
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from drills import stand
from drills.clients import signed_up
from drills.faults import BEHIND_A_POOLER, EVERYWHERE, Fault, Place, behind_a_pooler, on_its_own
from drills.figures import Figures
from tests.support.events import Event, read

USERS, CLIENTS_EACH = 3, 4
HEALTHY_WITHIN = 5.0  # seconds from the end of a fault until every user writes again
PATIENCE = 30.0  # seconds after which the drill gives up


@dataclass
class Ledger:
    """The record of the responses to a user's clients."""

    home: str
    headers: dict[str, str]
    revisions: list[int] = field(default_factory=list)  # of the tasks in the responses to writes
    deletions: int = 0
    created: dict[str, str] = field(default_factory=dict)  # ids by title
    edited: list[str] = field(default_factory=list)  # titles
    refused: set[str] = field(default_factory=set)  # titles
    unknown: set[str] = field(default_factory=set)  # titles whose creation had no response
    tasks: list[str] = field(default_factory=list)
    toggles: Counter[str] = field(default_factory=Counter)
    acknowledged_at: float = 0.0  # when the latest acknowledged write was sent
    replica: dict[str, Any] = field(default_factory=dict)
    position: int = 0


@dataclass
class Client:
    """One of a user's clients."""

    http: httpx.AsyncClient
    ledger: Ledger
    counts: Counter[str]
    faults: list[str]

    async def work(self, stop: asyncio.Event) -> None:
        """Make random writes until `stop` is set."""
        while not stop.is_set():
            choice = random.random()
            if choice < 0.25 or not self.ledger.tasks:
                await self.create()
            elif choice < 0.4:
                await self.create_without_a_key()
            elif choice < 0.65:
                await self.toggle()
            elif choice < 0.85:
                await self.edit()
            elif choice < 0.92:
                await self.be_refused()
            else:
                await self.delete()

    async def write(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """A write with an idempotency key, retried until it has a response other than 502 and 503."""
        headers = {**self.ledger.headers, "Idempotency-Key": uuid4().hex, **headers}
        while True:
            began = time.monotonic()
            with contextlib.suppress(httpx.TransportError):
                response = await self.http.request(method, self.ledger.home + path, json=body, headers=headers)
                if response.status_code not in {503, 502}:
                    break
                if "retry-after" not in response.headers or "application/problem+json" not in str(response.headers):
                    self.faults.append(f"a 503 without Retry-After: {response.text}")
            self.counts["retries"] += 1
            await asyncio.sleep(random.uniform(0.2, 0.6))
        self.counts["writes"] += 1
        self.counts["replayed"] += "idempotent-replayed" in response.headers
        if response.status_code in {200, 201}:
            self.ledger.revisions.append(response.json()["revision"])
        elif response.status_code not in {204, 404, 412, 422}:
            self.faults.append(f"{method}: response {response.status_code}: {response.text}")
        self.ledger.acknowledged_at = began
        return response

    async def create(self) -> None:
        title = uuid4().hex
        response = await self.write("POST", "/tasks", {"title": title})
        if response.status_code == 201:
            self.ledger.created[title] = response.json()["id"]
            self.ledger.tasks.append(response.json()["id"])

    async def create_without_a_key(self) -> None:
        """Create a task without a key, once. Without a response the task may exist or not; a response must be true."""
        title = uuid4().hex
        try:
            path = f"{self.ledger.home}/tasks"
            response = await self.http.post(path, json={"title": title}, headers=self.ledger.headers)
        except httpx.TransportError:
            self.ledger.unknown.add(title)
            self.counts["unknown"] += 1
            await asyncio.sleep(0.05)
            return
        if response.status_code == 201:
            self.ledger.revisions.append(response.json()["revision"])
            self.ledger.created[title] = response.json()["id"]
            self.counts["writes"] += 1
        elif response.status_code == 503 and "may or may not" not in response.json()["detail"]:
            self.ledger.refused.add(title)
            self.counts["refused"] += 1
        elif response.status_code == 503:
            self.ledger.unknown.add(title)
            self.counts["unknown"] += 1
        else:
            self.faults.append(f"POST: response {response.status_code}: {response.text}")

    async def toggle(self) -> None:
        task = random.choice(self.ledger.tasks)
        response = await self.write("PATCH", f"/tasks/{task}/complete")
        self.ledger.toggles[task] += response.status_code == 200

    async def edit(self) -> None:
        task, text = random.choice(self.ledger.tasks), uuid4().hex
        response = await self.write("PUT", f"/tasks/{task}", {"title": text, "description": text})
        if response.status_code == 200:
            self.ledger.edited.append(text)

    async def be_refused(self) -> None:
        """Make a write that must be refused."""
        task, text = random.choice(self.ledger.tasks), uuid4().hex
        self.ledger.refused.add(text)
        self.counts["refused"] += 1
        if random.random() < 0.5:
            response = await self.write("PUT", f"/tasks/{task}", {"title": text}, **{"If-Match": '"0"'})
        else:
            response = await self.write("POST", "/tasks", {"title": text, "completed": "perhaps"})
        if response.status_code not in {404, 412, 422}:
            self.faults.append(f"a write that must be refused: response {response.status_code}: {response.text}")

    async def delete(self) -> None:
        task = self.ledger.tasks.pop(random.randrange(len(self.ledger.tasks)))
        response = await self.write("DELETE", f"/tasks/{task}")
        self.ledger.deletions += response.status_code == 204


async def follow(http: httpx.AsyncClient, ledger: Ledger, counts: Counter[str], faults: list[str]) -> None:
    """A replica that follows the stream, and reconnects at its position."""
    path = f"{ledger.home}/changes/stream"
    while True:
        with contextlib.suppress(httpx.TransportError):
            headers = {**ledger.headers, "Last-Event-ID": str(ledger.position)}
            async with http.stream("GET", path, headers=headers, timeout=httpx.Timeout(5, read=20)) as response:
                async for event in read(response):
                    if isinstance(event, Event) and event.name == "change":
                        change = event.data
                        if change["revision"] != ledger.position + 1:
                            faults.append(f"the stream went from {ledger.position} to {change['revision']}")
                        ledger.position = change["revision"]
                        ledger.replica[change["task_id"]] = change["task"]
            counts["reconnections"] += 1
        await asyncio.sleep(0.5)


async def check(http: httpx.AsyncClient, ledger: Ledger, faults: list[str]) -> None:
    """Compare the record with the lists and the changes."""

    def expect(what: str, found: Any, expected: Any) -> None:
        if found != expected:
            faults.append(f"{what}: {found!r:.300} where {expected!r:.300} was acknowledged")

    changes: list[dict[str, Any]] = []
    position, more = 0, True
    while more:
        response = (await http.get(f"{ledger.home}/changes", params={"since": position}, headers=ledger.headers)).json()
        changes += response["changes"]
        position, more = response["revision"], response["more"]
    titles = [change["task"]["title"] for change in changes if change["kind"] == "create"]
    unknown = ledger.unknown & {*titles}
    expect("revisions", [each["revision"] for each in changes], [*range(1, len(changes) + 1)])
    expect("duplicate revisions", len({*ledger.revisions}), len(ledger.revisions))
    expect("writes", len(changes), len(ledger.revisions) + ledger.deletions + len(unknown))
    expect("creations", sorted(titles), sorted([*ledger.created, *unknown]))
    edits = [each["task"] for each in changes if each["kind"] == "update" and each["task"]["description"]]
    expect("partial edits", [each for each in edits if each["title"] != each["description"]], [])
    expect("edits", {each["title"] for each in edits}, {*ledger.edited})
    expect("refused writes", ledger.refused & {each["task"]["title"] for each in changes}, set())
    replica = {each["task_id"]: each["task"] for each in changes}
    listed = (await http.get(f"{ledger.home}/tasks", headers=ledger.headers)).json()
    kept = [task for task in replica.values() if "deleted_at" not in task]
    expect("the list", sorted(map(str, listed)), sorted(map(str, kept)))
    for task in listed:
        expect("toggles", task["completed"], ledger.toggles[task["id"]] % 2 == 1)
    for _ in range(100):
        if ledger.position < position:
            await asyncio.sleep(0.1)
    expect("the replica", ledger.replica, replica)


async def healthy(ledgers: list[Ledger]) -> float:
    """Seconds until every user has an acknowledged write that was sent after now."""
    began = time.monotonic()
    for _ in range(round(PATIENCE / 0.02)):
        if all(ledger.acknowledged_at >= began for ledger in ledgers):
            break
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def drill(place: Place, faults: int, kinds: list[Fault], name: str, *, within: float = HEALTHY_WITHIN) -> Figures:
    """Inject so many faults, each kind equally often and in a random order, and compare."""
    figures, stop, counts = Figures(name), asyncio.Event(), Counter[str]()
    wrong: list[str] = []
    recovered: list[tuple[float, str]] = []
    await asyncio.to_thread(place.server.ready)
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=place.base, timeout=10, limits=limits) as http:
        users = await signed_up(place.base, USERS)
        ledgers = [Ledger(person.home, {"Authorization": f"Bearer {person.token}"}) for person in users]
        following = [asyncio.create_task(follow(http, ledger, counts, wrong)) for ledger in ledgers]
        working = [
            asyncio.create_task(Client(http, ledger, counts, wrong).work(stop))
            for ledger in ledgers
            for _ in range(CLIENTS_EACH)
        ]
        began = time.monotonic()
        plan = [kinds[number % len(kinds)] for number in range(faults)]
        random.shuffle(plan)
        try:
            for fault in plan:
                await asyncio.sleep(random.uniform(0.1, 0.6))
                await fault(place)
                recovered.append((await healthy(ledgers), fault.__name__))
                if recovered[-1][0] >= PATIENCE:
                    break
            stop.set()
            async with asyncio.timeout(2 * PATIENCE):
                await asyncio.gather(*working)
                for ledger in ledgers:
                    await check(http, ledger, wrong)
        except TimeoutError:
            wrong.append(f"no more responses after {recovered[-1][1]}")
        finally:
            for task in (*working, *following):
                task.cancel()
            ended = await asyncio.gather(*working, *following, return_exceptions=True)
            wrong += [repr(error) for error in ended if isinstance(error, Exception)]
    worst, which = max(recovered)
    figures.check("faults recovered from", len(recovered), least=faults)
    figures.report("  kinds of faults", len({*plan}))
    figures.report("acknowledged writes", counts["writes"])
    figures.report("  per second, faults included", round(counts["writes"] / (time.monotonic() - began)))
    figures.report("  retries", counts["retries"])
    figures.check("  with the stored response of an earlier attempt", counts["replayed"], least=1)
    figures.report("refused writes; writes with unknown result", f"{counts['refused']:,}; {counts['unknown']:,}")
    figures.report("stream reconnections", counts["reconnections"])
    figures.expect_none("lost, duplicate or partial writes, and refused ones that were made", wrong)
    what = "seconds until every user writes again, after the last fault"
    figures.check(what, round(recovered[-1][0], 2), most=within)
    times = sorted(seconds for seconds, _ in recovered)
    figures.report("  after each fault, median", round(times[len(times) // 2], 2))
    figures.report(f"  worst ({which.replace('_', ' ')})", round(worst, 2))
    return figures


def run(folder: Path, *, long: bool) -> list[Figures]:
    """With the embedded PostgreSQL and behind PgBouncer; some 200 faults when `long`."""

    async def both() -> list[Figures]:
        found = []
        async with on_its_own(folder / "own") as place:
            found.append(await drill(place, 24 if long else 12, EVERYWHERE, "the ledger, embedded PostgreSQL 18"))
        if reason := stand.missing():
            found[0].report("behind PgBouncer", f"not run: {reason}")
            return found
        async with behind_a_pooler(folder / "pooled") as place:
            name = "the ledger, PostgreSQL 15 behind PgBouncer, TLS"
            found.append(await drill(place, 180 if long else 24, BEHIND_A_POOLER, name))
        return found

    for name in ("own", "pooled"):
        (folder / name).mkdir(parents=True)
    return asyncio.run(both())
