"""The six endpoints, called by one user."""

import re
import uuid
from typing import Any

import pytest

from tests.conftest import Person

pytestmark = pytest.mark.anyio

FIELDS = {
    *("id", "user_id", "title", "description", "completed", "completed_at", "created_at", "updated_at", "revision"),
    *("due_date", "time_zone", "priority", "tags", "recurrence", "recurrence_from", "remind_at", "position"),
}
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


async def test_a_new_task_is_returned_with_all_its_fields(ada: Person) -> None:
    response = await ada.post(title="  Water the ferns ", description="The ones in the hall too")

    assert response.status_code == 201
    task = response.json()
    assert set(task) == FIELDS
    assert response.headers["location"] == f"{ada.tasks}/{task['id']}"
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "private, no-cache, no-transform"
    assert response.headers["vary"] == "Authorization"
    assert task["title"] == "Water the ferns"
    assert task["description"] == "The ones in the hall too"
    assert (task["completed"], task["completed_at"]) == (False, None)
    assert task["user_id"] == ada.id
    assert uuid.UUID(task["id"]).version == 7
    assert task["created_at"] == task["updated_at"]
    assert response.headers["etag"] == f'"{task["revision"]}"'
    assert RFC3339.fullmatch(task["created_at"])
    assert (await ada.get(task["id"])).json() == task


async def test_a_task_may_be_created_completed(ada: Person) -> None:
    task = await ada.create(completed=True)

    assert task["completed"] is True
    assert task["completed_at"] == task["created_at"]


async def test_fields_that_the_server_sets_are_ignored_in_a_body(ada: Person, bob: Person) -> None:
    task = await ada.create(user_id=bob.id, created_at="2000-01-01T00:00:00Z", nonsense=1)

    assert task["user_id"] == ada.id
    assert task["created_at"] > "2026"
    assert await bob.list() == []


async def test_the_list_is_newest_first(ada: Person) -> None:
    made = [await ada.create(title=f"task {number}") for number in range(5)]

    assert await ada.list() == made[::-1]


async def test_a_trailing_slash_is_served_without_a_redirect(ada: Person) -> None:
    made = await ada.call("POST", f"{ada.tasks}/", json={"title": "Water the ferns"})
    new = made.json()["id"]

    assert made.status_code == 201
    assert made.headers["location"] == f"{ada.tasks}/{new}"
    assert (await ada.call("GET", f"{ada.tasks}/")).json() == [made.json()]
    for method, path in (("GET", new), ("PUT", new), ("PATCH", f"{new}/complete"), ("DELETE", new)):
        body = {"title": "Water all ferns"} if method == "PUT" else None
        response = await ada.call(method, f"{ada.tasks}/{path}/", json=body)
        assert response.status_code == (204 if method == "DELETE" else 200), (method, response.text)


@pytest.mark.parametrize(
    ("status", "titles"), [("all", ["done", "open"]), ("pending", ["open"]), ("completed", ["done"])]
)
async def test_status_filters_the_list(ada: Person, status: str, titles: list[str]) -> None:
    await ada.create(title="open")
    await ada.create(title="done", completed=True)

    assert [task["title"] for task in await ada.list(status=status)] == titles
    assert [task["title"] for task in await ada.list(status=status, limit=10)] == titles


