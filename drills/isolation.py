"""The isolation: two users hammer every operation at once through one small pooler, while their connections die.

Every answer, its headers and each event of a stream is searched for the other one's words and ids. A second pass does
the same with the application's own conditions on the owner taken out, so that row-level security alone holds.
"""

import asyncio
import contextlib
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from drills import stand
from drills.figures import Figures
from tests.conftest import http, running, settings_for, sign_up
from tests.support.two_users import Neighbour
from tests.support.operations import OPERATIONS, Call
from tests.support.sql_conditions import conditions_removed, everything
from tests.support.processes import serving
from todo.db import migrate
from todo.db.embedded import server as embedded
from todo.app import create_app

SECONDS = {False: 10.0, True: 120.0}

CLIENTS_EACH = 4
SERVER_CONNECTIONS = 3
"""Of the pooler, so few that each serves both users all the time."""

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

IDS_OF_BOTH = [str(uuid4()) for _ in range(20)]
"""Ids that both choose for tasks of their own, which they may: a task's key is its owner and its id."""

RARELY = {"sign_up": 1, "sign_in": 1, "change_password": 1, "sign_out_everywhere": 2, "live": 1, "public_keys": 1}
"""Weights of what is slow or has nothing to tell; of each call of the rest, USUALLY."""
USUALLY = 10

AT_THE_END = {"delete_me"}
"""What would end the hammering; it is tried last."""


Clients = tuple[httpx.AsyncClient, httpx.AsyncClient]


@dataclass
class Side:
    """One of the two: what is theirs, as far as they were told, and what the other one must never read."""

    neighbour: Neighbour
    ids: set[str] = field(default_factory=set)
    things: dict[str, list[str]] = field(default_factory=dict)
    faces: list[str] = field(default_factory=list)
    """Tokens: that of the session, and a personal one."""

    @property
    def client(self) -> httpx.AsyncClient:
        """Theirs alone, since it keeps their cookie."""
        return self.neighbour.person.client

    @property
    def words(self) -> set[str]:
        person = self.neighbour.person
        return {self.neighbour.marker, person.id, person.email, *self.faces}

    def thing(self, kind: str) -> str:
        return random.choice(self.things.get(kind) or [str(uuid4())])

    def learns(self, call: Call, answer: httpx.Response) -> None:
        """Take note of what was made."""
        said = answer.json() if answer.is_success and answer.content else None
        self.ids |= {*UUID.findall(answer.text)} if answer.is_success else set()
        if isinstance(said, dict) and answer.status_code == 201 and "id" in said:
            self.things.setdefault(call.operation.path.rpartition("/")[2], []).append(said["id"])
        if isinstance(said, dict) and isinstance(said.get("revision"), int):
            self.things.setdefault("changes", []).append(str(said["revision"]))


@dataclass
class Watch:
    """What was seen."""

    answers: int = 0
    events: int = 0
    own: int = 0
    lost: int = 0
    killed: int = 0
    cut: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)
    leaks: list[str] = field(default_factory=list)
    bugs: list[str] = field(default_factory=list)

    def check(self, reader: Side, other: Side, what: str, told: str, sent: str) -> None:
        """Search what `reader` was told for what is the other one's, but for what they sent themselves."""
        self.own += reader.neighbour.marker in told
        found = {word for word in other.words if word in told and word not in sent}
        found |= ({*UUID.findall(told)} & other.ids) - reader.ids - {*UUID.findall(sent)}
        if found:
            self.leaks.append(f"{what} told {reader.neighbour.marker} of {sorted(found)}")

    def answer(self, reader: Side, other: Side, call: Call, answer: httpx.Response) -> None:
        """Check an answer, its headers too."""
        request = answer.request
        sent = f"{request.url} {request.headers} {request.content.decode()}"
        self.answers += 1
        self.statuses[answer.status_code] += 1
        self.tried[str(call.operation)] += 1
        self.check(reader, other, f"{call} ({answer.status_code})", f"{answer.text} {answer.headers}", sent)
        if answer.status_code == 500:
            self.bugs.append(f"{call} was answered 500: {answer.text}")

    def event(self, reader: Side, other: Side, line: str) -> None:
        """Check a line of a stream."""
        self.events += line.startswith("data:")
        self.check(reader, other, "a stream", line, "")


@dataclass(frozen=True)
class Pass:
    """One time of hammering: for how long, on which calls, and how connections are ended."""

    seconds: float
    calls: list[Call]
    kill: Callable[[Watch], None]

    @property
    def weights(self) -> list[int]:
        return [RARELY.get(call.operation.says["operationId"], USUALLY) for call in self.calls]


