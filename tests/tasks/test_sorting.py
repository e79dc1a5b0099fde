"""Orders of the list: each page by page, while tasks come, change and go."""

import base64
import binascii
import random
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.conftest import Person
from tests.tasks.test_lists import add
from todo.tasks.cursors import Cursor
from todo.tasks.sorting import ORDERS

pytestmark = pytest.mark.anyio

RANK = {"low": 0, "medium": 1, "high": 2, "urgent": 3}
Key = Callable[[dict[str, Any]], Any]
KEYS: dict[str, Key] = {
    "created": lambda task: task["created_at"],
    "updated": lambda task: task["updated_at"],
    "due_date": lambda task: task["due_date"],
    "priority": lambda task: RANK.get(task["priority"]),
    "title": lambda task: (task["title"].lower(), task["title"]),
    "position": lambda task: task["position"],
}


def sorted_by(tasks: list[dict[str, Any]], sort: str) -> list[str]:
    """The ids of tasks in this order, nulls last, of equal ones the newest first."""
    key = KEYS[sort.removeprefix("-")]
    newest = sorted(tasks, key=lambda task: (task["created_at"], task["id"]), reverse=sort != "created")
    having = sorted((task for task in newest if key(task) is not None), key=key, reverse=sort.startswith("-"))
    return [task["id"] for task in [*having, *(task for task in newest if key(task) is None)]]


async def make(person: Person, count: int, seed: int) -> list[dict[str, Any]]:
    """Tasks with few different values of everything, so that many are equal."""
    chance = random.Random(seed)  # no secret
    return [
        await person.create(
            chance.choice(["fern", "Fern", "apple tree", "Zebra", "fern fern", "été"]),
            description=chance.choice([None, "fern"]),
            due_date=chance.choice([None, "2027-03-01", "2027-03-02", "2027-03-01T09:00:00Z", "1950-01-01"]),
            priority=chance.choice([None, *RANK]),
            tags=chance.choice([[], ["home"]]),
        )
        for _ in range(count)
    ]


async def page(person: Person, url: str) -> tuple[list[dict[str, Any]], str]:
    response = await person.call("GET", url)
    assert response.status_code == 200, response.text
    return response.json(), response.links.get("next", {}).get("url", "")


@pytest.mark.parametrize("sort", [*KEYS, *(f"-{sort}" for sort in KEYS)])
async def test_the_whole_list_and_its_pages_are_in_this_order(ada: Person, sort: str) -> None:
    wanted = sorted_by(await make(ada, 23, seed=1), sort)

    assert [task["id"] for task in await ada.list(sort=sort)] == wanted
    for limit in (1, 4, 23):
        shown, url = [], f"{ada.tasks}?sort={sort}&limit={limit}"
        while url:
            tasks, url = await page(ada, url)
            shown += [task["id"] for task in tasks]
        assert shown == wanted


@pytest.mark.parametrize("query", ["", "&tag=home", "&q=fern", "&completed=false&due_after=1950-01-01"])
@pytest.mark.parametrize("sort", [sort for sort in ORDERS if sort != "relevance"])
async def test_no_task_that_stays_as_it_is_gets_lost_or_repeated_while_others_change(
    ada: Person, sort: str, query: str
) -> None:
    chance = random.Random(f"{sort}{query}")  # no secret
    await make(ada, 30, seed=2)
    begin = f"{ada.tasks}?sort={sort}{query}"
    before = {task["id"]: task["revision"] for task in (await page(ada, begin))[0]}
    touched: set[str] = set()
    shown: list[str] = []
    url = f"{begin}&limit=4"
    while url:
        tasks, url = await page(ada, url)
        shown += [task["id"] for task in tasks]
        await make(ada, 1, seed=chance.randrange(1000))
        some = chance.sample([*before], 2)
        if len(tasks) > 1:
            some.append(tasks[-1]["id"])  # the one that the cursor names
        await ada.put(some[0], priority=chance.choice([None, *RANK]), due_date=None, title="Mango fern")
        for each in some[1:]:
            await ada.delete(each)
        touched |= {*some}

    untouched = before.keys() - touched
    assert len(untouched) > 3
    assert [each for each in shown if each in untouched] == [each for each in before if each in untouched]


async def test_pages_of_a_search_are_in_one_order_of_relevance(ada: Person) -> None:
    await make(ada, 30, seed=3)
    whole = [task["id"] for task in await ada.list(q="fern")]

    shown, url = [], f"{ada.tasks}?q=fern&limit=3"
    while url:
        tasks, url = await page(ada, url)
        shown += [task["id"] for task in tasks]
    assert shown == whole
    assert len({*whole}) == len(whole) > 10


