"""Containers that want one data folder: two PID namespaces, of which one may have it, and kill -9 of the one."""

import subprocess
import threading
import time
from pathlib import Path

import httpx

from drills.figures import Figures
from tests.support.namespaces import UNSHARE, in_another_container, missing
from tests.support.processes import TODO, Server, environment, free_port, signed_up

REFUSED = "in use by a server in another container"
COMMANDS = (("db", "upgrade"), ("serve",), ("sweep",), ("db", "check"))


class Container(Server):
    """`todo serve` in namespaces of its own. `stop` kills everything in them."""

    COMMAND = (*UNSHARE, TODO, "serve")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)
        self.http.close()


class Writer:
    """A client that creates tasks until it is stopped, and remembers those that were acknowledged."""

    def __init__(self) -> None:
        self.acknowledged: list[str] = []
        self.others: list[str] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, server: Server, tasks: str, token: dict[str, str]) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._write, args=[server.port, tasks, token])
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _write(self, port: int, tasks: str, token: dict[str, str]) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            while not self._stop.is_set():
                try:
                    response = http.post(tasks, headers=token, json={"title": "Water the ferns"})
                except httpx.TransportError as error:
                    self.others.append(type(error).__name__)
                    self._stop.wait(0.05)
                    continue
                if response.status_code == 201:
                    self.acknowledged.append(response.json()["id"])
                else:
                    self.others.append(f"response {response.status_code}")


def refused(folder: Path, *command: str) -> str | None:
    """Run a command in another container; why it was not refused as promised, or None."""
    second = in_another_container(
        TODO, *command, env=environment(data_dir=folder, port=free_port()), stderr=subprocess.PIPE
    )
    _, error = second.communicate(timeout=180)
    if second.returncode == 1 and REFUSED in error and len(error.splitlines()) == 1:
        return None
    return f"{' '.join(command)} in another container: exit status {second.returncode}, {error[-300:]}"


def starts_at_once(folder: Path, data: Path, figures: Figures) -> Container:
    """Two containers that start at the same moment: one serves, and the other is refused. The one is returned."""
    both = [Container(folder, data_dir=data) for _ in range(2)]
    deadline = time.monotonic() + 120
    while all(each.process.poll() is None for each in both) and time.monotonic() < deadline:
        time.sleep(0.1)
    ended = [each for each in both if each.process.poll() is not None]
    figures.check("containers of two that start at once and are refused", len(ended), least=1, most=1)
    faults = [each.log.read_text()[-300:] for each in ended if REFUSED not in each.log.read_text()]
    figures.expect_none("  without saying so in one line", faults)
    [left] = [each for each in both if each not in ended]
    return left


def drill(folder: Path, rounds: int, figures: Figures) -> None:
    """In each round others try the folder while one container serves it; that one is killed, and another serves."""
    why = missing()
    if why:
        figures.report("shared folder", f"not run: {why}")
        return
    data, writer = folder / "data", Writer()
    faults: list[str] = []
    waits: list[float] = []
    tries = 0
    server = starts_at_once(folder, data, figures)
    server.ready()
    tasks, token = signed_up(server)
    try:
        for number in range(rounds):
            writer.start(server, tasks, token)
            before = len(writer.acknowledged)
            for command in (COMMANDS[number % len(COMMANDS)], COMMANDS[(number + 1) % len(COMMANDS)]):
                tries += 1
                fault = refused(data, *command)
                faults += [fault] if fault else []
            if len(writer.acknowledged) == before:
                faults.append(f"round {number}: nothing was written while others tried")
            faults += [f"round {number}: {each}" for each in writer.others]
            server.kill()
            writer.stop()
            writer.others.clear()
            began = time.monotonic()
            server = Container(folder, data_dir=data)
            server.ready()
            waits.append(time.monotonic() - began)
        there = {task["id"] for task in server.http.get(tasks, headers=token).json()}
    finally:
        writer.stop()
        server.kill()
    lost = [f"task {each} was acknowledged and is lost" for each in writer.acknowledged if each not in there]
    log = (data / "postgres.log").read_text(errors="replace")
    figures.check("starts and commands in another container", tries, least=2 * rounds)
    figures.expect_none("  not refused in one line, or that disturbed the server", faults)
    figures.check("kill -9 of a whole container, after which another serves", rounds, least=rounds)
    figures.report("  seconds until it does, worst", round(max(waits), 1))
    figures.report("acknowledged writes", len(writer.acknowledged))
    figures.expect_none("  lost", lost)
    figures.expect_none("PANIC in PostgreSQL's log", [line for line in log.splitlines() if "PANIC" in line])


def run(folder: Path, *, long: bool) -> Figures:
    """Twenty rounds when `long`, else four."""
    figures = Figures("one data folder, several containers")
    drill(folder, 20 if long else 4, figures)
    return figures
