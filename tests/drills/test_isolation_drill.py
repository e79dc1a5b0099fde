"""The isolation drill in its shortest form, and whether its judge would see a leak."""

import asyncio
import logging
import os
from pathlib import Path

import httpx
import psycopg
import pytest

from drills import isolation, stand
from drills.isolation import Side, Watch
from tests.conftest import Person
from tests.support.two_users import Neighbour
from tests.support.operations import OPERATIONS
from todo.db import migrate

MISSING = stand.missing()


@pytest.fixture
def sides() -> tuple[Side, Side]:
    def side(name: str) -> Side:
        person = Person(httpx.AsyncClient(), f"id of {name}", f"{name}@example.com", f"token of {name}")
        return Side(Neighbour(person, f"marker of {name}"), {f"00000000-0000-0000-0000-00000000000{len(name)}"})

    return side("ada"), side("robert")


@pytest.mark.parametrize(
    "told",
    [
        {"json": {"title": "marker of robert 7"}},
        {"json": {"user_id": "id of robert"}},
        {"json": {"id": "00000000-0000-0000-0000-000000000006"}},
        {"headers": {"Location": "/api/id of robert/tasks"}},
        {"status_code": 500, "text": "robert@example.com"},
    ],
)
def test_the_judge_sees_what_is_the_other_ones(sides: tuple[Side, Side], told: dict[str, object]) -> None:
    ada, robert = sides
    watch, call = Watch(), OPERATIONS[0].calls()[0]
    request = httpx.Request("GET", "http://todo/")

    watch.answer(ada, robert, call, httpx.Response(**{"status_code": 200, "request": request, **told}))  # type: ignore[arg-type] # as a table
    assert len(watch.leaks) == 1
    watch.answer(robert, ada, call, httpx.Response(**{"status_code": 200, "request": request, **told}))  # type: ignore[arg-type] # as a table
    assert len(watch.leaks) == 1


def test_what_one_sent_oneself_is_no_leak(sides: tuple[Side, Side]) -> None:
    ada, robert = sides
    watch, call = Watch(), OPERATIONS[0].calls()[0]
    request = httpx.Request("GET", "http://todo/00000000-0000-0000-0000-000000000006")

    watch.answer(ada, robert, call, httpx.Response(404, text=str(request.url), request=request))
    assert watch.leaks == []


def test_the_judge_sees_a_hole_in_the_wall(empty_url: str) -> None:
    """The counter-proof: with the conditions removed and a policy that lets everybody read, there are leaks."""
    migrate.upgrade(empty_url)
    with psycopg.connect(empty_url) as owner:
        owner.execute("create policy hole on tasks to todo_app using (true)")
    watch = Watch()

    asyncio.run(isolation.policies_alone(isolation.Place(empty_url, empty_url, lambda _: None), watch, 1))

    assert watch.leaks


@pytest.mark.skipif(
    MISSING is not None and "REQUIRE_PGBOUNCER" not in os.environ, reason=f"{MISSING}, which .ci/run installs"
)
def test_nobody_reads_a_word_of_the_other_while_connections_die(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert MISSING is None, MISSING
    caplog.set_level(logging.ERROR, "psycopg.pool")

    figures = isolation.drill(tmp_path, 3)

    assert figures.faults == []
