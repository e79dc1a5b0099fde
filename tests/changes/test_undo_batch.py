"""One undo takes a whole batch back, or nothing of it."""

import asyncio
import uuid
from typing import Any

import pytest

from tests.conftest import Person
from tests.tasks.test_batch import batch, create, on

pytestmark = pytest.mark.anyio

SERVER_SET = ("revision", "updated_at", "completed_at")


async def shown(person: Person) -> dict[str, dict[str, Any]]:
    """The tasks, in the trash or not, without what every change moves."""
    tasks = [*await person.list(), *await person.list(status="deleted")]
    return {
        task["id"]: {name: value for name, value in task.items() if name not in SERVER_SET}
        | {"deleted_at": "deleted_at" in task}
        for task in tasks
    }


async def some_batch(person: Person) -> tuple[str, int]:
    """A batch of every kind of operation; the id of the task that it creates, and its number."""
    one, two, three, four = [await person.create(title) for title in ("one", "two", "three", "four")]
    await person.delete(four["id"])
    chosen = str(uuid.uuid4())
    response = await batch(
        *(person, create("new", id=chosen), on(one, "update", task={"title": "edited", "tags": ["x"]})),
        *(on(one, "update", task={"title": "edited again"}), on(two, "complete"), on(three, "delete")),
        *(on(four, "restore"), on(two, "move", after=one["id"]), on(chosen, "update", task={"priority": "low"})),
    )
    assert response.status_code == 200, response.text
    return chosen, 6


@pytest.mark.parametrize("named", [6, 8, 13])
async def test_the_undo_of_any_change_of_a_batch_takes_all_of_it_back(ada: Person, named: int) -> None:
    before: dict[str, Any] = {}

    async def remember() -> None:
        before.update(await shown(ada))

    one, two, three, four = [await ada.create(title) for title in ("one", "two", "three", "four")]
    await ada.delete(four["id"])
    await remember()
    chosen = str(uuid.uuid4())
    done = await batch(
        *(ada, create("new", id=chosen), on(one, "update", task={"title": "edited", "tags": ["x"]})),
        *(on(one, "update", task={"title": "edited again"}), on(two, "complete"), on(three, "delete")),
        *(on(four, "restore"), on(two, "move", after=None), on(chosen, "update", task={"priority": "low"})),
    )
    assert done.json()["revision"] == 13
    after = await shown(ada)

    undone = await ada.undo(named)

    assert undone.status_code == 200
    change = undone.json()
    assert (change["revision"], change["undoes"], change["batch"]) == (18, 6, 14)
    assert undone.headers["etag"] == '"18"'
    now = await shown(ada)
    assert now.pop(chosen)["deleted_at"] is True
    assert now == before
    changes = (await ada.since(13))["changes"]
    assert {(each["undoes"], each["batch"]) for each in changes} == {(6, 14)}
    assert changes[-1] == change

    redone = await ada.undo(16)
    assert (redone.status_code, redone.json()["undoes"], redone.json()["batch"]) == (200, 14, 19)
    assert await shown(ada) == after
    again = await ada.undo(6)
    assert again.status_code == 200
    now = await shown(ada)
    assert now.pop(chosen)["deleted_at"] is True
    assert now == before


async def test_a_batch_is_undone_once(ada: Person) -> None:
    await some_batch(ada)

    responses = await asyncio.gather(*(ada.undo(number) for number in (6, 8, 10, 13)))

    assert sorted(response.status_code for response in responses) == [200, 409, 409, 409]
    refused = next(response for response in responses if response.status_code == 409)
    assert "has undone it already" in refused.json()["detail"]


async def test_a_later_change_of_the_same_field_hinders_the_whole_batch(ada: Person) -> None:
    await some_batch(ada)
    [two] = [task for task in await ada.list() if task["title"] == "two"]
    toggled = (await ada.toggle(two["id"])).json()
    before = await shown(ada)

    refused = await ada.undo(6)

    assert refused.status_code == 409
    assert refused.json()["hindrance"] == toggled["revision"]
    assert await shown(ada) == before
    assert (await ada.undo(toggled["revision"])).status_code == 200
    assert (await ada.undo(6)).status_code == 200


async def test_a_later_change_of_another_field_is_kept(ada: Person) -> None:
    task = await ada.create("one")
    await batch(ada, on(task, "complete"), create("other"))
    await ada.put(task["id"], title="two")

    assert (await ada.undo(3)).status_code == 200
    now = (await ada.get(task["id"])).json()
    assert (now["title"], now["completed"]) == ("two", False)


async def test_an_earlier_change_can_be_undone_once_the_batch_is(ada: Person) -> None:
    task = await ada.create("one")
    await ada.put(task["id"], title="two")
    await batch(ada, on(task, "update", task={"title": "three"}), on(task, "update", task={"title": "four"}))

    assert (await ada.undo(2)).json()["hindrance"] == 4
    await ada.undo(4)
    assert (await ada.undo(2)).json()["task"]["title"] == "one"


async def test_a_purge_of_one_of_its_tasks_hinders_the_undo(ada: Person) -> None:
    one, two = await ada.create("one"), await ada.create("two")
    await batch(ada, on(one, "complete"), on(two, "complete"))
    await ada.delete(one["id"], permanent=True)

    refused = await ada.undo(4)

    assert (refused.status_code, refused.json()["hindrance"]) == (409, 5)
    assert (await ada.get(two["id"])).json()["completed"] is True


async def test_a_batch_is_undone_by_its_owner_alone(ada: Person, bob: Person) -> None:
    await batch(ada, create("hers"), create("hers too"))
    await batch(bob, create("his"), create("his too"))

    await bob.undo(1)

    assert await bob.list() == []
    assert len(await ada.list()) == 2


async def test_an_undo_of_a_batch_with_a_key_can_be_sent_again(ada: Person) -> None:
    await some_batch(ada)
    key = {"Idempotency-Key": "undo"}

    first, second = await ada.undo(7, headers=key), await ada.undo(7, headers=key)

    assert (first.status_code, second.content) == (200, first.content)
    assert second.headers["idempotent-replayed"] == "true"


async def test_undos_of_batches_and_batches_at_the_same_time_do_not_deadlock(ada: Person) -> None:
    tasks = [await ada.create() for _ in range(6)]
    for _ in range(4):
        await batch(ada, *(on(task, "update", task={"title": uuid.uuid4().hex}) for task in tasks))

    responses = await asyncio.gather(
        *(ada.undo(number) for number in (25, 20, 14, 8)),
        *(batch(ada, *(on(task, "complete") for task in tasks[::-1])) for _ in range(4)),
    )

    assert {response.status_code for response in responses} <= {200, 409}
    assert [response.status_code for response in responses[4:]] == [200] * 4
