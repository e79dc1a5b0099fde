"""A database that accepts no writes: read-only for a while, or on a full disk."""

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
    """The database refuses writes for a while, as after a failover, or when a quota is exhausted."""
    migrate.upgrade(url)
    server = await asyncio.to_thread(Server(folder, database_url=url).ready)
    faults = []
    name = url.partition("?")[0].rpartition("/")[2]
    try:
        [person] = await signed_up(f"http://127.0.0.1:{server.port}", 1)
        client = Client(server.port, person)
        task = json.loads((await client.request("POST", "/tasks", {"title": "kept"})).body)["id"]

        def switch(value: str) -> None:
            with psycopg.connect(url, autocommit=True) as owner:
                owner.execute("set default_transaction_read_only = off")
                owner.execute(f'alter database "{name}" set default_transaction_read_only = {value}'.encode())
                owner.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and pid <> pg_backend_pid()"
                )

        await asyncio.to_thread(switch, "on")
        for method, path, body, expected in (
            ("GET", "/tasks", None, 200),
            ("GET", f"/tasks/{task}", None, 200),
            ("POST", "/tasks", {"title": "refused"}, 503),
            ("PATCH", f"/tasks/{task}/complete", None, 503),
            ("DELETE", f"/tasks/{task}", None, 503),
        ):
            for headers in ({}, {"Idempotency-Key": uuid4().hex}):
                response = await client.request(method, path, body, **headers)
                if response.status != expected or (expected == 503 and "retry-after" not in response.headers):
                    faults.append(f"read-only: {method} {path}: response {response.status}: {response.body!r:.200}")
        await asyncio.to_thread(switch, "off")
        began = time.monotonic()
        while (await client.request("POST", "/tasks", {"title": "again"})).status != 201:
            if time.monotonic() > began + 60:
                break
            await asyncio.sleep(0.05)
        figures.check(
            "read-only database: seconds until writes succeed again", round(time.monotonic() - began, 2), most=5
        )
        listed = json.loads((await client.request("GET", "/tasks")).body)
        if sorted(task["title"] for task in listed) != ["again", "kept"]:
            faults.append(f"read-only: {len(listed)} tasks afterwards, expected are 2")
        await client.close()
    finally:
        await asyncio.to_thread(server.stop)
    figures.expect_none("  wrong responses, or writes that were made", faults)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[str | None]:
    """A file system of that size at `folder`: yields None, or why it cannot be mounted."""
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
    """The disk of the embedded PostgreSQL fills up, and then has space again."""
    with small_disk(folder / "disk", 192) as reason:
        if reason is not None:
            figures.report("full disk", f"not run: {reason}")
            return
        server = await asyncio.to_thread(Server(folder, data_dir=folder / "disk" / "data", pool_timeout=2).ready)
        statuses = Counter[int]()
        faults: list[str] = []
        acknowledged: list[str] = []
        try:
            [person] = await signed_up(f"http://127.0.0.1:{server.port}", 1)
            client = Client(server.port, person)

            async def write() -> int:
                try:
                    body = {"title": uuid4().hex, "description": "the big ones " * 700}
                    response = await client.request("POST", "/tasks", body)
                except (OSError, asyncio.IncompleteReadError) as error:
                    faults.append(f"full disk: {type(error).__name__}")
                    return 0
                statuses[response.status] += 1
                if response.status == 201:
                    acknowledged.append(json.loads(response.body)["id"])
                elif response.status != 503 or "retry-after" not in response.headers:
                    faults.append(f"full disk: response {response.status}: {response.body!r:.200}")
                return response.status

            for _ in range(20):
                await write()
            filler = folder / "disk" / "filler"
            with filler.open("wb") as file, contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * 65_536)
                    file.flush()
            for _ in range(5000):
                if statuses[503] >= 20:
                    break
                await write()
            live = (await asyncio.to_thread(server.http.get, "/health/live")).status_code
            if live != 200:
                faults.append(f"full disk: /health/live: response {live}")
            filler.unlink()
            began = time.monotonic()
            while await write() != 201 and time.monotonic() < began + 60:  # noqa: ASYNC110 # each check is a request
                await asyncio.sleep(0.1)
            figures.check("full disk: writes answered 503 with Retry-After", statuses[503], least=20)
            figures.check("  seconds until writes succeed again", round(time.monotonic() - began, 2), most=10)
            there = {task["id"] for task in json.loads((await client.request("GET", "/tasks")).body)}
            lost = [task for task in acknowledged if task not in there]
            faults += [f"full disk: task {task} was acknowledged and is lost" for task in lost]
            figures.report("  acknowledged writes", len(acknowledged))
            await client.close()
        finally:
            await asyncio.to_thread(server.stop)
        figures.expect_none("  other responses, or lost acknowledged writes", faults)
