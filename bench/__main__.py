"""`make bench`: QUICK=1 for a short run, SCALE=1 also with ten million tasks, ONLY=name,…, `page` or `observed`."""

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import contestants, data, machine, page, report, stages
from bench.contestants import ALL, ROOT, Contestant
from bench.stand import Stand
from todo.db.embedded import server as embedded


def plan(chosen: Sequence[Contestant], *, whole: bool, large: bool, quick: bool) -> dict[str, Callable[[Stand], Any]]:
    """The stages, in order: those that need the data as it was loaded come first."""
    rounds = {"rounds": lambda stand: stages.rounds(stand, chosen)}
    if not whole:
        return rounds
    return {
        "unchanged": stages.unchanged,
        "observed": lambda stand: stages.observed(stand, 4 if quick else stages.TURNS),
        "whole_list": stages.whole_list,
        **rounds,
        "many_connections": stages.many_connections,
        "system_calls": lambda stand: stages.count_system_calls(stand, chosen),
        "far_database": lambda stand: stages.far_database(stand, chosen),
        "starts": lambda stand: stages.starts(stand, chosen),
        "workers": stages.workers,
        "page": lambda stand: page.page(stand, **(page.QUICK if quick else {})),
        **({"scale": stages.scale} if large else {}),
    }


def main_page(*, quick: bool) -> None:
    """Measure the page alone, and put it into the stored results."""
    with tempfile.TemporaryDirectory() as folder, embedded.running(_enterable(folder) / "data") as url:
        stand = Stand(url, Path(folder), users=1, rounds=1, seconds=1)
        found = page.page(stand, **(page.QUICK if quick else {}))
    report.write_page(found, kept=not quick)


def main_observed(*, quick: bool) -> None:
    """Measure what logs and metrics cost alone, and put it into the stored results."""
    with tempfile.TemporaryDirectory() as folder, embedded.running(_enterable(folder) / "data") as url:
        stand = Stand(url, Path(folder), users=100, rounds=1, seconds=1)
        stand.load("ours", dict.fromkeys(range(1, 101), data.TASKS))
        report.write_observed(stages.observed(stand, 4 if quick else stages.TURNS), kept=not quick)


def main(*, quick: bool, large: bool, only: set[str]) -> None:
    """Run the stages and report. The results of a whole run are written to bench/results."""
    if shutil.which("wrk") is None:
        sys.exit("wrk, the load generator, is missing; on Debian or Ubuntu: apt-get install wrk")
    began = time.monotonic()
    users, rounds, seconds = (100, 1, 1.0) if quick else (1000, 5, 3.0)
    absent = {each.name: each.missing for each in ALL if each.missing}
    for name, reason in absent.items():
        print(f"left out: {name}: {reason}")
    chosen = [each for each in ALL if not each.missing and (not only or each is contestants.TODO or each.name in only)]
    unfinished = ROOT / ".bench" / "unfinished.json"
    unfinished.parent.mkdir(exist_ok=True)
    results: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.described(),
        "versions": contestants.versions(),
        "setting": {"users": users, "tasks": users * data.TASKS, "rounds": rounds, "seconds": seconds},
        "absent": absent,
    }
    with tempfile.TemporaryDirectory() as folder, embedded.running(_enterable(folder) / "data") as url:
        stand = Stand(url, Path(folder), users=users, rounds=rounds, seconds=seconds)
        sizes = dict.fromkeys(range(1, users + 1), data.TASKS)
        stand.load("ours", sizes | {data.LARGE_USER: data.LARGE_USER_TASKS})
        stand.load("plain", sizes)
        for name, stage in plan(chosen, whole=not only, large=large, quick=quick).items():
            results[name] = stage(stand)
            unfinished.write_text(json.dumps(results, default=asdict))
    results["seconds"] = round(time.monotonic() - began)
    report.write(results, kept=not quick and not only)


def _enterable(folder: str) -> Path:
    """A folder that PostgreSQL, as another user than root, works below."""
    Path(folder).chmod(0o711)
    return Path(folder)


if __name__ == "__main__":
    names = {name.strip() for name in os.environ.get("ONLY", "").split(",") if name.strip()}
    if names == {"page"}:
        main_page(quick=bool(os.environ.get("QUICK")))
    elif names == {"observed"}:
        main_observed(quick=bool(os.environ.get("QUICK")))
    else:
        main(quick=bool(os.environ.get("QUICK")), large=bool(os.environ.get("SCALE")), only=names)
