"""Isolation: two users call every operation concurrently through one small pooler, while connections are terminated.

Every response with its headers, and each event of a stream, is searched for the other user's data. A second pass does
the same with the owner conditions removed from the statements, so that only row-level security isolates the users.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from drills import stand
from drills.figures import Figures
from drills.leaks import LEAST_RESPONSES, LEAST_WITH_OWN_DATA, Side, Watch
from tests.conftest import http, running, settings_for, sign_up
from tests.support.operations import OPERATIONS, Call
from tests.support.processes import serving
from tests.support.sql_conditions import conditions_removed, everything
from tests.support.two_users import SampleUser
from todo.app import create_app
from todo.db import migrate
from todo.db.embedded import server as embedded

SECONDS = {False: 10.0, True: 120.0}

MOST_EXTRA = 60.0
"""Seconds that a pass runs longer on a busy machine, for the least numbers of responses."""

CLIENTS_EACH = 4
SERVER_CONNECTIONS = 3
"""Connections of the pooler to the database: so few that each serves both users."""

IDS_OF_BOTH = [str(uuid4()) for _ in range(20)]
"""Ids that both users choose for their tasks. That is allowed: a task's key is its owner and its id."""

RARE = {"sign_up": 1, "sign_in": 1, "change_password": 1, "sign_out_everywhere": 2, "live": 1, "public_keys": 1}
"""Weights of operations that are slow or have little to test; every other operation has USUAL_WEIGHT."""
USUAL_WEIGHT = 10

AT_THE_END = {"delete_me"}
"""Operations that end an account; they are called last."""


Clients = tuple[httpx.AsyncClient, httpx.AsyncClient]


@dataclass(frozen=True)
class Pass:
    """A pass: for how long, which calls, and how connections are terminated."""

    seconds: float
    calls: list[Call]
    kill: Callable[[Watch], None]

    @property
    def weights(self) -> list[int]:
        return [RARE.get(call.operation.says["operationId"], USUAL_WEIGHT) for call in self.calls]


def request(side: Side, other: Side, call: Call) -> dict[str, Any]:
    """A call with their values; sometimes with a path, an id or an idempotency key of the other user."""
    path_of = other if random.random() < 0.15 else side
    things = {kind: (other if random.random() < 0.2 else side).thing(kind) for kind in call.operation.things.values()}
    body = side.user.body(call)
    chosen = random.choice([*IDS_OF_BOTH, str(uuid4()), other.thing("tasks")])
    if isinstance(body, dict) and "id" in body:
        body = call.naming(chosen, body)
        side.ids.add(chosen)
    if call.operation.says["operationId"] == "sign_up":
        body["email"] = f"{uuid4().hex[:8]}.{side.user.marker}@example.com"
    headers = {"Authorization": f"Bearer {random.choice(side.tokens)}"} if random.random() < 0.97 else {}
    if call.operation.writes and random.random() < 0.5:
        headers["Idempotency-Key"] = f"key-{random.randrange(100)}"
    return {
        "method": call.operation.method,
        "url": call.url(path_of.user.person.id, things),
        "json": body,
        "headers": headers,
    }


async def make_requests(side: Side, other: Side, watch: Watch, plan: Pass, first: list[Call]) -> None:
    """One client of a user: it makes each call in `first`, then random ones.

    Some requests are cancelled soon, as a browser does when the user leaves the page.
    """
    end = time.monotonic() + plan.seconds
    while first or (now := time.monotonic()) < end or (not watch.enough and now < end + MOST_EXTRA):
        call = first.pop() if first else random.choices(plan.calls, plan.weights)[0]
        timeout = random.uniform(0.001, 0.02) if random.random() < 0.05 else 30
        try:
            async with asyncio.timeout(timeout):
                response = await side.client.request(**request(side, other, call))
        except (httpx.TransportError, TimeoutError):
            watch.lost += 1
            if not watch.tried[str(call.operation)]:
                first.insert(0, call)
            continue
        watch.response(side, other, call, response)
        side.note(call, response)


