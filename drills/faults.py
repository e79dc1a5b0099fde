"""Faults: what is done to a server and to all that is below it, where both run on this machine."""

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from drills import stand
from tests.support.processes import Server
from todo.db import migrate

Fault = Callable[["Place"], Awaitable[None]]


@dataclass
class Place:
    """What runs, and can be broken."""

    folder: Path
    settings: dict[str, Any]
    server: Server
    front: stand.BadWire
    """Before the server; `wire` is before the database."""
    postgres: stand.Postgres | None = None
    bouncer: stand.Bouncer | None = None
    wire: stand.BadWire | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.front.port}"

    def start(self) -> None:
        """The server again, on the same port."""
        self.server = Server(self.folder, port=self.server.port, **self.settings)


async def kill_a_worker(place: Place) -> None:
    while not (workers := stand.workers_of(place.server.process.pid)):  # noqa: ASYNC110 # they are on their way
        await asyncio.sleep(0.05)
    random.choice(workers).kill()


async def kill_the_server(place: Place) -> None:
    await asyncio.to_thread(place.server.stop, signal.SIGKILL)
    place.start()


async def restart_the_server(place: Place) -> None:
    await asyncio.to_thread(place.server.stop)
    place.start()


async def cut_answers(place: Place) -> None:
    """Answers are lost on their way: what was asked is done, and whoever asked does not know."""
    for _ in range(10):
        place.front.cut_answer = random.randint(0, 80)
        await asyncio.sleep(0.05)
    place.front.cut_answer = None


def _postmaster(place: Place) -> psutil.Process:
    """Of the PostgreSQL that starts by itself."""
    pid = (place.settings["data_dir"] / "postgres" / "postmaster.pid").read_text().split()[0]
    return psutil.Process(int(pid))


async def kill_postgres(place: Place) -> None:
    if place.postgres is None:
        _postmaster(place).kill()  # the server starts it again
        return
    place.postgres.kill()
    await asyncio.to_thread(place.postgres.start)


async def restart_postgres(place: Place) -> None:
    if place.postgres is None:
        _postmaster(place).send_signal(signal.SIGINT)  # a fast shutdown
        return
    await asyncio.to_thread(place.postgres.stop)
    await asyncio.to_thread(place.postgres.start)


async def terminate_connections(place: Place) -> None:
    """`terminating connection due to administrator command`, as when a serverless database goes to sleep."""
    if place.postgres is not None:
        await asyncio.to_thread(place.postgres.terminate)
        return
    folder = place.settings["data_dir"] / "postgres"
    with contextlib.suppress(psycopg.OperationalError):  # it may be on its way up from the fault before
        async with await psycopg.AsyncConnection.connect(f"host={folder} user=postgres dbname=postgres") as connection:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'todo'", prepare=False
            )


async def pause_the_pooler(place: Place) -> None:
    assert place.bouncer
    await asyncio.to_thread(place.bouncer.console, "pause")
    await asyncio.sleep(random.uniform(0.2, 1.5))
    await asyncio.to_thread(place.bouncer.console, "resume")


async def restart_the_pooler(place: Place) -> None:
    assert place.bouncer
    await asyncio.to_thread(place.bouncer.stop)
    await asyncio.to_thread(place.bouncer.start)


async def delay_the_wire(place: Place) -> None:
    assert place.wire
    place.wire.delay = random.uniform(0.01, 0.3)
    await asyncio.sleep(random.uniform(0.2, 1.0))
    place.wire.delay = 0.0


async def reset_the_wire(place: Place) -> None:
    assert place.wire
    place.wire.reset()


async def half_close_the_wire(place: Place) -> None:
    assert place.wire
    place.wire.half_close()


async def cut_a_message(place: Place) -> None:
    assert place.wire
    for _ in range(5):
        place.wire.cut = random.randint(1, 80)
        await asyncio.sleep(0.05)
    place.wire.cut = None


EVERYWHERE: list[Fault] = [
    kill_a_worker,
    kill_the_server,
    restart_the_server,
    cut_answers,
    kill_postgres,
    restart_postgres,
    terminate_connections,
]
BEHIND_A_POOLER: list[Fault] = [
    *EVERYWHERE,
    pause_the_pooler,
    restart_the_pooler,
    delay_the_wire,
    reset_the_wire,
    half_close_the_wire,
    cut_a_message,
]


@contextlib.asynccontextmanager
async def on_its_own(folder: Path, **settings: Any) -> AsyncIterator[Place]:
    """The PostgreSQL that starts by itself below two workers."""
    given = {"data_dir": folder / "data", "workers": 2, "sweep_interval": 1, "pool_timeout": 2, **settings}
    async with _served(Server(folder, **given), given, folder) as place:
        yield place


@contextlib.asynccontextmanager
async def behind_a_pooler(folder: Path) -> AsyncIterator[Place]:
    """Debian's PostgreSQL 15, PgBouncer in transaction mode, TLS between all, and a bad wire before them."""
    with contextlib.ExitStack() as stack:
        postgres = await asyncio.to_thread(stack.enter_context, stand.postgres_15(folder))
        await asyncio.to_thread(migrate.upgrade, postgres.url())
        bouncer = await asyncio.to_thread(stack.enter_context, stand.bouncer_before(postgres))
        async with stand.BadWire(bouncer.port)() as wire:
            given: dict[str, Any] = {
                "database_url": postgres.url(wire.port, ""),
                "direct_database_url": postgres.url(),
                "prepare_threshold": -1,  # Debian's PgBouncer is older than 1.21
                "workers": 2,
                "sweep_interval": 1,
                "pool_timeout": 2,
                "connect_timeout": 3,
            }
            async with _served(Server(folder, **given), given, folder) as place:
                place.postgres, place.bouncer, place.wire = postgres, bouncer, wire
                yield place


@contextlib.asynccontextmanager
async def _served(server: Server, settings: dict[str, Any], folder: Path) -> AsyncIterator[Place]:
    async with stand.BadWire(server.port)() as front:
        place = Place(folder, settings, server, front)
        try:
            yield place
        finally:
            if place.server.process.poll() is None:
                await asyncio.to_thread(place.server.stop)
