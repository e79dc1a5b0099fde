"""The benchmark: it measures what it says, and the README shows the stored results."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from bench import data, goals, page, page_report, report, stages, system_calls
from bench.contestants import BARE_PIPELINES, BARE_PSYCOPG, CONSTANT, TODO, Contestant
from bench.delay_proxy import delay_proxy
from bench.load import OPERATIONS
from bench.stand import Stand
from tests.conftest import let_others_enter
from tests.support.browser import needs_chromium
from todo.db.embedded import server as embedded

pytestmark = pytest.mark.slow

needs_wrk = pytest.mark.skipif(
    shutil.which("wrk") is None and not os.environ.get("REQUIRE_WRK"), reason="wrk, the load generator, is missing"
)


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("bench")
    let_others_enter(folder)
    with embedded.running(folder / "data") as url:
        users = range(1, 9)  # with fewer, a fast machine exceeds their rate limit
        stand = Stand(url, folder, users=len(users), rounds=1, seconds=1)
        for database in ("ours", "plain"):
            stand.load(database, dict.fromkeys(users, data.TASKS))
        yield stand


@needs_wrk
@pytest.mark.parametrize(
    "contestant", [TODO, BARE_PSYCOPG, BARE_PIPELINES, CONSTANT], ids=lambda contestant: contestant.name
)
def test_each_server_of_this_environment_is_measured(stand: Stand, contestant: Contestant) -> None:
    with stand.running([contestant]) as servers:
        for operation in OPERATIONS:
            figures = stand.measure(servers[contestant.name], operation)

            assert figures.errors == 0
            assert figures.requests > 10
            assert 0 < figures.app_cpu < 1e6 / figures.rate * 1.5  # no more than one core
            assert figures.p50 <= figures.p99


@needs_wrk
def test_the_database_alone_is_measured_with_our_statements(stand: Stand) -> None:
    for operation in OPERATIONS:
        figures = stand.pgbench(operation)

        assert figures.errors == 0
        assert figures.requests > 10


@needs_wrk
def test_the_delay_proxy_delays_each_round_trip_and_counts_it(stand: Stand) -> None:
    with (
        delay_proxy(stand.url("ours"), 0.005) as (url, round_trips),
        stand.running([TODO], url=url) as servers,
    ):
        server = servers[TODO.name]
        stand.measure(server, "get", connections=1)
        before = round_trips.value
        figures = stand.measure(server, "get", connections=1)

        assert 0 <= round_trips.value - before - figures.requests <= 2  # wrk stops before the last responses
        assert figures.p50 >= 5


@needs_wrk
def test_system_calls_are_counted_per_request(stand: Stand) -> None:
    if missing := system_calls.missing():
        pytest.skip(missing)
    counts = stages.count_system_calls(stand, [TODO])["counts"][TODO.name]

    assert counts.keys() == {*OPERATIONS}
    for each in counts.values():
        assert each.requests > 10
        assert 3 < each.total < 20  # at least receive and send, on the connections of the client and the database
        assert not each.calls.keys() & {*system_calls.WAITING}


def test_a_summary_of_strace_is_read() -> None:
    summary = """\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 61.54    0.001600           1      1500           epoll_wait
 30.77    0.000800           1       800        16 recvfrom
  7.69    0.000200           0       400           sendto
------ ----------- ----------- --------- --------- ----------------
100.00    0.002600           0      2700        16 total
"""
    calls = system_calls.parsed(summary)

    assert calls == {"epoll_wait": 1500, "recvfrom": 800, "sendto": 400}
    counts = system_calls.Counts.of(calls, 400)
    assert counts == system_calls.Counts(400, 3.0, {"recvfrom": 2.0, "sendto": 1.0})


def test_where_strace_may_not_attach_the_report_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strace = tmp_path / "strace"
    strace.write_text(
        "#!/bin/sh\necho 'strace: attach: ptrace(PTRACE_SEIZE, 1): Operation not permitted' >&2\nexit 1\n"
    )
    strace.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    missing = system_calls.missing()
    [outcome] = goals.STAGES["system_calls"]({"missing": missing})

    assert missing is not None
    assert "Operation not permitted" in missing
    assert outcome.met is None
    assert missing in outcome.measured


def test_where_strace_is_not_installed_the_report_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "not installed" in (system_calls.missing() or "")


@needs_chromium
def test_the_page_is_measured_in_a_browser(stand: Stand) -> None:
    found = page.page(stand, **page.QUICK)
    rows = "\n".join(page_report.lines(found)).splitlines()

    assert found["answer_ms"] >= 2 * page.DELAY * 1e3
    for size in ("200", "400"):
        for name in ("add", "toggle", "delete"):
            each = found["inputs"][size][name]
            assert 0 < each["paint"]["p50"] <= each["paint"]["p95"] <= each["paint"]["max"]
            assert each["cpu"]["p50"] > 0
            assert [row for row in rows if row.startswith(f"| {size} | {name} | 3 |")]
        assert found["scrolling"][size]["count"] > 1
        assert found["scrolling"][size]["blank"] == 0
        assert f"repeated visit, {size} tasks" in found["starts"]
    assert sum(found["files"].values()) * 0.7 < found["wire"]["bytes"]
    goals_of = [each.goal for each in page_report.outcomes(found)]
    assert "page, slow phone, first visit: used within a second" in goals_of


def test_where_chromium_is_not_installed_the_report_says_so(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "CHROMIUM", None)
    found = page.page(stand)
    [outcome] = goals.STAGES["page"](found)

    assert list(page_report.lines(found)) == ["Not measured: Chromium is not installed."]
    assert outcome.met is None
    assert "Chromium is not installed" in outcome.measured


@pytest.mark.parametrize(
    ("limit", "ratio", "allowed"),
    [
        (goals.Limit(1), 1.0004, True),
        (goals.Limit(1), 1.0006, False),
        (goals.LESS, 0.9994, True),
        (goals.LESS, 1.0, False),
    ],
)
def test_a_limit_is_compared_with_three_decimals(limit: goals.Limit, ratio: float, allowed: bool) -> None:
    assert limit.allows(ratio) is allowed


def stored(root: Path) -> dict[str, Any]:
    raw: dict[str, Any] = json.loads((root / "bench" / "results" / "raw.json").read_text())
    return raw


def test_the_stored_results_are_those_of_a_whole_run(root: Path) -> None:
    raw = stored(root)

    assert raw["setting"]["rounds"] >= 5
    assert raw["setting"]["tasks"] == 1_000_000
    assert set(raw["rounds"]["figures"]) == {*report.NAMES, "pgbench"}
    assert raw.keys() >= goals.STAGES.keys()
    assert not [each for servers in raw["rounds"]["figures"].values() for each in servers["get"] if each["errors"]]


def test_the_report_and_the_readme_show_the_stored_results(root: Path) -> None:
    raw = stored(root)

    assert (root / "bench" / "results" / "README.md").read_text() == report.rendered(raw)
    assert (root / "bench" / "results" / "chart.svg").read_text() == report.chart(raw)
    readme = (root / "README.md").read_text()
    assert "\n".join(report.against(raw)) in readme
    assert page_report.sentence(raw["page"]) in " ".join(readme.split())
