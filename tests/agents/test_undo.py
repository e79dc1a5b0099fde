"""What an agent did: listed, and taken back at once, but for what somebody else has altered since."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import Person
from tests.support.agents import make_agent, take_back

pytestmark = pytest.mark.anyio


def contents(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tasks without what every write moves."""
    return [
        {name: value for name, value in task.items() if name not in {"updated_at", "completed_at", "revision"}}
        for task in tasks
    ]


async def test_all_that_an_agent_did_is_taken_back_and_can_be_brought_back(ada: Person) -> None:
    one, two = await ada.create("one", priority="low", tags=["a"]), await ada.create("two", due_date="2030-01-01")
    three = await ada.create("three", recurrence="daily", due_date="2030-01-01")
    before = await ada.list(sort="position")
    agent, made = await make_agent(ada)
    await agent.create("new")
    await agent.put(one["id"], title="ONE", priority="high", tags=["b", "c"])
    await agent.put(one["id"], title="ONE!", description="more")
    await agent.call("POST", f"{ada.tasks}/{one['id']}/move", json={"after": three["id"]})
    await agent.delete(two["id"])
    await agent.toggle(three["id"])
    after = await ada.list(sort="position")

    done = await take_back(ada, made["id"])

    assert (done["undone"], done["tasks"], done["conflicts"], done["before"]) == (7, 5, [], None)
    assert contents(await ada.list(sort="position")) == contents(before)
    brought_back = await ada.undo(done["revision"])
    assert brought_back.status_code == 200, brought_back.text
    assert contents(await ada.list(sort="position")) == contents(after)


async def test_what_was_brought_back_can_be_taken_back_again(ada: Person) -> None:
    """Of several tasks: the batch that took all back names one of their changes."""
    one, two = await ada.create("one"), await ada.create("two")
    before = await ada.list()
    agent, made = await make_agent(ada)
    await agent.put(one["id"], title="ONE")
    await agent.put(two["id"], title="TWO")
    await agent.create("new")

    for _ in range(2):
        done = await take_back(ada, made["id"])
        assert (done["undone"], done["tasks"], done["conflicts"]) == (3, 3, [])
        assert contents(await ada.list()) == contents(before)
        assert (await ada.undo(done["revision"])).status_code == 200
    await ada.put(two["id"], title="mine")
    assert [each["title"] for each in (await take_back(ada, made["id"]))["conflicts"]] == ["mine"]


async def test_doing_it_again_does_nothing(ada: Person) -> None:
    task = await ada.create()
    agent, made = await make_agent(ada)
    await agent.put(task["id"], title="other")
    await agent.create()
    await take_back(ada, made["id"])
    state = await ada.since()

    again = await take_back(ada, made["id"])

    assert (again["undone"], again["tasks"], again["conflicts"], again["revision"]) == (0, 0, [], None)
    assert await ada.since() == state


async def test_what_somebody_else_altered_since_stays_and_is_told(ada: Person) -> None:
    one, two = await ada.create("one"), await ada.create("two", priority="low")
    agent, made = await make_agent(ada)
    other, _ = await make_agent(ada, "other")
    await agent.put(one["id"], title="ONE", priority="high")
    await agent.put(two["id"], priority="high")
    new = await agent.create("new")
    kept = await agent.create("kept")
    await ada.put(one["id"], title="hers")
    await other.put(two["id"], priority="urgent")
    await ada.put(kept["id"], description="of hers")

    done = await take_back(ada, made["id"])

    told = {each["task_id"]: (each["title"], each["fields"], each["reason"]) for each in done["conflicts"]}
    assert told == {
        one["id"]: ("hers", ["title"], "changed_since"),
        two["id"]: ("two", ["priority"], "changed_since"),
        kept["id"]: ("kept", ["description"], "changed_since"),
    }
    assert done["tasks"] == 2
    assert {task["id"]: (task["title"], task["priority"]) for task in await ada.list()} == {
        one["id"]: ("hers", None),
        two["id"]: ("two", "urgent"),
        kept["id"]: ("kept", None),
    }
    assert [task["id"] for task in await ada.list(status="deleted")] == [new["id"]]


async def test_a_value_that_somebody_set_between_two_changes_comes_back(ada: Person) -> None:
    task = await ada.create("one")
    agent, made = await make_agent(ada)
    await agent.put(task["id"], title="ONE")
    await ada.put(task["id"], title="hers")
    await agent.put(task["id"], title="its")

    done = await take_back(ada, made["id"])

    assert done["conflicts"] == []
    assert (await ada.get(task["id"])).json()["title"] == "hers"


