"""The goals of a run: each is a ratio or a bound within that run."""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench import page_report
from bench.contestants import ASYNC_SESSION, BARE_PIPELINES, FASTIFY, LITESTAR, NINJA, OBSERVED, TEMPLATE, TODO
from bench.load import OPERATIONS
from bench.outcome import Outcome


@dataclass(frozen=True)
class Limit:
    """A bound of a ratio, which is compared with three decimals."""

    bound: float
    strict: bool = False
    """Whether the ratio must be less than the bound."""

    def allows(self, ratio: float) -> bool:
        """Whether the ratio is within the bound."""
        found, bound = round(ratio, 3), round(self.bound, 3)
        return found < bound if self.strict else found <= bound


def _at_most(*bounds: float) -> tuple[Limit, ...]:
    return tuple(Limit(bound) for bound in bounds)


LESS = Limit(1, strict=True)

AGAINST: dict[str, tuple[Limit, ...]] = {
    TEMPLATE.name: _at_most(1 / 12, 1 / 11, 1 / 9, 1 / 9),
    ASYNC_SESSION.name: (LESS, LESS, LESS, LESS),
    NINJA.name: _at_most(1 / 9, 1 / 5, 1 / 4, 1 / 6),
    LITESTAR.name: (Limit(0.8), LESS, LESS, Limit(0.9)),
    FASTIFY.name: _at_most(1, 1, 1, 1),
    BARE_PIPELINES.name: _at_most(1.3, 1.3, 1.3, 1.3),
}
"""Bounds of the app's CPU per request as a ratio to that of another server: list, get, create, toggle."""


def median(figures: list[dict[str, Any]], what: str) -> float:
    """The median of the rounds."""
    return float(statistics.median(each[what] for each in figures))


def ratio(results: dict[str, Any], other: str, operation: str, what: str = "app_cpu") -> float | None:
    """The ratio of ours to another server's: the median of the ratios of each round. None if it was not measured."""
    figures = results["rounds"]["figures"]
    if other not in figures:
        return None
    pairs = zip(figures[TODO.name][operation], figures[other][operation], strict=True)
    return float(statistics.median(ours[what] / theirs[what] for ours, theirs in pairs))


def outcomes(results: dict[str, Any]) -> Iterator[Outcome]:
    """Every goal for which this run has figures."""
    for name, limits in AGAINST.items():
        for operation, limit in zip(OPERATIONS, limits, strict=True):
            found = ratio(results, name, operation)
            if found is not None:
                bound = f"{'less than' if limit.strict else 'at most'} {limit.bound:.3g}"
                yield Outcome(f"{operation}: CPU {bound} of {name}", f"{found:.3g}", limit.allows(found))
    if (found := ratio(results, TEMPLATE.name, "list", "p99")) is not None:
        yield Outcome("list: p99 at most 1/8 of the template's", f"1/{1 / found:.1f}", found <= 1 / 8)
    for stage, outcomes_of in STAGES.items():
        if stage in results:
            yield from outcomes_of(results[stage])


def _far_database(stage: dict[str, Any]) -> Iterator[Outcome]:
    trips = stage[TODO.name]["get"]["round_trips"], stage[TODO.name]["toggle"]["round_trips"]
    yield Outcome("one round trip to the database (get, toggle)", f"{trips[0]:g}, {trips[1]:g}", trips == (1, 1))
    p50 = stage[TODO.name]["get"]["p50"] / stage["delay_ms"]
    yield Outcome("get: p50 at most 1.6 × a delay of 2 ms", f"{p50:.2f} ×", p50 <= 1.6)


def _system_calls(stage: dict[str, Any]) -> Iterator[Outcome]:
    goal = "get: at most 7 system calls per request"
    reason = stage.get("missing") or stage["failed"].get(TODO.name)
    if reason:
        yield Outcome(goal, f"not counted: {reason}", None)
        return
    found = stage["counts"][TODO.name]["get"]["total"]
    yield Outcome(goal, f"{found:.2f}", round(found, 1) <= 7)


