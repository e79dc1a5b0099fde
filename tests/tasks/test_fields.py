"""Due dates, priorities, tags, repetition and reminders as fields: optional, kept by silence, cleared by null."""

from typing import Any

import psycopg
import pytest

from tests.conftest import Person
from tests.support.sql_conditions import as_table_owner

pytestmark = pytest.mark.anyio

NOTHING: dict[str, Any] = {
    **dict.fromkeys(("due_date", "time_zone", "priority", "recurrence", "recurrence_from", "remind_at")),
    "tags": [],
}
EVERYTHING: dict[str, Any] = {
    "due_date": "2027-03-01T09:00",
    "time_zone": "Europe/Berlin",
    "priority": "high",
    "tags": ["home", "Garten, „grün“"],
    "recurrence": "weekly",
    "recurrence_from": "completion",
    "remind_at": "2027-03-01T07:30:00.000000Z",
}


def fields(task: dict[str, Any]) -> dict[str, Any]:
    return {name: task[name] for name in EVERYTHING}


async def test_a_task_without_them_has_null_and_no_tags(ada: Person) -> None:
    assert fields(await ada.create()) == NOTHING


async def test_they_come_back_as_they_were_sent(ada: Person) -> None:
    task = await ada.create(**EVERYTHING)

    assert fields(task) == EVERYTHING
    assert (await ada.get(task["id"])).json() == task
    assert await ada.list() == [task]


async def test_an_update_of_one_keeps_the_others(ada: Person) -> None:
    task = await ada.create(**EVERYTHING)

    updated = (await ada.put(task["id"], priority="low")).json()

    assert fields(updated) == EVERYTHING | {"priority": "low"}


@pytest.mark.parametrize("name", EVERYTHING)
async def test_null_clears_each(ada: Person, name: str) -> None:
    task = await ada.create(**EVERYTHING)

    updated = (await ada.put(task["id"], **{name: None})).json()

    assert fields(updated) == EVERYTHING | {name: NOTHING[name]}


async def test_null_is_as_absent_on_a_new_task(ada: Person) -> None:
    assert fields(await ada.create(**NOTHING | {"tags": None})) == NOTHING


async def test_patch_does_what_put_does(ada: Person) -> None:
    task = await ada.create()

    patched = await ada.call("PATCH", f"{ada.tasks}/{task['id']}", json={"priority": "urgent"})

    assert (patched.status_code, patched.json()["priority"]) == (200, "urgent")
    assert patched.json()["title"] == task["title"]
    stale = await ada.call(
        "PATCH", f"{ada.tasks}/{task['id']}", json={"priority": "low"}, headers={"If-Match": f'"{task["revision"]}"'}
    )
    assert stale.status_code == 412


@pytest.mark.parametrize("name", EVERYTHING)
async def test_a_change_of_each_is_logged_and_undone(ada: Person, name: str) -> None:
    task = await ada.create(**EVERYTHING)
    changed = (await ada.put(task["id"], **{name: None})).json()

    [change, _] = await ada.history(task["id"])
    assert change["before"] == {name: EVERYTHING[name]}
    assert change["task"] == changed
    undone = (await ada.undo(changed["revision"])).json()["task"]
    assert fields(undone) == EVERYTHING
    assert (await ada.since(changed["revision"]))["changes"][0]["task"] == undone


async def test_a_change_that_changes_none_of_them_takes_no_revision(ada: Person) -> None:
    task = await ada.create(**EVERYTHING)

    assert (await ada.put(task["id"], **EVERYTHING)).json() == task


async def test_a_creation_repeated_with_the_same_fields_is_the_same(ada: Person) -> None:
    task = await ada.create(**EVERYTHING, id="0193c1d4-0000-7000-8000-000000000001")

    again = await ada.post(id=task["id"], title=task["title"], **EVERYTHING)
    assert (again.status_code, again.json()) == (200, task)
    other = await ada.post(id=task["id"], title=task["title"], **EVERYTHING | {"priority": "low"})
    assert other.status_code == 409


DUE: list[str] = [
    *("2027-03-01", "2028-02-29", "1900-01-01", "2200-12-31"),
    *("2027-03-01T09:00", "2027-03-01T09:00:30", "2027-03-01T09:00:30.5", "2027-03-01T00:00"),
    *("2027-03-01T09:00:00Z", "2027-03-01T09:00:00.000Z", "2027-03-01T23:30:00+02:00", "2027-03-01T09:00-11:00"),
    "2027-03-01T09:00:00.123456+14:00",
]


@pytest.mark.parametrize("due", DUE)
async def test_a_due_date_keeps_its_form(ada: Person, due: str) -> None:
    task = await ada.create(due_date=due)

    assert task["due_date"] == due
    assert (await ada.put(task["id"], due_date=due.lower())).json()["due_date"] == due
    assert (await ada.get(task["id"])).json()["due_date"] == due