async def test_the_whole_list_is_streamed_in_every_order(ada: Person, database_url: str) -> None:
    add(database_url, ada, 450)
    newest = [task["id"] for task in await ada.list()]

    for sort in ORDERS:
        query = {"q": "task"} if sort == "relevance" else {}
        ids = [task["id"] for task in await ada.list(sort=sort, **query)]
        assert {*ids} == {*newest}
        assert len(ids) == 450
    assert [task["id"] for task in await ada.list(sort="due_date")] == newest
    large = await ada.list(sort="due_date", limit=300)
    assert [task["id"] for task in large] == newest[:300]


@pytest.mark.parametrize(
    ("query", "same"),
    [
        ("sort=created_at", "sort=created"),
        ("sort=-created_at", ""),
        ("sort=CREATED", "sort=created"),
        ("sort_by=updated_at&order=desc", "sort=-updated"),
        ("sort_by=priority&sort_order=desc", "sort=-priority"),
        ("sort_by=title&sort_order=ASC", "sort=title"),
        ("sort=-title&order=desc", "sort=-title"),
        ("sort=title&sort_by=title", "sort=title"),
        ("order=desc", ""),
        ("sort_order=asc", "sort=created"),
        ("q=fern&sort=relevance&order=asc", "q=fern"),
        ("q=fern&sort=relevance&order=desc", "q=fern"),
    ],
)
async def test_other_names_mean_the_same_order(ada: Person, query: str, same: str) -> None:
    await make(ada, 12, seed=4)

    assert (await page(ada, f"{ada.tasks}?{query}"))[0] == (await page(ada, f"{ada.tasks}?{same}"))[0]


async def test_the_most_urgent_first_and_those_without_a_priority_last(ada: Person) -> None:
    for priority in ("low", None, "urgent", "medium", "high"):
        await ada.create("x", priority=priority)

    shown = [task["priority"] for task in await ada.list(sort="-priority")]
    assert shown == ["urgent", "high", "medium", "low", None]
    shown = [task["priority"] for task in await ada.list(sort="priority")]
    assert shown == ["low", "medium", "high", "urgent", None]


async def next_cursor(person: Person, **params: Any) -> str:
    response = await person.call("GET", person.tasks, params={"limit": 1, **params})
    return str(httpx.URL(response.links["next"]["url"]).params["cursor"])


@pytest.mark.parametrize("other", [sort for sort in ORDERS if sort not in {"title", "relevance"}])
async def test_a_cursor_of_another_order_is_refused(ada: Person, other: str) -> None:
    await make(ada, 3, seed=5)
    cursor = await next_cursor(ada, sort=other)

    response = await ada.call("GET", ada.tasks, params={"sort": "title", "cursor": cursor})

    assert response.status_code == 422
    assert "not a cursor of this list" in response.json()["detail"]
    assert (await ada.call("GET", ada.tasks, params={"sort": other, "cursor": cursor})).status_code == 200


@pytest.mark.parametrize("sort", ["title", "due_date", "-priority", "updated", "position"])
async def test_a_changed_cursor_is_refused(ada: Person, sort: str) -> None:
    await make(ada, 3, seed=6)
    cursor = await next_cursor(ada, sort=sort)

    for changed in (cursor[:-4], "B" + cursor[1:], cursor + "AAAA", cursor + "A" * 2000, "é" + cursor):
        response = await ada.call("GET", ada.tasks, params={"sort": sort, "cursor": changed})
        assert response.status_code == 422, changed


async def test_a_cursor_may_hold_the_longest_title(ada: Person) -> None:
    for _ in range(3):
        await ada.create("\U0001f33f" * 255)

    cursor = await next_cursor(ada, sort="title")

    assert len(cursor) < 1500
    assert len(await ada.list(sort="title", cursor=cursor)) == 2


def crafted(sort: str, key: bytes | None) -> str:
    """A cursor with a right checksum, as anybody can make one."""
    body = bytes([2, list(ORDERS).index(sort), key is not None]) + bytes(24) + (key or b"")
    return base64.urlsafe_b64encode(body + binascii.crc_hqx(body, 0).to_bytes(2, "big")).decode().rstrip("=")


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("title", b"a\0b"),
        ("title", b"\xff"),
        ("title", None),
        ("-priority", b"\x09"),
        ("-priority", b"12"),
        ("-priority", None),
        ("relevance", b"\x7f\xc0\x00\x00"),
        ("relevance", b""),
        ("updated", b"\x7f" + b"\xff" * 7),
        ("due_date", b"1"),
        ("created", b"1"),
    ],
)
def test_a_cursor_that_no_list_made_is_refused_whatever_its_checksum(sort: str, key: bytes | None) -> None:
    with pytest.raises(ValueError, match="not one of our cursors"):
        Cursor.parse(crafted(sort, key))


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("title", "Äb 🌿".encode()),
        ("-priority", b"\x04"),
        ("updated", b"\xff" * 8),
        ("due_date", None),
        ("created", None),
    ],
)
def test_a_cursor_is_written_as_it_was_read(sort: str, key: bytes | None) -> None:
    assert str(Cursor.parse(crafted(sort, key))) == crafted(sort, key)
