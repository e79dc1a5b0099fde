"""The load, by wrk for servers and by pgbench for the database alone, with the CPU that both sides use for it."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench import machine
from todo.db.roles import ENTER, ENTER_TO_WRITE, REQUESTS
from todo.db.statement import Statement
from todo.tasks.actions import COMPLETE, CREATE, READ
from todo.tasks.fields import WRITABLE
from todo.tasks.lists import PAGE

OPERATIONS = ("list", "get", "create", "toggle")
SCRIPT = Path(__file__).parent / "load.lua"


@dataclass(frozen=True)
class Load:
    """The users whose tokens are sent, how many tasks each has, and for how long requests are made."""

    users: Path
    tasks: int
    seconds: float


@dataclass(frozen=True)
class Figures:
    """One operation of one server in one round. CPU in µs per request, times in ms."""

    requests: int
    rate: float
    app_cpu: float
    database_cpu: float
    p50: float
    p99: float
    errors: int


def measure(
    port: int, app: psutil.Process, database: psutil.Process, load: Load, operation: str, connections: int = 16
) -> Figures:
    """Make requests of one operation, one after the other on each of so many connections."""
    command = [
        "wrk", "-t1", f"-c{connections}", f"-d{load.seconds:g}s", "--timeout", "10s", "-s", str(SCRIPT),
        f"http://127.0.0.1:{port}", "--", operation, str(load.users), str(load.tasks),
    ]  # fmt: skip
    before = machine.cpu(app), machine.cpu(database)
    output = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=load.seconds + 60,
        preexec_fn=lambda: machine.pin(0, machine.REST),
    ).stdout  # fmt: skip
    after = machine.cpu(app), machine.cpu(database)
    summary = json.loads(output.splitlines()[-1])
    count = max(1, summary["requests"])
    return Figures(
        requests=summary["requests"],
        rate=summary["requests"] / summary["seconds"],
        app_cpu=(after[0] - before[0]) / count * 1e6,
        database_cpu=(after[1] - before[1]) / count * 1e6,
        p50=summary["p50"] / 1e3,
        p99=summary["p99"] / 1e3,
        errors=summary["error_statuses"] + summary["broken"],
    )


STATEMENTS: dict[str, Statement[Any]] = {"list": PAGE, "get": READ, "create": CREATE, "toggle": COMPLETE}

_USER = "(lpad(to_hex((:u)::int), 8, '0') || '-0000-4000-8000-000000000000')"
_TASK = "('01900000-' || lpad(to_hex((:u)::int), 4, '0') || '-7000-8000-' || lpad(to_hex((:t)::int), 12, '0'))"
_VALUES = {
    "user_id": _USER,
    "id": _TASK,
    "after_at": "'infinity'",
    "after_id": "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
    "limit": "51",
    "cached": "'{}'",
    "title": "'Water the ferns, and the others'",
    "description": "null",
    **dict.fromkeys(WRITABLE[3:], "null"),
    "tags": "'{}'",
    "matches": "null",
}
"""The values that pgbench sends. Its variables are numbers only, so ids are computed from them."""


def pgbench_script(operation: str, users: int, tasks: int) -> str:
    """Our own statements, with the one that begins each transaction, in one pipeline."""
    statement = STATEMENTS[operation]
    values = _VALUES | {"completed": "false" if operation == "create" else "null"}
    if operation == "create":
        values["id"] = "gen_random_uuid()::text"
    role = [f"'{REQUESTS}'", _USER, "'10000'", "'session'", "'100000'", "'268435456'"]
    enter = _filled(ENTER if statement.read_only else ENTER_TO_WRITE, role)
    query = _filled(statement.sql, [f"({_value(statement, name, values)})" for name in statement.names])
    lines = (
        f"\\set u random(1, {users})",
        f"\\set t random(1, {tasks})",
        "\\startpipeline",
        enter,
        query,
        "\\endpipeline",
    )
    return "\n".join(lines) + "\n"


def _filled(sql: bytes, terms: list[str]) -> str:
    return re.sub(r"\$(\d+)", lambda place: terms[int(place[1]) - 1], sql.decode()).replace("\n", " ") + ";"


def _value(statement: Statement[Any], name: str, values: dict[str, str]) -> str:
    if name in values:
        return values[name]
    constant = statement.constants[name]
    return str(constant).lower() if isinstance(constant, (bool, int)) else f"'{constant}'"


def pgbench(program: Path, url: str, database: psutil.Process, script: Path, seconds: float) -> Figures:
    """The database without a server: `app_cpu` is 0. pgbench reports the mean time as `p50`, and no p99."""
    command = [
        str(program), "-n", "-M", "prepared", "-c16", "-j1", f"-T{max(1, round(seconds))}", "-f", str(script), url,
    ]  # fmt: skip
    before = machine.cpu(database)
    client = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: machine.pin(0, machine.APP),
    )  # fmt: skip
    output, errors = client.communicate(timeout=seconds + 60)
    cpu = machine.cpu(database) - before
    if client.returncode:
        raise RuntimeError(f"pgbench: {errors}")
    count = int(_found(r"actually processed: (\d+)", output))
    return Figures(
        requests=count,
        rate=_found(r"tps = ([\d.]+)", output),
        app_cpu=0.0,
        database_cpu=cpu / count * 1e6,
        p50=_found(r"latency average = ([\d.]+)", output),
        p99=0.0,
        errors=int(_found(r"failed transactions: (\d+)", output)),
    )


def _found(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found, text
    return float(found[1])
