"""Agents: their tokens, the name that they give, what they did, and taking it back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from todo.client import AgentUndo, AsyncClient, Client, Forbidden, UndoConflict

AGENT_ID = "0d3f6a1f-2b77-4b59-9c39-5f0c7f8e4d3f"


@pytest.fixture
async def planner(ada: Any, opened: Callable[..., Any], url: str) -> Any:
    """Ada's assistant, for groceries only."""
    token = await ada.create_token("meal planner", permissions=["edit", "create"], tag="groceries")
    return opened(url, token.token)


async def titles(client: Any) -> set[str]:
    return {task.title async for task in client.list_tasks()}


@pytest.mark.slow
async def test_a_token_of_an_agent_shows_what_it_allows(ada: Any) -> None:
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=90)
    made = await ada.create_token("planner", expires_at=ends, permissions=[], tag="groceries", deletions_per_hour=0)
    await ada.create_token("helper", agent=True)
    await ada.create_token("script")

    assert (made.agent, made.permissions, made.tag, made.deletions_per_hour) == (True, (), "groceries", 0)
    assert {(each.name, each.agent, each.tag) for each in await ada.tokens()} == {
        ("planner", True, "groceries"),
        ("helper", True, None),
        ("script", False, None),
    }
    agents = {each.name: each for each in await ada.agents()}
    assert agents.keys() == {"planner", "helper"}
    found = agents["planner"]
    assert (found.id, found.token, found.scope, found.permissions, found.changes) == (made.id, True, "write", (), 0)
    assert found.expires_at == ends


@pytest.mark.slow
async def test_what_an_agent_did_is_listed_and_taken_back_and_done_again(ada: Any, planner: Any) -> None:
    milk = await ada.create("Milk", tags=["groceries"])
    bread = await ada.create("Bread", tags=["groceries"])
    await planner.create("Eggs")
    await planner.update(milk.id, title="Oat milk")
    await planner.update(bread.id, title="Rye bread")
    await ada.update(bread.id, title="White bread")
    with pytest.raises(Forbidden, match="may not complete"):
        await planner.complete(milk.id)
    [agent] = await ada.agents()

    changes = [each async for each in ada.agent_changes(agent.id)]
    tried = await ada.undo_agent(agent.id, dry_run=True)
    before = await titles(ada)
    done = await ada.undo_agent(agent.id)

    assert [(each.kind, each.via, each.agent, each.agent_id) for each in changes] == [
        *[("update", "agent", "meal planner", agent.id)] * 2,
        ("create", "agent", "meal planner", agent.id),
    ]
    assert changes[0].before == {"title": "Bread"}
    conflict = UndoConflict(task_id=bread.id, title="White bread", fields=("title",), reason="changed_since")
    assert (tried.undone, tried.tasks, tried.conflicts) == (done.undone, done.tasks, done.conflicts)
    assert (done.undone, done.tasks, done.conflicts) == (2, 2, (conflict,))
    assert before == {"Oat milk", "White bread", "Eggs"}
    assert await titles(ada) == {"Milk", "White bread"}
    [revision] = done.revisions
    await ada.undo(revision)
    assert await titles(ada) == before


@pytest.mark.slow
async def test_what_an_agent_did_before_a_time_stays(ada: Any, planner: Any) -> None:
    await planner.create("Eggs")
    [agent] = await ada.agents()

    done = await ada.undo_agent(agent.id, since=datetime.now(UTC) + timedelta(hours=1))

    assert done == AgentUndo(undone=0, tasks=0)
    assert await titles(ada) == {"Eggs"}


@pytest.mark.slow
async def test_a_client_says_which_agent_uses_it(ada: Any, opened: Callable[..., Any], url: str) -> None:
    token = await ada.create_token("laptop")
    cook = opened(url, token.token, agent=" Köchin 料理 ")
    await cook.create("Eggs")
    await ada.create("Milk")

    assert [(each.via, each.agent) async for each in ada.changes()] == [("agent", "Köchin 料理"), ("session", None)]
    [agent] = await ada.agents()
    assert (agent.name, agent.token, agent.changes) == ("Köchin 料理", False, 1)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 101])
def test_what_is_no_name_of_an_agent_is_refused(name: str) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises(ValueError, match="name of an agent"):
            kind("http://127.0.0.1:1", agent=name)


@pytest.mark.slow
async def test_a_write_with_a_key_is_done_once(ada: Any) -> None:
    async def twice(call: Callable[[], Any]) -> Any:
        first, second = await call(), await call()
        assert first == second
        return second

    task = await twice(lambda: ada.create("Milk", key="create"))
    await twice(lambda: ada.quick_add("Bread", key="quick"))
    assert (await twice(lambda: ada.complete(task.id, key="complete"))).completed
    await twice(lambda: ada.update(task.id, title="Oat milk", key="update"))
    await twice(lambda: ada.move(task.id, key="move"))
    await twice(lambda: ada.delete(task.id, key="delete"))
    await twice(lambda: ada.restore(task.id, key="restore"))
    batch = await twice(lambda: ada.batch([{"op": "create", "task": {"title": "Eggs"}}], key="batch"))
    await twice(lambda: ada.undo(batch.revision, key="undo"))

    kinds = [each.kind async for each in ada.changes()]
    assert kinds == [*["create"] * 2, *["update"] * 3, "delete", "restore", "create", "delete"]


@pytest.mark.slow
async def test_a_dry_run_of_an_undo_changes_nothing(ada: Any) -> None:
    task = await ada.create("Milk")

    change = await ada.undo(task.revision, dry_run=True)

    assert (change.kind, change.undoes, change.task_id) == ("delete", task.revision, task.id)
    assert await titles(ada) == {"Milk"}


class Parts(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A server that takes back thousands of changes in two parts; and the requests that it got."""

    def __init__(self) -> None:
        self.got: list[tuple[Any, str | None]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.got.append((msgspec.json.decode(request.read()), request.headers.get("Idempotency-Key")))
        conflict = {"task_id": "x", "title": "Milk", "fields": ["title"], "reason": "changed_since"}
        part = {"undone": 5000, "tasks": 40, "conflicts": [conflict], "revision": 9001, "before": 4001}
        last = {"undone": 1000, "tasks": 2, "conflicts": [conflict], "revision": 9041, "before": None}
        return httpx.Response(200, json=part if len(self.got) == 1 else last)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


@pytest.mark.parametrize(("key", "keys"), [("call", ["call", "call.2"]), (None, None)])
async def test_thousands_of_changes_are_taken_back_in_parts(
    opened: Callable[..., Any], key: str | None, keys: list[str] | None
) -> None:
    parts = Parts()
    client = opened("http://127.0.0.1:1", "token", user_id="ada", transport=parts)
    since = datetime(2027, 3, 1, tzinfo=UTC)

    done = await client.undo_agent(AGENT_ID, since=since, key=key)

    assert (done.undone, done.tasks, len(done.conflicts), done.revisions) == (6000, 42, 1, (9001, 9041))
    assert [body for body, _ in parts.got] == [
        {"since": "2027-03-01T00:00:00Z"},
        {"since": "2027-03-01T00:00:00Z", "before": 4001},
    ]
    sent = [each for _, each in parts.got]
    assert sent == keys if keys else len({*sent}) == 2
