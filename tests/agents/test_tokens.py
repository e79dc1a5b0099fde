"""Tokens of agents: made and listed, how the changes name them, and what they are not for."""

from typing import Any

import pytest

from tests.conftest import Person
from tests.support.agents import make_agent

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


async def test_no_agent_imports_or_makes_an_address_that_shows_tasks(ada: Person) -> None:
    agent, _ = await make_agent(ada)

    made = await agent.call("POST", f"{ada.home}/feeds")
    imported = await agent.call(
        "POST", f"{ada.home}/import", content=b"title\nx\n", headers={"Content-Type": "text/csv"}
    )
    listed = await agent.call("GET", f"{ada.home}/agents")

    assert [made.status_code, imported.status_code, listed.status_code] == [403, 403, 403]
    assert await ada.list() == []


async def test_agents_have_their_own_idempotency_keys(ada: Person) -> None:
    key = {"Idempotency-Key": "the-same"}
    body = {"title": "of ada"}
    agent, _ = await make_agent(ada)
    first = await ada.call("POST", ada.tasks, json=body, headers=key)
    second = await agent.call("POST", ada.tasks, json=body, headers=key)
    again = await agent.call("POST", ada.tasks, json=body, headers=key)

    assert first.json()["id"] != second.json()["id"] == again.json()["id"]
    assert len(await ada.list()) == 2


async def test_an_agent_learns_nothing_of_its_user_but_the_id(ada: Person) -> None:
    agent, _ = await make_agent(ada)

    me = await agent.call("GET", "/api/auth/me")
    export = await agent.call("GET", f"{ada.home}/export")

    assert me.json()["id"] == ada.id
    assert ada.email not in me.text + export.text
