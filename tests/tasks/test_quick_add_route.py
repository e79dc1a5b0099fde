"""`POST …/tasks/quick`: a task from one line of text. What a line means is tested in `test_quick_add.py`."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.conftest import Person

pytestmark = pytest.mark.anyio

LINE = "Pay rent tomorrow 9am #home !high every month"


async def quick(
    person: Person, dry_run: bool = False, headers: dict[str, str] | None = None, **body: Any
) -> httpx.Response:
    params = {"dry_run": "true"} if dry_run else None
    return await person.call("POST", f"{person.tasks}/quick", json=body, params=params, headers=headers or {})


async def test_a_line_makes_a_task_on_the_clock_of_the_person(ada: Person) -> None:
    zone = "Pacific/Kiritimati"
    before = datetime.now(ZoneInfo(zone)).date()
    response = await quick(ada, text=LINE, time_zone=zone)

    task = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"{ada.tasks}/{task['id']}"
    assert (await ada.get(task["id"])).json() == task
    days = {before, datetime.now(ZoneInfo(zone)).date()}
    assert task["due_date"] in {f"{day + timedelta(days=1)}T09:00" for day in days}
    wanted = {
        "title": "Pay rent", "time_zone": zone, "priority": "high", "tags": ["home"], "recurrence": "monthly",
    }  # fmt: skip
    assert {name: task[name] for name in wanted} == wanted


async def test_a_dry_run_shows_what_is_understood_and_creates_nothing(ada: Person) -> None:
    response = await quick(ada, dry_run=True, text=LINE, time_zone="Europe/Berlin")

    assert response.status_code == 200
    understood = response.json()
    assert (understood["title"], understood["recurrence"]) == ("Pay rent", "monthly")
    assert understood["recognised"] == ["tomorrow", "9am", "#home", "!high", "every month"]
    assert await ada.list() == []


async def test_a_plain_title_stays_one(ada: Person) -> None:
    task = (await quick(ada, text="  Plan March release ")).json()

    assert (task["title"], task["due_date"], task["time_zone"]) == ("Plan March release", None, None)


async def test_a_day_alone_has_no_time_zone(ada: Person) -> None:
    task = (await quick(ada, text="Pay rent tomorrow", time_zone="Europe/Berlin")).json()

    assert (len(task["due_date"]), task["time_zone"]) == (10, None)


async def test_a_retry_with_its_key_makes_one_task(ada: Person) -> None:
    first = await quick(ada, headers={"Idempotency-Key": "once"}, text=LINE)
    again = await quick(ada, headers={"Idempotency-Key": "once"}, text=LINE)

    assert again.json() == first.json()
    assert len(await ada.list()) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "   "}, "text"),
        ({"text": None}, "text"),
        ({"text": 1}, "text"),
        ({}, "text"),
        ({"text": "x" * 256}, "text"),
        ({"text": "x" * 1001}, "text"),
        ({"text": "a\nb"}, "text"),
        ({"text": "a\u0000b"}, "text"),
        ({"text": LINE, "time_zone": "Europe/Nowhere"}, "time_zone"),
    ],
)
async def test_what_cannot_be_a_line_is_refused(ada: Person, body: dict[str, Any], field: str) -> None:
    for dry_run in (False, True):
        response = await quick(ada, dry_run=dry_run, **body)

        assert response.status_code == 422
        assert [error["loc"] for error in response.json()["errors"]] == [["body", field]]
    assert await ada.list() == []


async def test_every_recurrence_that_is_read_can_be_kept(ada: Person) -> None:
    for words in (
        *("daily", "every day", "every 2 weeks", "every other week", "every mon, wed and fri", "every weekday"),
        *("every 15th", "every month on the 15th", "every! 3 days", "every year", "every 3 March"),
    ):
        response = await quick(ada, text=f"Water the ferns {words}")
        assert response.status_code == 201, words
        assert response.json()["recurrence"] is not None, words