class TestUpdate:
    async def test_an_update_changes_the_named_fields_and_keeps_the_rest(self, ada: Person) -> None:
        task = await ada.create(title="old", description="kept")

        response = await ada.put(task["id"], title=" new ")

        assert response.status_code == 200
        changed = response.json()
        assert changed == task | {"title": "new", "updated_at": changed["updated_at"], "revision": task["revision"] + 1}
        assert changed["updated_at"] > task["updated_at"]
        assert (await ada.get(task["id"])).json() == changed

    async def test_null_clears_a_description(self, ada: Person) -> None:
        task = await ada.create(description="to be cleared")

        assert (await ada.put(task["id"], description=None)).json()["description"] is None

    async def test_an_empty_description_is_kept_as_it_is(self, ada: Person) -> None:
        task = await ada.create(description="to be emptied")

        assert (await ada.put(task["id"], description="")).json()["description"] == ""

    @pytest.mark.parametrize("body", [{"title": None}, {"completed": None}])
    async def test_null_is_refused_where_a_value_is_required(self, ada: Person, body: dict[str, Any]) -> None:
        task = await ada.create()

        response = await ada.put(task["id"], **body)

        assert response.status_code == 422
        assert response.json()["errors"][0]["loc"] == ["body", next(iter(body))]
        assert (await ada.get(task["id"])).json() == task

    @pytest.mark.parametrize("body", [{}, {"titel": "misspelt"}, {"id": "x", "created_at": "2000-01-01T00:00:00Z"}])
    async def test_a_body_without_any_known_field_is_refused(self, ada: Person, body: dict[str, Any]) -> None:
        task = await ada.create()

        response = await ada.put(task["id"], **body)

        assert response.status_code == 422
        assert "nothing to change" in response.json()["detail"]
        assert (await ada.get(task["id"])).json() == task

    async def test_a_task_can_be_sent_back_as_it_was_read(self, ada: Person) -> None:
        task = await ada.create(description="as it was")

        assert (await ada.put(task["id"], **task)).json() == task

    async def test_updated_at_changes_only_with_the_task(self, ada: Person) -> None:
        task = await ada.create(title="same")

        assert (await ada.put(task["id"], title="same")).json() == task
        assert (await ada.put(task["id"], title="other")).json()["updated_at"] > task["updated_at"]

    async def test_completion_by_update_sets_completed_at(self, ada: Person) -> None:
        task = await ada.create()

        done = (await ada.put(task["id"], completed=True)).json()
        renamed = (await ada.put(task["id"], title="renamed")).json()
        undone = (await ada.put(task["id"], completed=False)).json()

        assert done["completed_at"] == done["updated_at"] > task["updated_at"]
        assert renamed["completed_at"] == done["completed_at"]
        assert undone["completed_at"] is None


class TestComplete:
    @pytest.mark.parametrize(
        "options",
        [{}, {"content": b""}, {"content": b" \n"}, {"json": {}}, {"headers": {"Content-Type": "application/json"}}],
    )
    async def test_no_body_or_an_empty_one_toggles(self, ada: Person, options: dict[str, Any]) -> None:
        task = await ada.create()

        done = await ada.toggle(task["id"], **options)
        undone = await ada.toggle(task["id"], **options)

        assert done.status_code == 200
        assert done.json()["completed"] is True
        assert RFC3339.fullmatch(done.json()["completed_at"])
        assert (undone.json()["completed"], undone.json()["completed_at"]) == (False, None)

    async def test_a_body_sets_the_completion_also_when_repeated(self, ada: Person) -> None:
        task = await ada.create()

        first = (await ada.toggle(task["id"], json={"completed": True})).json()
        second = (await ada.toggle(task["id"], json={"completed": True})).json()

        assert first["completed"] is True
        assert second == first
        assert (await ada.toggle(task["id"], json={"completed": False})).json()["completed"] is False

    async def test_a_whole_task_may_be_sent(self, ada: Person) -> None:
        task = await ada.create()

        assert (await ada.toggle(task["id"], json=task | {"completed": True})).json()["completed"] is True

    @pytest.mark.parametrize(
        "body", [{"completed": None}, {"completed": "yes"}, {"completed": 1}, {"complete": True}, [], "true"]
    )
    async def test_any_other_body_is_refused(self, ada: Person, body: Any) -> None:
        task = await ada.create()

        response = await ada.toggle(task["id"], json=body)

        assert response.status_code == 422
        assert (await ada.get(task["id"])).json() == task


