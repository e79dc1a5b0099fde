"""The trash and undo: restoring tasks, and undoing changes."""

import asyncio
import uuid
from typing import Any

import pytest

from tests.conftest import Person

pytestmark = pytest.mark.anyio


class TestTrash:
    async def test_deleted_tasks_are_listed_and_restored(self, ada: Person) -> None:
        kept, deleted = await ada.create(title="kept"), await ada.create(title="deleted")
        await ada.delete(deleted["id"])

        [trashed] = await ada.list(status="deleted")
        assert trashed["id"] == deleted["id"]
        assert trashed["deleted_at"] > deleted["created_at"]
        assert await ada.list() == await ada.list(status="all") == [kept]

        restored = await ada.restore(deleted["id"])
        assert restored.status_code == 200
        assert restored.json()["title"] == "deleted"
        assert "deleted_at" not in restored.json()
        assert await ada.list() == [restored.json(), kept]
        assert await ada.list(status="deleted") == []

    async def test_the_trash_is_paged_too(self, ada: Person) -> None:
        tasks = [await ada.create(title=str(number), completed=number == 1) for number in range(3)]
        for task in tasks:
            await ada.delete(task["id"])

        first = await ada.call("GET", ada.tasks, params={"status": "deleted", "limit": 2})
        path = first.headers["link"].split(">")[0].lstrip("<")
        second = await ada.call("GET", path)

        assert [task["title"] for task in first.json() + second.json()] == ["2", "1", "0"]

    async def test_restoring_a_task_that_is_not_in_the_trash_changes_nothing(self, ada: Person) -> None:
        task = await ada.create()

        response = await ada.restore(task["id"])

        assert (response.status_code, response.json()) == (200, task)
        assert response.headers["etag"] == f'"{task["revision"]}"'

    @pytest.mark.parametrize("id", ["no-uuid", "01930d2c-6f6a-7d2e-9c1b-3f1f5b7a9d10"])
    async def test_restoring_an_unknown_task_is_404(self, ada: Person, id: str) -> None:
        assert (await ada.restore(id)).status_code == 404

    async def test_restoring_a_purged_task_is_404(self, ada: Person) -> None:
        task = await ada.create()
        await ada.delete(task["id"], permanent=True)

        assert (await ada.restore(task["id"])).status_code == 404

    async def test_a_creation_with_an_id_in_the_trash_is_409_and_names_restore(self, ada: Person) -> None:
        task = await ada.create(id=str(uuid.uuid4()))
        await ada.delete(task["id"])

        response = await ada.post(id=task["id"], title=task["title"])

        assert response.status_code == 409
        assert "restore" in response.json()["detail"]


