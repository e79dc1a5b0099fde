"""The measured servers: ours, its peers and the upper bounds, each as separate processes on one core."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import httpx
import psutil

from bench import data, machine
from tests.support.processes import free_port

HERE = Path(__file__).parent
ROOT = HERE.parent
OURS = Path(sys.executable).parent
THEIRS = ROOT / ".venv-bench" / "bin"
SECRET = secrets.token_hex(32)

UVICORN = ("--no-access-log", "--loop", "uvloop", "--http", "httptools", "--log-level", "warning")


@dataclass(frozen=True)
class Contestant:
    """A server that has the six endpoints, or some of them."""

    name: str
    command: Sequence[str]
    kind: Literal["ours", "peer", "ceiling"]
    database: Literal["ours", "plain"] = "plain"
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further variables of its environment."""

    @property
    def missing(self) -> str | None:
        """Why it cannot run here, or None."""
        program = Path(self.command[0])
        if shutil.which(program) is None:
            return f"{program.name} is not installed"
        if program.name == "node" and not (HERE / "peers" / "fastify" / "node_modules").exists():
            return "its packages are not installed, for which make bench needs npm"
        return "Node 20 or newer is needed" if program.name == "node" and _node() < 20 else None


def _node() -> int:
    return int(_node_version().lstrip("v").partition(".")[0])


def _node_version() -> str:
    return subprocess.run(["node", "-v"], capture_output=True, text=True, check=True).stdout.strip()


def _uvicorn(app: str, binaries: Path) -> tuple[str, ...]:
    return (str(binaries / "python"), "-m", "uvicorn", app, *UVICORN)


TODO = Contestant("todo", (str(OURS / "todo"), "serve"), "ours", "ours")
OBSERVED = Contestant(
    "todo, logs and metrics on",
    TODO.command,
    "ours",
    "ours",
    {"ACCESS_LOG": "on", "LOG_FORMAT": "json", "METRICS_PORT": "0"},
)
BARE_PSYCOPG = Contestant(
    "bare ASGI on psycopg", (*_uvicorn("bench.ceilings.bare:OnPsycopg", OURS), "--factory"), "ceiling", "ours"
)
BARE_PIPELINES = Contestant(
    "bare ASGI on our pipelines",
    (*_uvicorn("bench.ceilings.bare:OnOurPipelines", OURS), "--factory"),
    "ceiling",
    "ours",
)
CONSTANT = Contestant("constant answer", _uvicorn("bench.ceilings.constant:app", OURS), "ceiling", "ours")
PEERS = (
    Contestant("FastAPI + SQLModel (template)", _uvicorn("bench.peers.template:app", THEIRS), "peer"),
    Contestant("FastAPI + AsyncSession", _uvicorn("bench.peers.asyncsession:app", THEIRS), "peer"),
    Contestant(
        "Django Ninja",
        (str(THEIRS / "python"), "-m", "gunicorn", "bench.peers.ninja_app:app", "--threads=16", "--log-level=error"),
        "peer",
    ),
    Contestant("Litestar + asyncpg", _uvicorn("bench.peers.litestar_app:app", THEIRS), "peer"),
    Contestant("Fastify + pg", ("node", str(HERE / "peers" / "fastify" / "server.js")), "peer"),
)
TEMPLATE, ASYNC_SESSION, NINJA, LITESTAR, FASTIFY = PEERS
ALL = (TODO, *PEERS, BARE_PSYCOPG, BARE_PIPELINES, CONSTANT)


def versions() -> dict[str, str]:
    """The versions of what each server is built on."""
    ours = ("fastapi", "psycopg", "uvicorn", "uvloop", "httptools", "msgspec")
    theirs = ("fastapi", "sqlmodel", "sqlalchemy", "asyncpg", "django", "django-ninja", "gunicorn", "litestar")
    found = {f"ours: {name}": version(name) for name in ours}
    if (THEIRS / "python").exists():
        program = f"from importlib.metadata import version; print(*map(version, {theirs!r}))"
        output = subprocess.run([THEIRS / "python", "-c", program], capture_output=True, text=True, check=True).stdout
        found |= {f"peers: {name}": each for name, each in zip(theirs, output.split(), strict=True)}
    with suppress(OSError, subprocess.CalledProcessError):
        found["peers: node"] = _node_version()
        dependencies = json.loads((HERE / "peers" / "fastify" / "package.json").read_text())["dependencies"]
        found |= {f"peers: {name}": number for name, number in dependencies.items()}
    return found


@dataclass
class Running:
    """A server while it runs."""

    contestant: Contestant
    database_url: str
    users: str
    """The database whose users' tokens it accepts."""
    workers: int
    cores: frozenset[int]
    start_seconds: float = 0.0
    """Seconds from its start to its first 200."""

    def start(self, token: str) -> None:
        """Start it, and wait for its first 200. Raises RuntimeError with the end of its log when there is none."""
        path = f"/api/{data.user_id(1)}/tasks/{data.task_id(1, 1)}"
        self.port = free_port()
        command = [*self.contestant.command]
        if "uvicorn" in command:
            command += ["--port", str(self.port)]
        if "gunicorn" in command:
            command += ["--bind", f"127.0.0.1:{self.port}"]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": self.database_url,
            "PORT": str(self.port),
            "WORKERS": str(self.workers),
            "NODE_ENV": "production",
            "MANUAL": "off",  # nothing is built while it is measured
            **({} if self.contestant.kind == "ours" else {"JWT_SECRET": SECRET}),
            **self.contestant.settings,
        }
        began = time.perf_counter()
        self.log = ROOT / ".bench" / f"{self.port}.log"
        self.log.parent.mkdir(exist_ok=True)
        with self.log.open("w") as log:
            process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, cwd=ROOT,
                preexec_fn=lambda: machine.pin(0, self.cores),
            )  # fmt: skip
        self.process = psutil.Process(process.pid)
        self._popen = process
        with httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers={"Authorization": f"Bearer {token}"}
        ) as http:
            while time.perf_counter() - began < 60:
                with suppress(httpx.TransportError):
                    if http.get(path).status_code == 200:
                        self.start_seconds = time.perf_counter() - began
                        return
                    break
                if process.poll() is not None:
                    break
                time.sleep(0.002)
        log_end = self.log.read_text()[-2000:]
        self.stop()
        raise RuntimeError(f"{self.contestant.name} does not respond: {log_end}")

    def stop(self) -> None:
        """Stop it and its descendants."""
        descendants = self.process.children(recursive=True) if self.process.is_running() else []
        self._popen.terminate()
        try:
            self._popen.wait(15)
        except subprocess.TimeoutExpired:
            self._popen.kill()
        for each in descendants:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        self._popen.wait()
        self.log.unlink(missing_ok=True)
