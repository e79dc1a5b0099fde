"""Many operations at once: all of them are done, in their order, or none."""

import asyncio
import uuid
from typing import Any

import httpx
import pytest

from tests.conftest import Person, http, running, settings_for, sign_up
from tests.support.sql_conditions import everything
from todo.app import create_app

pytestmark = pytest.mark.anyio

Operation = dict[str, Any]


async def batch(person: Person, *operations: Operation, dry_run: bool = False, **options: Any) -> httpx.Response:
    path = f"{person.tasks}/batch{'?dry_run=true' if dry_run else ''}"
    return await person.call("POST", path, json={"operations": operations}, **options)


def create(title: str, /, **fields: Any) -> Operation:
    return {"op": "create", "task": {"title": title, **fields}}


def on(task: dict[str, Any] | str, op: str, /, **more: Any) -> Operation:
    return {"op": op, "id": task if isinstance(task, str) else task["id"], **more}


def refusals(response: httpx.Response) -> list[tuple[int, str]]:
    """The index and the type of each error."""
    assert response.status_code == 422, response.text
    return [(error["loc"][2], error["type"]) for error in response.json()["errors"]]


async def test_each_operation_has_the_effect_and_the_result_of_the_single_request(ada: Person) -> None:
    one, two, three, four = [await ada.create(title) for title in ("one", "two", "three", "four")]
    await ada.delete(four["id"])

    response = await batch(
        *(ada, create("five", tags=["home"]), on(one, "update", task={"priority": "high", "description": "x"})),
        *(on(two, "complete", completed=True), on(three, "delete"), on(four, "restore"), on(one, "move", after=None)),
    )

    assert response.status_code == 200
    results = response.json()["results"]
    assert [(result["op"], result["status"]) for result in results] == [
        *(("create", 201), ("update", 200), ("complete", 200), ("delete", 204), ("restore", 200), ("move", 200))
    ]
    five, updated, completed, deleted, restored, moved = [result["task"] for result in results]
    assert (five["title"], five["tags"], updated["priority"], completed["completed"]) == (
        "five",
        ["home"],
        "high",
        True,
    )
    assert deleted is None
    assert "deleted_at" not in restored
    assert [task["revision"] for task in (five, updated, completed, restored, moved)] == [6, 7, 8, 10, 11]
    assert response.json()["revision"] == (await ada.since(0))["revision"] == 11
    assert {task["id"]: task for task in await ada.list()} == {
        task["id"]: task for task in (five, completed, restored, moved)
    }
    assert min(await ada.list(), key=lambda task: task["position"]) == moved
    assert {change["batch"] for change in (await ada.since(5))["changes"]} == {6}
    assert {change["batch"] for change in (await ada.since(0, limit=5))["changes"]} == {None}


async def test_operations_may_name_a_task_that_one_before_has_created(ada: Person) -> None:
    other, chosen = await ada.create(), str(uuid.uuid4())

    response = await batch(
        *(ada, create("new", id=chosen), on(chosen, "update", task={"title": "newer"}), on(chosen, "complete")),
        *(
            on(other, "move", after=None),
            on(chosen, "move", after=other["id"]),
            on(chosen, "delete"),
            on(chosen, "restore"),
        ),
    )

    assert response.status_code == 200, response.text
    assert [result["status"] for result in response.json()["results"]] == [201, 200, 200, 200, 200, 204, 200]
    task = (await ada.get(chosen)).json()
    assert (task["title"], task["completed"]) == ("newer", True)
    assert response.json()["results"][-1]["task"] == task


async def test_completing_without_a_value_toggles(ada: Person) -> None:
    task = await ada.create()

    response = await batch(ada, on(task, "complete"), on(task, "complete", completed=None), on(task, "complete"))

    assert [result["task"]["completed"] for result in response.json()["results"]] == [True, False, True]


async def test_moves_in_a_batch_see_those_before_them(ada: Person) -> None:
    tasks = [await ada.create(title) for title in "dcba"]
    d, c, b, a = tasks

    await batch(ada, on(d, "move", after=None), on(c, "move", after=d["id"]), on(b, "move", after=c["id"]))

    assert [task["title"] for task in sorted(await ada.list(), key=lambda task: task["position"])] == [*"dcba"]
    assert (await ada.get(a["id"])).json() == a