async def test_what_was_undone_already_is_no_conflict(ada: Person) -> None:
    task = await ada.create("one")
    agent, made = await make_agent(ada)
    first = (await agent.put(task["id"], title="ONE")).json()["revision"]
    await ada.undo(first)
    await agent.put(task["id"], priority="high")

    done = await take_back(ada, made["id"])

    assert (done["tasks"], done["conflicts"]) == (1, [])
    task = (await ada.get(task["id"])).json()
    assert (task["title"], task["priority"]) == ("one", None)


async def test_of_a_purged_task_it_is_told(ada: Person) -> None:
    task = await ada.create("one")
    agent, made = await make_agent(ada)
    await agent.put(task["id"], title="ONE")
    new = await agent.create("new")
    for each in (task, new):
        await ada.delete(each["id"], permanent=True)

    done = await take_back(ada, made["id"])

    assert done["conflicts"] == [{"task_id": task["id"], "title": None, "fields": [], "reason": "purged"}]
    assert done["revision"] is None


async def test_only_what_it_did_since_is_taken_back(ada: Person) -> None:
    agent, made = await make_agent(ada)
    before = await agent.create("before")
    moment = datetime.now(UTC).isoformat()
    await agent.put(before["id"], title="after")
    await agent.create("new")

    done = await take_back(ada, made["id"], since=moment)

    assert done["undone"] == 2
    assert [task["title"] for task in await ada.list()] == ["before"]


async def test_a_dry_run_says_the_same_and_does_nothing(ada: Person) -> None:
    task = await ada.create("one")
    agent, made = await make_agent(ada)
    await agent.put(task["id"], title="ONE")
    await agent.create("new")
    state = await ada.since()

    tried = await take_back(ada, made["id"], dry_run=True)
    assert await ada.since() == state
    done = await take_back(ada, made["id"])

    assert tried == done


async def test_more_than_one_batch_goes_on_where_it_ended(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("todo.changes.agents.MOST", 3)
    task = await ada.create("one")
    agent, made = await make_agent(ada)
    await agent.put(task["id"], title="two")
    for number in range(3):
        await agent.create(str(number))
    await agent.put(task["id"], title="three")

    first = await take_back(ada, made["id"])
    second = await take_back(ada, made["id"], before=first["before"])

    assert (first["tasks"], second["tasks"]) == (3, 2)
    assert second["conflicts"] == []
    assert [each["title"] for each in await ada.list()] == ["one"]


class TestAgentsThemselves:
    async def test_an_agent_takes_back_what_it_did_itself(self, ada: Person) -> None:
        agent, made = await make_agent(ada, tag="groceries")
        other, others = await make_agent(ada, "other")
        milk = await agent.create("milk")
        await agent.put(milk["id"], title="oat milk")
        await other.create("diary")

        refused = await agent.call("POST", f"{ada.home}/agents/{others['id']}/undo")
        done = await take_back(agent, made["id"])

        assert refused.status_code == 403
        assert (done["undone"], done["tasks"]) == (2, 1)
        assert [task["title"] for task in await ada.list()] == ["diary"]

    async def test_it_needs_the_permission_to_undo(self, ada: Person) -> None:
        agent, made = await make_agent(ada, permissions=["create"])
        await agent.create("milk")

        refused = await agent.call("POST", f"{ada.home}/agents/{made['id']}/undo")

        assert refused.status_code == 403
        assert "may not undo" in refused.json()["detail"]
        assert len(await ada.list()) == 1

    async def test_what_lost_the_tag_since_is_told_and_stays(self, ada: Person) -> None:
        agent, made = await make_agent(ada, tag="groceries")
        task = await ada.create("milk", tags=["groceries"])
        await agent.put(task["id"], title="oat milk")
        await ada.put(task["id"], title="secret plan", tags=["private"])

        done = await take_back(agent, made["id"])

        assert [(each["task_id"], each["title"]) for each in done["conflicts"]] == [(task["id"], None)]
        assert "secret" not in str(done)
        assert (await ada.get(task["id"])).json()["title"] == "secret plan"


async def test_undo_of_one_change_can_be_tried_first(ada: Person) -> None:
    task = await ada.create("one")
    changed = (await ada.put(task["id"], title="two")).json()["revision"]

    tried = await ada.undo(changed, params={"dry_run": True})

    assert tried.status_code == 200
    assert (tried.json()["task"]["title"], tried.json()["undoes"]) == ("one", changed)
    assert (await ada.get(task["id"])).json()["title"] == "two"
    assert (await ada.undo(changed)).json()["revision"] == tried.json()["revision"]
