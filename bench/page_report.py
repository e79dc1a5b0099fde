"""What was measured of the page, as goals, tables and the sentence of the README."""

import statistics
from collections.abc import Iterator
from typing import Any

from bench.outcome import Outcome

PAINT_GOALS = {"1000": 50, "10000": 100}
"""Milliseconds: p95 from an input to its paint, by the number of tasks."""
START_GOAL = 1000
"""Milliseconds until the page can be used on a slow phone."""
WIRE_GOAL = 60_000
"""Bytes of all scripts and styles, compressed."""


def outcomes(page: dict[str, Any]) -> Iterator[Outcome]:
    """The goals of the page."""
    if "missing" in page:
        yield Outcome("the page", f"not measured: {page['missing']}", None)
        return
    for size, inputs in page["inputs"].items():
        if size in PAINT_GOALS:
            worst = {name: each["paint"]["p95"] for name, each in inputs.items()}
            goal = f"page, {int(size):,} tasks: p95 from input to paint less than {PAINT_GOALS[size]} ms"
            found = ", ".join(f"{name} {each:.0f}" for name, each in worst.items())
            yield Outcome(goal, found, max(worst.values()) < PAINT_GOALS[size])
    for name, times in page["starts"].items():
        if name.endswith(" 10,000 tasks"):
            continue  # measured without a goal
        found = statistics.median(times)
        yield Outcome(f"page, slow phone, {name}: used within a second", f"{found / 1e3:.2f} s", found <= START_GOAL)
    total = sum(page["files"].values())
    yield Outcome("page: scripts and styles at most 60,000 bytes compressed", f"{total:,}", total <= WIRE_GOAL)


def lines(page: dict[str, Any]) -> Iterator[str]:
    """The tables."""
    if "missing" in page:
        yield f"Not measured: {page['missing']}."
        return
    machine = page["machine"]
    yield f"{page['at']}, {page['browser']}, {machine['cores']} cores, which server, database and all else here"
    yield "shared: times are upper bounds. CPU is that of the page's own thread (of an add: with typing its title)."
    yield f"Writes were answered after {page['answer_ms']:.0f} ms (median). An input is measured from the time stamp of"
    yield "its event to the first task after the frame that shows its effect: `requestAnimationFrame`, then a message."
    yield from ("", "| tasks | input | samples | p50, ms | p95 | max | CPU of the page's thread, p50, ms | p95 |")
    yield "|---|---|---|---|---|---|---|---|"
    for size, inputs in page["inputs"].items():
        for name, each in inputs.items():
            paint, cpu = each["paint"], each["cpu"]
            cells = f"{paint['count']} | {paint['p50']:.0f} | {paint['p95']:.0f} | {paint['max']:.0f}"
            yield f"| {int(size):,} | {name} | {cells} | {cpu['p50']:.0f} | {cpu['p95']:.0f} |"
    yield from ("", "| tasks | heap | scrolled through: frames | p50, ms | p95 | longest | frames without rows |")
    yield "|---|---|---|---|---|---|---|"
    for size, each in page["scrolling"].items():
        cells = f"{each['count']} | {each['p50']:.0f} | {each['p95']:.0f} | {each['max']:.0f} | {each['blank']}"
        yield f"| {int(size):,} | {page['heap_mb'][size]:.1f} MB | {cells} |"
    yield from (
        "",
        "A slow phone (CPU slowed 4 times, 150 ms added to each request, 1.6 Mbit/s), from the navigation until",
    )
    yield "the sign-in form (first visit) or the tasks (from the service worker's cache) are painted:"
    yield from ("", "| visit | median, ms | fastest | slowest |", "|---|---|---|---|")
    for name, times in page["starts"].items():
        yield f"| {name} | {statistics.median(times):,.0f} | {min(times):,.0f} | {max(times):,.0f} |"
    wire = page["wire"]
    yield from (
        "",
        f"A first visit: {wire['requests']} requests, {wire['bytes']:,} bytes over the wire, headers included.",
    )
    yield f"Scripts and styles compressed, {sum(page['files'].values()):,} bytes in all:"
    files = sorted(page["files"].items(), key=lambda item: -item[1])
    yield ", ".join(f"{name} {size:,}" for name, size in files) + "."


def sentence(page: dict[str, Any]) -> str:
    """The sentence of the README."""
    few, many = (max(each["paint"]["p95"] for each in page["inputs"][size].values()) for size in PAINT_GOALS)
    again = statistics.median(page["starts"]["repeated visit, 1,000 tasks"]) / 1e3
    first = statistics.median(page["starts"]["first visit"]) / 1e3
    return (
        f"The page shows what one does within {few:.0f} ms with 1,000 tasks and {many:.0f} ms with 10,000 (p95, the API"
        f" answering after {page['answer_ms']:.0f} ms), and on a slow phone it opens in {first:.1f} s, in {again:.1f} s"
        " when it was there before."
    )
