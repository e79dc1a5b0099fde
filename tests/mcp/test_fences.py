"""What an agent's token does not allow is refused in words that say what it allows, and nothing else is seen."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.mcp.agents import Human, agent
from tests.support.processes import serving
from todo.mcp.tools import TOOLS

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


def token(human: Human, **limits: Any) -> str:
    made: str = human.api_token(name="meal planner", **limits)["token"]
    return made


async def test_permissions(kind: str, human: Human) -> None:
    task = human.call("POST", "~/tasks", json={"title": "Mine"})
    async with agent(kind, human, token(human, permissions=["create", "complete"])) as assistant:
        await assistant.does("add_task", title="New")
        await assistant.does("complete_task", id=task["id"])
        for tool, arguments, what in (
            ("delete_task", {"id": task["id"]}, "delete"),
            ("update_task", {"id": task["id"], "title": "x"}, "edit"),
            ("move_task", {"id": task["id"]}, "edit"),
            ("batch", {"operations": [{"op": "delete", "id": task["id"]}]}, "delete"),
            ("undo", {"revision": task["revision"]}, "undo"),
            ("undo", {"since": "2020-01-01T00:00:00Z"}, "undo"),
        ):
            refused = await assistant.is_refused(tool, **arguments)
            assert f"may not {what} tasks: it may only create, complete" in refused, tool
            assert "Do not try another way" in refused
    assert sorted(human.titles()) == ["Mine", "New"]


async def test_a_fenced_agent_plans_a_week_sees_nothing_else_and_is_taken_back(kind: str, human: Human) -> None:
    human.call("POST", "~/tasks", json={"title": "Milk", "tags": ["groceries"]})
    other = human.call(
        "POST", "~/tasks", json={"title": "A secret meeting", "tags": ["work"], "due_date": "2020-01-01"}
    )
    before = [(task["title"], task["completed"], task["tags"]) for task in human.call("GET", "~/tasks")]
    began = datetime.now(UTC).isoformat()
    async with agent(kind, human, token(human, tag="groceries")) as assistant:
        days = [{"op": "create", "title": f"Dinner {day}", "due_date": f"2027-03-0{day}"} for day in range(1, 8)]
        planned = await assistant.does("batch", operations=days)
        assert all(result["task"]["tags"] == ["groceries"] for result in planned["results"])
        milk = next(task for task in (await assistant.does("list_tasks"))["tasks"] if task["title"] == "Milk")
        await assistant.does("complete_task", id=milk["id"])

        seen = str([
            await assistant.does("list_tasks", status="all"),
            await assistant.does("search_tasks", query="secret"),
            await assistant.does("summary"),
            [(await assistant.client.read_resource("todo://tasks/overdue")).contents],
        ])  # fmt: skip
        assert "secret" not in seen
        assert "work" not in seen
        for tool in TOOLS:
            for arguments in named(tool, other["id"]):
                assert "secret meeting" not in await assistant.is_refused(tool, **arguments), tool
        assert "groceries" in await assistant.is_refused("update_task", id=milk["id"], clear=["tags"])

        told = await assistant.does("undo", since=began, dry_run=True)
        assert (told["undone"], told["conflicts"]) == (8, [])
        done = await assistant.does("undo", since=began)
        assert (done["undone"], done["tasks"]) == (8, 8)
    after = [(task["title"], task["completed"], task["tags"]) for task in human.call("GET", "~/tasks")]
    assert after == before
    assert {change["agent"] for change in human.call("GET", "~/changes")["changes"][2:]} == {"meal planner"}


def named(tool: str, task: str) -> list[dict[str, Any]]:
    """Calls of a tool that name a task."""
    if tool == "batch":
        return [{"operations": [{"op": op, "id": task}]} for op in ("complete", "delete", "restore", "move")]
    fields = TOOLS[tool].takes.model_fields
    if "id" not in fields:
        return []
    return [{"id": task, **({"title": "mine"} if "title" in fields else {})}]


async def test_what_somebody_changed_afterwards_is_told_as_a_conflict(kind: str, human: Human) -> None:
    began = datetime.now(UTC).isoformat()
    async with agent(kind, human) as assistant:
        task = (await assistant.does("add_task", title="Plan"))["task"]
        gone = (await assistant.does("add_task", title="Gone"))["task"]
        human.call("PUT", f"~/tasks/{task['id']}", json={"title": "My plan"})

        done = await assistant.does("undo", since=began)
        assert done["undone"] == 1
        assert done["conflicts"] == [
            {"task_id": task["id"], "title": "My plan", "fields": ["title"], "reason": "changed_since"}
        ]
        assert human.titles() == ["My plan"]
        await assistant.does("undo", revision=done["undo_revision"])
        assert {*human.titles()} == {"My plan", gone["title"]}


async def test_an_agent_that_has_done_nothing_takes_nothing_back(kind: str, human: Human) -> None:
    human.call("POST", "~/tasks", json={"title": "Mine"})
    async with agent(kind, human) as assistant:
        done = await assistant.does("undo", since="2020-01-01T00:00:00Z", key=str(uuid4()))
        assert (done["undone"], done["conflict_count"]) == (0, 0)
    assert human.titles() == ["Mine"]


async def test_limits(tmp_path: Path, database_url: str) -> None:
    limits = {"rate_limit": "1000/minute", "agent_write_limit": "5/minute"}
    with serving(tmp_path, database_url=database_url, mcp="on", **limits) as server:
        human = Human.signs_up(server, tmp_path, "ada")
        tasks = [human.call("POST", "~/tasks", json={"title": f"{n}"})["id"] for n in range(3)]
        async with agent("http", human, token(human, deletions_per_hour=2)) as assistant:
            for task in tasks[:2]:
                await assistant.does("delete_task", id=task)
            refused = await assistant.is_refused("delete_task", id=tasks[2])
            assert "may delete 2 tasks an hour" in refused
            assert "Wait " in refused
        async with agent("http", human, token(human, agent=True)) as assistant:
            for number in range(4):
                await assistant.does("add_task", title=f"{number}")
            many = [{"op": "create", "title": f"{n}"} for n in range(2)]
            refused = await assistant.is_refused("batch", operations=many)
            assert "5 writes in 60 seconds" in refused
            assert "Wait " in refused
        assert len(human.titles()) == 5
