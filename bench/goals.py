"""The goals: what the figures of a run must be, each a ratio or a bound within that run."""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.contestants import BARE, FASTIFY, LITESTAR, NINJA, TEMPLATE, TODO
from bench.load import OPERATIONS

AGAINST = {
    TEMPLATE.name: (1 / 9, 1 / 4.5, 1 / 7, 1 / 8),
    NINJA.name: (1 / 9, 1 / 5, 1 / 4, 1 / 6),
    LITESTAR.name: (0.8, 1.0, 1.0, 0.9),
    FASTIFY.name: (1.1, 2.8, 2.8, 2.8),
    BARE.name: (1.6, 1.7, 1.8, 1.7),
}
"""The most that a request may cost of the app's CPU, as a part of what it costs there: list, get, create, toggle."""


@dataclass(frozen=True)
class Judged:
    """A goal, what was measured for it, and whether it was met; None where this machine cannot tell."""

    goal: str
    measured: str
    met: bool | None


def median(figures: list[dict[str, Any]], what: str) -> float:
    """Of the rounds."""
    return float(statistics.median(each[what] for each in figures))


def ratio(results: dict[str, Any], other: str, operation: str, what: str = "app_cpu") -> float | None:
    """Ours against another's in the same run: the median of the rounds, each compared with its own neighbour."""
    figures = results["rounds"]["figures"]
    if other not in figures:
        return None
    pairs = zip(figures[TODO.name][operation], figures[other][operation], strict=True)
    return float(statistics.median(ours[what] / theirs[what] for ours, theirs in pairs))


def judged(results: dict[str, Any]) -> Iterator[Judged]:
    """Every goal that this run can tell of."""
    for name, limits in AGAINST.items():
        for operation, limit in zip(OPERATIONS, limits, strict=True):
            found = ratio(results, name, operation)
            if found is not None:
                yield Judged(
                    f"{operation}: CPU at most {limit:.3g} of {name}",
                    f"{found:.3g}",
                    round(found, 3) <= round(limit, 3),
                )
    if (found := ratio(results, TEMPLATE.name, "list", "p99")) is not None:
        yield Judged("list: p99 at most 1/8 of the template's", f"1/{1 / found:.1f}", found <= 1 / 8)
    for stage, judge in STAGES.items():
        if stage in results:
            yield from judge(results[stage])


def _far(stage: dict[str, Any]) -> Iterator[Judged]:
    trips = stage[TODO.name]["get"]["round_trips"], stage[TODO.name]["toggle"]["round_trips"]
    yield Judged("one round trip to the database (get, toggle)", f"{trips[0]:g}, {trips[1]:g}", trips == (1, 1))
    p50 = stage[TODO.name]["get"]["p50"] / stage["delay_ms"]
    yield Judged("get: p50 at most 1.6 × a delay of 2 ms", f"{p50:.2f} ×", p50 <= 1.6)


def _unchanged(stage: dict[str, Any]) -> Iterator[Judged]:
    found = statistics.median(
        a["app_cpu"] / b["app_cpu"] for a, b in zip(stage["unchanged"], stage["get"], strict=True)
    )
    yield Judged("a list answered 304 costs at most a get", f"{found:.2f} ×", found <= 1.0)


def _crowd(stage: dict[str, Any]) -> Iterator[Judged]:
    for operation in OPERATIONS:
        few, many = stage[f"{operation} 16"], stage[f"{operation} 256"]
        rate = statistics.median(b["rate"] / a["rate"] for a, b in zip(few, many, strict=True))
        tail = statistics.median(each["p99"] / each["p50"] for each in many)
        errors = sum(each["errors"] for each in many)
        yield Judged(
            f"{operation}: 256 connections: rate at least 0.9 of that of 16, p99 at most 12 × p50, no error",
            f"{rate:.2f}, {tail:.1f} ×, {errors}",
            rate >= 0.9 and tail <= 12 and errors == 0,
        )


def _whole_list(stage: dict[str, Any]) -> Iterator[Judged]:
    growth, first = stage["growth_mb"], stage["first_byte_ms"] / stage["page_ms"]
    yield Judged("a list of 100,000: memory grows by less than 25 MB", f"{growth:.1f} MB", growth < 25)
    yield Judged("its first byte within 3 × the time of a page of 50", f"{first:.2f} ×", first <= 3)


def _workers(stage: dict[str, Any]) -> Iterator[Judged]:
    found = statistics.median(b["rate"] / a["rate"] for a, b in zip(stage["one"], stage["two"], strict=True))
    met = found >= 1.6
    yield Judged(
        "two workers: at least 1.6 × one, where a core is free",
        f"{found:.2f} × on {stage['cores']} cores, load and database included",
        met if met or stage["cores"] >= 4 else None,
    )


def _starts(stage: dict[str, Any]) -> Iterator[Judged]:
    found = statistics.median(stage[TODO.name])
    yield Judged("from the start to the first 200 in less than 1.5 s", f"{found:.2f} s", found < 1.5)


def _memory(stage: dict[str, Any]) -> Iterator[Judged]:
    peak = stage["peak_mb"][TODO.name]
    yield Judged("a worker holds less than 110 MB", f"{peak:.0f} MB", peak < 110)


def _scale(stage: dict[str, Any]) -> Iterator[Judged]:
    for operation in OPERATIONS:
        pairs = list(zip(stage[f"{operation} small"], stage[f"{operation} large"], strict=True))
        found = statistics.median(
            (b["app_cpu"] + b["database_cpu"]) / (a["app_cpu"] + a["database_cpu"]) for a, b in pairs
        )
        yield Judged(f"{operation}: 10,000,000 tasks cost at most 1.15 of 100,000", f"{found:.2f} ×", found <= 1.15)


STAGES: dict[str, Callable[[dict[str, Any]], Iterator[Judged]]] = {
    "far_database": _far,
    "unchanged": _unchanged,
    "crowd": _crowd,
    "whole_list": _whole_list,
    "workers": _workers,
    "starts": _starts,
    "rounds": _memory,
    "scale": _scale,
}
