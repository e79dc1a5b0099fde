"""Completing a repeating task makes the next one, once; taking it back takes an untouched next one back."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import Person, http, running, settings_for, sign_up
from todo.app import create_app

pytestmark = pytest.mark.anyio

TODAY = datetime.now(UTC).date()
DUE = (TODAY + timedelta(days=1)).isoformat()
NEXT = (TODAY + timedelta(days=8)).isoformat()
WEEKLY: dict[str, Any] = {"recurrence": "weekly", "due_date": DUE}


async def pending(person: Person) -> list[dict[str, Any]]:
    return await person.list(status="pending")


async def test_completing_keeps_the_task_as_done_and_makes_the_next(ada: Person) -> None:
    more: dict[str, Any] = {
        "description": "All of them",
        "priority": "high",
        "tags": ["home"],
        "time_zone": "Europe/Berlin",
    }
    task = await ada.create(**WEEKLY, **more)

    done = (await ada.toggle(task["id"])).json()

    assert (done["id"], done["completed"], done["due_date"]) == (task["id"], True, DUE)
    [following] = await pending(ada)
    assert following["due_date"] == NEXT
    kept = ("title", "description", "priority", "tags", "time_zone", "recurrence", "recurrence_from")
    assert {name: following[name] for name in kept} == {name: task[name] for name in kept}


@pytest.mark.parametrize("way", ["toggle", "set", "put", "patch"])
async def test_every_way_of_completing_makes_the_next(ada: Person, way: str) -> None:
    task = await ada.create(**WEEKLY)
    match way:
        case "toggle":
            response = await ada.toggle(task["id"])
        case "set":
            response = await ada.toggle(task["id"], json={"completed": True})
        case "put":
            response = await ada.put(task["id"], **{**task, "completed": True})
        case _:
            response = await ada.call("PATCH", f"{ada.tasks}/{task['id']}", json={"completed": True})

    assert response.json()["completed"] is True
    assert [each["due_date"] for each in await pending(ada)] == [NEXT]


async def test_completing_twice_or_at_once_makes_one(ada: Person) -> None:
    task = await ada.create(**WEEKLY)

    responses = await asyncio.gather(*(ada.toggle(task["id"], json={"completed": True}) for _ in range(8)))

    assert {response.status_code for response in responses} == {200}
    assert len(await ada.list()) == 2


async def test_a_retry_with_its_key_makes_one(ada: Person) -> None:
    task = await ada.create(**WEEKLY)

    first = await ada.toggle(task["id"], headers={"Idempotency-Key": "once"})
    again = await ada.toggle(task["id"], headers={"Idempotency-Key": "once"})

    assert again.json() == first.json()
    assert len(await ada.list()) == 2


async def test_taking_it_back_takes_the_untouched_next_one_back(ada: Person) -> None:
    task = await ada.create(**WEEKLY)
    for _ in range(3):
        await ada.toggle(task["id"])
        assert [each["due_date"] for each in await pending(ada)] == [NEXT]
        assert (await ada.toggle(task["id"])).json()["completed"] is False
        assert [each["id"] for each in await ada.list()] == [task["id"]]
    assert await ada.list(status="deleted") == []


async def test_a_next_one_that_was_touched_stays(ada: Person) -> None:
    task = await ada.create(**WEEKLY)
    await ada.toggle(task["id"])
    [following] = await pending(ada)
    await ada.put(following["id"], description="With the long can")

    await ada.toggle(task["id"])
    await ada.toggle(task["id"])

    assert len(await ada.list()) == 2


async def test_undo_of_completing_takes_the_next_one_back_and_undo_of_that_makes_it(ada: Person) -> None:
    task = await ada.create(**WEEKLY)
    done = (await ada.toggle(task["id"])).json()

    undone = (await ada.undo(done["revision"])).json()
    assert undone["task"]["completed"] is False
    assert [each["id"] for each in await ada.list()] == [task["id"]]

    again = (await ada.undo(undone["revision"])).json()
    assert again["task"]["completed"] is True
    assert [each["due_date"] for each in await pending(ada)] == [NEXT]


async def test_a_series_goes_on_from_the_first_date(ada: Person) -> None:
    """A day that a month lacks is clamped, and the day of the first date returns."""
    year = TODAY.year + 1
    task = await ada.create(recurrence="monthly", due_date=f"{year}-01-31T08:00", time_zone="America/New_York")

    dues = []
    for _ in range(4):
        await ada.toggle(task["id"])
        [task] = await pending(ada)
        dues.append(task["due_date"])

    february = 29 if year % 4 == 0 else 28
    assert dues == [f"{year}-{day}T08:00" for day in (f"02-{february}", "03-31", "04-30", "05-31")]


async def test_a_due_date_that_the_user_sets_is_the_new_first_one(ada: Person) -> None:
    year = TODAY.year + 1
    task = await ada.create(recurrence="monthly", due_date=f"{year}-01-31")
    await ada.toggle(task["id"])
    [task] = await pending(ada)
    await ada.put(task["id"], due_date=f"{year}-02-10")

    await ada.toggle(task["id"])

    assert [each["due_date"] for each in await pending(ada)] == [f"{year}-03-10"]


async def test_a_due_date_set_with_the_completion_counts(ada: Person) -> None:
    year = TODAY.year + 1
    task = await ada.create(recurrence="monthly", due_date=f"{year}-01-31")

    await ada.put(task["id"], due_date=f"{year}-02-10", completed=True)

    assert [each["due_date"] for each in await pending(ada)] == [f"{year}-03-10"]


async def test_a_rule_set_with_the_completion_counts(ada: Person) -> None:
    task = await ada.create(due_date=DUE)

    await ada.put(task["id"], recurrence="weekly", completed=True)

    assert [each["due_date"] for each in await pending(ada)] == [NEXT]


async def test_a_series_ends_after_its_count(ada: Person) -> None:
    task = await ada.create(recurrence="FREQ=DAILY;COUNT=3", due_date=DUE)
    for left in (1, 1, 0):
        await ada.toggle(task["id"])
        tasks = await pending(ada)
        assert len(tasks) == left
        task = tasks[0] if tasks else task
    assert len(await ada.list()) == 3


async def test_a_new_rule_counts_from_one_again(ada: Person) -> None:
    task = await ada.create(recurrence="FREQ=DAILY;COUNT=2", due_date=DUE)
    await ada.toggle(task["id"])
    [task] = await pending(ada)
    await ada.put(task["id"], recurrence="FREQ=DAILY;COUNT=3")
    for left in (1, 1, 0):
        await ada.toggle(task["id"])
        tasks = await pending(ada)
        assert len(tasks) == left
        task = tasks[0] if tasks else task


async def test_missed_ones_are_skipped(ada: Person) -> None:
    task = await ada.create(recurrence="daily", due_date="2020-02-29")

    await ada.toggle(task["id"], params={"time_zone": "UTC"})

    [following] = await pending(ada)
    assert TODAY.isoformat() < following["due_date"] <= (datetime.now(UTC).date() + timedelta(days=1)).isoformat()


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
async def test_the_day_of_a_completion_is_the_persons(ada: Person, zone: str) -> None:
    task = await ada.create(recurrence="daily", recurrence_from="completion", due_date="2020-01-01")

    before = datetime.now(ZoneInfo(zone)).date()
    await ada.toggle(task["id"], params={"time_zone": zone})
    after = datetime.now(ZoneInfo(zone)).date()

    [following] = await pending(ada)
    assert following["due_date"] in {(day + timedelta(days=1)).isoformat() for day in (before, after)}


async def test_a_task_without_a_due_date_repeats_from_its_completion(ada: Person) -> None:
    task = await ada.create(recurrence="weekly")

    await ada.toggle(task["id"])

    [following] = await pending(ada)
    assert following["due_date"] in {(TODAY + timedelta(days=days)).isoformat() for days in (7, 8)}


async def test_the_reminder_stays_as_long_before_the_due_date_by_the_clock(ada: Person) -> None:
    task = await ada.create(
        recurrence="weekly",
        due_date="2199-03-28T09:00",  # the clocks change on the 31st
        time_zone="Europe/Berlin",
        remind_at="2199-03-28T07:30:00Z",
    )

    await ada.toggle(task["id"])

    [following] = await pending(ada)
    assert (following["due_date"], following["remind_at"]) == ("2199-04-04T09:00", "2199-04-04T06:30:00.000000Z")


async def test_a_stale_completion_makes_nothing(ada: Person) -> None:
    task = await ada.create(**WEEKLY)
    await ada.put(task["id"], title="Water all ferns")

    stale = await ada.toggle(task["id"], headers={"If-Match": f'"{task["revision"]}"'})

    assert (stale.status_code, stale.json()["current"]["title"]) == (412, "Water all ferns")
    assert len(await ada.list()) == 1


async def test_a_repeating_task_in_the_trash_is_not_found(ada: Person) -> None:
    task = await ada.create(**WEEKLY)
    await ada.delete(task["id"])

    assert (await ada.toggle(task["id"])).status_code == 404
    assert (await ada.put(task["id"], completed=True)).status_code == 404


async def test_a_replica_sees_both_changes_of_a_completion(ada: Person) -> None:
    task = await ada.create(**WEEKLY)
    await ada.toggle(task["id"])

    changes = (await ada.since(task["revision"]))["changes"]

    assert sorted(change["kind"] for change in changes) == ["create", "update"]
    assert all("series" not in change["task"] for change in changes)


async def test_a_task_that_is_done_again_on_its_day_goes_on(ada: Person) -> None:
    """Its next date is the date of the task that was just made: they are two tasks."""
    task = await ada.create(recurrence="daily", recurrence_from="completion", due_date=TODAY.isoformat())
    for done in range(1, 4):
        await ada.toggle(task["id"])
        [task] = await pending(ada)
        assert len(await ada.list()) == done + 1


async def test_a_task_without_a_due_date_counts_to_its_end(ada: Person) -> None:
    task = await ada.create(recurrence="FREQ=DAILY;COUNT=3")
    for left in (1, 1, 0):
        await ada.toggle(task["id"])
        tasks = await pending(ada)
        assert len(tasks) == left
        task = tasks[0] if tasks else task


@pytest.mark.parametrize(
    ("due", "remind_at"), [("2026-01-01", "2200-12-31T00:00:00Z"), ("2200-12-30", "1900-01-01T00:00:00Z")]
)
async def test_a_reminder_beyond_its_years_is_left_out(ada: Person, due: str, remind_at: str) -> None:
    task = await ada.create(recurrence="yearly", recurrence_from="completion", due_date=due, remind_at=remind_at)

    assert (await ada.toggle(task["id"])).status_code == 200
    assert [each["remind_at"] for each in await pending(ada)] in ([None], [])


async def test_where_there_is_no_room_for_the_next_one_a_retry_with_a_key_is_refused_alike(database_url: str) -> None:
    async with running(create_app(settings_for(database_url, max_tasks_per_user=1))) as app, http(app) as client:
        ada = await sign_up(client, "ada")
        task = await ada.create(**WEEKLY)
        for headers in ({}, {"Idempotency-Key": "once"}, {"Idempotency-Key": "once"}):
            refused = await ada.toggle(task["id"], headers=headers)
            assert refused.status_code == 409, refused.text
        assert (await ada.get(task["id"])).json() == task


async def test_a_batch_completes_and_moves_what_it_made(ada: Person) -> None:
    task, other = await ada.create(**WEEKLY), await ada.create()
    await ada.toggle(task["id"])
    [following] = [each for each in await pending(ada) if each["id"] != other["id"]]

    for move in ({"id": following["id"], "after": None}, {"id": other["id"], "after": following["id"]}):
        operations = [{"op": "complete", "id": task["id"], "completed": False}, {"op": "move", **move}]
        refused = await ada.call("POST", f"{ada.tasks}/batch", json={"operations": operations})
        assert (refused.status_code, refused.json()["errors"][0]["loc"][:3]) == (422, ["body", "operations", 1])
    assert (await ada.get(following["id"])).json() == following
