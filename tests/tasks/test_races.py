"""Concurrent requests: no write is lost, and none is done twice."""

import asyncio
import uuid

import pytest

from tests.conftest import Person

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("toggles", "completed"), [(50, False), (51, True)])
async def test_no_toggle_is_lost(ada: Person, toggles: int, completed: bool) -> None:
    task = await ada.create()

    responses = await asyncio.gather(*(ada.toggle(task["id"]) for _ in range(toggles)))

    assert {response.status_code for response in responses} == {200}
    states = [response.json()["completed"] for response in responses]
    assert states.count(True) == (toggles + 1) // 2
    assert len({response.json()["updated_at"] for response in responses}) == toggles
    assert (await ada.get(task["id"])).json()["completed"] is completed


async def test_one_creation_sent_many_times_concurrently_makes_one_task(ada: Person) -> None:
    fields = {"id": str(uuid.uuid4()), "title": "Water the ferns"}

    responses = await asyncio.gather(*(ada.post(**fields) for _ in range(12)))

    assert sorted(response.status_code for response in responses) == [200] * 11 + [201]
    assert len({response.text for response in responses}) == 1
    assert len(await ada.list()) == 1


async def test_concurrent_edits_of_different_fields_are_all_kept(ada: Person) -> None:
    for number in range(10):
        task = await ada.create(title="old", description="old")
        await asyncio.gather(
            ada.put(task["id"], title=f"new {number}"),
            ada.put(task["id"], description=f"new {number}"),
            ada.toggle(task["id"]),
        )
        now = (await ada.get(task["id"])).json()
        assert (now["title"], now["description"], now["completed"]) == (f"new {number}", f"new {number}", True)


async def test_one_of_many_concurrent_deletions_succeeds(ada: Person) -> None:
    task = await ada.create()

    responses = await asyncio.gather(*(ada.delete(task["id"]) for _ in range(8)))

    assert sorted(response.status_code for response in responses) == [204] + [404] * 7


async def test_two_users_with_concurrent_requests_never_see_each_others_tasks(ada: Person, bob: Person) -> None:
    """Both use the same few connections; every response is searched for the other user's marker."""

    async def busy(me: Person, mark: str, other: str) -> None:
        for number in range(15):
            task = await me.create(title=f"{mark} {number}")
            responses = await asyncio.gather(
                me.call("GET", me.tasks),
                me.get(task["id"]),
                me.put(task["id"], description=mark),
                me.toggle(task["id"]),
            )
            for response in responses:
                assert response.status_code == 200
                assert mark in response.text
                assert other not in response.text

    await asyncio.gather(*(busy(ada, "hers-only", "his-only") for _ in range(3)), busy(bob, "his-only", "hers-only"))
