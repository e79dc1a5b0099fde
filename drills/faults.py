"""Faults that are injected into a server, its network and its database, all on this machine."""

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
    """The running processes and proxies, into which faults are injected."""

    folder: Path
    settings: dict[str, Any]
    server: Server
    server_proxy: stand.FaultyProxy
    """In front of the server."""
    postgres: stand.Postgres | None = None
    bouncer: stand.Bouncer | None = None
    db_proxy: stand.FaultyProxy | None = None
    """In front of the pooler."""

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_proxy.port}"

    def start(self) -> None:
        """Start the server again, on the same port."""
        self.server = Server(self.folder, port=self.server.port, **self.settings)


async def kill_a_worker(place: Place) -> None:
    while not (workers := stand.workers_of(place.server.process.pid)):  # noqa: ASYNC110 # they are being started
        await asyncio.sleep(0.05)
    random.choice(workers).kill()


async def kill_the_server(place: Place) -> None:
    await asyncio.to_thread(place.server.stop, signal.SIGKILL)
    place.start()


async def restart_the_server(place: Place) -> None:
    await asyncio.to_thread(place.server.stop)
    place.start()


async def cut_responses(place: Place) -> None:
    """Cut responses: the request was served, and the client does not know."""
    for _ in range(10):
        place.server_proxy.cut_response = random.randint(0, 80)
        await asyncio.sleep(0.05)
    place.server_proxy.cut_response = None


def _postmaster(place: Place) -> psutil.Process:
    """The postmaster of the embedded PostgreSQL."""
    pid = (place.settings["data_dir"] / "postgres" / "postmaster.pid").read_text().split()[0]
    return psutil.Process(int(pid))


async def kill_postgres(place: Place) -> None:
    if place.postgres is None:
        _postmaster(place).kill()  # the server restarts it
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
    """`terminating connection due to administrator command`, as a serverless database does when it goes to sleep."""
    if place.postgres is not None:
        await asyncio.to_thread(place.postgres.terminate)
        return
    folder = place.settings["data_dir"] / "postgres"
    with contextlib.suppress(psycopg.OperationalError):  # it may still be starting after the previous fault
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


async def delay_the_network(place: Place) -> None:
    assert place.db_proxy
    place.db_proxy.delay = random.uniform(0.01, 0.3)
    await asyncio.sleep(random.uniform(0.2, 1.0))
    place.db_proxy.delay = 0.0


async def reset_connections(place: Place) -> None:
    assert place.db_proxy
    place.db_proxy.reset()


async def half_close_connections(place: Place) -> None:
    assert place.db_proxy
    place.db_proxy.half_close()


async def cut_a_message(place: Place) -> None:
    assert place.db_proxy
    for _ in range(5):
        place.db_proxy.cut = random.randint(1, 80)
        await asyncio.sleep(0.05)
    place.db_proxy.cut = None


EVERYWHERE: list[Fault] = [
    kill_a_worker,
    kill_the_server,
    restart_the_server,
    cut_responses,
    kill_postgres,
    restart_postgres,
    terminate_connections,
]
BEHIND_A_POOLER: list[Fault] = [
    *EVERYWHERE,
    pause_the_pooler,
    restart_the_pooler,
    delay_the_network,
    reset_connections,
    half_close_connections,
    cut_a_message,
]


@contextlib.asynccontextmanager
async def on_its_own(folder: Path, **settings: Any) -> AsyncIterator[Place]:
    """A server with two workers and the embedded PostgreSQL."""
    options = {"data_dir": folder / "data", "workers": 2, "sweep_interval": 1, "pool_timeout": 2, **settings}
    async with _served(Server(folder, **options), options, folder) as place:
        yield place


@contextlib.asynccontextmanager
async def behind_a_pooler(folder: Path) -> AsyncIterator[Place]:
    """A server, a faulty proxy, PgBouncer in transaction mode and Debian's PostgreSQL 15, with TLS between all."""
    with contextlib.ExitStack() as stack:
        postgres = await asyncio.to_thread(stack.enter_context, stand.postgres_15(folder))
        await asyncio.to_thread(migrate.upgrade, postgres.url())
        bouncer = await asyncio.to_thread(stack.enter_context, stand.bouncer_for(postgres))
        async with stand.FaultyProxy(bouncer.port)() as db_proxy:
            options: dict[str, Any] = {
                "database_url": postgres.url(db_proxy.port, ""),
                "direct_database_url": postgres.url(),
                "prepare_threshold": -1,  # Debian's PgBouncer is older than 1.21
                "workers": 2,
                "sweep_interval": 1,
                "pool_timeout": 2,
                "connect_timeout": 3,
            }
            async with _served(Server(folder, **options), options, folder) as place:
                place.postgres, place.bouncer, place.db_proxy = postgres, bouncer, db_proxy
                yield place


@contextlib.asynccontextmanager
async def _served(server: Server, settings: dict[str, Any], folder: Path) -> AsyncIterator[Place]:
    async with stand.FaultyProxy(server.port)() as server_proxy:
        place = Place(folder, settings, server, server_proxy)
        try:
            yield place
        finally:
            if place.server.process.poll() is None:
                await asyncio.to_thread(place.server.stop)