async def test_a_repeated_creation_gives_the_task_as_it_is(ada: Person) -> None:
    chosen = str(uuid.uuid4())
    await ada.create("one", id=chosen)
    edited = (await ada.put(chosen, description="since")).json()

    response = await batch(ada, create("one", id=chosen), on(chosen, "complete"), create("one", id=chosen))

    first, _, last = response.json()["results"]
    assert (first["status"], first["task"]) == (200, edited)
    assert (last["status"], last["task"]["completed"]) == (200, True)
    assert response.json()["revision"] == 3


class TestRefusals:
    async def test_nothing_is_done_and_every_known_failure_is_named(
        self, ada: Person, bob: Person, database_url: str
    ) -> None:
        task, trashed, his = await ada.create("a secret"), await ada.create(), await bob.create()
        await ada.delete(trashed["id"])
        before, hers = everything(database_url, ada.id), everything(database_url, bob.id)

        response = await batch(
            *(ada, create("fine"), on(trashed, "update", task={"title": "x"}), on(his, "complete", completed=True)),
            *(on(task, "complete"), on(task, "move", after=his["id"]), on(str(uuid.uuid4()), "restore")),
            *(
                create("x", id=trashed["id"]),
                on(task, "delete"),
                on(task, "delete"),
                on(task, "update", task={"title": "y"}),
            ),
            on(trashed, "restore", revision=1),
        )

        assert refusals(response) == [
            *((1, "not_found"), (2, "not_found"), (4, "not_found"), (5, "not_found"), (6, "id_in_trash")),
            *((8, "not_found"), (9, "not_found"), (10, "outdated")),
        ]
        assert response.json()["errors"][2]["loc"] == ["body", "operations", 4, "after"]
        assert "operation 1: There is no such task." in response.json()["detail"]
        assert "a secret" not in response.text
        assert everything(database_url, ada.id) == before
        assert everything(database_url, bob.id) == hers

    async def test_an_id_that_is_taken_shows_when_it_is_tried(self, ada: Person, database_url: str) -> None:
        task = await ada.create("one", id=str(uuid.uuid4()))
        before = everything(database_url, ada.id)

        response = await batch(ada, create("two"), create("another", id=task["id"]), on(task, "complete"))

        assert refusals(response) == [(1, "id_taken")]
        assert everything(database_url, ada.id) == before

    async def test_a_revision_that_is_not_the_tasks_is_refused(self, ada: Person) -> None:
        task = await ada.create()
        await ada.put(task["id"], title="changed")

        stale = await batch(ada, on(task, "complete", revision=1))
        right = await batch(ada, on(task, "complete", revision=2), on(task, "delete", revision=2))

        assert refusals(stale) == [(0, "outdated")]
        assert right.status_code == 200

    async def test_all_invalid_values_are_named_by_index(self, ada: Person) -> None:
        response = await batch(
            *(ada, create(""), {"op": "destroy"}, on("no-uuid", "delete"), on(str(uuid.uuid4()), "update", task={})),
            create("x" * 256),
        )

        assert [error["loc"][:3] for error in response.json()["errors"]] == [
            ["body", "operations", index] for index in range(5)
        ]
        assert "destroy" not in response.text

    @pytest.mark.parametrize(
        "body", [{}, [], {"operations": []}, {"operations": [create("x")] * 101}, {"operations": 1}]
    )
    async def test_no_operation_or_more_than_a_hundred_are_422(self, ada: Person, body: Any) -> None:
        assert (await ada.call("POST", f"{ada.tasks}/batch", json=body)).status_code == 422
        assert await ada.list() == []

    async def test_a_batch_above_the_limit_of_tasks_is_refused_as_a_whole(self, database_url: str) -> None:
        async with running(create_app(settings_for(database_url, max_tasks_per_user=3))) as app, http(app) as client:
            ada = await sign_up(client, "ada")
            await ada.create("one")

            refused = await batch(ada, create("two"), create("three"), create("four"))
            kept = await batch(ada, create("two"), create("three"))

            assert refusals(refused) == [(2, "too_many_tasks")]
            assert "3 tasks" in refused.json()["detail"]
            assert kept.status_code == 200
            assert (await ada.post(title="four")).status_code == 409
            assert kept.json()["revision"] == 3

    async def test_a_body_above_64_kib_is_413(self, ada: Person) -> None:
        large = [create("x", description="y" * 10_000) for _ in range(7)]
        assert (await batch(ada, *large)).status_code == 413

    async def test_a_deleted_account_is_401(self, client: httpx.AsyncClient) -> None:
        gone = await sign_up(client, "gone")
        task = await gone.create()
        await gone.call("DELETE", "/api/auth/me")

        for operation in (create("x"), on(task, "complete"), on(str(uuid.uuid4()), "delete")):
            assert (await batch(gone, operation)).status_code == 401


