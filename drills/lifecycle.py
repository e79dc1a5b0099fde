"""The life cycle of a deployment: rolling restarts with a migration, first starts, a database without writes."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

import todo
from drills.clients import Client, signed_up
from drills.figures import Figures
from drills.storage import disk_full, read_only
from tests.conftest import Person, scratch_database
from tests.support.events import Event, read
from tests.support.processes import TODO, Server, environment, free_port
from todo.db import migrate
from todo.db.embedded import server as embedded

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH')}:/usr/sbin")
DELAY = 2  # seconds between failing readiness and the stop, in which the proxy is reconfigured
GRACE = 10  # seconds in which running requests must end

NEXT = '''"""The next release."""

from alembic import op

revision = "{name}"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '500ms'")
    op.execute("ALTER TABLE tasks ADD COLUMN colour text")


def downgrade() -> None:
    op.execute("ALTER TABLE tasks DROP COLUMN colour")
'''


class Proxy:
    """nginx in front of some servers, with persistent connections to them."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        self.port = free_port()
        self._folder = folder
        self._write(ports)
        assert NGINX
        self.process = subprocess.Popen(
            [NGINX, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log")]
        )

    def _write(self, ports: list[int]) -> None:
        servers = " ".join(f"server 127.0.0.1:{port};" for port in ports)
        (self._folder / "nginx.conf").write_text(
            f"daemon off; pid {self._folder}/pid; worker_processes 1; events {{ worker_connections 512; }}\n"
            f"http {{ access_log off; client_body_temp_path {self._folder}/body; proxy_temp_path {self._folder}/p;\n"
            f"fastcgi_temp_path {self._folder}/f; uwsgi_temp_path {self._folder}/u; scgi_temp_path {self._folder}/s;\n"
            f"upstream todo {{ {servers} keepalive 16; }}\n"
            f"server {{ listen 127.0.0.1:{self.port}; location / {{ proxy_pass http://todo;\n"
            'proxy_http_version 1.1; proxy_set_header Connection ""; } } }\n'
        )

    def route_to(self, ports: list[int]) -> None:
        """Send new requests only to these servers."""
        self._write(ports)
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def next_release(folder: Path) -> Path:
    """A copy of the code with one more migration."""
    shutil.copytree(Path(todo.__file__).parent, folder / "todo", ignore=shutil.ignore_patterns("__pycache__"))
    migration = NEXT.format(name="2099_01_01_next", head=migrate.head())
    (folder / "todo" / "migrations" / "versions" / "2099-01-01_next.py").write_text(migration)
    return folder


async def work(port: int, person: Person, counts: Counter[str], stop: asyncio.Event) -> None:
    """Write and read, each on a new connection, until `stop` is set; count requests, and wrong or missing responses."""
    client = Client(port, person, Connection="close")
    while not stop.is_set():
        try:
            made = await client.request("POST", "/tasks", {"title": uuid4().hex})
            counts["requests"] += 1
            if made.status != 201:
                counts[f"POST: response {made.status}"] += 1
                continue
            task = json.loads(made.body)["id"]
            counts["created"] += 1
            for method, path in (("GET", f"/tasks/{task}"), ("PATCH", f"/tasks/{task}/complete")):
                response = await client.request(method, path)
                counts["requests"] += 1
                counts[f"{method}: response {response.status}"] += response.status != 200
        except (OSError, asyncio.IncompleteReadError) as error:
            counts[f"a request was lost: {type(error).__name__}"] += 1


async def last_event(port: int, person: Person) -> str:
    """The reason with which a stream ends."""
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http,
        http.stream(
            "GET", f"{person.home}/changes/stream", headers={"Authorization": f"Bearer {person.token}"}
        ) as response,
    ):
        async for event in read(response):
            if isinstance(event, Event) and event.name == "end":
                return str(event.data["reason"])
    return "no end event"


async def terminate(server: Server) -> tuple[float, bool]:
    """Send SIGTERM; seconds until readiness failed, and whether the server still ran then."""
    server.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=5) as http:
        for _ in range(500):
            if (await http.get("/health/ready")).status_code == 503:
                break
            await asyncio.sleep(0.01)
    return time.monotonic() - began, server.process.poll() is None


