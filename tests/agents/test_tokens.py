"""Tokens of agents: what they may do, which the database holds to, and how the changes name them."""

import asyncio
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.agents.conftest import make_agent
from tests.conftest import Person, http, running, settings_for, sign_up
from todo.app import create_app

pytestmark = pytest.mark.anyio


async def test_a_token_with_a_limit_is_an_agents(ada: Person) -> None:
    _, made = await make_agent(ada, agent=False, permissions=["delete", "create", "create"], deletions_per_hour=3)

    assert made["token"].startswith("todo_pat_agent_")
    assert (made["agent"], made["permissions"], made["tag"]) == (True, ["create", "delete"], None)
    [listed] = (await ada.call("GET", "/api/auth/tokens")).json()
    assert listed == {name: value for name, value in made.items() if name != "token"}


@pytest.mark.parametrize(
    "wanted",
    [
        {"permissions": ["purge"]},
        {"permissions": "create"},
        {"tag": ""},
        {"tag": "x" * 51},
        {"deletions_per_hour": -1},
        {"deletions_per_hour": 1.5},
    ],
    ids=str,
)
async def test_limits_that_make_no_sense_are_422(ada: Person, wanted: dict[str, Any]) -> None:
    response = await ada.call("POST", "/api/auth/tokens", json={"name": "agent"} | wanted)

    assert response.status_code == 422
    assert (await ada.call("GET", "/api/auth/tokens")).json() == []


async def test_the_changes_name_the_agent(ada: Person) -> None:
    agent, made = await make_agent(ada, "meal planner")
    task = await agent.create()
    await ada.put(task["id"], title="Water them")

    created, edited = (await ada.since())["changes"]

    assert (created["via"], created["agent_id"], created["agent"]) == ("agent", made["id"], "meal planner")
    assert (edited["via"], edited["agent_id"], edited["agent"]) == ("session", None, None)


async def test_any_caller_may_say_that_an_agent_does(ada: Person) -> None:
    header = {"Todo-Agent": "Küchenhilfe".encode()}
    await ada.call("POST", ada.tasks, json={"title": "one"}, headers=header)
    await ada.call("POST", ada.tasks, json={"title": "two"}, headers=header)
    agent, made = await make_agent(ada, "planner")
    await agent.call("POST", ada.tasks, json={"title": "three"}, headers=header)

    one, two, three = (await ada.since())["changes"]

    assert one["via"] == two["via"] == "agent"
    assert one["agent"] == two["agent"] == "Küchenhilfe"
    assert one["agent_id"] == two["agent_id"] != made["id"]
    assert (three["agent_id"], three["agent"]) == (made["id"], "planner"), "the name of its token wins"


@pytest.mark.parametrize("name", [b"", b" ", b"x" * 101, b"a\tb", b"\xff"], ids=str)
async def test_a_malformed_name_of_an_agent_is_400(ada: Person, name: bytes) -> None:
    response = await ada.call("POST", ada.tasks, json={"title": "one"}, headers={"Todo-Agent": name})

    assert response.status_code == 400, response.text
    assert "Todo-Agent" in response.json()["detail"]


ALL = ("create", "edit", "complete", "delete", "undo")


class TestPermissions:
    """Each permission allows its own kind of change and no other, by single requests, batches and otherwise."""

    async def attempts(self, ada: Person) -> dict[str, list[tuple[str, str, Any]]]:
        """What needs each permission, as requests."""
        task = await ada.create("Water the ferns", tags=["home"])
        gone = await ada.create("gone")
        await ada.delete(gone["id"])
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
                in_batch(op="restore", id=task["id"]),
                in_batch(op="delete", id=task["id"]),
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
            if path.endswith("/restore") or (body and "restore" in str(body)):
                continue  # its own attempt below
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


async def test_no_agent_imports_or_makes_an_address_that_shows_tasks(ada: Person) -> None:
    agent, _ = await make_agent(ada)

    made = await agent.call("POST", f"{ada.home}/feeds")
    imported = await agent.call(
        "POST", f"{ada.home}/import", content=b"title\nx\n", headers={"Content-Type": "text/csv"}
    )
    listed = await agent.call("GET", f"{ada.home}/agents")

    assert [made.status_code, imported.status_code, listed.status_code] == [403, 403, 403]
    assert await ada.list() == []


