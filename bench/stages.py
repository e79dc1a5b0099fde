"""What is measured besides the rounds: each stage is about one goal."""

import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg

from bench import data, machine
from bench.contestants import CONSTANT, TODO, Contestant, Running
from bench.load import OPERATIONS, Figures
from bench.stand import Stand
from bench.wire import wire

DELAY = 0.002  # seconds that a round trip to the database takes longer


def rounds(stand: Stand, chosen: Sequence[Contestant]) -> dict[str, Any]:
    """The heart: every operation of everybody, in turns, round by round."""
    taken: dict[str, dict[str, list[Figures]]] = {}
    with stand.running(chosen) as servers:
        for server in servers.values():  # so that callers are known, statements prepared and caches warm
            for operation in OPERATIONS:
                stand.measure(server, operation, seconds=1)
        for number in range(stand.rounds):
            for operation in OPERATIONS:
                for name in sorted(servers, reverse=bool(number % 2)):
                    figures = stand.measure(servers[name], operation)
                    taken.setdefault(name, {}).setdefault(operation, []).append(figures)
                taken.setdefault("pgbench", {}).setdefault(operation, []).append(stand.pgbench(operation))
            stand.say(f"round {number + 1} of {stand.rounds}")
        peaks = {name: machine.peak_memory(server.process) for name, server in servers.items()}
    return {"figures": taken, "peak_mb": peaks}


def unchanged(stand: Stand) -> dict[str, Any]:
    """A list that the caller has already, beside a get. Before anybody writes: the ETags are those of the load."""
    with stand.running([TODO]) as servers:
        return _in_turns(stand, [(operation, servers[TODO.name], operation, 16) for operation in ("unchanged", "get")])


def crowd(stand: Stand) -> dict[str, Any]:
    """256 connections beside 16."""
    with stand.running([TODO]) as servers:
        turns = [(f"{op} {count}", servers[TODO.name], op, count) for op in OPERATIONS for count in (16, 256)]
        return _in_turns(stand, turns)


def far_database(stand: Stand, chosen: Sequence[Contestant]) -> dict[str, Any]:
    """One connection, with a database that is 2 ms away: round trips and p50 in ms."""
    sleep = DELAY - _of_the_wire(stand)
    found: dict[str, Any] = {"delay_ms": DELAY * 1e3}
    for each in chosen:
        if each is CONSTANT:
            continue
        with wire(stand.url(each.database), sleep) as (url, flights), stand.running([each], url=url) as servers:
            server = servers[each.name]
            for operation in ("get", "toggle"):
                stand.measure(server, operation, connections=1, seconds=1)
                before = flights.value
                figures = stand.measure(server, operation, connections=1)
                found.setdefault(each.name, {})[operation] = {
                    "p50": figures.p50,
                    "round_trips": round((flights.value - before) / figures.requests, 1),
                }
    stand.say("the database 2 ms away")
    return found


def _of_the_wire(stand: Stand) -> float:
    """Seconds that a round trip takes longer over a wire that does not sleep."""
    with wire(stand.url("ours"), 0.0) as (url, _):
        return max(0.0, _round_trip(url) - _round_trip(stand.url("ours")))


def _round_trip(url: str) -> float:
    with psycopg.connect(url, autocommit=True) as connection:
        taken = []
        for _ in range(500):
            began = time.perf_counter()
            connection.execute("select 1")
            taken.append(time.perf_counter() - began)
        return statistics.median(taken)


def starts(stand: Stand, chosen: Sequence[Contestant]) -> dict[str, list[float]]:
    """Seconds from the start of a process to its first 200."""
    taken: dict[str, list[float]] = {}
    for _ in range(stand.rounds):
        for each in chosen:
            with stand.running([each]) as servers:
                taken.setdefault(each.name, []).append(servers[each.name].took)
    stand.say("starts")
    return taken


def whole_list(stand: Stand) -> dict[str, Any]:
    """All 100,000 tasks of one user, without a limit: what memory it takes, and its first byte beside a page."""
    growth, first_bytes, pages = [], [], []
    with stand.running([TODO]) as servers:
        server = servers[TODO.name]
        headers = {"Authorization": f"Bearer {stand.token('ours.collector')}"}
        home = f"http://127.0.0.1:{server.port}/api/{data.user_id(data.COLLECTOR)}/tasks"
        with httpx.Client(headers=headers, timeout=60) as http:
            for _ in range(20):
                http.get(home, params={"limit": 50})
            for _ in range(max(3, stand.rounds)):
                began = time.perf_counter()
                http.get(home, params={"limit": 50})
                pages.append(time.perf_counter() - began)
                before, most, size, began = machine.memory(server.process), 0.0, 0, time.perf_counter()
                with http.stream("GET", home) as answer:
                    for number, chunk in enumerate(answer.iter_raw(65536)):
                        if not number:
                            first_bytes.append(time.perf_counter() - began)
                        size += len(chunk)
                        if number % 50 == 0:
                            most = max(most, machine.memory(server.process))
                growth.append(max(most, machine.memory(server.process)) - before)
    stand.say("a list of 100,000")
    return {
        "megabytes": size / 1e6,
        "growth_mb": max(growth),
        "first_byte_ms": statistics.median(first_bytes) * 1e3,
        "page_ms": statistics.median(pages) * 1e3,
    }


def workers(stand: Stand) -> dict[str, Any]:
    """Two workers beside one, all of them on all cores together with the load and the database."""
    with (
        stand.running([TODO], cores=frozenset(machine.CORES)) as one,
        stand.running([TODO], cores=frozenset(machine.CORES), workers=2) as two,
    ):
        taken = _in_turns(stand, [("one", one[TODO.name], "get", 16), ("two", two[TODO.name], "get", 16)])
    return taken | {"cores": len(machine.CORES)}


LARGE_USERS, SMALL_USERS = 10_000, 100


def scale(stand: Stand) -> dict[str, Any]:
    """10,000,000 tasks of 10,000 users beside 100,000 of 100."""
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
        taken = _in_turns(stand, [(f"{op} {side}", server, op, 16) for op in OPERATIONS for side, server in sides])
    return taken | {"at": datetime.now(UTC).isoformat(timespec="seconds")}


def _in_turns(stand: Stand, turns: Sequence[tuple[str, Running, str, int]]) -> dict[str, list[Figures]]:
    """Figures by label: a label, a server, an operation and a number of connections in each turn."""
    taken: dict[str, list[Figures]] = {}
    for _, server, operation, connections in turns:
        stand.measure(server, operation, connections=connections, seconds=1)
    for _ in range(stand.rounds):
        for label, server, operation, connections in turns:
            taken.setdefault(label, []).append(stand.measure(server, operation, connections=connections))
    stand.say(" / ".join(taken))
    return taken