async def rolling_restart(folder: Path, url: str, figures: Figures) -> None:
    """Two servers behind nginx are replaced by the next release, one after the other, under load."""
    counts, stop = Counter[str](), asyncio.Event()
    release = await asyncio.to_thread(next_release, folder / "release")
    settings: dict[str, Any] = {"database_url": url, "shutdown_delay": DELAY}
    await asyncio.to_thread(migrate.upgrade, url)
    servers = [Server(folder, **settings) for _ in range(2)]
    for server in servers:
        await asyncio.to_thread(server.ready)
    ports = [server.port for server in servers]
    proxy = Proxy(folder, ports)
    reasons, unready, ends = [], [], []
    try:
        users = await signed_up(f"http://127.0.0.1:{ports[0]}", 8)
        working = [asyncio.create_task(work(proxy.port, person, counts, stop)) for person in users]
        await asyncio.sleep(1)
        upgraded = await asyncio.create_subprocess_exec(
            TODO, "db", "upgrade",
            env={**environment(database_url=url), "PYTHONPATH": str(release)},
        )  # fmt: skip
        status = await upgraded.wait()
        for number, old in enumerate(servers):
            stream = asyncio.create_task(last_event(old.port, users[0]))
            await asyncio.sleep(0.5)
            began = time.monotonic()
            seconds, running = await terminate(old)
            proxy.route_to([port for port in ports if port != old.port])
            code = await asyncio.to_thread(old.process.wait, 30)
            old.http.close()
            unready.append(seconds)
            ends.append(time.monotonic() - began)
            reasons.append(await stream)
            if not running or code:
                counts[f"an old server exited with {code}, {running=}"] += 1
            servers[number] = Server(folder, port=old.port, pythonpath=release, **settings)
            await asyncio.to_thread(servers[number].ready)
            proxy.route_to(ports)
            await asyncio.sleep(1)
        stop.set()
        await asyncio.gather(*working)
        kept = 0
        for person in users:
            async with Client(proxy.port, person) as client:
                kept += len(json.loads((await client.request("GET", "/tasks")).body))
    finally:
        proxy.stop()
        for server in servers:
            if server.process.poll() is None:
                await asyncio.to_thread(server.stop)
    lost = [f"{count} × {what}" for what, count in counts.items() if count and what not in {"requests", "created"}]
    figures.report("requests during the replacement of two servers and a migration", counts["requests"])
    figures.expect_none("  lost or refused", lost)
    figures.check("  created tasks that are there afterwards", kept, least=counts["created"], most=counts["created"])
    figures.check("  exit status of the migration", status, most=0)
    figures.check("  seconds from SIGTERM to failing readiness, worst", round(max(unready), 2), most=1)
    figures.check("  seconds from SIGTERM to exit, worst", round(max(ends), 1), most=DELAY + GRACE)
    figures.expect_none(
        "  streams that ended without the reason `shutdown`", [reason for reason in reasons if reason != "shutdown"]
    )


async def first_starts(folder: Path, url: str, figures: Figures, count: int = 10) -> None:
    """Servers that start concurrently on an empty database."""
    began = time.monotonic()
    with ExitStack() as stack:
        servers = []
        for _ in range(count):
            server = Server(folder, "--migrate", database_url=url, pool_size=4)
            stack.callback(lambda server=server: server.process.poll() is None and server.stop())  # type: ignore[misc] # mypy reads no defaults of a lambda
            servers.append(server)
        faults = []
        for server in servers:
            try:
                await asyncio.to_thread(server.ready)
            except AssertionError as error:
                faults.append(str(error)[-500:])
        [person] = await signed_up(f"http://127.0.0.1:{servers[0].port}", 1)
        async with Client(servers[0].port, person) as client:
            made = await client.request("POST", "/tasks", {"title": "Water the ferns"})
        for server in servers:
            async with Client(server.port, person) as client:
                response = await client.request("GET", f"/tasks/{json.loads(made.body)['id']}")
            if response.status != 200:
                faults.append(f"a task that was created at another server: response {response.status}")
    figures.expect_none(f"{count} concurrent first starts: failures", faults)
    figures.report("  seconds until all were ready", round(time.monotonic() - began, 1))


async def drill(folder: Path) -> Figures:
    """All parts on one PostgreSQL, except the full disk, which has its own."""
    figures = Figures("life cycle")
    with embedded.running(folder / "data") as server_url:
        for what, name in ((rolling_restart, "rolling"), (first_starts, "first"), (read_only, "read-only")):
            (folder / name).mkdir()
            if what is rolling_restart and not NGINX:
                figures.report("rolling restart", "not run: needs nginx (apt-get install nginx-light)")
                continue
            with scratch_database(server_url) as url:
                await what(folder / name, url, figures)
    await disk_full(folder, figures)
    return figures


def run(folder: Path, *, long: bool) -> Figures:  # noqa: ARG001 # it has one form
    """Run each part once."""
    return asyncio.run(drill(folder))
