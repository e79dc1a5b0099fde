"""The list of tasks: pages, cursors, and the whole list."""

import base64
import json
import re
from itertools import chain
from typing import Any

import psycopg
import pytest

from tests.conftest import Person

pytestmark = pytest.mark.anyio


async def follow(person: Person, path: str) -> list[list[dict[str, Any]]]:
    """Every page from `path` on, by the Link headers."""
    pages = []
    while path:
        response = await person.call("GET", path)
        assert response.status_code == 200, response.text
        pages.append(response.json())
        link = re.fullmatch(r'<(/[^>]+)>; rel="next"', response.headers.get("link", ""))
        path = link[1] if link else ""
    return pages


def add(url: str, person: Person, count: int, *, same_moment: bool = False) -> None:
    """Insert `count` tasks as the owner of the tables, without row-level security."""
    moment = "timestamptz '2026-01-01 00:00:00Z'" + ("" if same_moment else " + n * interval '1 second'")
    with psycopg.connect(url) as connection:
        connection.execute("alter table tasks no force row level security")
        connection.execute(
            "insert into tasks (user_id, id, title, created_at, completed)"  # no input in the text
            f" select %s, gen_random_uuid(), 'task ' || n, {moment}, n %% 3 = 0 from generate_series(1, %s) n",
            [person.id, count],
        )
        connection.execute("alter table tasks force row level security")


@pytest.mark.parametrize("same_moment", [False, True])
async def test_all_pages_together_are_the_whole_list(ada: Person, database_url: str, same_moment: bool) -> None:
    add(database_url, ada, 25, same_moment=same_moment)
    whole = await ada.list()

    pages = await follow(ada, f"{ada.tasks}?limit=10")

    assert [len(page) for page in pages] == [10, 10, 5]
    assert [*chain.from_iterable(pages)] == whole
    assert [(t["created_at"], t["id"]) for t in whole] == sorted(
        ((t["created_at"], t["id"]) for t in whole), reverse=True
    )


async def test_the_next_link_keeps_the_filter(ada: Person, database_url: str) -> None:
    add(database_url, ada, 25)

    pages = await follow(ada, f"{ada.tasks}?limit=3&status=completed")

    assert [len(page) for page in pages] == [3, 3, 2]
    assert all(task["completed"] for page in pages for task in page)


async def test_a_full_last_page_has_no_next_link(ada: Person, database_url: str) -> None:
    add(database_url, ada, 4)

    assert [len(page) for page in await follow(ada, f"{ada.tasks}?limit=2")] == [2, 2]


async def test_a_cursor_stays_valid_while_tasks_are_created_and_deleted(ada: Person, database_url: str) -> None:
    add(database_url, ada, 6)
    whole = await ada.list()
    first = await ada.call("GET", ada.tasks, params={"limit": 2})
    path = first.headers["link"].split(">")[0].lstrip("<")

    await ada.create(title="newer than the page")
    await ada.delete(whole[1]["id"])  # the task that the cursor names
    await ada.delete(whole[3]["id"])

    rest = [*chain.from_iterable(await follow(ada, path))]
    assert [task["id"] for task in rest] == [whole[2]["id"], whole[4]["id"], whole[5]["id"]]


async def test_a_cursor_without_a_limit_returns_the_rest(ada: Person, database_url: str) -> None:
    add(database_url, ada, 5)
    first = await ada.call("GET", ada.tasks, params={"limit": 2})
    cursor = re.search(r"cursor=([^>]+)>", first.headers["link"])
    assert cursor

    assert await ada.list(cursor=cursor[1]) == (await ada.list())[2:]


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0},
        {"limit": 1001},
        {"limit": -1},
        {"limit": "ten"},
        {"limit": "1e999"},
        {"limit": "NaN"},
        {"limit": 2**70},
        {"limit": ""},
        {"status": "done"},
        {"status": "\x00"},
        {"cursor": ""},
        {"cursor": "AAAA"},
        {"cursor": "ünïcödé"},
        {"cursor": "\x00"},
        {"cursor": "x" * 5000},
        {"cursor": base64.urlsafe_b64encode(b"\x01" + b"\xff" * 26).decode()},
        {"cursor": base64.urlsafe_b64encode(bytes(27)).decode()},
    ],
)
async def test_bad_parameters_are_refused(ada: Person, params: dict[str, Any]) -> None:
    response = await ada.call("GET", ada.tasks, params=params)

    assert response.status_code == 422
    [error] = response.json()["errors"]
    assert error["loc"] == ["query", next(iter(params))]


async def test_a_changed_cursor_is_refused(ada: Person, database_url: str) -> None:
    add(database_url, ada, 3)
    first = await ada.call("GET", ada.tasks, params={"limit": 2})
    cursor = re.search(r"cursor=([^>]+)>", first.headers["link"])
    assert cursor

    for changed in (cursor[1][:-4], "B" + cursor[1][1:], cursor[1] + "AAAA"):
        assert (await ada.call("GET", ada.tasks, params={"cursor": changed})).status_code == 422


async def test_every_time_has_microseconds(ada: Person, database_url: str) -> None:
    add(database_url, ada, 1)  # made at a full second

    [task] = await ada.list()

    assert task["created_at"] == "2026-01-01T00:00:01.000000Z"
    assert json.dumps(task).count(".000000Z") == 2