class TestDelete:
    async def test_every_call_answers_404_afterwards(self, ada: Person) -> None:
        task = await ada.create()
        kept = await ada.create(title="kept")

        deleted = await ada.delete(task["id"])

        assert (deleted.status_code, deleted.content) == (204, b"")
        responses = [
            await ada.get(task["id"]),
            await ada.put(task["id"], title="again"),
            await ada.toggle(task["id"]),
            await ada.delete(task["id"]),
        ]
        assert [response.status_code for response in responses] == [404] * 4
        assert await ada.list() == [kept]

    async def test_a_permanent_deletion_purges_a_listed_task(self, ada: Person) -> None:
        task = await ada.create(id=str(uuid.uuid4()))

        assert (await ada.delete(task["id"], permanent=True)).status_code == 204
        assert (await ada.post(id=task["id"], title="The id is free again")).status_code == 201

    async def test_a_permanent_deletion_purges_a_task_in_the_trash(self, ada: Person) -> None:
        task = await ada.create(id=str(uuid.uuid4()))
        await ada.delete(task["id"])

        assert (await ada.delete(task["id"], permanent=True)).status_code == 204
        assert (await ada.delete(task["id"], permanent=True)).status_code == 404
        assert (await ada.post(id=task["id"], title="The id is free again")).status_code == 201


class TestChosenIds:
    async def test_the_same_creation_twice_makes_one_task(self, ada: Person) -> None:
        fields = {"id": str(uuid.uuid4()), "title": "Water the ferns", "description": "all"}

        first, second = await ada.post(**fields), await ada.post(**fields)

        assert (first.status_code, second.status_code) == (201, 200)
        assert second.json() == first.json()
        assert second.headers["location"] == first.headers["location"]
        assert len(await ada.list()) == 1

    async def test_a_repeated_creation_returns_the_current_task(self, ada: Person) -> None:
        fields = {"id": str(uuid.uuid4()), "title": "as created"}
        await ada.post(**fields)
        changed = (await ada.put(fields["id"], title="changed since", completed=True)).json()

        again = await ada.post(**fields)

        assert (again.status_code, again.json()) == (200, changed)

    @pytest.mark.parametrize("other", [{"title": "other"}, {"description": "other"}, {"completed": True}])
    async def test_other_fields_are_a_conflict(self, ada: Person, other: dict[str, Any]) -> None:
        fields = {"id": str(uuid.uuid4()), "title": "as created"}
        task = (await ada.post(**fields)).json()

        response = await ada.post(**(fields | other))

        assert response.status_code == 409
        assert (await ada.get(task["id"])).json() == task

    async def test_an_id_in_the_trash_is_a_conflict_that_says_so(self, ada: Person) -> None:
        fields = {"id": str(uuid.uuid4()), "title": "in the trash"}
        await ada.post(**fields)
        await ada.delete(fields["id"])

        response = await ada.post(**fields)

        assert response.status_code == 409
        assert "trash" in response.json()["detail"]

    async def test_a_null_id_counts_as_absent_and_a_malformed_id_is_refused(self, ada: Person) -> None:
        assert (await ada.post(id=None, title="chosen by the server")).status_code == 201

        response = await ada.post(id="not-a-uuid", title="x")

        assert response.status_code == 422
        assert response.json()["errors"] == [
            {"loc": ["body", "id"], "msg": "Input should be a UUID", "type": "uuid_parsing"}
        ]

    async def test_two_users_may_choose_the_same_id(self, ada: Person, bob: Person) -> None:
        chosen = str(uuid.uuid4())

        assert (await ada.post(id=chosen, title="hers")).status_code == 201
        assert (await bob.post(id=chosen, title="his")).status_code == 201
        assert (await ada.get(chosen)).json()["title"] == "hers"
        assert (await bob.get(chosen)).json()["title"] == "his"


@pytest.mark.parametrize(
    "id",
    [
        "1",
        "not-a-uuid",
        "00000000000000000000000000000000",
        "{01930d2c-6f6a-7d2e-9c1b-3f1f5b7a9d10}",
        "urn:uuid:01930d2c-6f6a-7d2e-9c1b-3f1f5b7a9d10",
        "01930d2c-6f6a-7d2e-9c1b-3f1f5b7a9d1_",
        "%00",
        "%ff",
        "x" * 2000,
        "01930d2c-6f6a-7d2e-9c1b-3f1f5b7a9d10",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_an_id_that_names_no_task_is_404(ada: Person, method: str, id: str) -> None:
    path = f"{ada.tasks}/{id}" + ("/complete" if method == "PATCH" else "")

    response = await ada.call(method, path, json={"title": "x"} if method == "PUT" else None)

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


async def test_an_id_may_be_written_in_capitals(ada: Person) -> None:
    task = await ada.create()

    assert (await ada.get(task["id"].upper())).json() == task
