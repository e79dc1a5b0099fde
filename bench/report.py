"""The report of a run: raw figures, tables, a chart. `python -m bench.report` renders the stored figures again."""

import json
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from bench import goals, page_report
from bench.contestants import ALL, TODO
from bench.load import OPERATIONS
from bench.system_calls import WAITING

RESULTS = Path(__file__).parent / "results"
NAMES = [each.name for each in ALL]

MARK = {True: "met", False: "**missed**", None: "cannot be measured here"}


def write(results: dict[str, Any], *, kept: bool) -> None:
    """Print the tables, and store them with the raw figures and the chart where the run is `kept`."""
    raw: dict[str, Any] = json.loads(json.dumps(results, default=asdict))
    text = rendered(raw)
    print(text)
    if kept:
        stored = _stored()
        if "scale" in stored:  # measured only with SCALE=1; it has its own date
            raw.setdefault("scale", stored["scale"])
        if "missing" in raw["page"] and "page" in stored:  # likewise
            raw["page"] = stored["page"]
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "raw.json").write_text(json.dumps(raw, indent=1) + "\n")
        render_stored()


def write_observed(stage: dict[str, Any], *, kept: bool) -> None:
    """Print what logs and metrics cost, and put it into the stored results where the run is `kept`."""
    raw: dict[str, Any] = json.loads(json.dumps(stage, default=asdict))
    print("\n".join(_observed(raw)))
    if kept:
        (RESULTS / "raw.json").write_text(json.dumps(_stored() | {"observed": raw}, indent=1) + "\n")
        render_stored()


def write_page(page: dict[str, Any], *, kept: bool) -> None:
    """Print what was measured of the page, and put it into the stored results where the run is `kept`."""
    print("\n".join(page_report.lines(page)))
    for each in page_report.outcomes(page):
        print(f"{each.goal}: {each.measured}: {MARK[each.met]}")
    if kept and "missing" not in page:
        (RESULTS / "raw.json").write_text(json.dumps(_stored() | {"page": page}, indent=1) + "\n")
        render_stored()


def render_stored() -> None:
    """Render the stored figures."""
    raw = _stored()
    (RESULTS / "README.md").write_text(rendered(raw))
    (RESULTS / "chart.svg").write_text(chart(raw))


def _stored() -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(path.read_text()) if (path := RESULTS / "raw.json").exists() else {}
    return raw


def rendered(raw: dict[str, Any]) -> str:
    """The whole report as Markdown."""
    machine, setting = raw["machine"], raw["setting"]
    pinned = "the app on one core, load generator and PostgreSQL on another" if machine["pinned"] else "nothing pinned"
    lines = [
        "# Benchmark",
        "",
        f"{raw['at']}, {machine['cores']} cores of {machine['processor']}, {machine['memory_gb']} GB,",
        f"{machine['system']}, Python {machine['python']}; {pinned}.",
        f"{setting['users']:,} users, {setting['tasks']:,} tasks; medians of {setting['rounds']} rounds of",
        f"{setting['seconds']:g} s, all servers in turn, 16 connections, one worker, a token checked on every request.",
        f"The run took {raw['seconds'] // 60} minutes.",
        "",
        "Compare the ratios: absolute times depend on the machine and the day. `make bench` measures again.",
        "",
        "## App CPU per request, as a ratio to that of the other servers",
        "",
        *against(raw),
        "",
        "## Goals",
        "",
        "| goal | measured | |",
        "|---|---|---|",
        *(f"| {each.goal} | {each.measured} | {MARK[each.met]} |" for each in goals.outcomes(raw)),
    ]
    if "scale" in raw:
        lines += ["", f"The ten million tasks were measured at {raw['scale']['at']}."]
    for what, title in TITLES.items():
        lines += ["", f"## {title}", "", *_table(raw, what)]
    if "observed" in raw:
        lines += ["", "## Access log and metrics", "", *_observed(raw["observed"])]
    if "far_database" in raw:
        lines += ["", "## The database 2 ms away, one connection", "", *_far_database(raw["far_database"])]
    if "system_calls" in raw:
        lines += ["", "## System calls per request", "", *_system_calls(raw["system_calls"])]
    if "starts" in raw:
        lines += ["", "## Seconds to the first 200, and peak memory of a process", "", *_starts(raw)]
    if "page" in raw:
        lines += ["", "## The page", "", *page_report.lines(raw["page"])]
    lines += ["", "## Versions", "", ", ".join(f"{name} {number}" for name, number in raw["versions"].items()), ""]
    return "\n".join(lines)


TITLES = {
    "app_cpu": "App CPU, µs per request",
    "database_cpu": "PostgreSQL's CPU, µs per request",
    "rate": "Requests per second",
    "p50": "p50, ms",
    "p99": "p99, ms",
}


