"""A database that takes no writes: read-only for a while, or on a disk that is full."""

import asyncio
import contextlib
import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg

from drills.clients import Client, signed_up
from drills.figures import Figures
from tests.support.processes import Server
from todo.db import migrate


async def read_only(folder: Path, url: str, figures: Figures) -> None:
    """The database refuses writes for a while, as it does after a failover, or when a quota is used up."""
    migrate.upgrade(url)
    server = await asyncio.to_thread(Server(folder, database_url=url).ready)
    faults = []
    name = url.partition("?")[0].rpartition("/")[2]
    try:
        [person] = await signed_up(f"http://127.0.0.1:{server.port}", 1)
        client = Client(server.port, person)
        task = json.loads((await client.ask("POST", "/tasks", {"title": "kept"})).body)["id"]

        def switch(value: str) -> None:
            with psycopg.connect(url, autocommit=True) as owner:
                owner.execute("set default_transaction_read_only = off")
                owner.execute(f'alter database "{name}" set default_transaction_read_only = {value}'.encode())
                owner.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and pid <> pg_backend_pid()"
                )

        await asyncio.to_thread(switch, "on")
        for method, path, body, wanted in (
            ("GET", "/tasks", None, 200),
            ("GET", f"/tasks/{task}", None, 200),
            ("POST", "/tasks", {"title": "refused"}, 503),
            ("PATCH", f"/tasks/{task}/complete", None, 503),
            ("DELETE", f"/tasks/{task}", None, 503),
        ):
            for headers in ({}, {"Idempotency-Key": uuid4().hex}):
                answer = await client.ask(method, path, body, **headers)
                if answer.status != wanted or (wanted == 503 and "retry-after" not in answer.headers):
                    faults.append(f"read-only: {method} {path} was answered {answer.status}: {answer.body!r:.200}")
        await asyncio.to_thread(switch, "off")
        began = time.monotonic()
        while (await client.ask("POST", "/tasks", {"title": "again"})).status != 201:
            if time.monotonic() > began + 60:
                break
            await asyncio.sleep(0.05)
        figures.judge("read-only: seconds until writes are taken again", round(time.monotonic() - began, 2), most=5)
        listed = json.loads((await client.ask("GET", "/tasks")).body)
        if sorted(task["title"] for task in listed) != ["again", "kept"]:
            faults.append(f"read-only: afterwards there are {len(listed)} tasks")
        await client.close()
    finally:
        await asyncio.to_thread(server.stop)
    figures.none("  wrong answers, or writes that were made", faults)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[str | None]:
    """A file system of that size at `folder`; or why there cannot be one."""
    folder.mkdir()
    done = subprocess.run(
        ["/usr/bin/mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        yield f"no file system can be mounted here: {done.stderr.strip().splitlines()[-1]}"
        return
    try:
        yield None
    finally:
        for _ in range(100):
            if not subprocess.run(["/usr/bin/umount", str(folder)], check=False, capture_output=True).returncode:
                break
            time.sleep(0.1)


async def disk_full(folder: Path, figures: Figures) -> None:
    """The disk of the PostgreSQL that starts by itself fills up, and is made room on."""
    with small_disk(folder / "disk", 192) as hindrance:
        if hindrance is not None:
            figures.tell("a full disk", f"not tried: {hindrance}")
            return
        server = await asyncio.to_thread(Server(folder, data_dir=folder / "disk" / "data", pool_timeout=2).ready)
        told = Counter[int]()
        faults: list[str] = []
        kept: list[str] = []
        try:
            [person] = await signed_up(f"http://127.0.0.1:{server.port}", 1)
            client = Client(server.port, person)

            async def write() -> int:
                try:
                    body = {"title": uuid4().hex, "description": "the big ones " * 700}
                    answer = await client.ask("POST", "/tasks", body)
                except (OSError, asyncio.IncompleteReadError) as error:
                    faults.append(f"a full disk: {type(error).__name__}")
                    return 0
                told[answer.status] += 1
                if answer.status == 201:
                    kept.append(json.loads(answer.body)["id"])
                elif answer.status != 503 or "retry-after" not in answer.headers:
                    faults.append(f"a full disk: answered {answer.status}: {answer.body!r:.200}")
                return answer.status

            for _ in range(20):
                await write()
            filler = folder / "disk" / "filler"
            with filler.open("wb") as file, contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * 65_536)
                    file.flush()
            for _ in range(5000):
                if told[503] >= 20:
                    break
                await write()
            live = (await asyncio.to_thread(server.http.get, "/health/live")).status_code
            if live != 200:
                faults.append(f"a full disk: the process was said to be dead: {live}")
            filler.unlink()
            began = time.monotonic()
            while await write() != 201 and time.monotonic() < began + 60:  # noqa: ASYNC110 # it is asked each time
                await asyncio.sleep(0.1)
            figures.judge("a full disk: writes refused with 503 and Retry-After", told[503], least=20)
            figures.judge("  seconds until writes are taken again", round(time.monotonic() - began, 2), most=10)
            there = {task["id"] for task in json.loads((await client.ask("GET", "/tasks")).body)}
            faults += [f"a full disk: task {task} was acknowledged and is lost" for task in kept if task not in there]
            figures.tell("  writes acknowledged", len(kept))
            await client.close()
        finally:
            await asyncio.to_thread(server.stop)
        figures.none("  other answers, or acknowledged and lost", faults)