async def follow(side: Side, other: Side, watch: Watch) -> None:
    """Read the stream of changes of a user, again from the start whenever it ends."""
    path = f"{side.user.person.home}/changes/stream"
    headers = {"Authorization": f"Bearer {side.user.person.token}"}
    while True:
        with contextlib.suppress(httpx.TransportError):
            async with side.client.stream("GET", path, params={"since": 0}, headers=headers) as response:
                watch.check(side, other, "a stream's headers", str(response.headers), str(response.request.url))
                async for line in response.aiter_lines():
                    watch.event(side, other, line)
        await asyncio.sleep(0.05)


async def terminate(watch: Watch, plan: Pass) -> None:
    """Terminate connections again and again."""
    while True:
        await asyncio.sleep(random.uniform(0.2, 0.4))
        await asyncio.to_thread(plan.kill, watch)


async def new_side(client: httpx.AsyncClient, name: str) -> Side:
    """Sign one of the users up, with an API token and a first task."""
    person = await sign_up(client, f"{name}-{uuid4().hex[:12]}")
    side = Side(SampleUser(person, person.email.partition("@")[0]), ids={person.id})
    token = await side.user.token("write")
    side.tokens = [person.token, token["token"]]
    task = await person.create(side.user.marker)
    side.things = {"tasks": [task["id"]], "changes": [str(task["revision"])]}
    side.ids |= {task["id"], token["id"]}
    return side


async def run_pass(clients: Clients, watch: Watch, plan: Pass, *, streams: bool) -> list[Side]:
    """Run both users' clients concurrently; both users, to check their rows afterwards."""
    ada, bob = await new_side(clients[0], "ada"), await new_side(clients[1], "bob")
    sides = [(ada, bob), (bob, ada)]
    background = [asyncio.create_task(terminate(watch, plan))]
    if streams:
        background += [asyncio.create_task(follow(side, other, watch)) for side, other in sides]
    try:
        async with asyncio.TaskGroup() as group:
            for side, other in sides:
                first = random.sample(plan.calls, len(plan.calls))
                for _ in range(CLIENTS_EACH):
                    group.create_task(make_requests(side, other, watch, plan, first))
    finally:
        for task in background:
            task.cancel()
        ended = await asyncio.gather(*background, return_exceptions=True)
    watch.errors += [f"a background task failed: {error!r}" for error in ended if isinstance(error, Exception)]
    return [ada, bob]


async def delete_account(sides: list[Side], watch: Watch) -> None:
    """The first user deletes their account, and the second still has theirs."""
    ada, bob = (side.user.person for side in sides)
    for _ in range(100):  # until the terminated connections are replaced
        if (await bob.call("GET", bob.tasks)).status_code != 503:
            break
        await asyncio.sleep(0.1)
    for call in (call for each in OPERATIONS if each.says["operationId"] in AT_THE_END for call in each.calls()):
        response = await ada.call(call.operation.method, sides[0].user.url(call))
        watch.response(sides[0], sides[1], call, response)
        if not response.is_success:
            watch.errors.append(f"{call}: response {response.status_code}: {response.text}")
    if not await bob.list(limit=1):
        watch.errors.append("the tasks of the other user are gone")


def mixed_up(url: str, sides: list[Side]) -> list[str]:
    """Rows of one user that contain data of the other, or tasks without their owner's."""
    faults = []
    for side, other in (sides, sides[::-1]):
        rows = everything(url, side.user.person.id)
        foreign = [row for table in rows.values() for row in table if other.user.marker in row]
        unmarked = [row for row in rows["tasks"] if side.user.marker not in row]
        faults += [f"a row of {side.user.marker}: {row:.200}" for row in foreign + unmarked]
    return faults


def calls(*, owned_only: bool = False) -> list[Call]:
    """Every call of the OpenAPI document but those that end the account."""
    return [
        call
        for each in OPERATIONS
        if not each.streams and each.says["operationId"] not in AT_THE_END and (each.owned or not owned_only)
        for call in each.calls()
    ]


@dataclass(frozen=True)
class Place:
    """A database: its URL for the application and for its owner, and how connections to it are terminated."""

    url: str
    direct: str
    kill: Callable[[Watch], None]


@contextmanager
def embedded_place(folder: Path) -> Iterator[Place]:
    """The embedded PostgreSQL without a pooler, where Debian's are not installed."""
    with embedded.running(folder / "data") as url:

        def kill(watch: Watch) -> None:
            with psycopg.connect(url, autocommit=True) as connection:
                found = connection.execute(
                    "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                    " where usename = current_user and pid <> pg_backend_pid()"
                ).fetchone()
            watch.terminated += found[0] if found else 0

        yield Place(url, url, kill)


