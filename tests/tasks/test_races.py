"""Many at once: nothing is lost, nothing is made twice."""

import asyncio
import uuid

import pytest

from tests.conftest import Person

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("toggles", "completed"), [(50, False), (51, True)])
async def test_no_toggle_is_lost(ada: Person, toggles: int, completed: bool) -> None:
    task = await ada.create()

    answers = await asyncio.gather(*(ada.toggle(task["id"]) for _ in range(toggles)))

    assert {answer.status_code for answer in answers} == {200}
    states = [answer.json()["completed"] for answer in answers]
    assert states.count(True) == (toggles + 1) // 2
    assert len({answer.json()["updated_at"] for answer in answers}) == toggles
    assert (await ada.get(task["id"])).json()["completed"] is completed


async def test_one_creation_sent_many_times_at_once_makes_one_task(ada: Person) -> None:
    fields = {"id": str(uuid.uuid4()), "title": "Water the ferns"}

    answers = await asyncio.gather(*(ada.post(**fields) for _ in range(12)))

    assert sorted(answer.status_code for answer in answers) == [200] * 11 + [201]
    assert len({answer.text for answer in answers}) == 1
    assert len(await ada.list()) == 1


async def test_edits_of_different_fields_at_once_both_stay(ada: Person) -> None:
    for number in range(10):
        task = await ada.create(title="old", description="old")
        await asyncio.gather(
            ada.put(task["id"], title=f"new {number}"),
            ada.put(task["id"], description=f"new {number}"),
            ada.toggle(task["id"]),
        )
        now = (await ada.get(task["id"])).json()
        assert (now["title"], now["description"], now["completed"]) == (f"new {number}", f"new {number}", True)


async def test_of_many_deletions_at_once_one_is_first(ada: Person) -> None:
    task = await ada.create()

    answers = await asyncio.gather(*(ada.delete(task["id"]) for _ in range(8)))

    assert sorted(answer.status_code for answer in answers) == [204] + [404] * 7


async def test_two_people_at_once_never_see_each_other(ada: Person, bob: Person) -> None:
    """Both at once over the same few connections: every answer is searched for the other's words."""

    async def busy(me: Person, mark: str, other: str) -> None:
        for number in range(15):
            task = await me.create(title=f"{mark} {number}")
            answers = await asyncio.gather(
                me.call("GET", me.tasks),
                me.get(task["id"]),
                me.put(task["id"], description=mark),
                me.toggle(task["id"]),
            )
            for answer in answers:
                assert answer.status_code == 200
                assert mark in answer.text
                assert other not in answer.text

    await asyncio.gather(*(busy(ada, "hers-only", "his-only") for _ in range(3)), busy(bob, "his-only", "hers-only"))
