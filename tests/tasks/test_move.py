"""The user's own order: moving tasks, also at the same time, and very often into one gap."""

import asyncio
import random
import uuid
from typing import Any

import httpx
import pytest

from tests.conftest import Person
from todo.tasks import moves

pytestmark = pytest.mark.anyio


async def move(person: Person, id: str, after: str | None, **options: Any) -> httpx.Response:
    return await person.call("POST", f"{person.tasks}/{id}/move", json={"after": after}, **options)


async def order(person: Person) -> list[str]:
    """The titles in the user's own order."""
    tasks = await person.list()
    return [task["title"] for task in sorted(tasks, key=lambda task: (task["position"], task["id"]))]


async def create(person: Person, titles: str) -> dict[str, str]:
    """Tasks with these titles, in this order; their ids."""
    return {title: (await person.create(title))["id"] for title in reversed(titles)}


async def test_a_new_task_stands_before_all_others(ada: Person) -> None:
    ids = await create(ada, "abc")
    assert await order(ada) == ["a", "b", "c"]

    await move(ada, ids["c"], None)
    await ada.create("new")

    assert await order(ada) == ["new", "c", "a", "b"]


@pytest.mark.parametrize(
    ("moved", "after", "expected"),
    [("a", "b", "bacd"), ("a", "d", "bcda"), ("d", None, "dabc"), ("d", "a", "adbc"), ("b", "c", "acbd")],
)
async def test_a_task_goes_right_behind_another_or_to_the_front(
    ada: Person, moved: str, after: str | None, expected: str
) -> None:
    ids = await create(ada, "abcd")
    others = {task["id"]: task for task in await ada.list() if task["title"] != moved}

    response = await move(ada, ids[moved], after and ids[after])

    assert response.status_code == 200
    task = response.json()
    assert response.headers["etag"] == f'"{task["revision"]}"'
    assert task["revision"] == 5
    assert await order(ada) == [*expected]
    assert {task["id"]: task for task in await ada.list() if task["title"] != moved} == others
    assert (await ada.get(ids[moved])).json() == task


@pytest.mark.parametrize(("moved", "after"), [("a", None), ("b", "a"), ("c", "b"), ("b", "b")])
async def test_a_move_to_where_the_task_is_changes_nothing(ada: Person, moved: str, after: str | None) -> None:
    ids = await create(ada, "abc")
    before = (await ada.get(ids[moved])).json()

    response = await move(ada, ids[moved], after and ids[after])

    assert (response.status_code, response.json()) == (200, before)
    assert (await ada.since(0))["revision"] == 3


async def test_one_task_can_be_moved_to_the_front(ada: Person) -> None:
    task = await ada.create()

    assert (await move(ada, task["id"], None)).json() == task


async def test_behind_what_is_no_task_of_ones_own_is_422(ada: Person, bob: Person) -> None:
    task, trashed, his = await ada.create(), await ada.create(), await bob.create()
    await ada.delete(trashed["id"])

    for after in (str(uuid.uuid4()), trashed["id"], his["id"]):
        response = await move(ada, task["id"], after)

        assert response.status_code == 422
        assert response.json()["errors"][0]["loc"] == ["body", "after"]
        assert after not in response.text
    assert (await ada.get(task["id"])).json() == task


@pytest.mark.parametrize("body", [{}, {"after": 1}, {"after": "x"}, [], None])
async def test_a_body_without_after_is_422(ada: Person, body: Any) -> None:
    task = await ada.create()

    assert (await ada.call("POST", f"{ada.tasks}/{task['id']}/move", json=body)).status_code == 422


async def test_what_is_no_task_cannot_be_moved(ada: Person, bob: Person) -> None:
    trashed, his = await ada.create(), await bob.create()
    await ada.delete(trashed["id"])

    for unknown in ("no-uuid", str(uuid.uuid4()), trashed["id"], his["id"]):
        assert (await move(ada, unknown, None)).status_code == 404


async def test_a_move_may_be_conditional(ada: Person) -> None:
    ids = await create(ada, "ab")
    now = (await ada.toggle(ids["b"])).json()

    stale = await move(ada, ids["b"], None, headers={"If-Match": '"1"'})
    moved = await move(ada, ids["b"], None, headers={"If-Match": f'"{now["revision"]}"'})

    assert (stale.status_code, stale.json()["current"]) == (412, now)
    assert (moved.status_code, await order(ada)) == (200, ["b", "a"])


