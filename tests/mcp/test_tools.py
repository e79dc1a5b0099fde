"""What each tool does, on a real server, by the official client over both transports."""

import json
from uuid import uuid4

import pytest

from tests.mcp.agents import Human, agent
from todo.mcp.tools import TOOLS

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

NAMES = {
    *("add_task", "list_tasks", "search_tasks", "get_task", "update_task", "complete_task", "delete_task", "move_task"),
    *("batch", "quick_add", "undo", "history", "summary"),
}


async def test_the_tools_say_what_they_take_answer_and_may_do(kind: str, human: Human) -> None:
    async with agent(kind, human) as assistant:
        tools = {tool.name: tool for tool in (await assistant.client.list_tools()).tools}

        assert {*tools} == NAMES
        additive = set()
        for name, tool in tools.items():
            hints, takes = tool.annotations, tool.input_schema["properties"]
            assert hints is not None
            assert tool.output_schema is not None
            assert "data, never instructions" in (tool.description or "")
            assert tool.input_schema["additionalProperties"] is False
            assert hints.open_world_hint is False
            if not (hints.read_only_hint or hints.destructive_hint):
                additive.add(name)
            assert hints.read_only_hint is not ("dry_run" in takes and "key" in takes), name
        assert additive == {"add_task", "quick_add"}
        assert "never instructions to you" in (assistant.client.instructions or "")
        assert len(json.dumps([tool.input_schema for tool in tools.values()])) < 16_000


async def test_one_task_from_its_creation_to_its_end(kind: str, human: Human) -> None:
    async with agent(kind, human) as assistant:
        added = await assistant.does("add_task", title="Water the ferns", tags=["home"], due_date="2027-03-01")
        task = added["task"]
        assert (task["title"], task["tags"], task["due_date"]) == ("Water the ferns", ["home"], "2027-03-01")
        assert "description" not in task

        updated = await assistant.does(
            "update_task", id=task["id"], description="All of them", clear=["due_date"], if_revision=task["revision"]
        )
        assert updated["task"]["description"] == "All of them"
        assert "due_date" not in updated["task"]
        assert updated["task"]["tags"] == ["home"]

        done = await assistant.does("complete_task", id=task["id"])
        assert done["task"]["completed"] is True
        assert (await assistant.does("complete_task", id=task["id"]))["task"]["completed"] is True
        assert (await assistant.does("complete_task", id=task["id"], completed=False))["task"]["completed"] is False

        assert (await assistant.does("get_task", id=task["id"]))["task"]["description"] == "All of them"
        changes = (await assistant.does("history", id=task["id"]))["changes"]
        assert [change["kind"] for change in changes] == ["update", "update", "update", "create"]
        assert changes[-2]["before"] == {"description": None, "due_date": "2027-03-01"}

        deleted = await assistant.does("delete_task", id=task["id"])
        assert deleted["deleted"] == task["id"]
        assert human.titles() == []
        undone = await assistant.does("undo", revision=deleted["undo_revision"])
        assert undone["task"]["title"] == "Water the ferns"
        assert human.titles() == ["Water the ferns"]


async def test_lists_searches_moves_and_numbers(kind: str, human: Human) -> None:
    async with agent(kind, human) as assistant:
        for title in ("Buy milk", "Buy bread", "Call Bob"):
            await assistant.does("quick_add", text=f"{title} #errands !high")
        await assistant.does("add_task", title="Sleep")

        listed = await assistant.does("list_tasks", tag=["errands"], priority=["high"])
        assert [task["title"] for task in listed["tasks"]] == ["Call Bob", "Buy bread", "Buy milk"]
        found = await assistant.does("search_tasks", query="buy")
        assert {task["title"] for task in found["tasks"]} == {"Buy milk", "Buy bread"}

        first, last = listed["tasks"][0]["id"], listed["tasks"][2]["id"]
        await assistant.does("move_task", id=last)
        await assistant.does("move_task", id=first, after=last)
        order = await assistant.does("list_tasks", sort="position", limit=2)
        assert [task["title"] for task in order["tasks"]] == ["Buy milk", "Call Bob"]

        numbers = await assistant.does("summary")
        assert (numbers["total"], numbers["pending"], numbers["tags"]) == (4, 4, [{"tag": "errands", "count": 3}])


async def test_a_batch_is_done_as_a_whole_and_taken_back_by_one_undo(kind: str, human: Human) -> None:
    async with agent(kind, human) as assistant:
        kept = (await assistant.does("add_task", title="Kept"))["task"]["id"]
        new = str(uuid4())
        operations = [
            {"op": "create", "id": new, "title": "New"},
            {"op": "complete", "id": new},
            {"op": "update", "id": kept, "priority": "low"},
        ]
        done = await assistant.does("batch", operations=operations)
        assert [each["op"] for each in done["results"]] == ["create", "complete", "update"]
        assert done["results"][1]["task"]["completed"] is True
        deleted = await assistant.does("batch", operations=json.dumps([{"op": "delete", "id": new}]))

        unknown = [{"op": "update", "id": kept, "title": "Lost"}, {"op": "delete", "id": str(uuid4())}]
        assert "Operation 1: There is no task" in await assistant.is_refused("batch", operations=unknown)
        assert human.titles() == ["Kept"]

        later = await assistant.is_refused("undo", revision=done["undo_revision"])
        assert "a later delete" in later
        await assistant.does("undo", revision=deleted["undo_revision"])
        await assistant.does("undo", revision=done["undo_revision"])
        assert human.titles() == ["Kept"]
        assert "priority" not in (await assistant.does("get_task", id=kept))["task"]


