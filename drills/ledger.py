"""The ledger: clients write and keep what they were told, while everything below them is broken at random.

Afterwards their ledgers are compared with the database: each acknowledged write is there exactly once, nothing that was
refused is, nothing is torn, no number is missing or double, and replicas that follow the changes equal the lists.
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

PEOPLE, CLIENTS_EACH = 3, 4
HEALTHY_WITHIN = 5.0  # seconds from the end of a fault until everybody writes again
PATIENCE = 30.0  # seconds after which it is given up


@dataclass
class Ledger:
    """What a user's clients were told."""

    home: str
    headers: dict[str, str]
    revisions: list[int] = field(default_factory=list)  # of the tasks in the answers to writes
    deletions: int = 0
    created: dict[str, str] = field(default_factory=dict)  # ids by title
    edited: list[str] = field(default_factory=list)  # titles
    refused: set[str] = field(default_factory=set)  # titles
    unknown: set[str] = field(default_factory=set)  # titles whose creation was not answered
    tasks: list[str] = field(default_factory=list)
    toggles: Counter[str] = field(default_factory=Counter)
    acknowledged_at: float = 0.0  # when the last one was sent that was acknowledged
    replica: dict[str, Any] = field(default_factory=dict)
    position: int = 0


@dataclass
class Client:
    """One of a user's clients, at work until it is over."""

    http: httpx.AsyncClient
    ledger: Ledger
    told: Counter[str]
    faults: list[str]

    async def work(self, over: asyncio.Event) -> None:
        while not over.is_set():
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
        """A write with a key, sent again until it is answered."""
        headers = {**self.ledger.headers, "Idempotency-Key": uuid4().hex, **headers}
        while True:
            began = time.monotonic()
            with contextlib.suppress(httpx.TransportError):
                answer = await self.http.request(method, self.ledger.home + path, json=body, headers=headers)
                if answer.status_code not in {503, 502}:
                    break
                if "retry-after" not in answer.headers or "application/problem+json" not in str(answer.headers):
                    self.faults.append(f"a 503 that does not say when to come back: {answer.text}")
            self.told["retries"] += 1
            await asyncio.sleep(random.uniform(0.2, 0.6))
        self.told["writes"] += 1
        self.told["replayed"] += "idempotent-replayed" in answer.headers
        if answer.status_code in {200, 201}:
            self.ledger.revisions.append(answer.json()["revision"])
        elif answer.status_code not in {204, 404, 412, 422}:
            self.faults.append(f"{method} was answered {answer.status_code}: {answer.text}")
        self.ledger.acknowledged_at = began
        return answer

    async def create(self) -> None:
        title = uuid4().hex
        answer = await self.write("POST", "/tasks", {"title": title})
        if answer.status_code == 201:
            self.ledger.created[title] = answer.json()["id"]
            self.ledger.tasks.append(answer.json()["id"])

    async def create_without_a_key(self) -> None:
        """Once: what it is told must be true, and where it is told nothing, either may be."""
        title = uuid4().hex
        try:
            path = f"{self.ledger.home}/tasks"
            answer = await self.http.post(path, json={"title": title}, headers=self.ledger.headers)
        except httpx.TransportError:
            self.ledger.unknown.add(title)
            self.told["unknown"] += 1
            await asyncio.sleep(0.05)
            return
        if answer.status_code == 201:
            self.ledger.revisions.append(answer.json()["revision"])
            self.ledger.created[title] = answer.json()["id"]
            self.told["writes"] += 1
        elif answer.status_code == 503 and "may or may not" not in answer.json()["detail"]:
            self.ledger.refused.add(title)
            self.told["refused"] += 1
        elif answer.status_code == 503:
            self.ledger.unknown.add(title)
            self.told["unknown"] += 1
        else:
            self.faults.append(f"POST was answered {answer.status_code}: {answer.text}")

    async def toggle(self) -> None:
        task = random.choice(self.ledger.tasks)
        answer = await self.write("PATCH", f"/tasks/{task}/complete")
        self.ledger.toggles[task] += answer.status_code == 200

    async def edit(self) -> None:
        task, text = random.choice(self.ledger.tasks), uuid4().hex
        answer = await self.write("PUT", f"/tasks/{task}", {"title": text, "description": text})
        if answer.status_code == 200:
            self.ledger.edited.append(text)

    async def be_refused(self) -> None:
        task, text = random.choice(self.ledger.tasks), uuid4().hex
        self.ledger.refused.add(text)
        self.told["refused"] += 1
        if random.random() < 0.5:
            answer = await self.write("PUT", f"/tasks/{task}", {"title": text}, **{"If-Match": '"0"'})
        else:
            answer = await self.write("POST", "/tasks", {"title": text, "completed": "perhaps"})
        if answer.status_code not in {404, 412, 422}:
            self.faults.append(f"what must be refused was answered {answer.status_code}: {answer.text}")

    async def delete(self) -> None:
        task = self.ledger.tasks.pop(random.randrange(len(self.ledger.tasks)))
        answer = await self.write("DELETE", f"/tasks/{task}")
        self.ledger.deletions += answer.status_code == 204


