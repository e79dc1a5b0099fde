"""What an agent may do: each permission allows its own kind of change, and the database holds to it."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.conftest import Person
from tests.support.agents import make_agent

pytestmark = pytest.mark.anyio


ALL = ("create", "edit", "complete", "delete", "undo")


class TestPermissions:
    """Each permission allows its own kind of change and no other, by single requests, batches and otherwise."""

    async def attempts(self, ada: Person) -> dict[str, list[tuple[str, str, Any]]]:
        """What needs each permission, as requests."""
        task = await ada.create("Water the ferns", tags=["home"])
        other, gone, trashed = [await ada.create(title) for title in ("other", "gone", "in the trash")]
        for each in (gone, trashed):
            await ada.delete(each["id"])
        edited = (await ada.put(task["id"], title="Water all ferns")).json()["revision"]
        url, batch = f"{ada.tasks}/{task['id']}", f"{ada.tasks}/batch"

        def in_batch(**operation: Any) -> tuple[str, str, Any]:
            return "POST", batch, {"operations": [operation]}

        return {
            "create": [
                ("POST", ada.tasks, {"title": "new"}),
                ("POST", f"{ada.tasks}/quick", {"text": "new tomorrow"}),
                in_batch(op="create", task={"title": "new"}),
            ],
            "edit": [
                ("PUT", url, {"title": "other"}),
                ("POST", f"{url}/move", {"after": None}),
                ("PATCH", f"{ada.home}/tags", {"rename": {"home": "house"}}),
                in_batch(op="update", id=task["id"], task={"priority": "high"}),
            ],
            "complete": [
                ("PATCH", f"{url}/complete", None),
                ("PUT", url, {"completed": True}),
                in_batch(op="complete", id=task["id"]),
            ],
            "delete": [
                ("POST", f"{ada.tasks}/{gone['id']}/restore", None),
                ("DELETE", url, None),
                in_batch(op="restore", id=trashed["id"]),
                in_batch(op="delete", id=other["id"]),
            ],
            "undo": [("POST", f"{ada.home}/changes/{edited}/undo", None)],
        }

    @pytest.mark.parametrize("permission", ALL)
    async def test_a_permission_allows_its_own_kind_of_change(self, ada: Person, permission: str) -> None:
        await ada.create("first of the order")
        agent, _ = await make_agent(ada, permissions=[permission])
        for method, path, body in (await self.attempts(ada))[permission]:
            response = await agent.call(method, path, json=body)
            assert response.is_success, (method, path, body, response.text)

    @pytest.mark.parametrize("missing", ALL)
    async def test_without_it_the_same_is_403_and_nothing_changes(self, ada: Person, missing: str) -> None:
        agent, _ = await make_agent(ada, permissions=[name for name in ALL if name != missing])
        attempts = (await self.attempts(ada))[missing]
        await ada.create("first of the order")
        before = await ada.since()
        for method, path, body in attempts:
            response = await agent.call(method, path, json=body)
            assert response.status_code == 403, (method, path, body, response.text)
            assert response.json()["detail"].startswith(f"This token may not {missing} tasks: it may only ")
            assert 'error="insufficient_scope"' in response.headers["www-authenticate"]
        assert await ada.since() == before

    async def test_without_any_permission_it_reads(self, ada: Person) -> None:
        task = await ada.create()
        agent, _ = await make_agent(ada, permissions=[])

        assert await agent.list() == [task]
        refused = await agent.post(title="new")
        assert refused.status_code == 403
        assert "it may only read" in refused.json()["detail"]

    async def test_completing_a_task_that_repeats_needs_no_more(self, ada: Person) -> None:
        task = await ada.create(recurrence="daily", due_date="2030-01-01")
        agent, _ = await make_agent(ada, permissions=["complete"])

        assert (await agent.toggle(task["id"])).status_code == 200
        assert len(await ada.list()) == 2
        assert (await agent.toggle(task["id"])).status_code == 200
        assert len(await ada.list()) == 1
        renamed = await agent.put(task["id"], title="other", completed=True)
        assert renamed.status_code == 403

    async def test_an_edit_that_also_completes_needs_both(self, ada: Person) -> None:
        task = await ada.create()
        for permission in ("edit", "complete"):
            agent, _ = await make_agent(ada, permissions=[permission])
            assert (await agent.put(task["id"], title="other", completed=True)).status_code == 403
        agent, _ = await make_agent(ada, permissions=["edit", "complete"])
        assert (await agent.put(task["id"], title="other", completed=True)).status_code == 200


async def test_no_agent_deletes_for_good(ada: Person) -> None:
    task = await ada.create()
    agent, _ = await make_agent(ada)

    refused = await agent.delete(task["id"], permanent=True)

    assert refused.status_code == 403
    assert "for good" in refused.json()["detail"]
    assert await ada.list() == [task]


async def test_the_trigger_holds_the_permissions_for_any_statement(ada: Person, database_url: str) -> None:
    """Without any of the server's code: a transaction that names an agent is bound by what it names."""
    task = await ada.create()
    with psycopg.connect(database_url) as connection:
        connection.execute("select set_config('app.user_id', %s, true)", [ada.id])
        connection.execute("set local role todo_app")
        connection.execute("select set_config('app.agent_id', %s, true)", [str(uuid4())])
        connection.execute("select set_config('app.agent', 'psql', true), set_config('app.permissions', 'edit', true)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="the token may not complete"):
            connection.execute("update tasks set completed = true where id = %s", [task["id"]])


class TestUndoIsNoWayAround:
    async def test_an_undo_that_deletes_needs_the_permission_to_delete(self, ada: Person) -> None:
        task = await ada.create()
        agent, _ = await make_agent(ada, permissions=["create", "undo"])
        own = await agent.create("its own")

        refused = await agent.undo(task["revision"])

        assert refused.status_code == 403
        assert "may not delete" in refused.json()["detail"]
        assert (await agent.undo(own["revision"])).status_code == 200
        assert await ada.list() == [task]

    async def test_an_undo_that_deletes_is_a_deletion(self, ada: Person) -> None:
        tasks = [await ada.create(str(number)) for number in range(3)]
        agent, _ = await make_agent(ada, deletions_per_hour=1)
        own = await agent.create("its own")

        statuses = [(await agent.undo(task["revision"])).status_code for task in (own, *tasks)]

        assert statuses == [200, 200, 429, 429]
        assert len(await ada.list()) == 2

    async def test_none_may_be_deleted_at_all(self, ada: Person) -> None:
        task = await ada.create()
        agent, _ = await make_agent(ada, deletions_per_hour=0)

        refused = await agent.delete(task["id"])

        assert (refused.status_code, refused.headers["retry-after"]) == (429, "3600")


async def test_an_agent_that_opens_a_task_again_erases_no_next_one(ada: Person) -> None:
    """Its user's completion made that one; taking back what the agent did brings it back."""
    task = await ada.create(recurrence="daily", due_date="2030-01-01")
    await ada.toggle(task["id"])
    before = await ada.list()
    agent, made = await make_agent(ada, permissions=["complete"])

    assert (await agent.toggle(task["id"])).status_code == 200
    assert len(await ada.list(status="deleted")) == 1
    done = (await ada.call("POST", f"{ada.home}/agents/{made['id']}/undo")).json()

    def shown(tasks: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        return [(each["id"], each["completed"], each["due_date"]) for each in tasks]

    assert done["conflicts"] == []
    assert shown(await ada.list()) == shown(before)
    assert (await agent.toggle(task["id"])).status_code == 200
    assert (await agent.toggle(task["id"])).status_code == 200
    assert shown(await ada.list()) == shown(before), "completed again, the same next task is there again"