def _unchanged(stage: dict[str, Any]) -> Iterator[Outcome]:
    found = statistics.median(
        a["app_cpu"] / b["app_cpu"] for a, b in zip(stage["unchanged"], stage["get"], strict=True)
    )
    yield Outcome("a list answered 304 costs at most as much as a get", f"{found:.2f} ×", found <= 1.0)


def observed_ratios(stage: dict[str, Any]) -> dict[str, float]:
    """By operation: CPU per request with logs and metrics, as a ratio to that without; the median of all turns."""
    plain, observed = stage["figures"][TODO.name], stage["figures"][OBSERVED.name]
    return {
        operation: statistics.median(
            with_them["app_cpu"] / without["app_cpu"]
            for with_them, without in zip(observed[operation], plain[operation], strict=True)
        )
        for operation in OPERATIONS
    }


def _observed(stage: dict[str, Any]) -> Iterator[Outcome]:
    for operation, found in observed_ratios(stage).items():
        goal = f"{operation}: CPU with logs and metrics at most 1.03 × that without"
        yield Outcome(goal, f"{found:.3f} ×", found <= 1.03)


def _many_connections(stage: dict[str, Any]) -> Iterator[Outcome]:
    for operation in OPERATIONS:
        few, many = stage[f"{operation} 16"], stage[f"{operation} 256"]
        rate = statistics.median(b["rate"] / a["rate"] for a, b in zip(few, many, strict=True))
        tail = statistics.median(each["p99"] / each["p50"] for each in many)
        errors = sum(each["errors"] for each in many)
        yield Outcome(
            f"{operation}: 256 connections: rate at least 0.9 × that of 16, p99 at most 12 × p50, no error",
            f"{rate:.2f} ×, {tail:.1f} ×, {errors}",
            rate >= 0.9 and tail <= 12 and errors == 0,
        )


def _whole_list(stage: dict[str, Any]) -> Iterator[Outcome]:
    growth, first = stage["growth_mb"], stage["first_byte_ms"] / stage["page_ms"]
    yield Outcome("a list of 100,000: memory grows by less than 25 MB", f"{growth:.1f} MB", growth < 25)
    yield Outcome("a list of 100,000: first byte within 3 × the time of a page of 50", f"{first:.2f} ×", first <= 3)


def _workers(stage: dict[str, Any]) -> Iterator[Outcome]:
    found = statistics.median(b["rate"] / a["rate"] for a, b in zip(stage["one"], stage["two"], strict=True))
    met = found >= 1.6
    yield Outcome(
        "two workers: rate at least 1.6 × that of one, where a core is free",
        f"{found:.2f} × on {stage['cores']} cores, shared with load generator and database",
        met if met or stage["cores"] >= 4 else None,
    )


def _starts(stage: dict[str, Any]) -> Iterator[Outcome]:
    found = statistics.median(stage[TODO.name])
    yield Outcome("from the start to the first 200 in less than 1.5 s", f"{found:.2f} s", found < 1.5)


def _memory(stage: dict[str, Any]) -> Iterator[Outcome]:
    peak = stage["peak_mb"][TODO.name]
    yield Outcome("peak memory of a worker less than 110 MB", f"{peak:.0f} MB", peak < 110)


def _scale(stage: dict[str, Any]) -> Iterator[Outcome]:
    for operation in OPERATIONS:
        pairs = list(zip(stage[f"{operation} small"], stage[f"{operation} large"], strict=True))
        found = statistics.median(
            (b["app_cpu"] + b["database_cpu"]) / (a["app_cpu"] + a["database_cpu"]) for a, b in pairs
        )
        yield Outcome(
            f"{operation}: CPU with 10,000,000 tasks at most 1.15 × that with 100,000", f"{found:.2f} ×", found <= 1.15
        )


STAGES: dict[str, Callable[[dict[str, Any]], Iterator[Outcome]]] = {
    "far_database": _far_database,
    "system_calls": _system_calls,
    "unchanged": _unchanged,
    "observed": _observed,
    "many_connections": _many_connections,
    "whole_list": _whole_list,
    "workers": _workers,
    "starts": _starts,
    "rounds": _memory,
    "scale": _scale,
    "page": page_report.outcomes,
}