def request(side: Side, other: Side, call: Call) -> dict[str, Any]:
    """A call with values of theirs; now and then with a path, an id or a key that is the other one's too."""
    whose = other if random.random() < 0.15 else side
    things = {kind: (other if random.random() < 0.2 else side).thing(kind) for kind in call.operation.things.values()}
    body = side.neighbour.body(call)
    chosen = random.choice([*IDS_OF_BOTH, str(uuid4()), other.thing("tasks")])
    if isinstance(body, dict) and "id" in body:
        body = call.naming(chosen, body)
        side.ids.add(chosen)
    if call.operation.says["operationId"] == "sign_up":
        body["email"] = f"{uuid4().hex[:8]}.{side.neighbour.marker}@example.com"
    headers = {"Authorization": f"Bearer {random.choice(side.faces)}"} if random.random() < 0.97 else {}
    if call.operation.writes and random.random() < 0.5:
        headers["Idempotency-Key"] = f"key-{random.randrange(100)}"
    return {
        "method": call.operation.method,
        "url": call.url(whose.neighbour.person.id, things),
        "json": body,
        "headers": headers,
    }


async def hammer(side: Side, other: Side, watch: Watch, plan: Pass, first: list[Call]) -> None:
    """One client of one of the two, which takes what was not tried yet `first`, and then whatever comes.

    Some requests are given up at once, as a page that is left does.
    """
    until = time.monotonic() + plan.seconds
    while first or time.monotonic() < until:
        call = first.pop() if first else random.choices(plan.calls, plan.weights)[0]
        patience = random.uniform(0.001, 0.02) if random.random() < 0.05 else 30
        try:
            async with asyncio.timeout(patience):
                answer = await side.client.request(**request(side, other, call))
        except (httpx.TransportError, TimeoutError):
            watch.lost += 1
            if not watch.tried[str(call.operation)]:
                first.insert(0, call)
            continue
        watch.answer(side, other, call, answer)
        side.learns(call, answer)


async def follow(side: Side, other: Side, watch: Watch) -> None:
    """One who reads the stream of their changes, again from the start whenever it ends."""
    path = f"{side.neighbour.person.home}/changes/stream"
    headers = {"Authorization": f"Bearer {side.neighbour.person.token}"}
    while True:
        with contextlib.suppress(httpx.TransportError):
            async with side.client.stream("GET", path, params={"since": 0}, headers=headers) as answer:
                watch.check(side, other, "a stream's headers", str(answer.headers), str(answer.request.url))
                async for line in answer.aiter_lines():
                    watch.event(side, other, line)
        await asyncio.sleep(0.05)


async def die(watch: Watch, plan: Pass) -> None:
    """End connections again and again."""
    while True:
        await asyncio.sleep(random.uniform(0.2, 0.4))
        await asyncio.to_thread(plan.kill, watch)


async def settled(client: httpx.AsyncClient, name: str) -> Side:
    """One of the two, with a personal token and a first task."""
    person = await sign_up(client, f"{name}-{uuid4().hex[:12]}")
    side = Side(Neighbour(person, person.email.partition("@")[0]), ids={person.id})
    token = await side.neighbour.token("write")
    side.faces = [person.token, token["token"]]
    task = await person.create(side.neighbour.marker)
    side.things = {"tasks": [task["id"]], "changes": [str(task["revision"])]}
    side.ids |= {task["id"], token["id"]}
    return side


async def hammering(clients: Clients, watch: Watch, plan: Pass, *, streams: bool) -> list[Side]:
    """The two at once; both, for a look at what they have afterwards."""
    ada, bob = await settled(clients[0], "ada"), await settled(clients[1], "bob")
    sides = [(ada, bob), (bob, ada)]
    beside = [asyncio.create_task(die(watch, plan))]
    if streams:
        beside += [asyncio.create_task(follow(side, other, watch)) for side, other in sides]
    try:
        async with asyncio.TaskGroup() as group:
            for side, other in sides:
                first = random.sample(plan.calls, len(plan.calls))
                for _ in range(CLIENTS_EACH):
                    group.create_task(hammer(side, other, watch, plan, first))
    finally:
        for task in beside:
            task.cancel()
        ended = await asyncio.gather(*beside, return_exceptions=True)
    watch.bugs += [f"beside: {error!r}" for error in ended if isinstance(error, Exception)]
    return [ada, bob]


async def leave(sides: list[Side], watch: Watch) -> None:
    """What was put off: the first deletes their account, and the second still has theirs."""
    ada, bob = (side.neighbour.person for side in sides)
    for _ in range(100):  # until the last connection that was ended is replaced
        if (await bob.call("GET", bob.tasks)).status_code != 503:
            break
        await asyncio.sleep(0.1)
    for call in (call for each in OPERATIONS if each.says["operationId"] in AT_THE_END for call in each.calls()):
        answer = await ada.call(call.operation.method, sides[0].neighbour.url(call))
        watch.answer(sides[0], sides[1], call, answer)
        if not answer.is_success:
            watch.bugs.append(f"{call} was answered {answer.status_code}: {answer.text}")
    if not await bob.list(limit=1):
        watch.bugs.append("nothing was left of the one who stayed")


def mixed_up(url: str, sides: list[Side]) -> list[str]:
    """Rows of one that hold words of the other, or tasks without their owner's."""
    faults = []
    for side, other in (sides, sides[::-1]):
        rows = everything(url, side.neighbour.person.id)
        held = [row for table in rows.values() for row in table if other.neighbour.marker in row]
        bare = [row for row in rows["tasks"] if side.neighbour.marker not in row]
        faults += [f"a row of {side.neighbour.marker}: {row:.200}" for row in held + bare]
    return faults


