"""An agent for #groceries plans a week by tools alone, and its person undoes all of it by one click."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.conftest import PASSWORD
from tests.mcp.agents import Agent, Human, agent
from tests.support.browser import needs_chromium
from tests.support.processes import Server, serving
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]

MEALS = ("Lentil soup", "Pasta", "Curry", "Pancakes", "Pizza", "Salad", "Stew")
FIRST = date(2030, 3, 4)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("week"), database_url=database_url, mcp="on") as running:
        yield running


def human(ada: Person, folder: Path) -> Human:
    """Ada on another device, where her agent runs."""
    account = {"email": ada.email, "password": PASSWORD, "refresh": "body"}
    session = ada.server.http.post("/api/auth/signin", json=account).json()
    return Human(ada.url, folder, session["user"]["id"], session["access_token"], ada.server.http)


def kept(person: Human) -> list[dict[str, Any]]:
    """All tasks as they are, also those in the trash, but for what every write moves."""
    moves = {"updated_at", "completed_at", "revision"}
    tasks = [task for status in ("all", "deleted") for task in person.call("GET", f"~/tasks?status={status}")]
    return [{name: value for name, value in task.items() if name not in moves} for task in tasks]


async def plans_a_week(planner: Agent, beyond: list[str]) -> None:
    """By tools alone; then it tries what it may not. `beyond` are ids of tasks without its tag."""
    seen = await planner.does("list_tasks")
    assert {task["title"] for task in seen["tasks"]} == {"Milk", "Bread"}
    assert (await planner.does("summary"))["total"] == 2

    for day, meal in enumerate(MEALS):
        due = (FIRST + timedelta(day)).isoformat()
        tried = await planner.does("add_task", title=f"Cook {meal}", due_date=due, dry_run=True)
        assert tried["dry_run"] is True
        made = await planner.does("add_task", title=f"Cook {meal}", due_date=due, key=f"meal-{day}")
        again = await planner.does("add_task", title=f"Cook {meal}", due_date=due, key=f"meal-{day}")
        assert made["task"]["id"] == again["task"]["id"]
        assert made["task"]["tags"] == ["groceries"]
    await planner.does("quick_add", text="Buy lentils 2030-03-03 !high")
    milk, bread = (next(task for task in seen["tasks"] if task["title"] == title) for title in ("Milk", "Bread"))
    await planner.does("update_task", id=milk["id"], title="Oat milk", priority="high", if_revision=milk["revision"])
    await planner.does("complete_task", id=bread["id"])
    await planner.does("move_task", id=bread["id"], after=milk["id"])
    await planner.does("delete_task", id=milk["id"])
    found = await planner.does("search_tasks", query="cook")
    assert len(found["tasks"]) == 7
    assert len((await planner.does("history", id=milk["id"]))["changes"]) >= 2

    for task_id in beyond:
        for tool, arguments in {
            "get_task": {},
            "update_task": {"title": "mine"},
            "complete_task": {},
            "delete_task": {},
            "move_task": {},
            "history": {},
        }.items():
            await planner.is_refused(tool, id=task_id, **arguments)
    assert (await planner.does("search_tasks", query="diary"))["tasks"] == []
    await planner.is_refused("update_task", id=bread["id"], tags=["private"])


def test_a_week_is_planned_and_undone_by_one_click(ada: Person, tmp_path: Path) -> None:
    ada.add("Milk #groceries", "Bread #groceries", "Write the diary #private", "Pay rent")
    ada.sent()
    person = human(ada, tmp_path)
    before = kept(person)
    beyond = [task["id"] for task in before if "groceries" not in task["tags"]]
    token = person.api_token(name="meal planner", tag="groceries")["token"]

    async def work() -> None:
        async with AsyncExitStack() as stack:
            await plans_a_week(await stack.enter_async_context(agent("http", person, token)), beyond)

    with ThreadPoolExecutor() as thread:  # Playwright has the event loop of this one
        thread.submit(asyncio.run, work()).result()

    during = kept(person)
    assert [task for task in during if task["id"] in beyond] == [task for task in before if task["id"] in beyond]
    assert len(during) == len(before) + 8

    ada.page.goto(f"{ada.url}/#/account")
    ada.page.reload()
    planner = ada.page.get_by_role("region", name="Agents").locator("> ul > li").filter(has_text="meal planner")
    planner.get_by_role("button", name="Undo what it did").click()
    undo = planner.get_by_role("group", name="Undo what it did").get_by_role("button", name="Undo", exact=False).last
    expect(undo).to_contain_text("changes")
    undo.click()
    expect(planner).to_contain_text("tasks taken back")

    after = kept(person)
    assert [task for task in after if not task.get("deleted_at")] == before
    assert all(task["title"].startswith(("Cook ", "Buy ")) for task in after if task.get("deleted_at"))