async def follow(http: httpx.AsyncClient, ledger: Ledger, told: Counter[str], faults: list[str]) -> None:
    """A replica that follows the stream, and comes back to where it was."""
    path = f"{ledger.home}/changes/stream"
    while True:
        with contextlib.suppress(httpx.TransportError):
            headers = {**ledger.headers, "Last-Event-ID": str(ledger.position)}
            async with http.stream("GET", path, headers=headers, timeout=httpx.Timeout(5, read=20)) as answer:
                async for event in read(answer):
                    if isinstance(event, Event) and event.name == "change":
                        change = event.data
                        if change["revision"] != ledger.position + 1:
                            faults.append(f"the stream went from {ledger.position} to {change['revision']}")
                        ledger.position = change["revision"]
                        ledger.replica[change["task_id"]] = change["task"]
            told["reconnections"] += 1
        await asyncio.sleep(0.5)


async def check(http: httpx.AsyncClient, ledger: Ledger, faults: list[str]) -> None:
    """Compare what the clients hold with what there is."""

    def expect(what: str, found: Any, expected: Any) -> None:
        if found != expected:
            faults.append(f"{what}: {found!r:.300} where {expected!r:.300} was acknowledged")

    changes: list[dict[str, Any]] = []
    position, more = 0, True
    while more:
        answer = (await http.get(f"{ledger.home}/changes", params={"since": position}, headers=ledger.headers)).json()
        changes += answer["changes"]
        position, more = answer["revision"], answer["more"]
    titles = [change["task"]["title"] for change in changes if change["kind"] == "create"]
    unknown = ledger.unknown & {*titles}
    expect("numbers", [each["revision"] for each in changes], [*range(1, len(changes) + 1)])
    expect("double numbers", len({*ledger.revisions}), len(ledger.revisions))
    expect("writes", len(changes), len(ledger.revisions) + ledger.deletions + len(unknown))
    expect("creations", sorted(titles), sorted([*ledger.created, *unknown]))
    edits = [each["task"] for each in changes if each["kind"] == "update" and each["task"]["description"]]
    expect("torn edits", [each for each in edits if each["title"] != each["description"]], [])
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
    """Seconds until everybody was acknowledged a write that they sent after now."""
    began = time.monotonic()
    for _ in range(round(PATIENCE / 0.02)):
        if all(ledger.acknowledged_at >= began for ledger in ledgers):
            break
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def drill(place: Place, faults: int, kinds: list[Fault], name: str, *, within: float = HEALTHY_WITHIN) -> Figures:
    """Break `place` so often, each kind in its turn and in a random order, and compare."""
    figures, over, told = Figures(name), asyncio.Event(), Counter[str]()
    wrong: list[str] = []
    recovered: list[tuple[float, str]] = []
    await asyncio.to_thread(place.server.ready)
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=place.base, timeout=10, limits=limits) as http:
        people = await signed_up(place.base, PEOPLE)
        ledgers = [Ledger(person.home, {"Authorization": f"Bearer {person.token}"}) for person in people]
        following = [asyncio.create_task(follow(http, ledger, told, wrong)) for ledger in ledgers]
        working = [
            asyncio.create_task(Client(http, ledger, told, wrong).work(over))
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
            over.set()
            async with asyncio.timeout(2 * PATIENCE):
                await asyncio.gather(*working)
                for ledger in ledgers:
                    await check(http, ledger, wrong)
        except TimeoutError:
            wrong.append(f"nobody was answered any more after {recovered[-1][1]}")
        finally:
            for task in (*working, *following):
                task.cancel()
            ended = await asyncio.gather(*working, *following, return_exceptions=True)
            wrong += [repr(error) for error in ended if isinstance(error, Exception)]
    worst, which = max(recovered)
    figures.judge("faults survived", len(recovered), least=faults)
    figures.tell("  of kinds", len({*plan}))
    figures.tell("writes acknowledged", told["writes"])
    figures.tell("  a second, faults included", round(told["writes"] / (time.monotonic() - began)))
    figures.tell("  sent again", told["retries"])
    figures.judge("  answered from the first time", told["replayed"], least=1)
    figures.tell("refused; not known", f"{told['refused']:,}; {told['unknown']:,}")
    figures.tell("streams taken up again", told["reconnections"])
    figures.none("lost, double, torn, or there although refused", wrong)
    figures.judge("seconds until everybody writes again, after the last", round(recovered[-1][0], 2), most=within)
    times = sorted(seconds for seconds, _ in recovered)
    figures.tell("  after any: median", round(times[len(times) // 2], 2))
    figures.tell(f"  at worst ({which.replace('_', ' ')})", round(worst, 2))
    return figures


def run(folder: Path, *, long: bool) -> list[Figures]:
    """Both places; some 200 faults when `long`."""

    async def both() -> list[Figures]:
        found = []
        async with on_its_own(folder / "own") as place:
            found.append(await drill(place, 24 if long else 12, EVERYWHERE, "the ledger, PostgreSQL 18 of its own"))
        if why := stand.missing():
            found[0].tell("behind PgBouncer", f"not tried: {why}")
            return found
        async with behind_a_pooler(folder / "pooled") as place:
            name = "the ledger, PostgreSQL 15 behind PgBouncer, TLS"
            found.append(await drill(place, 180 if long else 24, BEHIND_A_POOLER, name))
        return found

    for name in ("own", "pooled"):
        (folder / name).mkdir(parents=True)
    return asyncio.run(both())