REFUSED: dict[str, list[Any]] = {
    "due_date": [
        *("2027-02-29", "2027-13-01", "2027-00-10", "27-03-01", "2027-3-1", "1899-12-31", "2201-01-01", "0001-01-01"),
        *("2027-03-01T24:00", "2027-03-01T09:60", "2027-03-01T09", "2027-03-01 09:00", "2027-03-01T09:00:00.1234567"),
        *("2027-03-01T09:00+16:00", "2027-03-01T09:00Zulu", "tomorrow", "", "٢٠٢٧-03-01", "2027-03-01" * 50),
        *(20270301, 1803891600, True, ["2027-03-01"], {}),
    ],
    "time_zone": ["Europe/Nowhere", "europe/berlin", "+02:00", "CEST", "", "../etc/passwd", 1],
    "priority": ["highest", 1, True, ["high"], "high " * 100],
    "tags": [
        *("home", ["x" * 51], [""], ["  "], [1], [None], ["a\u0000b"], ["a\nb"], {"home": 1}),
        *([f"tag {number}" for number in range(21)], ["same"] * 101),
    ],
    "recurrence": ["hourly", "FREQ=SECONDLY", 1, ["daily"]],
    "recurrence_from": ["now", 1, True],
    "remind_at": [
        "2027-03-01",
        "2027-03-01T09:00",
        "1899-12-31T00:00:00Z",
        "2201-01-01T00:00:00Z",
        1803891600,
        "",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
    ],
    "category": ["home"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values])
async def test_what_is_none_of_them_is_refused(ada: Person, name: str, value: Any) -> None:
    task = await ada.create()
    for response in (
        await ada.post(title="Water the ferns", **{name: value}),
        await ada.put(task["id"], **{name: value}),
    ):
        assert response.status_code == 422, response.text
        assert name in response.text
    assert await ada.list() == [task]


@pytest.mark.parametrize(
    ("name", "sent", "kept"),
    [
        *(("priority", sent, kept) for sent, kept in ((" HIGH ", "high"), ("None", None), ("", None))),
        ("recurrence", "None", None),
        ("recurrence", "Daily", "daily"),
        ("recurrence_from", "Completion", "completion"),
        ("remind_at", "2027-03-01T09:30:00+02:00", "2027-03-01T07:30:00.000000Z"),
        ("tags", ["  Home ", "home", "HOME", "cafe\u0301", "café"], ["Home", "café"]),
        ("tags", ["İ", "i", "ΑΣ", "ασ"], ["İ", "ΑΣ"]),
        ("tags", ['a"b', "c\\d", "{e,f}", "NULL", "ß", "🌱"], ['a"b', "c\\d", "{e,f}", "NULL", "ß", "🌱"]),
        ("category", None, None),
    ],
)
async def test_spellings_of_the_same(ada: Person, name: str, sent: Any, kept: Any) -> None:
    task = await ada.create(**{name: sent})

    assert task.get(name) == kept
    assert (await ada.put(task["id"], title="Water all ferns", **{name: sent})).json().get(name) == kept


@pytest.mark.parametrize(
    ("assignment", "constraint"),
    [
        ("due_date = '2027-3-1'", "optional_fields"),
        ("due_date = '1899-12-31'", "optional_fields"),
        ("priority = 'highest'", "optional_fields"),
        ("tags = array_fill('x'::text, array[21])", "optional_fields"),
        ("tags = '{a,A}'", "optional_fields"),
        ("tags = '{\" a\"}'", "optional_fields"),
        ("tags = '{NULL}'", "optional_fields"),
        ("tags = '{{a,b},{c,d}}'", "optional_fields"),
        ("tags = array[repeat('x', 51)]", "optional_fields"),
        ("recurrence = 'hourly'", "optional_fields"),
        ("recurrence_from = 'now'", "optional_fields"),
        ("remind_at = '1899-01-01Z'", "optional_fields"),
        ("position = 'ä'", "position_form"),
    ],
)
async def test_the_database_refuses_what_the_api_does(
    ada: Person, database_url: str, assignment: str, constraint: str
) -> None:
    await ada.create()
    with (
        pytest.raises(psycopg.errors.CheckViolation) as refused,
        as_table_owner(database_url) as owner,
    ):
        owner.execute(f"update tasks set {assignment} where user_id = %s".encode(), [ada.id])
    assert refused.value.diag.constraint_name == f"ck_tasks_{constraint}"


@pytest.mark.parametrize(
    ("due", "zone", "moment"),
    [
        ("2027-03-01", None, "2027-03-01 00:00:00+00"),
        ("2027-03-01", "America/New_York", "2027-03-01 00:00:00+00"),
        ("2027-03-01T09:00", None, "2027-03-01 09:00:00+00"),
        ("2027-07-01T09:00", "Europe/Berlin", "2027-07-01 07:00:00+00"),
        ("2027-03-01T09:00:00+02:00", "America/New_York", "2027-03-01 07:00:00+00"),
    ],
)
async def test_the_database_derives_a_moment_to_sort_by(
    ada: Person, database_url: str, due: str, zone: str | None, moment: str
) -> None:
    task = await ada.create(due_date="1999-01-01")
    await ada.put(task["id"], due_date=due, time_zone=zone)
    with as_table_owner(database_url) as owner:
        row = owner.execute("select due_at::text from tasks where user_id = %s", [ada.id]).fetchone()
    assert row == (moment,)


async def test_new_tasks_stand_before_older_ones_in_the_order_of_positions(ada: Person) -> None:
    made = [await ada.create(title=f"task {number}") for number in range(5)]

    positions = [task["position"] for task in made]
    assert positions == sorted(positions, reverse=True)
    assert len(set(positions)) == 5
