"""CPU per input: what one request within the bounds of body and headers costs the thread that serves all others.

The server is a process of its own. Before and after each input the time that its main thread, where the event loop
runs, has spent on a CPU is read from the kernel; password hashes run in other threads and do not count. PostgreSQL's
processes are added up likewise.
"""

import asyncio
import os
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from drills.contract import LOGGED_ERROR, users
from drills.costly_inputs import Input, inputs
from drills.figures import Figures
from drills.load import serving

SEED = 15
MOST = 50.0  # ms of CPU of the event loop, and of PostgreSQL
TRIES = 5  # of an input above it: the least counts, since other work on the machine makes CPU time longer


def cpu_ms(pid: int) -> float:
    """Milliseconds that the main thread of a process has run (proc(5), schedstat)."""
    try:
        return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e6
    except OSError:
        return 0.0  # it has ended


@dataclass(frozen=True)
class Cost:
    """Milliseconds of CPU."""

    server: float
    database: float

    @property
    def worst(self) -> float:
        return max(self.server, self.database)


@dataclass
class Target:
    """A server and two users: one reads, the other writes, so that what is read stays small."""

    port: int
    pid: int
    data: Path
    """The folder of its PostgreSQL."""
    reader: dict[str, str]
    writer: dict[str, str]
    backends: list[int] = field(default_factory=list)

    def look_for_backends(self) -> None:
        """Find PostgreSQL's processes, of which there may be new ones."""
        postmaster = int(next(self.data.rglob("postmaster.pid")).read_text().split()[0])
        self.backends = [process.pid for process in psutil.Process(postmaster).children()]

    def used(self) -> Cost:
        """CPU used until now, once the server rests."""
        last = -1.0
        while (now := cpu_ms(self.pid)) != last:
            last = now
            time.sleep(0.002)
        return Cost(now, sum(cpu_ms(pid) for pid in self.backends))

    def cost(self, sent: Input) -> tuple[Cost, str]:
        """What an input costs, and the status of its response."""
        content = sent.request
        for name, value in (self.reader if content.startswith(b"GET") else self.writer).items():
            content = content.replace(b"{%b}" % name.encode(), value.encode())
        before = self.used()
        status = self._status(content, endless=sent.endless)
        after = self.used()
        return Cost(after.server - before.server, after.database - before.database), status

    def _status(self, content: bytes, *, endless: bool) -> str:
        response = b""
        with socket.create_connection(("127.0.0.1", self.port), 60) as connection:
            try:
                connection.sendall(content)
                connection.shutdown(socket.SHUT_WR)
                while (chunk := connection.recv(65_536)) and not (endless and b"\r\n\r\n" in response + chunk):
                    response = (response + chunk)[:100]
                response = response or chunk
            except OSError:  # refused before it was read whole; or too slow, as the cost shows
                pass
        return response[9:12].decode("latin-1") or "none"


def measure(target: Target, figures: Figures, count: int) -> None:
    """Send so many inputs, and report the worst of each kind."""
    worst: dict[str, tuple[float, str]] = {}
    statuses, too_much = Counter[str](), list[str]()
    most_database = 0.0
    for number, sent in enumerate(inputs(SEED, count)):
        if number % 50 == 0:
            target.look_for_backends()
        cost, status = target.cost(sent)
        for _ in range(TRIES - 1):
            if cost.worst > MOST / 4:
                again = target.cost(sent)[0]
                cost = Cost(min(cost.server, again.server), min(cost.database, again.database))
        statuses[status] += 1
        place = f"{sent.place}, response {status}: {sent.request!r:.160}"
        worst[sent.kind] = max(worst.get(sent.kind, (0.0, "")), (cost.server, place))
        most_database = max(most_database, cost.database)
        if cost.worst > MOST:
            too_much.append(f"{cost.server:.0f} ms, PostgreSQL {cost.database:.0f} ms: {sent.kind}, {place}")
    figures.check("costly inputs within the bounds of 64 KiB", statuses.total(), least=count)
    figures.report("  responses by status", ", ".join(f"{each} × {n:,}" for each, n in sorted(statuses.items())))
    for kind, (milliseconds, _) in sorted(worst.items()):
        figures.check(f"  ms of CPU, the worst of {kind}", round(milliseconds, 1), most=MOST)
    figures.check("  ms of CPU in PostgreSQL, the worst", round(most_database, 1), most=MOST)
    figures.expect_none(f"  inputs that take more than {MOST:.0f} ms", too_much)
    if os.environ.get("VERBOSE"):
        for kind, (milliseconds, place) in worst.items():
            print(f"{milliseconds:8.1f} ms  {kind}: {place}")


async def cpu_per_input(folder: Path, figures: Figures, *, count: int) -> None:
    """One worker, with every part switched on that reads headers."""
    settings = {"cors_origins": "https://app.example", "trusted_proxies": "127.0.0.1", "access_token_lifetime": 86_400}
    async with serving(folder, workers=1, **settings) as server:
        people = [
            {"user": str(each["id"]), "token": str(each["token"]), "task": str(each["tasks"][0])}
            for each in (await users(server.port)).values()
        ]
        reader, writer = people
        target = Target(server.port, server.process.pid, folder / "data", reader, writer)
        await asyncio.to_thread(measure, target, figures, count)
        log = server.log.read_text()
    figures.expect_none("  errors in the log", LOGGED_ERROR.findall(log))


def run(folder: Path, *, long: bool) -> Figures:
    """2,500 inputs when `long`."""
    figures = Figures("CPU per input")
    asyncio.run(cpu_per_input(folder, figures, count=2500 if long else 400))
    return figures