class TestDryRuns:
    async def test_a_dry_run_says_what_would_be_and_does_nothing(self, ada: Person, database_url: str) -> None:
        task = await ada.create()
        before = everything(database_url, ada.id)
        operations = [
            create("new"),
            on(task, "complete", completed=True),
            on(task, "move", after=None),
            on(task, "delete"),
        ]

        dry = await batch(ada, *operations, dry_run=True)
        refused = await batch(ada, *operations, on(task, "delete"), dry_run=True)

        assert everything(database_url, ada.id) == before
        assert refusals(refused) == [(4, "not_found")]
        done = await batch(ada, *operations)
        assert [result["status"] for result in dry.json()["results"]] == [201, 200, 200, 204]
        assert dry.json()["revision"] == done.json()["revision"] == 5
        assert dry.json()["results"][1]["task"]["completed"] is True

    async def test_a_key_has_no_effect_on_a_dry_run(self, ada: Person) -> None:
        key = {"Idempotency-Key": "dry"}

        await batch(ada, create("one"), dry_run=True, headers=key)
        again = await batch(ada, create("one"), dry_run=True, headers=key)
        done = await batch(ada, create("one"), headers=key)

        assert "idempotent-replayed" not in again.headers
        assert (done.status_code, len(await ada.list())) == (200, 1)


class TestKeys:
    async def test_a_batch_with_a_key_is_done_once(self, ada: Person) -> None:
        task = await ada.create()
        operations, key = [create("new"), on(task, "complete"), on(task, "move", after=None)], {"Idempotency-Key": "k"}

        responses = await asyncio.gather(*(batch(ada, *operations, headers=key) for _ in range(4)))

        assert {response.content for response in responses} == {responses[0].content}
        assert responses[0].status_code == 200
        assert sorted("idempotent-replayed" in response.headers for response in responses) == [False, True, True, True]
        assert (await ada.since(0))["revision"] == 4

    async def test_a_refused_batch_with_a_key_can_be_tried_again(self, ada: Person) -> None:
        task, key = await ada.create(), {"Idempotency-Key": "again"}
        await ada.delete(task["id"])

        refused = await batch(ada, create("x"), on(task, "complete"), headers=key)
        assert refusals(refused) == [(1, "not_found")]
        assert [each["title"] for each in await ada.list()] == []
        await ada.restore(task["id"])
        assert (await batch(ada, create("x"), on(task, "complete"), headers=key)).status_code == 200

    @pytest.mark.parametrize("purged", [0, 1])
    async def test_the_purge_of_one_of_its_tasks_erases_a_stored_answer(self, ada: Person, purged: int) -> None:
        key = {"Idempotency-Key": "k"}
        operations = [create("a secret"), create("another"), create("third")]
        results = (await batch(ada, *operations, headers=key)).json()["results"]
        unrelated = await ada.create()

        await ada.delete(unrelated["id"], permanent=True)
        assert (await batch(ada, *operations, headers=key)).status_code == 200
        await ada.delete(results[purged]["task"]["id"], permanent=True)

        assert (await batch(ada, *operations, headers=key)).status_code == 410


class TestRaces:
    async def test_batches_of_the_same_tasks_in_any_order_do_not_deadlock(self, ada: Person) -> None:
        tasks = [await ada.create() for _ in range(6)]

        responses = await asyncio.gather(
            *(batch(ada, *(on(task, "complete") for task in tasks[:: 1 if number % 2 else -1])) for number in range(12))
        )

        assert {response.status_code for response in responses} == {200}
        assert {task["completed"] for task in await ada.list()} == {False}
        revisions = sorted(r["task"]["revision"] for response in responses for r in response.json()["results"])
        assert revisions == [*range(7, 7 + 72)]

    async def test_of_batches_that_create_the_same_id_one_creates_it(self, ada: Person) -> None:
        chosen = str(uuid.uuid4())

        responses = await asyncio.gather(*(batch(ada, create("one", id=chosen), create("other")) for _ in range(5)))

        assert sorted(response.json()["results"][0]["status"] for response in responses) == [200] * 4 + [201]
        assert len(await ada.list()) == 6

    async def test_moves_in_batches_at_the_same_time_get_different_positions(self, ada: Person) -> None:
        tasks = [await ada.create() for _ in range(8)]

        await asyncio.gather(*(batch(ada, on(task, "move", after=None), on(task, "complete")) for task in tasks))

        assert len({task["position"] for task in await ada.list()}) == 8
