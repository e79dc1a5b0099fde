"""What a run is written as: raw figures, tables, a chart. `python -m bench.report` renders what is kept anew."""

import json
import statistics
from collections.abc import Iterator
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from bench import goals
from bench.contestants import ALL, TODO
from bench.load import OPERATIONS

RESULTS = Path(__file__).parent / "results"
NAMES = [each.name for each in ALL]

MARK = {True: "met", False: "**missed**", None: "cannot be told here"}


def write(results: dict[str, Any], *, kept: bool) -> None:
    """Print the tables; write them, the raw figures and the chart where the run is `kept`."""
    raw: dict[str, Any] = json.loads(json.dumps(results, default=asdict))
    text = rendered(raw)
    print(text)
    if kept:
        if "scale" in _earlier():  # which is measured with SCALE=1 alone, and says when
            raw.setdefault("scale", _earlier()["scale"])
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "raw.json").write_text(json.dumps(raw, indent=1) + "\n")
        write_again()


def write_again() -> None:
    """Render what is kept."""
    raw = _earlier()
    (RESULTS / "README.md").write_text(rendered(raw))
    (RESULTS / "chart.svg").write_text(chart(raw))


def _earlier() -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(path.read_text()) if (path := RESULTS / "raw.json").exists() else {}
    return raw


def rendered(raw: dict[str, Any]) -> str:
    """The whole report as Markdown."""
    machine, setting = raw["machine"], raw["setting"]
    pinned = "the app on one core, load and PostgreSQL on another" if machine["pinned"] else "nothing pinned"
    lines = [
        "# Benchmark",
        "",
        f"{raw['at']}, {machine['cores']} cores of {machine['processor']}, {machine['memory_gb']} GB,",
        f"{machine['system']}, Python {machine['python']}; {pinned}.",
        f"{setting['users']:,} users, {setting['tasks']:,} tasks; medians of {setting['rounds']} rounds of",
        f"{setting['seconds']:g} s, everybody in turns, 16 connections, one worker, a token checked on every request.",
        f"It took {raw['seconds'] // 60} minutes.",
        "",
        "Ratios hold; absolute times are those of this machine on that day. `make bench` measures anew.",
        "",
        "## App CPU per request, ours against theirs",
        "",
        *against(raw),
        "",
        "## Goals",
        "",
        "| goal | measured | |",
        "|---|---|---|",
        *(f"| {each.goal} | {each.measured} | {MARK[each.met]} |" for each in goals.judged(raw)),
    ]
    if "scale" in raw:
        lines += ["", f"The ten million tasks were measured at {raw['scale']['at']}."]
    for what, title in TITLES.items():
        lines += ["", f"## {title}", "", *_table(raw, what)]
    if "far_database" in raw:
        lines += ["", "## The database 2 ms away, one connection", "", *_far(raw["far_database"])]
    if "starts" in raw:
        lines += ["", "## Start to the first 200, and the most memory a process held", "", *_starts(raw)]
    lines += ["", "## Versions", "", ", ".join(f"{name} {number}" for name, number in raw["versions"].items()), ""]
    return "\n".join(lines)


TITLES = {
    "app_cpu": "App CPU, µs a request",
    "database_cpu": "PostgreSQL's CPU, µs a request",
    "rate": "Requests a second",
    "p50": "p50, ms",
    "p99": "p99, ms",
}


def against(raw: dict[str, Any]) -> Iterator[str]:
    """The table that the README shows: what a request costs of theirs, each goal beside it."""
    yield f"| CPU of the app, ours : theirs | {' | '.join(OPERATIONS)} |"
    yield "|---|" + "---|" * len(OPERATIONS)
    for name in NAMES:
        if name == TODO.name or name not in raw["rounds"]["figures"]:
            continue
        limits = goals.AGAINST.get(name)
        cells = []
        for number, operation in enumerate(OPERATIONS):
            found = goals.ratio(raw, name, operation)
            assert found is not None
            cells.append(f"{found:.2f}" + (f" (≤ {limits[number]:.2f})" if limits else ""))
        yield f"| {name} | {' | '.join(cells)} |"


def _table(raw: dict[str, Any], what: str) -> Iterator[str]:
    yield f"| | {' | '.join(OPERATIONS)} |"
    yield "|---|" + "---|" * len(OPERATIONS)
    figures = raw["rounds"]["figures"]
    for name in [*NAMES, "pgbench"]:
        if name not in figures or (name == "pgbench" and what in {"app_cpu", "p50", "p99"}):
            continue
        cells = []
        for operation in OPERATIONS:
            found = goals.median(figures[name][operation], what)
            cells.append(f"{found:,.{1 if what.startswith('p') else 0}f}")
        yield f"| {name} | {' | '.join(cells)} |"


def _far(stage: dict[str, Any]) -> Iterator[str]:
    yield "| | round trips, get | toggle | p50, get | toggle |"
    yield "|---|---|---|---|---|"
    for name in NAMES:
        if name in stage:
            get, toggle = stage[name]["get"], stage[name]["toggle"]
            yield (
                f"| {name} | {get['round_trips']:g} | {toggle['round_trips']:g}"
                f" | {get['p50']:.1f} ms | {toggle['p50']:.1f} ms |"
            )


def _starts(raw: dict[str, Any]) -> Iterator[str]:
    yield "| | start | memory |"
    yield "|---|---|---|"
    for name in NAMES:
        if name in raw["starts"]:
            peak = raw["rounds"]["peak_mb"][name]
            yield f"| {name} | {statistics.median(raw['starts'][name]):.2f} s | {peak:.0f} MB |"


BAR, ROW, LEFT, WIDTH = 14, 18, 230, 900


def chart(raw: dict[str, Any]) -> str:
    """App CPU per request of everybody, as bars: a group an operation."""
    figures = raw["rounds"]["figures"]
    names = [name for name in NAMES if name in figures]
    height = len(OPERATIONS) * (len(names) * ROW + 40) + 10
    most = max(goals.median(figures[name][operation], "app_cpu") for name in names for operation in OPERATIONS)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"',
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    top = 24
    for operation in OPERATIONS:
        parts.append(f'<text x="8" y="{top}" font-weight="bold">{operation}: app CPU, µs a request</text>')
        for name in names:
            top += ROW
            value = goals.median(figures[name][operation], "app_cpu")
            length = max(1, round(value / most * (WIDTH - LEFT - 70)))
            colour = "#1b6e53" if name == TODO.name else "#9aa5b1"
            parts += [
                f'<text x="{LEFT - 8}" y="{top + 11}" text-anchor="end">{escape(name)}</text>',
                f'<rect x="{LEFT}" y="{top}" width="{length}" height="{BAR}" fill="{colour}"/>',
                f'<text x="{LEFT + length + 6}" y="{top + 11}">{value:,.0f}</text>',
            ]
        top += 40
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    write_again()