def calls(*, owned_only: bool = False) -> list[Call]:
    """Every call of the document that does not end the hammering."""
    return [
        call
        for each in OPERATIONS
        if not each.streams and each.says["operationId"] not in AT_THE_END and (each.owned or not owned_only)
        for call in each.calls()
    ]


@dataclass(frozen=True)
class Place:
    """A database: as the application reaches it, as its owner does, and how connections to it die."""

    url: str
    direct: str
    kill: Callable[[Watch], None]


@contextmanager
def embedded_place(folder: Path) -> Iterator[Place]:
    """The embedded PostgreSQL, without a pooler, where nothing else is installed."""
    with embedded.running(folder / "data") as url:

        def kill(watch: Watch) -> None:
            with psycopg.connect(url, autocommit=True) as connection:
                found = connection.execute(
                    "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                    " where usename = current_user and pid <> pg_backend_pid()"
                ).fetchone()
            watch.killed += found[0] if found else 0

        yield Place(url, url, kill)


@contextmanager
def pooled_place(folder: Path) -> Iterator[Place]:
    """Debian's PostgreSQL 15 behind PgBouncer in transaction mode, over TLS."""
    with stand.postgres_15(folder) as postgres, stand.bouncer_before(postgres, SERVER_CONNECTIONS) as bouncer:

        def kill(watch: Watch) -> None:
            if random.random() < 0.85:
                watch.killed += postgres.terminate()
            else:  # with all of its clients and servers; KILL on its console makes 1.18 crash under load
                bouncer.stop()
                bouncer.start()
                watch.cut += 1

        yield Place(bouncer.url, postgres.url(), kill)


@asynccontextmanager
async def reaching(base: str) -> AsyncIterator[Clients]:
    """A client for each of the two, over the same connections, as a proxy shares them."""
    transport = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=100))
    async with (
        httpx.AsyncClient(base_url=base, timeout=30, transport=transport) as one,
        httpx.AsyncClient(base_url=base, timeout=30, transport=transport) as two,
    ):
        yield one, two


def served(folder: Path, place: Place, watch: Watch, seconds: float) -> list[str]:
    """The first pass, on a real server with two workers; which rows were mixed up."""
    plan = Pass(seconds, calls(), place.kill)

    async def both(base: str) -> list[str]:
        async with reaching(base) as clients:
            sides = await hammering(clients, watch, plan, streams=True)
            faults = await asyncio.to_thread(mixed_up, place.direct, sides)
            await leave(sides, watch)
            return faults

    terms = {"database_url": place.url, "pool_size": 8, "prepare_threshold": -1, "workers": 2}
    with serving(folder, **terms) as server:
        return asyncio.run(both(f"http://127.0.0.1:{server.port}"))


async def policies_alone(place: Place, watch: Watch, seconds: float) -> list[str]:
    """The second pass, in this process, with no condition on the owner in any statement about tasks."""
    settings = settings_for(place.url, pool_size=8, prepare_threshold=-1)
    plan = Pass(seconds, calls(owned_only=True), place.kill)
    async with running(create_app(settings)) as app, http(app) as one, http(app) as two:
        with conditions_removed():
            sides = await hammering((one, two), watch, plan, streams=False)
    return await asyncio.to_thread(mixed_up, place.direct, sides)


def drill(folder: Path, seconds: float) -> Figures:
    """Both passes, the second a third as long as the first."""
    figures = Figures("isolation")
    missing = stand.missing()
    figures.tell("database", f"embedded, without a pooler: {missing}" if missing else "PostgreSQL 15, PgBouncer")
    with embedded_place(folder) if missing else pooled_place(folder) as place:
        migrate.upgrade(place.direct)
        watch, behind = Watch(), Watch()
        mixed = served(folder, place, watch, seconds)
        mixed += asyncio.run(policies_alone(place, behind, seconds / 3))
    for name, seen in (("", watch), (", row-level security alone", behind)):
        statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(seen.statuses.items()))
        figures.judge(f"answers checked{name}", seen.answers, least=50)
        figures.judge(f"with one's own words{name}", seen.own, least=20)
        figures.tell(f"by status{name}", statuses)
        figures.tell(f"requests given up or lost{name}", seen.lost)
        figures.judge(f"connections ended{name}", seen.killed + seen.cut, least=1)
        figures.none(f"leaks{name}", seen.leaks)
        figures.none(f"answers 500{name}", seen.bugs)
    figures.judge("events of streams checked", watch.events, least=1)
    figures.tell("times the pooler was killed", watch.cut + behind.cut)
    untried = {str(call.operation) for call in calls()} - {*watch.tried}
    figures.none("operations never answered", [f"{operation} was never answered" for operation in untried])
    figures.none("rows mixed up", mixed)
    return figures


def run(folder: Path, *, long: bool) -> Figures:
    """The drill, for 10 s or for 120 s."""
    return drill(folder, SECONDS[long])
