"""The benchmark: it measures what it says, and what it measured is what the README shows."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from bench import data, goals, report
from bench.contestants import BARE, BARE_PSYCOPG, CONSTANT, TODO
from bench.load import OPERATIONS
from bench.stand import Stand
from bench.wire import wire
from todo import embedded

loaded = pytest.mark.skipif(
    shutil.which("wrk") is None and not os.environ.get("REQUIRE_WRK"), reason="wrk, which makes the load, is missing"
)


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("bench")
    with embedded.running(folder / "data") as url:
        users = range(1, 9)  # of fewer, a fast machine asks more than they may
        stand = Stand(url, folder, users=len(users), rounds=1, seconds=1)
        for database in ("ours", "plain"):
            stand.load(database, dict.fromkeys(users, data.TASKS))
        yield stand


@loaded
@pytest.mark.parametrize("contestant", [TODO, BARE_PSYCOPG, BARE, CONSTANT], ids=lambda each: each.name)
def test_what_runs_from_this_environment_is_measured(stand: Stand, contestant: Any) -> None:
    with stand.running([contestant]) as servers:
        for operation in OPERATIONS:
            figures = stand.measure(servers[contestant.name], operation)

            assert figures.errors == 0
            assert figures.requests > 10
            assert 0 < figures.app_cpu < 1e6 / figures.rate * 1.5  # no more than a core has
            assert figures.p50 <= figures.p99


@loaded
def test_the_database_alone_is_measured_by_our_statements(stand: Stand) -> None:
    for operation in OPERATIONS:
        figures = stand.pgbench(operation)

        assert figures.errors == 0
        assert figures.requests > 10


@loaded
def test_a_far_database_is_as_far_as_it_is_told(stand: Stand) -> None:
    with wire(stand.url("ours"), 0.005) as (url, flights), stand.running([TODO], url=url) as servers:
        server = servers[TODO.name]
        stand.measure(server, "get", connections=1)
        before = flights.value
        figures = stand.measure(server, "get", connections=1)

        assert 0 <= flights.value - before - figures.requests <= 2  # the last ones were still on their way
        assert figures.p50 >= 5


def kept(root: Path) -> dict[str, Any]:
    raw: dict[str, Any] = json.loads((root / "bench" / "results" / "raw.json").read_text())
    return raw


def test_what_is_kept_is_a_whole_run(root: Path) -> None:
    raw = kept(root)

    assert raw["setting"]["rounds"] >= 5
    assert raw["setting"]["tasks"] == 1_000_000
    assert set(raw["rounds"]["figures"]) == {*report.NAMES, "pgbench"}
    assert raw.keys() >= goals.STAGES.keys()
    assert not [each for servers in raw["rounds"]["figures"].values() for each in servers["get"] if each["errors"]]


def test_the_report_and_the_readme_show_what_is_kept(root: Path) -> None:
    raw = kept(root)

    assert (root / "bench" / "results" / "README.md").read_text() == report.rendered(raw)
    assert (root / "bench" / "results" / "chart.svg").read_text() == report.chart(raw)
    assert "\n".join(report.against(raw)) in (root / "README.md").read_text()
