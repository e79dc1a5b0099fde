"""The drills in their shortest forms; `make drill` runs the long ones."""

import json
import os
from pathlib import Path

import pytest

from drills import __main__ as drills
from drills import bytes as odd_bytes
from drills import contract, cpu, greedy, lifecycle, load, overload, shared_folder, stalled, storage
from drills.figures import Figures, rendered
from tests.support.operations import OPERATIONS
from todo.db.migrate import revisions

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def figures() -> Figures:
    return Figures("a drill")


async def test_full_load_together_with_streams(tmp_path: Path, figures: Figures) -> None:
    await load.full_load(tmp_path, 5, figures, streams=100)

    assert figures.faults == []


async def test_ten_times_too_many_connections(tmp_path: Path, figures: Figures) -> None:
    await overload.overload(tmp_path, 4, figures, within=20)

    assert figures.faults == []


async def test_a_client_that_pipelines_without_end(tmp_path: Path, figures: Figures) -> None:
    await greedy.pipelining(tmp_path, 2, figures)

    assert figures.faults == []


async def test_one_user_on_very_many_connections(tmp_path: Path, figures: Figures) -> None:
    await greedy.one_of_many(tmp_path, 600, figures)

    assert figures.faults == []


async def test_many_readers_of_a_large_answer(tmp_path: Path, figures: Figures) -> None:
    await greedy.large_answers(tmp_path, 110, 10, figures)

    assert figures.faults == []


async def test_a_network_that_swallows_everything(tmp_path: Path, figures: Figures) -> None:
    await stalled.swallowing_network(tmp_path, 5, figures)

    assert figures.faults == []


async def test_a_worker_that_is_stopped_in_a_transaction(tmp_path: Path, figures: Figures) -> None:
    await stalled.stopped_worker(tmp_path, 1, figures)

    assert figures.faults == []


async def test_floods_of_sign_ins(tmp_path: Path, figures: Figures) -> None:
    await overload.floods_of_sign_ins(tmp_path, 1, figures, within=20)

    assert figures.faults == []


@pytest.mark.skipif(not (lifecycle.NGINX or os.environ.get("REQUIRE_NGINX")), reason="needs nginx")
async def test_a_rolling_restart_with_a_migration_loses_no_request(
    tmp_path: Path, empty_url: str, figures: Figures
) -> None:
    await lifecycle.rolling_restart(tmp_path, empty_url, figures)

    assert figures.faults == []


async def test_concurrent_first_starts(tmp_path: Path, empty_url: str, figures: Figures) -> None:
    await lifecycle.first_starts(tmp_path, empty_url, figures, count=3)

    assert figures.faults == []


async def test_a_database_that_is_read_only_for_a_while(tmp_path: Path, empty_url: str, figures: Figures) -> None:
    await storage.read_only(tmp_path, empty_url, figures)

    assert figures.faults == []


async def test_a_full_disk(tmp_path: Path, figures: Figures) -> None:
    await storage.disk_full(tmp_path, figures)

    assert figures.faults == []
    if "not run" in figures.lines[0].found:
        pytest.skip(figures.lines[0].found)


async def test_the_contract_holds_for_generated_requests(tmp_path: Path, figures: Figures) -> None:
    await contract.contract(tmp_path, figures, examples=3, least=200)

    assert figures.faults == []


def test_an_operation_that_is_not_reached_is_a_fault(figures: Figures) -> None:
    operations = {each.says["operationId"] for each in OPERATIONS if not each.streams}
    good = [f"{name} 200 fuzzing positive" for name in operations - {"read_task"}]
    wrong_values = ["list_tasks 422 coverage negative"] * 9  # which do not count

    contract.counted([*good, *wrong_values, "read_task 404 fuzzing positive"], figures)

    assert figures.faults == ["read_task: 0% of its cases were answered 2xx (4xx × 1)"]
    assert {line.what.strip() for line in figures.lines} == operations


async def test_malformed_requests_are_refused(tmp_path: Path, figures: Figures) -> None:
    await odd_bytes.raw_bytes(tmp_path, figures, count=1000)

    assert figures.faults == []


async def test_no_input_costs_much_cpu(tmp_path: Path, figures: Figures) -> None:
    await cpu.cpu_per_input(tmp_path, figures, count=120)

    assert figures.faults == []


def test_several_containers_want_one_folder(tmp_path: Path, figures: Figures) -> None:
    shared_folder.drill(tmp_path, 1, figures)

    assert figures.faults == []
    if "not run" in figures.lines[0].found:
        pytest.skip(figures.lines[0].found)


def test_the_page_shows_the_stored_figures(root: Path) -> None:
    raw = json.loads((root / "drills" / "results" / "raw.json").read_text())
    assert [*raw] == [name for name in drills.DRILLS if name in raw]
    assert drills.BEGIN + rendered(raw) + drills.END in drills.PAGE.read_text()
    assert not [line for stored in raw.values() for each in stored["figures"] for line in each["faults"]]
    measured = {line["what"].partition(":")[0] for each in raw["upgrades"]["figures"] for line in each["lines"]}
    assert measured == {*revisions()[1:]}  # a new migration is measured too
