"""The stages of a run: the rounds, which compare all servers, and a stage for each further goal."""

import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg

from bench import data, machine, system_calls
from bench.contestants import CONSTANT, OBSERVED, TODO, Contestant, Running
from bench.delay_proxy import delay_proxy
from bench.load import OPERATIONS, Figures
from bench.stand import Stand

DELAY = 0.002  # seconds added to each round trip to the database


def rounds(stand: Stand, chosen: Sequence[Contestant]) -> dict[str, Any]:
    """Every operation of every server, in turn, round by round."""
    figures_of: dict[str, dict[str, list[Figures]]] = {}
    with stand.running(chosen) as servers:
        for server in servers.values():  # warm up: tokens cached, statements prepared
            for operation in OPERATIONS:
                stand.measure(server, operation, seconds=1)
        for number in range(stand.rounds):
            for operation in OPERATIONS:
                for name in sorted(servers, reverse=bool(number % 2)):
                    figures = stand.measure(servers[name], operation)
                    figures_of.setdefault(name, {}).setdefault(operation, []).append(figures)
                figures_of.setdefault("pgbench", {}).setdefault(operation, []).append(stand.pgbench(operation))
            stand.log(f"round {number + 1} of {stand.rounds}")
        peaks = {name: machine.peak_memory(server.process) for name, server in servers.items()}
    return {"figures": figures_of, "peak_mb": peaks}


def unchanged(stand: Stand) -> dict[str, Any]:
    """Lists answered 304, compared with a get. It must run before any write: the ETags are those of the loaded data."""
    with stand.running([TODO]) as servers:
        return _in_turns(stand, [(operation, servers[TODO.name], operation, 16) for operation in ("unchanged", "get")])


SHORT = 1  # seconds of a turn, where two servers differ by little
TURNS = 25


def observed(stand: Stand, turns: int = TURNS) -> dict[str, Any]:
    """The server with access log and metrics compared with the plain one, in many short turns."""
    figures: dict[str, dict[str, list[Figures]]] = {}
    with stand.running([TODO, OBSERVED]) as servers:
        for operation in OPERATIONS:
            for server in servers.values():
                stand.measure(server, operation, seconds=1)
            for turn in range(turns):
                for name in sorted(servers, reverse=bool(turn % 2)):
                    measured = stand.measure(servers[name], operation, seconds=SHORT)
                    figures.setdefault(name, {}).setdefault(operation, []).append(measured)
            stand.log(f"logs and metrics: {operation}")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"at": now, "turns": turns, "seconds": SHORT, "figures": figures}


def many_connections(stand: Stand) -> dict[str, Any]:
    """256 connections compared with 16."""
    with stand.running([TODO]) as servers:
        turns = [(f"{op} {count}", servers[TODO.name], op, count) for op in OPERATIONS for count in (16, 256)]
        return _in_turns(stand, turns)


def far_database(stand: Stand, chosen: Sequence[Contestant]) -> dict[str, Any]:
    """One connection, and 2 ms added to each round trip to the database: round trips and p50 in ms."""
    sleep = DELAY - _overhead_of_proxy(stand)
    found: dict[str, Any] = {"delay_ms": DELAY * 1e3}
    for each in chosen:
        if each is CONSTANT:
            continue
        with delay_proxy(stand.url(each.database), sleep) as (url, trips), stand.running([each], url=url) as servers:
            server = servers[each.name]
            for operation in ("get", "toggle"):
                stand.measure(server, operation, connections=1, seconds=1)
                before = trips.value
                figures = stand.measure(server, operation, connections=1)
                found.setdefault(each.name, {})[operation] = {
                    "p50": figures.p50,
                    "round_trips": round((trips.value - before) / figures.requests, 1),
                }
    stand.log("the database 2 ms away")
    return found


def _overhead_of_proxy(stand: Stand) -> float:
    """Seconds that the proxy itself adds to a round trip."""
    with delay_proxy(stand.url("ours"), 0.0) as (url, _):
        return max(0.0, _round_trip(url) - _round_trip(stand.url("ours")))


def _round_trip(url: str) -> float:
    with psycopg.connect(url, autocommit=True) as connection:
        times = []
        for _ in range(500):
            began = time.perf_counter()
            connection.execute("select 1")
            times.append(time.perf_counter() - began)
        return statistics.median(times)


def starts(stand: Stand, chosen: Sequence[Contestant]) -> dict[str, list[float]]:
    """Seconds from the start of a process to its first 200."""
    seconds: dict[str, list[float]] = {}
    for _ in range(stand.rounds):
        for each in chosen:
            with stand.running([each]) as servers:
                seconds.setdefault(each.name, []).append(servers[each.name].start_seconds)
    stand.log("starts")
    return seconds