@contextmanager
def pooled_place(folder: Path) -> Iterator[Place]:
    """Debian's PostgreSQL 15 behind PgBouncer in transaction mode, over TLS."""
    with stand.postgres_15(folder) as postgres, stand.bouncer_for(postgres, SERVER_CONNECTIONS) as bouncer:

        def kill(watch: Watch) -> None:
            if random.random() < 0.85:
                watch.terminated += postgres.terminate()
            else:  # with all of its connections; KILL on its console makes 1.18 crash under load
                bouncer.stop()
                bouncer.start()
                watch.pooler_kills += 1

        yield Place(bouncer.url, postgres.url(), kill)


@asynccontextmanager
async def clients_of(base: str) -> AsyncIterator[Clients]:
    """A client for each user, over shared connections, as behind a proxy."""
    transport = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=100))
    async with (
        httpx.AsyncClient(base_url=base, timeout=30, transport=transport) as one,
        httpx.AsyncClient(base_url=base, timeout=30, transport=transport) as two,
    ):
        yield one, two


def served(folder: Path, place: Place, watch: Watch, seconds: float) -> list[str]:
    """The first pass, on a real server with two workers; rows with another user's data."""
    plan = Pass(seconds, calls(), place.kill)

    async def both(base: str) -> list[str]:
        async with clients_of(base) as clients:
            sides = await run_pass(clients, watch, plan, streams=True)
            faults = await asyncio.to_thread(mixed_up, place.direct, sides)
            await delete_account(sides, watch)
            return faults

    options = {"database_url": place.url, "pool_size": 8, "prepare_threshold": -1, "workers": 2}
    with serving(folder, **options) as server:
        return asyncio.run(both(f"http://127.0.0.1:{server.port}"))


async def policies_alone(place: Place, watch: Watch, seconds: float) -> list[str]:
    """The second pass, in this process, without the owner condition in any statement about tasks."""
    settings = settings_for(place.url, pool_size=8, prepare_threshold=-1)
    plan = Pass(seconds, calls(owned_only=True), place.kill)
    async with running(create_app(settings)) as app, http(app) as one, http(app) as two:
        with conditions_removed():
            sides = await run_pass((one, two), watch, plan, streams=False)
    return await asyncio.to_thread(mixed_up, place.direct, sides)


def drill(folder: Path, seconds: float) -> Figures:
    """Both passes, the second a third as long as the first."""
    figures = Figures("isolation")
    missing = stand.missing()
    figures.report("database", f"embedded, without a pooler: {missing}" if missing else "PostgreSQL 15, PgBouncer")
    with embedded_place(folder) if missing else pooled_place(folder) as place:
        migrate.upgrade(place.direct)
        watch, policies = Watch(), Watch()
        mixed = served(folder, place, watch, seconds)
        mixed += asyncio.run(policies_alone(place, policies, seconds / 3))
    for name, seen in (("", watch), (", row-level security only", policies)):
        statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(seen.statuses.items()))
        figures.check(f"responses checked{name}", seen.responses, least=LEAST_RESPONSES)
        figures.check(f"with the caller's own data{name}", seen.with_own_data, least=LEAST_WITH_OWN_DATA)
        figures.report(f"by status{name}", statuses)
        figures.report(f"requests cancelled or lost{name}", seen.lost)
        figures.check(f"connections terminated{name}", seen.terminated + seen.pooler_kills, least=1)
        figures.expect_none(f"leaks{name}", seen.leaks)
        figures.expect_none(f"responses 500{name}", seen.errors)
    figures.check("stream events checked", watch.events, least=1)
    figures.report("times the pooler was killed", watch.pooler_kills + policies.pooler_kills)
    untried = {str(call.operation) for call in calls()} - {*watch.tried}
    figures.expect_none("operations without a response", [f"{operation} had no response" for operation in untried])
    figures.expect_none("rows with another user's data", mixed)
    return figures


def run(folder: Path, *, long: bool) -> Figures:
    """The drill, for 10 s or for 120 s."""
    return drill(folder, SECONDS[long])
