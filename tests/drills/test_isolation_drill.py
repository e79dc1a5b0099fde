"""The isolation drill in its shortest form, and tests that it would detect a leak."""

import asyncio
import os
from pathlib import Path

import httpx
import psycopg
import pytest

from drills import isolation, stand
from drills.leaks import Side, Watch
from tests.conftest import Person
from tests.support.operations import OPERATIONS
from tests.support.two_users import SampleUser
from todo.db import migrate

pytestmark = pytest.mark.slow

MISSING = stand.missing()


@pytest.fixture
def sides() -> tuple[Side, Side]:
    def side(name: str) -> Side:
        person = Person(httpx.AsyncClient(), f"id of {name}", f"{name}@example.com", f"token of {name}")
        return Side(SampleUser(person, f"marker of {name}"), {f"00000000-0000-0000-0000-00000000000{len(name)}"})

    return side("ada"), side("robert")


@pytest.mark.parametrize(
    "parts",
    [
        {"json": {"title": "marker of robert 7"}},
        {"json": {"user_id": "id of robert"}},
        {"json": {"id": "00000000-0000-0000-0000-000000000006"}},
        {"headers": {"Location": "/api/id of robert/tasks"}},
        {"status_code": 500, "text": "robert@example.com"},
    ],
)
def test_data_of_the_other_user_in_a_response_is_a_leak(sides: tuple[Side, Side], parts: dict[str, object]) -> None:
    ada, robert = sides
    watch, call = Watch(), OPERATIONS[0].calls()[0]
    request = httpx.Request("GET", "http://todo/")
    response = httpx.Response(**{"status_code": 200, "request": request, **parts})  # type: ignore[arg-type] # from the table

    watch.response(ada, robert, call, response)
    assert len(watch.leaks) == 1
    watch.response(robert, ada, call, response)
    assert len(watch.leaks) == 1


def test_data_that_the_request_contained_is_no_leak(sides: tuple[Side, Side]) -> None:
    ada, robert = sides
    watch, call = Watch(), OPERATIONS[0].calls()[0]
    request = httpx.Request("GET", "http://todo/00000000-0000-0000-0000-000000000006")

    watch.response(ada, robert, call, httpx.Response(404, text=str(request.url), request=request))
    assert watch.leaks == []


def test_a_policy_that_shows_everything_is_detected(empty_url: str) -> None:
    """With the owner conditions removed and a policy that lets every user read every task, there are leaks."""
    migrate.upgrade(empty_url)
    with psycopg.connect(empty_url) as owner:
        owner.execute("create policy hole on tasks to todo_app using (true)")
    watch = Watch()

    asyncio.run(isolation.policies_alone(isolation.Place(empty_url, empty_url, lambda _: None), watch, 1))

    assert watch.leaks


@pytest.mark.skipif(
    MISSING is not None and "REQUIRE_PGBOUNCER" not in os.environ, reason=f"{MISSING}, which .ci/run installs"
)
def test_users_are_isolated_while_connections_are_terminated(tmp_path: Path) -> None:
    assert MISSING is None, MISSING

    figures = isolation.drill(tmp_path, 6)

    assert figures.faults == []