def whole_list(stand: Stand) -> dict[str, Any]:
    """All 100,000 tasks of one user, without a limit: the memory used, and the time of the first byte and of a page."""
    growth, first_bytes, pages = [], [], []
    with stand.running([TODO]) as servers:
        server = servers[TODO.name]
        headers = {"Authorization": f"Bearer {stand.token('ours.large_user')}"}
        home = f"http://127.0.0.1:{server.port}/api/{data.user_id(data.LARGE_USER)}/tasks"
        with httpx.Client(headers=headers, timeout=60) as http:
            for _ in range(20):
                http.get(home, params={"limit": 50})
            for _ in range(max(3, stand.rounds)):
                began = time.perf_counter()
                http.get(home, params={"limit": 50})
                pages.append(time.perf_counter() - began)
                before, peak, began = machine.memory(server.process), 0.0, time.perf_counter()
                with http.stream("GET", home) as response:
                    for number, _ in enumerate(response.iter_raw(65536)):
                        if not number:
                            first_bytes.append(time.perf_counter() - began)
                        if number % 50 == 0:
                            peak = max(peak, machine.memory(server.process))
                growth.append(max(peak, machine.memory(server.process)) - before)
    stand.log("a list of 100,000")
    return {
        "growth_mb": max(growth),
        "first_byte_ms": statistics.median(first_bytes) * 1e3,
        "page_ms": statistics.median(pages) * 1e3,
    }


def workers(stand: Stand) -> dict[str, Any]:
    """Two workers compared with one. All run on all cores, together with the load generator and the database."""
    with (
        stand.running([TODO], cores=frozenset(machine.CORES)) as one,
        stand.running([TODO], cores=frozenset(machine.CORES), workers=2) as two,
    ):
        figures = _in_turns(stand, [("one", one[TODO.name], "get", 16), ("two", two[TODO.name], "get", 16)])
    return figures | {"cores": len(machine.CORES)}


def count_system_calls(stand: Stand, chosen: Sequence[Contestant]) -> dict[str, Any]:
    """System calls per request of every operation of every server, or why they cannot be counted here."""
    if missing := system_calls.missing():
        stand.log(f"system calls: not counted: {missing}")
        return {"missing": missing}
    counts: dict[str, dict[str, system_calls.Counts]] = {}
    failed: dict[str, str] = {}
    for each in chosen:
        with stand.running([each]) as servers:
            try:
                counts[each.name] = {op: _system_calls(stand, servers[each.name], op) for op in OPERATIONS}
            except system_calls.CannotAttach as error:
                failed[each.name] = str(error)
    stand.log("system calls")
    return {"counts": counts, "failed": failed}


def _system_calls(stand: Stand, server: Running, operation: str) -> system_calls.Counts:
    stand.measure(server, operation, seconds=1)  # opens the connections to the database
    with system_calls.counted(server.process) as calls:
        figures = stand.measure(server, operation, connections=16)
    return system_calls.Counts.of(calls, figures.requests)


LARGE_USERS, SMALL_USERS = 10_000, 100


def scale(stand: Stand) -> dict[str, Any]:
    """10,000,000 tasks of 10,000 users compared with 100,000 of 100."""
    stand.load("ours_small", dict.fromkeys(range(1, SMALL_USERS + 1), data.TASKS))
    stand.load("ours_large", dict.fromkeys(range(1, LARGE_USERS + 1), data.TASKS))
    with (
        stand.running([TODO], database="ours_small") as small,
        stand.running([TODO], database="ours_large") as large,
    ):
        for servers in (small, large):
            for operation in OPERATIONS:
                stand.measure(servers[TODO.name], operation, seconds=5)
        sides = (("small", small[TODO.name]), ("large", large[TODO.name]))
        figures = _in_turns(stand, [(f"{op} {side}", server, op, 16) for op in OPERATIONS for side, server in sides])
    return figures | {"at": datetime.now(UTC).isoformat(timespec="seconds")}


def _in_turns(stand: Stand, turns: Sequence[tuple[str, Running, str, int]]) -> dict[str, list[Figures]]:
    """Figures by label. A turn is a label, a server, an operation and a number of connections."""
    figures_of: dict[str, list[Figures]] = {}
    for _, server, operation, connections in turns:
        stand.measure(server, operation, connections=connections, seconds=1)
    for _ in range(stand.rounds):
        for label, server, operation, connections in turns:
            figures_of.setdefault(label, []).append(stand.measure(server, operation, connections=connections))
    stand.log(" / ".join(figures_of))
    return figures_of