def against(raw: dict[str, Any]) -> Iterator[str]:
    """The table of the README: our CPU per request as a ratio to each other server's, with the goals."""
    yield f"| app CPU per request, ours : theirs | {' | '.join(OPERATIONS)} |"
    yield "|---|" + "---|" * len(OPERATIONS)
    for name in NAMES:
        if name == TODO.name or name not in raw["rounds"]["figures"]:
            continue
        limits = goals.AGAINST.get(name)
        cells = []
        for number, operation in enumerate(OPERATIONS):
            found = goals.ratio(raw, name, operation)
            assert found is not None
            cells.append(f"{found:.2f}" + (f" ({_bound(limits[number])})" if limits else ""))
        yield f"| {name} | {' | '.join(cells)} |"


def _bound(limit: goals.Limit) -> str:
    return f"{'<' if limit.strict else '≤'} {limit.bound:.2f}"


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


def _far_database(stage: dict[str, Any]) -> Iterator[str]:
    yield "| | round trips, get | toggle | p50, get | toggle |"
    yield "|---|---|---|---|---|"
    for name in NAMES:
        if name in stage:
            get, toggle = stage[name]["get"], stage[name]["toggle"]
            yield (
                f"| {name} | {get['round_trips']:g} | {toggle['round_trips']:g}"
                f" | {get['p50']:.1f} ms | {toggle['p50']:.1f} ms |"
            )


def _observed(stage: dict[str, Any]) -> Iterator[str]:
    turns = f"{stage['turns']} turns of {stage['seconds']:g} s"
    yield f"{stage['at']}: medians of {turns} for each operation, both servers in turn."
    yield from _head()
    for name, figures in stage["figures"].items():
        yield _row(f"{name}, app CPU, µs", (f"{goals.median(figures[each], 'app_cpu'):,.0f}" for each in OPERATIONS))
    yield _row("with : without", (f"{ratio:.3f}" for ratio in goals.observed_ratios(stage).values()))


RARE = 0.005
"""Fewer calls per request than this are added up as `others`."""


def _system_calls(stage: dict[str, Any]) -> Iterator[str]:
    if "missing" in stage:
        yield f"Not counted: {stage['missing']}."
        return
    counts = stage["counts"]
    yield f"Counted by strace at 16 connections, all processes and threads of a server, without {_listed(WAITING)}."
    yield "The calls that open and close the 16 connections are included."
    yield from _head()
    for name in NAMES:
        if name in counts:
            yield _row(name, (f"{counts[name][operation]['total']:.1f}" for operation in OPERATIONS))
        elif name in stage["failed"]:
            yield _row(name, [f"not counted: {stage['failed'][name]}", *[""] * (len(OPERATIONS) - 1)])
    if TODO.name not in counts:
        return
    ours = [counts[TODO.name][operation] for operation in OPERATIONS]
    frequent = {name for each in ours for name, count in each["calls"].items() if count >= RARE}
    yield from ("", f"Those of {TODO.name}, by name:")
    yield from _head()
    for name in sorted(frequent, key=lambda name: (-max(each["calls"].get(name, 0) for each in ours), name)):
        yield _row(name, (f"{each['calls'].get(name, 0):.2f}" for each in ours))
    rare = [sum(count for name, count in each["calls"].items() if name not in frequent) for each in ours]
    yield _row("others", (f"{each:.2f}" for each in rare))
    yield _row("requests counted", (f"{each['requests']:,}" for each in ours))


def _head() -> tuple[str, ...]:
    return "", f"| | {' | '.join(OPERATIONS)} |", "|---|" + "---|" * len(OPERATIONS)


def _row(name: str, cells: Iterable[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _starts(raw: dict[str, Any]) -> Iterator[str]:
    yield "| | start | memory |"
    yield "|---|---|---|"
    for name in NAMES:
        if name in raw["starts"]:
            peak = raw["rounds"]["peak_mb"][name]
            yield f"| {name} | {statistics.median(raw['starts'][name]):.2f} s | {peak:.0f} MB |"


BAR, ROW, LEFT, WIDTH = 14, 18, 230, 900


def chart(raw: dict[str, Any]) -> str:
    """App CPU per request of every server, as bars in a group for each operation."""
    figures = raw["rounds"]["figures"]
    names = [name for name in NAMES if name in figures]
    height = len(OPERATIONS) * (len(names) * ROW + 40) + 10
    largest = max(goals.median(figures[name][operation], "app_cpu") for name in names for operation in OPERATIONS)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"',
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    top = 24
    for operation in OPERATIONS:
        parts.append(f'<text x="8" y="{top}" font-weight="bold">{operation}: app CPU, µs per request</text>')
        for name in names:
            top += ROW
            value = goals.median(figures[name][operation], "app_cpu")
            length = max(1, round(value / largest * (WIDTH - LEFT - 70)))
            colour = "#1b6e53" if name == TODO.name else "#9aa5b1"
            parts += [
                f'<text x="{LEFT - 8}" y="{top + 11}" text-anchor="end">{escape(name)}</text>',
                f'<rect x="{LEFT}" y="{top}" width="{length}" height="{BAR}" fill="{colour}"/>',
                f'<text x="{LEFT + length + 6}" y="{top + 11}">{value:,.0f}</text>',
            ]
        top += 40
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    render_stored()
