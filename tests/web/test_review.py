"""The numbers of the review: completed tasks by day on the person's calendar, and tasks by tag."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.web.modules import Modules, modules_in_node, needs_node

pytestmark = needs_node


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Modules]:
    with modules_in_node(tmp_path_factory.mktemp("page")) as modules:
        yield modules


PER_DAY = "page.perDay(given.tasks, given.today)"
BY_TAG = "page.byTag(given)"


def completed(*moments: datetime) -> list[dict[str, Any]]:
    return [{"completed_at": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")} for moment in moments]


def tagged(*tags: str, done: bool = False) -> dict[str, Any]:
    return {"completed": done, "tags": [*tags]}


def counts(name: str, *, done: int, open: int) -> dict[str, Any]:
    return {"name": name, "done": done, "open": open}


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati"])
@pytest.mark.parametrize("today", [date(2026, 4, 12), date(2026, 11, 28)])
def test_tasks_count_for_the_days_of_the_persons_calendar_also_when_clocks_change(
    page: Modules, zone: str, today: date
) -> None:
    start = datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(days=90)
    moments = [start + timedelta(minutes=15 * number) for number in range(92 * 24 * 4)]
    there = Counter(moment.astimezone(ZoneInfo(zone)).date() for moment in moments)
    days = [today - timedelta(days=83 - number) for number in range(84)]

    shown = page.evaluate("review.js", PER_DAY, {"tasks": completed(*moments), "today": str(today)}, time_zone=zone)

    assert shown == [{"date": str(day), "count": there[day]} for day in days]


@pytest.mark.parametrize(
    ("zone", "day", "quarters"), [("Europe/Berlin", date(2026, 3, 29), 92), ("Europe/Berlin", date(2026, 10, 25), 100)]
)
def test_a_day_on_which_clocks_change_has_all_its_hours(page: Modules, zone: str, day: date, quarters: int) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
    moments = [start + timedelta(minutes=15 * number) for number in range(3 * 24 * 4)]
    given = {"tasks": completed(*moments), "today": str(day + timedelta(days=1))}

    shown = page.evaluate("review.js", PER_DAY, given, time_zone=zone)

    assert shown[-2] == {"date": str(day), "count": quarters}


def test_without_tasks_there_are_84_empty_days_and_no_tags(page: Modules) -> None:
    days = page.evaluate("review.js", PER_DAY, {"tasks": [], "today": "2026-11-28"})
    tags = page.evaluate("review.js", BY_TAG, [])

    assert (len(days), days[0]["date"], days[-1]["date"]) == (84, "2026-09-06", "2026-11-28")
    assert {day["count"] for day in days} == {0}
    assert tags == {"top": [], "others": {"tags": 0, "done": 0, "open": 0}}


def test_open_tasks_and_those_of_other_days_are_not_counted(page: Modules) -> None:
    today = datetime(2026, 11, 28, 12, tzinfo=UTC)
    others = completed(today - timedelta(days=84), today + timedelta(days=1))
    given = {"tasks": [{"completed_at": None}, *others, *completed(today)], "today": "2026-11-28"}

    days = page.evaluate("review.js", PER_DAY, given)

    assert [day["count"] for day in days] == [*[0] * 83, 1]


def test_tags_that_differ_in_case_are_one_in_the_spelling_that_comes_first(page: Modules) -> None:
    tasks = [tagged("Home"), tagged("home", done=True), tagged("HOME", "garden"), tagged()]

    shown = page.evaluate("review.js", BY_TAG, tasks)

    assert shown["top"] == [counts("Home", done=1, open=2), counts("garden", done=0, open=1)]


def test_the_ten_most_used_tags_are_shown_and_a_task_counts_once_for_the_others(page: Modules) -> None:
    tasks = [tagged(f"tag {number}") for number in range(10) for _ in range(12 - number)]
    tasks += [tagged("rare", "rarer"), tagged("rare", "tag 0", done=True)]

    shown = page.evaluate("review.js", BY_TAG, tasks)

    assert [each["name"] for each in shown["top"]] == [f"tag {number}" for number in range(10)]
    assert shown["top"][0] == counts("tag 0", done=1, open=12)
    assert shown["others"] == {"tags": 2, "done": 1, "open": 1}


def test_ten_thousand_tasks_are_counted(page: Modules) -> None:
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    tasks = [
        {**each, **tagged(f"tag {number % 37}", f"Tag {number % 11}", done=True)}
        for number, each in enumerate(completed(*(now - timedelta(minutes=12 * number) for number in range(10_000))))
    ]

    days = page.evaluate("review.js", PER_DAY, {"tasks": tasks, "today": "2026-11-28"}, time_zone="UTC")
    tags = page.evaluate("review.js", BY_TAG, tasks)

    assert [each["count"] for each in days[-2:]] == [120, 61]
    assert sum(each["count"] for each in days) == 10_000
    assert tags["top"][0]["name"] == "tag 0"
