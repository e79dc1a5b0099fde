"""The summary: counts by status, due date and tag, and what was completed on each of 90 days."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import Person
from tests.support.sql_conditions import as_table_owner

pytestmark = pytest.mark.anyio


async def summary(person: Person, **params: Any) -> dict[str, Any]:
    response = await person.call("GET", f"{person.home}/summary", params=params)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def day(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days)).strftime("%Y-%m-%d")


async def test_somebody_without_tasks_has_zeros_and_90_days(ada: Person) -> None:
    found = await summary(ada)

    days = found.pop("completed_per_day")
    assert found == {
        "total": 0,
        "status": {"pending": 0, "completed": 0, "deleted": 0},
        "due": {"overdue": 0, "today": 0, "week": 0, "none": 0},
        "tags": [],
    }
    assert [each["date"] for each in days] == [day(number) for number in range(-89, 1)]
    assert {each["count"] for each in days} == {0}


async def test_tasks_count_by_status_the_trash_apart(ada: Person) -> None:
    for number in range(6):
        await ada.create(str(number), completed=number < 2)
    for task in (await ada.list())[:1]:
        await ada.delete(task["id"])

    found = await summary(ada)

    assert (found["total"], found["status"]) == (5, {"pending": 3, "completed": 2, "deleted": 1})


async def test_pending_tasks_count_by_their_due_dates(ada: Person) -> None:
    for days in (-3, -1, 0, 1, 6, 7):
        await ada.create(str(days), due_date=day(days))
        await ada.create(f"{days}, done", due_date=day(days), completed=True)
    await ada.create("never")
    await ada.delete((await ada.create("in the trash", due_date=day(0)))["id"])

    assert (await summary(ada))["due"] == {"overdue": 2, "today": 1, "week": 3, "none": 1}


async def test_the_counts_are_the_lengths_of_the_lists(ada: Person) -> None:
    zone = "Pacific/Kiritimati"
    for hours in range(-60, 200, 9):
        moment = datetime.now(UTC) + timedelta(hours=hours)
        await ada.create("x", due_date=moment.strftime("%Y-%m-%dT%H:%M:%SZ" if hours % 2 else "%Y-%m-%dT%H:%M"))

    counts = (await summary(ada, time_zone=zone))["due"]

    for due, count in counts.items():
        assert len(await ada.list(due=due, time_zone=zone, completed="false")) == count, due


async def test_tags_count_without_regard_to_case_the_most_used_first(ada: Person) -> None:
    await ada.create("a", tags=["Home", "garden"], completed=True)
    await ada.create("b", tags=["home"])
    await ada.delete((await ada.create("c", tags=["gone"]))["id"])

    assert (await summary(ada))["tags"] == [{"tag": "Home", "count": 2}, {"tag": "garden", "count": 1}]


async def test_tags_are_the_hundred_most_used(ada: Person) -> None:
    for number in range(6):
        await ada.create("x", tags=[f"{number}-{each}" for each in range(20)])
    await ada.create("y", tags=["5-19"])

    tags = (await summary(ada))["tags"]

    assert len(tags) == 100
    assert tags[0] == {"tag": "5-19", "count": 2}


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12"])
async def test_what_was_completed_counts_on_its_day_there(ada: Person, database_url: str, zone: str) -> None:
    today = datetime.now(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    moments = {
        0: today + timedelta(microseconds=1),
        -1: today - timedelta(microseconds=1),
        -89: today - timedelta(days=89),
        -90: today - timedelta(days=89, microseconds=1),
    }
    ids = [(await ada.create(str(days), completed=True))["id"] for days in moments]
    with as_table_owner(database_url) as owner:
        owner.execute("alter table tasks disable trigger user")
        for id_, moment in zip(ids, moments.values(), strict=True):
            owner.execute("update tasks set completed_at = %s where id = %s", [moment, id_])
        owner.execute("alter table tasks enable trigger user")

    days = (await summary(ada, time_zone=zone))["completed_per_day"]

    counted = {(date.fromisoformat(each["date"]) - today.date()).days: each["count"] for each in days if each["count"]}
    assert counted == {0: 1, -1: 1, -89: 1}
    assert len(days) == 90


@pytest.mark.parametrize(
    "query", ["time_zone=Mars/Base", "time_zone=", "time_zone=%00", "status=all", "timezone[]=UTC"]
)
async def test_a_wrong_or_lost_parameter_is_refused_but_not_an_unknown_one(ada: Person, query: str) -> None:
    response = await ada.call("GET", f"{ada.home}/summary?{query}")

    assert response.status_code == 422


async def test_bob_counts_only_his_own(ada: Person, bob: Person) -> None:
    await ada.create("hers", tags=["hers"], due_date=day(0), completed=True)

    found = await summary(bob)

    assert found["total"] == 0
    assert found["tags"] == []
    assert {each["count"] for each in found["completed_per_day"]} == {0}
