"""Filters of the list, by all their names: each alone, together, and what contradicts itself."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import Person

pytestmark = pytest.mark.anyio

FAR = "Pacific/Kiritimati"  # UTC+14
BEHIND = "Etc/GMT+12"  # UTC-12


def day(days: int, zone: str = "UTC") -> str:
    return (datetime.now(ZoneInfo(zone)) + timedelta(days)).strftime("%Y-%m-%d")


def local(zone: str = "UTC", **delta: float) -> str:
    return (datetime.now(ZoneInfo(zone)) + timedelta(**delta)).strftime("%Y-%m-%dT%H:%M:%S")


def instant(**delta: float) -> str:
    return (datetime.now(UTC) + timedelta(**delta)).strftime("%Y-%m-%dT%H:%M:%SZ")


async def titles(person: Person, **params: Any) -> list[str]:
    """The titles in the order of creation."""
    return [task["title"] for task in reversed(await person.list(**params))]


async def refusal(person: Person, query: str) -> dict[str, str]:
    """The messages of a 422, by parameter."""
    response = await person.call("GET", f"{person.tasks}?{query}")
    assert response.status_code == 422, response.text
    return {error["loc"][1]: error["msg"] for error in response.json()["errors"]}


@pytest.fixture
async def three(ada: Person) -> Person:
    """Somebody with three tasks."""
    await ada.create("a", priority="high", tags=["Home", "garden"], completed=True)
    await ada.create("b", priority="low", tags=["home"], remind_at="2027-03-01T09:00:00+01:00")
    await ada.create("c")
    return ada


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"completed": "true"}, "a"),
        ({"completed": "False"}, "bc"),
        ({"is_completed": "true"}, "a"),
        ({"status_filter": "pending"}, "bc"),
        ({"status": "all", "completed": "true"}, "a"),
        ({"status": "completed", "completed": "true", "is_completed": "true"}, "a"),
        ({"priority": "high"}, "a"),
        ({"priority": "HIGH, low"}, "ab"),
        ({"priority": ["high", "low"]}, "ab"),
        ({"priority": "none"}, "c"),
        ({"priority": "none,low"}, "bc"),
        ({"priority": "urgent"}, ""),
        ({"priority": ""}, "abc"),
        ({"tag": "HOME"}, "ab"),
        ({"tag": ["home", "Garden"]}, "a"),
        ({"tags": "home,garden"}, "a"),
        ({"tags": " home , "}, "ab"),
        ({"tag": "home", "tags": "garden"}, "a"),
        ({"tag": "home", "priority": "low"}, "b"),
        ({"tag": "home,garden"}, ""),
        ({"tag": "hom"}, ""),
        ({"tag": "%"}, ""),
        ({"reminders_from": "2027-03-01T08:00:00Z"}, "b"),
        ({"reminders_from": "2027-03-01T08:00:01Z"}, ""),
        ({"reminders_to": "2027-03-01T08:00:00Z"}, ""),
        ({"reminders_from": "2027-02-28T00:00:00Z", "reminders_to": "2027-03-01T09:00:01+01:00"}, "b"),
        ({"due": "none", "completed": "false"}, "bc"),
        ({"search": "b", "tag": "home", "priority": "low", "status": "pending", "due": "none"}, "b"),
    ],
)
async def test_a_filter_shows_what_it_names(three: Person, params: dict[str, Any], expected: str) -> None:
    assert await titles(three, **params) == [*expected]


@pytest.mark.parametrize("tag", ['a"b', "a\\b", "a,b", "{}", "null", "NULL", "a b", "'", "%", "Äpfel", "日本"])
async def test_any_tag_is_found_as_it_was_written(ada: Person, tag: str) -> None:
    await ada.create("it", tags=["other", tag])
    await ada.create("not it", tags=["other"])

    assert await titles(ada, tag=tag) == ["it"]


async def test_the_trash_can_be_filtered_too(three: Person) -> None:
    for task in await three.list():
        await three.delete(task["id"])

    assert await titles(three, status="deleted", tag="home") == ["a", "b"]
    assert await titles(three, status="deleted", completed="false") == ["b", "c"]
    assert await titles(three, tag="home") == []


@pytest.mark.parametrize(
    ("query", "name", "message"),
    [
        ("status=completed&completed=false", "completed", "contradicts status"),
        ("status=pending&status_filter=completed", "status_filter", "contradicts status"),
        ("completed=true&is_completed=false", "is_completed", "contradicts completed"),
        ("search=one&q=two", "q", "contradicts search"),
        ("sort=title&sort_by=priority", "sort_by", "contradicts sort"),
        ("sort_order=asc&order=desc", "order", "contradicts sort_order"),
        ("sort=-title&order=asc", "sort", "send one of the two"),
        ("offset=1&skip=2", "skip", "contradicts offset"),
        ("page=3&limit=10&offset=10", "page", "contradicts offset"),
        ("sort=relevance", "sort", "needs a search"),
        ("page=1002&limit=10", "page", "follow the Link header"),
        ("completed=1", "completed", "true or false"),
        ("completed=", "completed", "true or false"),
        ("is_completed=yes", "is_completed", "true or false"),
        ("priority=highest", "priority", "'urgent'"),
        ("priority=high,%00", "priority", "'urgent'"),
        ("tag=", "tag", "at least 1 character"),
        (f"tag={'x' * 51}", "tag", "at most 50"),
        ("tag=%07", "tag", "control characters"),
        ("&".join(f"tag={number}" for number in range(21)), "tag", "20 tags"),
        (f"tags={','.join(map(str, range(21)))}", "tag", "20 tags"),
        ("due=tomorrow", "due", "'today'"),
        ("due=today&due=week", "due", "more than once"),
        ("due_before=2027-02-30", "due_before", "a day that exists"),
        ("due_after=1800-01-01", "due_after", "years 1900"),
        ("due_after=now", "due_after", "a day that exists"),
        ("time_zone=Mars/Base", "time_zone", "Europe/Berlin"),
        ("reminders_from=2027-03-01", "reminders_from", "date and time"),
        ("reminders_to=2027-03-01T09:00:00", "reminders_to", "timezone"),
        ("sort=colour", "sort", "due_date"),
        ("sort=--title", "sort", "due_date"),
        ("sort_by=", "sort_by", "due_date"),
        ("order=up", "order", "'asc'"),
        ("offset=-1", "offset", "greater than or equal to 0"),
        ("offset=10001", "offset", "less than or equal to 10000"),
        ("skip=1e9", "skip", "integer"),
        ("page=0", "page", "greater than or equal to 1"),
        ("status_filter=done", "status_filter", "'pending'"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_name(ada: Person, query: str, name: str, message: str) -> None:
    refused = await refusal(ada, query)

    assert message in refused[name]
    assert [*refused] == [name]


class TestDue:
    async def test_overdue_is_what_is_not_done_and_was_due_before_now(self, ada: Person) -> None:
        for title, due in [
            *(("yesterday", day(-1)), ("today", day(0)), ("tomorrow", day(1))),
            *(("a local hour ago", local(hours=-1)), ("in a local hour", local(hours=1))),
            *(("an hour ago", instant(hours=-1)), ("in an hour", instant(hours=1)), ("never", None)),
        ]:
            await ada.create(title, due_date=due)
        await ada.create("done", due_date=day(-1), completed=True)

        assert await titles(ada, due="overdue") == ["yesterday", "a local hour ago", "an hour ago"]
        assert await titles(ada, due="overdue", completed="true") == []

    @pytest.mark.parametrize("zone", ["UTC", FAR, BEHIND, "America/St_Johns"])
    async def test_now_and_today_are_those_of_the_time_zone(self, ada: Person, zone: str) -> None:
        for title, due, its_zone in [
            ("yesterday", day(-1, zone), None),
            ("today", day(0, zone), None),
            ("tomorrow", day(1, zone), None),
            ("an hour ago there", local(zone, hours=-1), None),
            ("an hour ago elsewhere", local(FAR, hours=-1), FAR),
            ("in an hour elsewhere", local(BEHIND, hours=1), BEHIND),
            ("in an hour there", local(zone, hours=1), None),
        ]:
            await ada.create(title, due_date=due, time_zone=its_zone)

        assert await titles(ada, due="overdue", time_zone=zone) == [
            *("yesterday", "an hour ago there", "an hour ago elsewhere")
        ]
        today = await titles(ada, due="today", time_zone=zone)
        assert "today" in today
        assert {"yesterday", "tomorrow"}.isdisjoint(today)
        an_hour_ago = datetime.now(ZoneInfo(zone)) - timedelta(hours=1)
        same_day = an_hour_ago.date() == datetime.now(ZoneInfo(zone)).date()
        assert ("an hour ago there" in today, "an hour ago elsewhere" in today) == (same_day, same_day)

    async def test_a_week_is_today_and_the_six_days_after(self, ada: Person) -> None:
        for days in range(-1, 9):
            await ada.create(str(days), due_date=day(days))

        assert await titles(ada, due="week") == [str(days) for days in range(7)]

    async def test_an_instant_is_today_where_it_is_today(self, ada: Person) -> None:
        now = datetime.now(UTC)
        await ada.create("now", due_date=instant())

        assert await titles(ada, due="today", time_zone=FAR) == ["now"]
        assert await titles(ada, due="today", time_zone=BEHIND) == ["now"]
        tomorrow_there = (now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        await ada.create("tomorrow", due_date=tomorrow_there)
        assert await titles(ada, due="today", time_zone=FAR) == ["now"]

    @pytest.mark.parametrize(
        ("params", "expected"),
        [
            ({"due_before": "2027-03-02"}, "day local zoned instant"),
            ({"due_before": "2027-03-01"}, ""),
            ({"due_after": "2027-03-01"}, "day local zoned instant"),
            ({"due_after": "2027-03-02"}, ""),
            ({"due_before": "2027-03-01T09:00"}, "day zoned instant"),
            ({"due_after": "2027-03-01T09:00"}, "local"),
            ({"due_before": "2027-03-01T09:00", "time_zone": "Europe/Berlin"}, "day"),
            ({"due_after": "2027-03-01T09:00", "time_zone": "Europe/Berlin"}, "local zoned instant"),
            ({"due_after": "2027-03-01T08:00:00Z"}, "local zoned instant"),
            ({"due_before": "2027-03-01T08:00:00Z"}, "day"),
            ({"due_before": "2027-03-01T08:00:01Z"}, "day zoned instant"),
            ({"due_before": "2027-03-01T10:00:00+01:00", "time_zone": "Asia/Tokyo"}, "day local zoned instant"),
            ({"due_after": "2027-03-01", "due_before": "2027-03-01T00:00:01Z"}, "day"),
            ({"due_before": "2027-03-01", "time_zone": "America/New_York"}, ""),
            ({"due_before": "2027-03-02", "time_zone": FAR}, "day local zoned instant"),
            ({"due_after": "2027-03-02", "time_zone": "Pacific/Auckland"}, ""),
        ],
    )
    async def test_bounds_are_read_in_the_time_zone(self, ada: Person, params: dict[str, str], expected: str) -> None:
        await ada.create("day", due_date="2027-03-01")
        await ada.create("local", due_date="2027-03-01T09:00")
        await ada.create("zoned", due_date="2027-03-01T09:00", time_zone="Europe/Berlin")
        await ada.create("instant", due_date="2027-03-01T08:00:00Z")
        await ada.create("none")

        assert await titles(ada, **params) == expected.split()

    @pytest.mark.parametrize(
        ("params", "tagged"),
        [
            ({"due": "today"}, False),
            ({"due": "overdue"}, False),
            ({"due": "week"}, False),
            ({"due": "none"}, True),
            ({"due_before": "2027-03-01"}, True),
            ({"tag": "home"}, True),
        ],
    )
    async def test_a_list_that_changes_with_time_has_no_tag(
        self, ada: Person, params: dict[str, str], tagged: bool
    ) -> None:
        first = await ada.call("GET", ada.tasks, params=params)
        whole = (await ada.call("GET", ada.tasks)).headers["etag"]
        again = await ada.call("GET", ada.tasks, params=params, headers={"If-None-Match": whole})

        assert ("etag" in first.headers) == tagged
        assert again.status_code == (304 if tagged else 200)


class TestNumberedPages:
    async def test_pages_by_number_and_by_offset(self, ada: Person) -> None:
        for number in range(7):
            await ada.create(str(number))

        assert await titles(ada, page=1, limit=3) == ["4", "5", "6"]
        assert await titles(ada, page=3, limit=3) == ["0"]
        assert await titles(ada, page=4, limit=3) == []
        assert await titles(ada, offset=2, limit=2) == ["3", "4"]
        assert await titles(ada, skip=5, limit=100) == ["0", "1"]
        assert await titles(ada, skip=1, limit=2, sort="created") == ["2", "1"]
        assert await titles(ada, page=2, limit=2, offset=2) == ["3", "4"]
        assert await titles(ada, offset=6) == ["0"]

    async def test_the_next_page_is_named_by_a_cursor_with_all_other_parameters(self, ada: Person) -> None:
        for number in range(5):
            await ada.create(f"fern & co {number}", tags=["a&b", "ü"], due_date=f"2027-01-0{5 - number}")
            await ada.create(f"rose & co {number + 5}", tags=["a&b", "ü"], due_date=f"2027-01-0{5 - number}")
            await ada.create(f"fern & co {number + 5}", tags=["a&b"], due_date=f"2027-01-0{5 - number}")

        first = await ada.call(
            *("GET", ada.tasks),
            params={"page": 1, "limit": 2, "tag": ["a&b", "ü"], "q": "fern &", "sort": "due_date", "_": "x"},
        )
        link = first.links["next"]["url"]

        assert [task["title"][-1] for task in first.json()] == ["4", "3"]
        assert "page=" not in link
        assert [task["title"][-1] for task in (await ada.call("GET", link)).json()] == ["2", "1"]

    async def test_a_cursor_and_a_number_exclude_each_other(self, ada: Person) -> None:
        for number in range(3):
            await ada.create(str(number))
        link = (await ada.call("GET", f"{ada.tasks}?limit=1")).links["next"]["url"]

        for name in ("page=1", "offset=1", "skip=0"):
            response = await ada.call("GET", f"{link}&{name}")
            assert response.status_code == 422
            assert "cannot come with a cursor" in response.json()["detail"]


@pytest.mark.parametrize(
    "params",
    [
        {"search": "secret"},
        {"tag": "secret"},
        {"priority": "high"},
        {"due": "overdue"},
        {"due_before": "2200-01-01"},
        {"reminders_to": "2200-01-01T00:00:00Z"},
        {"completed": "false"},
        {"sort": "due_date"},
        {"sort": "title"},
        {"page": 1},
    ],
)
async def test_bob_never_sees_adas_tasks(ada: Person, bob: Person, params: dict[str, Any]) -> None:
    await ada.create(
        "secret", tags=["secret"], priority="high", due_date="2020-01-01", remind_at="2027-01-01T00:00:00Z"
    )

    assert len(await ada.list(**params)) == 1
    assert await bob.list(**params) == []