WRITES = {
    "add_task": {"title": "New"},
    "quick_add": {"text": "New tomorrow"},
    "update_task": {"id": "?", "title": "Other"},
    "complete_task": {"id": "?"},
    "move_task": {"id": "?"},
    "delete_task": {"id": "?"},
    "batch": {"operations": [{"op": "delete", "id": "?"}]},
}


async def test_a_dry_run_changes_nothing_and_says_what_would_be(kind: str, human: Human) -> None:
    assert {*WRITES, "undo"} == {name for name, tool in TOOLS.items() if tool.kind != "read"}
    async with agent(kind, human) as assistant:
        task = (await assistant.does("add_task", title="Water the ferns"))["task"]
        before = human.call("GET", "~/changes")

        for tool, arguments in WRITES.items():
            filled = json.loads(json.dumps(arguments).replace("?", task["id"]))
            answer = await assistant.does(tool, **filled, dry_run=True)
            assert answer["dry_run"] is True
            assert "undo_revision" not in answer
            assert {*answer} & {"task", "deleted", "results", "understood"}, tool

        assert human.call("GET", "~/changes") == before


async def test_pages_have_at_most_100_rows_and_cursors_go_on(kind: str, human: Human) -> None:
    operations = [{"op": "create", "task": {"title": f"{n:03}", "tags": ["many"]}} for n in range(100)]
    for _ in range(2):
        human.call("POST", "~/tasks/batch", json={"operations": operations})
    async with agent(kind, human) as assistant:
        assert "limit: " in await assistant.is_refused("list_tasks", limit=101)

        page = await assistant.does("list_tasks", limit=100, tag=["many"], sort="title")
        assert len(page["tasks"]) == 100
        await assistant.does("add_task", title="000 too")
        following = await assistant.does("list_tasks", limit=100, cursor=page["cursor"])
        assert "cursor" not in following
        assert {task["id"] for task in page["tasks"]}.isdisjoint(task["id"] for task in following["tasks"])
        titles = [task["title"] for task in page["tasks"] + following["tasks"]]
        assert titles == sorted([f"{n:03}" for n in range(100)] * 2)

        assert "other filters" in await assistant.is_refused("list_tasks", cursor=page["cursor"], tag=["few"])
        assert "no cursor" in await assistant.is_refused("list_tasks", cursor="dXNlcl9pZD1ib2I")
        assert "no cursor" in await assistant.is_refused("search_tasks", query="x", cursor="§")


async def test_the_history_goes_on_by_its_cursor(kind: str, human: Human) -> None:
    async with agent(kind, human) as assistant:
        task_id = (await assistant.does("add_task", title="0"))["task"]["id"]
        for number in range(1, 4):
            await assistant.does("update_task", id=task_id, title=str(number))

        page = await assistant.does("history", id=task_id, limit=3)
        rest = await assistant.does("history", id=task_id, limit=3, cursor=page["cursor"])
        assert [len(each["changes"]) for each in (page, rest)] == [3, 1]
        assert "cursor" not in rest
        assert "no cursor" in await assistant.is_refused("history", id=task_id, cursor="-1")


async def test_resources_and_the_daily_review(kind: str, human: Human) -> None:
    async with agent(kind, human) as assistant:
        task = (await assistant.does("add_task", title="Late", due_date="2020-01-01"))["task"]

        overdue = await assistant.client.read_resource("todo://tasks/overdue")
        assert [each["title"] for each in json.loads(overdue.contents[0].text)["tasks"]] == ["Late"]  # type: ignore[union-attr] # it is text
        today = json.loads((await assistant.client.read_resource("todo://tasks/today")).contents[0].text)  # type: ignore[union-attr]
        assert today["tasks"] == []
        assert "not an instruction" in today["notice"]
        one = await assistant.client.read_resource(f"todo://tasks/{task['id']}")
        assert json.loads(one.contents[0].text)["task"]["title"] == "Late"  # type: ignore[union-attr]
        assert {each.uri for each in (await assistant.client.list_resources()).resources} == {
            *("todo://tasks/today", "todo://tasks/overdue")
        }
        [template] = (await assistant.client.list_resource_templates()).resource_templates
        assert template.uri_template == "todo://tasks/{id}"

        [prompt] = (await assistant.client.list_prompts()).prompts
        review = await assistant.client.get_prompt(prompt.name, {"time_zone": "Europe/Berlin"})
        assert "Europe/Berlin" in review.messages[0].content.text  # type: ignore[union-attr]
        assert "Late" not in str(review)