async def test_a_move_with_a_key_can_be_sent_again(ada: Person) -> None:
    ids = await create(ada, "abc")
    key = {"Idempotency-Key": "move"}

    first = await move(ada, ids["c"], None, headers=key)
    await move(ada, ids["b"], None)
    again = await move(ada, ids["c"], None, headers=key)

    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert await order(ada) == ["b", "c", "a"]
    assert (await ada.since(0))["revision"] == 5
    await ada.delete(ids["c"], permanent=True)
    assert (await move(ada, ids["c"], None, headers=key)).status_code == 410


async def test_a_move_is_undone(ada: Person) -> None:
    ids = await create(ada, "abc")
    await move(ada, ids["c"], None)

    assert (await ada.undo(4)).status_code == 200
    assert await order(ada) == ["a", "b", "c"]


async def test_random_moves_have_the_effect_that_they_have_on_a_list(ada: Person) -> None:
    titles = [*"abcdefgh"]
    ids = await create(ada, "abcdefgh")
    choose = random.Random(7)
    for _ in range(60):
        moved = choose.choice(titles)
        titles.remove(moved)
        place = choose.randint(0, len(titles))
        await move(ada, ids[moved], ids[titles[place - 1]] if place else None)
        titles.insert(place, moved)

    assert await order(ada) == titles


async def test_moves_at_the_same_time_into_one_gap_get_different_positions(ada: Person) -> None:
    ids = await create(ada, "abcdefghij")

    responses = await asyncio.gather(*(move(ada, ids[title], ids["a"]) for title in "cdefghij"))

    assert [response.status_code for response in responses] == [200] * 8
    positions = [task["position"] for task in await ada.list()]
    assert len({*positions}) == 10
    assert (await order(ada))[0] == "a"
    assert (await order(ada))[-1] == "b"


async def test_moves_beside_other_writers_of_the_same_tasks_end(ada: Person) -> None:
    ids = await create(ada, "abcd")

    responses = await asyncio.gather(
        *(move(ada, ids[title], None) for title in "abcd" * 3),
        *(ada.toggle(ids[title]) for title in "abcd" * 3),
        *(ada.put(ids[title], title=title) for title in "abcd" * 3),
    )

    assert {response.status_code for response in responses} == {200}
    assert sorted(await order(ada)) == [*"abcd"]


async def test_where_no_short_key_is_left_the_tasks_around_get_new_ones(ada: Person) -> None:
    """Alternating sides need a bit with each move: the worst that there is."""
    ids = await create(ada, "abcdefgh")
    expected = [*"abcdefgh"]
    low, high, longest = "c", "d", 0
    for number in range(150):
        moved = next(title for title in expected if title not in (low, high))
        response = await move(ada, ids[moved], ids[low])
        assert response.status_code == 200
        longest = max(longest, len(response.json()["position"]))
        expected.remove(moved)
        expected.insert(expected.index(low) + 1, moved)
        low, high = (moved, high) if number % 2 else (low, moved)

    assert await order(ada) == expected
    batches = [change["batch"] for change in (await ada.since(8))["changes"] if change["batch"]]
    assert longest <= 60
    assert batches, "there was no need for new keys"
    assert batches.count(batches[-1]) > 1


async def test_new_keys_around_a_move_are_undone_with_it(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = await create(ada, "abcd")
    before = await ada.list()
    monkeypatch.setattr(moves, "LONG", 10)  # of which every key is longer

    moved = await move(ada, ids["d"], ids["a"])

    assert moved.status_code == 200
    assert await order(ada) == ["a", "d", "b", "c"]
    assert moved.json()["revision"] == 8
    undone = await ada.undo(6)
    assert (undone.status_code, undone.json()["batch"], undone.json()["undoes"]) == (200, 9, 5)
    same = [{**task, "revision": 0, "updated_at": ""} for task in before]
    assert [{**task, "revision": 0, "updated_at": ""} for task in await ada.list()] == same


@pytest.mark.parametrize("keyed", [False, True])
async def test_a_stale_move_without_room_writes_nothing(
    ada: Person, monkeypatch: pytest.MonkeyPatch, keyed: bool
) -> None:
    ids = await create(ada, "abcd")
    before = await ada.list()
    monkeypatch.setattr(moves, "LONG", 10)
    stale = {"If-Match": '"4"'} | ({"Idempotency-Key": "stale"} if keyed else {})

    assert (await move(ada, ids["d"], ids["a"], headers=stale)).status_code == 412
    assert await ada.list() == before