class TestUndo:
    async def test_an_edit_is_undone(self, ada: Person) -> None:
        task = await ada.create(title="one", description="kept")
        await ada.put(task["id"], title="two")

        response = await ada.undo(2)

        assert response.status_code == 200
        change = response.json()
        assert (change["revision"], change["kind"], change["undoes"], change["via"]) == (3, "update", 2, "session")
        assert change["task"]["title"] == "one"
        assert response.headers["etag"] == '"3"'
        assert (await ada.get(task["id"])).json() == change["task"]
        assert (await ada.since(2))["changes"] == [change]

    @pytest.mark.parametrize("field", ["title", "description", "completed"])
    async def test_only_the_altered_fields_are_set_back(self, ada: Person, field: str) -> None:
        task = await ada.create(title="one", description="one")
        new: dict[str, Any] = {"title": "two", "description": None, "completed": True}
        await ada.put(task["id"], **{field: new[field]})
        others = {name: value for name, value in new.items() if name != field}
        await ada.put(task["id"], **others)

        change = (await ada.undo(2)).json()

        assert change["task"][field] == task[field]
        assert {name: change["task"][name] for name in others} == others

    async def test_a_null_description_is_set_back(self, ada: Person) -> None:
        task = await ada.create()
        await ada.put(task["id"], description="something")

        assert (await ada.undo(2)).json()["task"]["description"] is None

    async def test_undoing_a_creation_moves_the_task_to_the_trash(self, ada: Person) -> None:
        task = await ada.create()
        await ada.put(task["id"], title="edited since")

        change = (await ada.undo(1)).json()

        assert (change["kind"], change["task"]["title"]) == ("delete", "edited since")
        assert [task["id"] for task in await ada.list(status="deleted")] == [task["id"]]

    async def test_undoing_a_deletion_restores_the_task(self, ada: Person) -> None:
        task = await ada.create()
        await ada.delete(task["id"])

        change = (await ada.undo(2)).json()

        assert change["kind"] == "restore"
        assert [task["id"] for task in await ada.list()] == [task["id"]]

    async def test_undoing_a_restoration_starts_the_thirty_days_again(self, ada: Person) -> None:
        task = await ada.create()
        await ada.delete(task["id"])
        first = (await ada.list(status="deleted"))[0]["deleted_at"]
        await ada.restore(task["id"])

        change = (await ada.undo(3)).json()

        assert change["kind"] == "delete"
        assert change["task"]["deleted_at"] > first

    async def test_a_later_change_of_the_same_field_is_a_conflict(self, ada: Person) -> None:
        task = await ada.create(title="one")
        await ada.put(task["id"], title="two")
        await ada.put(task["id"], description="no conflict")
        await ada.put(task["id"], title="three")

        response = await ada.undo(2)

        assert response.status_code == 409
        assert response.json()["hindrance"] == 4
        assert "Change 4" in response.json()["detail"]
        assert (await ada.get(task["id"])).json()["title"] == "three"

    async def test_changes_can_be_undone_one_by_one_and_redone(self, ada: Person) -> None:
        task = await ada.create(title="one")
        for title in ("two", "three", "four"):
            await ada.put(task["id"], title=title)

        titles = [(await ada.undo(revision)).json()["task"]["title"] for revision in (4, 3, 2)]
        assert titles == ["three", "two", "one"]
        assert (await ada.undo(4)).status_code == 409  # it is already undone
        titles = [(await ada.undo(revision)).json()["task"]["title"] for revision in (7, 6, 5)]
        assert titles == ["two", "three", "four"]  # undoing an undo restores the change
        assert (await ada.undo(2)).json()["hindrance"] == 4

    async def test_a_later_change_to_the_same_values_is_still_a_conflict(self, ada: Person) -> None:
        task = await ada.create(title="one")
        for title in ("two", "three", "two"):
            await ada.put(task["id"], title=title)

        assert (await ada.undo(2)).json()["hindrance"] == 4

    async def test_a_purge_cannot_be_undone_and_conflicts_with_every_undo(self, ada: Person) -> None:
        task = await ada.create(id=str(uuid.uuid4()))
        await ada.put(task["id"], title="two")
        await ada.delete(task["id"], permanent=True)

        assert "purge" in (await ada.undo(3)).json()["detail"]
        assert (await ada.undo(3)).status_code == 409
        assert (await ada.undo(2)).json()["hindrance"] == 3
        await ada.post(id=task["id"], title="another of the same id")
        assert (await ada.undo(1)).json()["hindrance"] == 4
        assert (await ada.undo(4)).status_code == 200

    @pytest.mark.parametrize("revision", ["2", "0", "-1", "x", "1.0", "01", "9" * 30, "%00", "¹"])
    async def test_an_unknown_change_is_404(self, ada: Person, revision: str) -> None:
        await ada.create()

        assert (await ada.undo(revision)).status_code == 404

    async def test_one_of_many_concurrent_undos_succeeds(self, ada: Person) -> None:
        task = await ada.create()
        await ada.toggle(task["id"])

        responses = await asyncio.gather(*(ada.undo(2) for _ in range(8)))

        assert sorted(response.status_code for response in responses) == [200] + [409] * 7
        assert (await ada.since(0))["revision"] == 3

    async def test_an_undo_with_a_key_can_be_retried(self, ada: Person) -> None:
        task = await ada.create()
        await ada.toggle(task["id"])
        key = {"Idempotency-Key": str(uuid.uuid4())}

        first, second = await ada.undo(2, headers=key), await ada.undo(2, headers=key)

        assert (first.status_code, second.status_code) == (200, 200)
        assert second.content == first.content
        assert second.headers["idempotent-replayed"] == "true"
        await ada.delete(task["id"], permanent=True)
        assert (await ada.undo(2, headers=key)).status_code == 410

    @pytest.mark.parametrize("keyed", [False, True])
    async def test_an_undo_may_be_conditional_on_the_task(self, ada: Person, keyed: bool) -> None:
        """RFC 9110 §13.1.1: the tag is that of the task, as for its other writes."""
        task = await ada.create(title="one")
        await ada.put(task["id"], title="two")
        now = (await ada.toggle(task["id"])).json()
        key = {"Idempotency-Key": str(uuid.uuid4())} if keyed else {}

        stale = await ada.undo(2, headers={"If-Match": '"2"'} | key)
        again = await ada.undo(2, headers={"If-Match": '"2"'} | key)
        malformed = await ada.undo(2, headers={"If-Match": "2"})
        unknown = await ada.undo(7, headers={"If-Match": '"2"'})
        undone = await ada.undo(2, headers={"If-Match": 'W/"3"'})

        assert (stale.status_code, stale.headers["etag"], stale.json()["current"]) == (412, '"3"', now)
        assert again.content == stale.content
        assert (malformed.status_code, unknown.status_code) == (400, 404)
        assert (undone.status_code, undone.json()["task"]["title"]) == (200, "one")

    async def test_a_stored_refusal_of_an_undo_does_not_outlive_the_task(self, ada: Person) -> None:
        task = await ada.create(title="a secret")
        await ada.toggle(task["id"])
        headers = {"Idempotency-Key": str(uuid.uuid4()), "If-Match": '"1"'}
        assert "a secret" in (await ada.undo(2, headers=headers)).text

        await ada.delete(task["id"], permanent=True)

        replayed = await ada.undo(2, headers=headers)
        assert (replayed.status_code, "a secret" in replayed.text) == (410, False)
