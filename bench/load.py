"""The load: wrk for servers, pgbench for the database alone; and what both sides took for it."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench import machine
from todo.database import ENTER, ENTER_TO_WRITE
from todo.statements import Statement
from todo.tasks.actions import COMPLETE, CREATE, READ
from todo.tasks.lists import PAGE

OPERATIONS = ("list", "get", "create", "toggle")
SCRIPT = Path(__file__).parent / "load.lua"


@dataclass(frozen=True)
class Load:
    """What is asked, of whom and for how long."""

    people: Path
    tasks: int
    seconds: float


@dataclass(frozen=True)
class Figures:
    """One operation of one server in one round. CPU in µs a request, times in ms."""

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
    """Ask one operation again and again through so many connections."""
    command = [
        "wrk", "-t1", f"-c{connections}", f"-d{load.seconds:g}s", "--timeout", "10s", "-s", str(SCRIPT),
        f"http://127.0.0.1:{port}", "--", operation, str(load.people), str(load.tasks),
    ]  # fmt: skip
    before = machine.cpu(app), machine.cpu(database)
    said = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=load.seconds + 60,
        preexec_fn=lambda: machine.pin(0, machine.REST),
    ).stdout  # fmt: skip
    after = machine.cpu(app), machine.cpu(database)
    told = json.loads(said.splitlines()[-1])
    count = max(1, told["requests"])
    return Figures(
        requests=told["requests"],
        rate=told["requests"] / told["seconds"],
        app_cpu=(after[0] - before[0]) / count * 1e6,
        database_cpu=(after[1] - before[1]) / count * 1e6,
        p50=told["p50"] / 1e3,
        p99=told["p99"] / 1e3,
        errors=told["refused"] + told["broken"],
    )


STATEMENTS = {"list": PAGE, "get": READ, "create": CREATE, "toggle": COMPLETE}

_USER = "(lpad(to_hex((:u)::int), 8, '0') || '-0000-4000-8000-000000000000')"
_TASK = "('01900000-' || lpad(to_hex((:u)::int), 4, '0') || '-7000-8000-' || lpad(to_hex((:t)::int), 12, '0'))"
_VALUES = {
    "user_id": _USER,
    "id": _TASK,
    "flags": "'{t,f}'",
    "after_at": "'infinity'",
    "after_id": "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
    "most": "51",
    "known": "'{}'",
    "title": "'Water the ferns, and the others'",
    "description": "null",
    "matches": "null",
}
"""What pgbench gives for each parameter; it knows numbers alone, so ids are made of them."""


def pgbench_script(operation: str, users: int, tasks: int) -> str:
    """Our very statements, with what a transaction begins with, in one pipeline."""
    statement = STATEMENTS[operation]
    values = _VALUES | {"completed": "false" if operation == "create" else "null"}
    if operation == "create":
        values["id"] = "gen_random_uuid()::text"
    entering = ["'todo_app'", _USER, "'10000'", "'session'", "'100000'"]
    enter = _with(ENTER if statement.reads else ENTER_TO_WRITE, entering)
    asked = _with(statement.sql, [f"({_given(statement, name, values)})" for name in statement.names])
    lines = (
        f"\\set u random(1, {users})",
        f"\\set t random(1, {tasks})",
        "\\startpipeline",
        enter,
        asked,
        "\\endpipeline",
    )
    return "\n".join(lines) + "\n"


def _with(sql: bytes, terms: list[str]) -> str:
    return re.sub(r"\$(\d+)", lambda place: terms[int(place[1]) - 1], sql.decode()).replace("\n", " ") + ";"


def _given(statement: Statement, name: str, values: dict[str, str]) -> str:
    if name in values:
        return values[name]
    constant = statement.constants[name]
    return str(constant).lower() if isinstance(constant, (bool, int)) else f"'{constant}'"


def pgbench(program: Path, url: str, database: psutil.Process, script: Path, seconds: float) -> Figures:
    """The database's own ceiling: no server in between, so `app_cpu` is 0; pgbench tells the mean time, and no p99."""
    command = [
        str(program), "-n", "-M", "prepared", "-c16", "-j1", f"-T{max(1, round(seconds))}", "-f", str(script), url,
    ]  # fmt: skip
    before = machine.cpu(database)
    client = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: machine.pin(0, machine.APP),
    )  # fmt: skip
    said, wrong = client.communicate(timeout=seconds + 60)
    taken = machine.cpu(database) - before
    if client.returncode:
        raise RuntimeError(f"pgbench: {wrong}")
    count = int(_found(r"actually processed: (\d+)", said))
    return Figures(
        requests=count,
        rate=_found(r"tps = ([\d.]+)", said),
        app_cpu=0.0,
        database_cpu=taken / count * 1e6,
        p50=_found(r"latency average = ([\d.]+)", said),
        p99=0.0,
        errors=int(_found(r"failed transactions: (\d+)", said)),
    )


def _found(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found, text
    return float(found[1])