class TestDeletions:
    async def test_over_its_deletions_of_an_hour_it_is_429(self, ada: Person) -> None:
        tasks = [await ada.create(str(number)) for number in range(4)]
        agent, _ = await make_agent(ada, deletions_per_hour=2)
        other, _ = await make_agent(ada, "other")

        deleted = [(await agent.delete(task["id"])).status_code for task in tasks[:2]]
        refused = await agent.delete(tasks[2]["id"])

        assert deleted == [204, 204]
        assert refused.status_code == 429
        assert 3500 < int(refused.headers["retry-after"]) <= 3600
        assert refused.json()["detail"].startswith("This token may delete 2 tasks an hour, and has.")
        assert (await other.delete(tasks[2]["id"])).status_code == 204
        assert (await ada.delete(tasks[3]["id"])).status_code == 204

    async def test_a_batch_over_them_deletes_nothing(self, ada: Person) -> None:
        tasks = [await ada.create(str(number)) for number in range(3)]
        agent, _ = await make_agent(ada, deletions_per_hour=2)

        operations = [{"op": "delete", "id": task["id"]} for task in tasks]
        refused = await agent.call("POST", f"{ada.tasks}/batch", json={"operations": operations})

        assert refused.status_code == 429
        assert len(await ada.list()) == 3

    async def test_deletions_at_once_are_no_more_than_allowed(self, ada: Person) -> None:
        tasks = [await ada.create(str(number)) for number in range(8)]
        agent, _ = await make_agent(ada, deletions_per_hour=3)

        answers = await asyncio.gather(*(agent.delete(task["id"]) for task in tasks))

        assert sorted(answer.status_code for answer in answers) == [204] * 3 + [429] * 5
        assert len(await ada.list()) == 5

    async def test_a_deletion_whose_answer_was_lost_is_answered_again(self, ada: Person) -> None:
        task = await ada.create()
        agent, _ = await make_agent(ada, deletions_per_hour=1)
        key = {"Idempotency-Key": str(uuid4())}

        answers = [await agent.call("DELETE", f"{ada.tasks}/{task['id']}", headers=key) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [204, 204]
        assert "idempotent-replayed" in answers[1].headers

    async def test_the_server_sets_how_many_otherwise(self, database_url: str) -> None:
        settings = settings_for(database_url, agent_deletions_per_hour=1)
        async with running(create_app(settings)) as app, http(app) as client:
            ada = await sign_up(client, "ada")
            tasks = [await ada.create(str(number)) for number in range(3)]
            agent, _ = await make_agent(ada)
            more, _ = await make_agent(ada, deletions_per_hour=2)
            statuses = [(await each.delete(task["id"])).status_code for each in (agent, more) for task in tasks]

        assert statuses == [204, 429, 429, 404, 204, 204]


async def test_requests_and_writes_of_an_agent_are_limited(database_url: str) -> None:
    limits = {"rate_limit": "6000/minute", "agent_rate_limit": "20/minute", "agent_write_limit": "5/minute"}
    async with running(create_app(settings_for(database_url, **limits))) as app, http(app) as client:
        ada = await sign_up(client, "ada")
        agent, _ = await make_agent(ada)
        other, _ = await make_agent(ada, "other")

        operations = [{"op": "create", "task": {"title": str(number)}} for number in range(4)]
        first = await agent.call("POST", f"{ada.tasks}/batch", json={"operations": operations[:3]})
        large = await agent.call("POST", f"{ada.tasks}/batch", json={"operations": operations})
        within, over = [await agent.post(title="one") for _ in range(2)]
        reads = [(await agent.call("GET", ada.tasks)).status_code for _ in range(18)]

        assert large.status_code == 429, "a batch that is refused counts as one"
        assert (first.status_code, within.status_code, over.status_code) == (200, 201, 429)
        assert over.json()["detail"] == "This agent may make 5 writes in 60 seconds. Nothing was done."
        assert 0 < int(over.headers["retry-after"]) <= 60
        assert reads == [200] * 16 + [429] * 2
        assert (await other.post(title="two")).status_code == 201
        assert len(await ada.list()) == 5


async def test_agents_have_their_own_idempotency_keys(ada: Person) -> None:
    key = {"Idempotency-Key": "the-same"}
    body = {"title": "of ada"}
    agent, _ = await make_agent(ada)
    first = await ada.call("POST", ada.tasks, json=body, headers=key)
    second = await agent.call("POST", ada.tasks, json=body, headers=key)
    again = await agent.call("POST", ada.tasks, json=body, headers=key)

    assert first.json()["id"] != second.json()["id"] == again.json()["id"]
    assert len(await ada.list()) == 2


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


async def test_an_agent_learns_nothing_of_its_user_but_the_id(ada: Person) -> None:
    agent, _ = await make_agent(ada)

    me = await agent.call("GET", "/api/auth/me")
    export = await agent.call("GET", f"{ada.home}/export")

    assert me.json()["id"] == ada.id
    assert ada.email not in me.text + export.text
