"""The ledger: clients write with keys and retry until they are answered, while the server is killed again and again.

Afterwards the answers they hold are compared with the database: each acknowledged write is there exactly once, nothing
else is, no number is missing, and a replica that follows the changes equals the list.
"""

import asyncio
import random
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.conftest import PASSWORD
from tests.processes import Server

PEOPLE, CLIENTS_EACH = 3, 4

GRACE = 60  # seconds that may pass from one kill to the next, and until everybody was answered after the last


@dataclass
class Ledger:
    """What a user's clients were told."""

    home: str
    headers: dict[str, str]
    revisions: list[int] = field(default_factory=list)  # of the tasks in the answers to writes
    deletions: int = 0
    created: dict[str, str] = field(default_factory=dict)  # ids by title
    tasks: list[str] = field(default_factory=list)
    toggles: dict[str, int] = field(default_factory=dict)


@dataclass
class Figures:
    """What was seen."""

    writes: int = 0
    retries: int = 0
    replayed: int = 0
    faults: list[str] = field(default_factory=list)


async def write(
    base: str, ledger: Ledger, figures: Figures, path: str, method: str, body: Any = None
) -> httpx.Response:
    """A write with a key, sent again until it is answered."""
    headers = {**ledger.headers, "Idempotency-Key": uuid4().hex}
    while True:
        try:
            async with httpx.AsyncClient(base_url=base, timeout=10) as client:
                answer = await client.request(method, ledger.home + path, json=body, headers=headers)
            if answer.status_code < 500:
                break
        except httpx.TransportError:
            pass
        figures.retries += 1
        await asyncio.sleep(random.uniform(0.02, 0.1))
    figures.writes += 1
    figures.replayed += "idempotent-replayed" in answer.headers
    return answer


async def work(base: str, ledger: Ledger, figures: Figures, over: asyncio.Event) -> None:
    """One client of a user, at work until it is over."""
    while not over.is_set():
        number = random.random()
        if number < 0.4 or not ledger.tasks:
            title = uuid4().hex
            answer = await write(base, ledger, figures, "/tasks", "POST", {"title": title})
            if answer.status_code == 201:
                ledger.created[title] = answer.json()["id"]
                ledger.tasks.append(answer.json()["id"])
        elif number < 0.9:
            task = random.choice(ledger.tasks)
            answer = await write(base, ledger, figures, f"/tasks/{task}/complete", "PATCH")
            if answer.status_code == 200:
                ledger.toggles[task] = ledger.toggles.get(task, 0) + 1
        else:
            task = ledger.tasks.pop(random.randrange(len(ledger.tasks)))
            answer = await write(base, ledger, figures, f"/tasks/{task}", "DELETE")
            ledger.deletions += answer.status_code == 204
        if answer.status_code in {200, 201}:
            ledger.revisions.append(answer.json()["revision"])
        elif answer.status_code not in {204, 404}:
            figures.faults.append(f"{answer.request.method} was answered {answer.status_code}: {answer.text}")


async def kill(server: Server, folder: Path, settings: dict[str, Any], kills: int, over: asyncio.Event) -> Server:
    """Kill the server, all of it, at random moments, and start it again at once; the last one that runs."""
    for _ in range(kills):
        await asyncio.sleep(random.uniform(0.3, 1.5))
        await asyncio.to_thread(server.stop, signal.SIGKILL)
        server = Server(folder, port=server.port, **settings)
        await asyncio.to_thread(server.ready)
    over.set()
    return server


async def check(http: httpx.AsyncClient, ledger: Ledger, figures: Figures) -> None:
    """Compare what the clients hold with what there is."""

    def expect(what: str, found: Any, expected: Any) -> None:
        if found != expected:
            figures.faults.append(f"{what}: {found!r:.200} where {expected!r:.200} was acknowledged")

    changes: list[dict[str, Any]] = []
    position, more = 0, True
    while more:
        answer = (await http.get(f"{ledger.home}/changes", params={"since": position}, headers=ledger.headers)).json()
        changes += answer["changes"]
        position, more = answer["revision"], answer["more"]
    expect("numbers", [each["revision"] for each in changes], [*range(1, len(changes) + 1)])
    expect("acknowledged numbers", len({*ledger.revisions}), len(ledger.revisions))
    expect("writes", len(changes), len(ledger.revisions) + ledger.deletions)
    creations = [(each["task"]["title"], each["task_id"]) for each in changes if each["kind"] == "create"]
    expect("creations", sorted(creations), sorted(ledger.created.items()))
    replica = {each["task_id"]: each["task"] for each in changes}
    listed = (await http.get(f"{ledger.home}/tasks", headers=ledger.headers)).json()
    kept = [task for task in replica.values() if "deleted_at" not in task]
    expect("the list", sorted(map(str, listed)), sorted(map(str, kept)))
    for task in listed:
        expect("toggles", task["completed"], ledger.toggles.get(task["id"], 0) % 2 == 1)


async def run(folder: Path, kills: int, **settings: Any) -> Figures:
    """Work until the server was killed `kills` times; `settings` are its own. What went wrong is in the figures."""
    figures, over = Figures(), asyncio.Event()
    server = await asyncio.to_thread(Server(folder, **settings).ready)
    base = f"http://127.0.0.1:{server.port}"
    ledgers = []
    async with httpx.AsyncClient(base_url=base, timeout=30) as http:
        for _ in range(PEOPLE):
            body = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
            session = (await http.post("/api/auth/signup", json=body)).json()
            headers = {"Authorization": f"Bearer {session['access_token']}"}
            ledgers.append(Ledger(f"/api/{session['user']['id']}", headers))
    try:
        async with asyncio.timeout(GRACE * (kills + 1)), asyncio.TaskGroup() as group:
            killing = group.create_task(kill(server, folder, settings, kills, over))
            for ledger in ledgers:
                for _ in range(CLIENTS_EACH):
                    group.create_task(work(base, ledger, figures, over))
        server = killing.result()
        async with httpx.AsyncClient(base_url=base, timeout=30) as http:
            for ledger in ledgers:
                await check(http, ledger, figures)
    finally:
        if server.process.poll() is None:
            await asyncio.to_thread(server.stop)
    return figures


def main(kills: int) -> int:
    """Run it on a PostgreSQL of its own, with two workers, and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(run(Path(folder), kills, data_dir=f"{folder}/data", workers=2, sweep_interval=1))
    print(f"the ledger, {PEOPLE} people with {CLIENTS_EACH} clients each, the server killed {kills} times:")
    for name in ("writes", "retries", "replayed"):
        print(f"  {name:10} {getattr(figures, name):6}")
    print(f"  {'faults':10} {len(figures.faults):6}")
    for fault in figures.faults[:10]:
        print(f"    {fault}")
    return 1 if figures.faults or not figures.replayed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
