"""Taking back what an agent did, from the settings."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Route, expect

from tests.support.browser import needs_chromium
from tests.web.agents import agents, let_in, press, titles
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]

UNDO = re.compile("/agents/[^/]+/undo")


def test_all_that_it_did_is_undone_but_for_what_was_changed_since_and_that_is_undone(ada: Person) -> None:
    ada.add("Pay rent", "Call Bob")
    ada.sent()
    rent, bob = (dict(ada.stored("title", "id"))[title] for title in ("Pay rent", "Call Bob"))
    planner = let_in(ada)
    planner.create("Buy milk")
    planner.call("PUT", f"/tasks/{rent}", json={"title": "Pay the rent", "priority": "high"})
    planner.call("PUT", f"/tasks/{bob}", json={"title": "Call Robert"})
    ada.call("PUT", f"/tasks/{rent}", json={"title": "Pay my rent"})
    agent = agents(ada)
    press(agent, "Undo what it did")
    question = agent.get_by_role("group", name="Undo what it did")
    expect(question).to_contain_text("3 changes of 3 tasks will be taken back; 1 task kept, wholly or in part")
    expect(question.get_by_role("listitem")).to_have_text("“Pay my rent” (title)")
    assert titles(ada) == {"Buy milk", "Pay my rent", "Call Robert"}

    press(question, "Undo 3 changes")
    expect(question).to_contain_text("3 changes of 3 tasks taken back; 1 task kept, wholly or in part")
    expect(question.get_by_role("listitem")).to_have_text("“Pay my rent” (title)")
    assert titles(ada) == {"Pay my rent", "Call Bob"}
    assert dict(ada.stored("title", "priority"))["Pay my rent"] is None

    press(question, "Undo")
    expect(ada.page.get_by_text("Undone: Took back 3 changes")).to_be_visible()
    ada.sent()
    assert titles(ada) == {"Buy milk", "Pay my rent", "Call Robert"}
    assert dict(ada.stored("title", "priority"))["Pay my rent"] == "high"


def test_it_is_undone_since_a_time(ada: Person) -> None:
    let_in(ada).create("Buy milk")
    agent = agents(ada)
    press(agent, "Undo what it did")
    question = agent.get_by_role("group", name="Undo what it did")
    expect(question).to_contain_text("will be taken back")
    hour = timedelta(hours=1)
    begin = datetime.now(UTC) - hour
    with ada.page.expect_request(UNDO) as asked:
        question.get_by_label("Undo").select_option("what it did in the last hour")
    assert begin - timedelta(milliseconds=1) <= sent(asked.value.post_data) <= datetime.now(UTC) - hour
    with ada.page.expect_request(UNDO) as asked:
        question.get_by_label("Undo").select_option("what it did today")
    midnight = ada.page.evaluate("new Date(new Date().setHours(0, 0, 0, 0)).toISOString()")
    assert sent(asked.value.post_data) == datetime.fromisoformat(midnight)
    expect(question).to_contain_text("1 change of 1 task will be taken back.")
    with ada.page.expect_request(UNDO) as asked:
        press(question, "Undo 1 change")
    assert sent(asked.value.post_data) == datetime.fromisoformat(midnight)
    expect(question).to_contain_text("1 change of 1 task taken back.")


def sent(body: str | None) -> datetime:
    return datetime.fromisoformat(json.loads(body or "")["since"])


def test_more_than_the_server_takes_back_at_once_is_taken_back_in_parts(ada: Person, context: BrowserContext) -> None:
    let_in(ada).create("Buy milk")
    befores: list[int | None] = []

    def part(route: Route) -> None:
        befores.append(json.loads(route.request.post_data or "")["before"])
        left: list[dict[str, Any]] = [{"task_id": "0", "title": None, "fields": [], "reason": "purged"}]
        more = {"undone": 5000, "tasks": 9, "conflicts": [], "revision": 70, "before": 40}
        end = {"undone": 1, "tasks": 1, "conflicts": left, "revision": 71, "before": None}
        route.fulfill(json=end if befores[-1] else more)

    context.route(UNDO, part)
    agent = agents(ada)
    press(agent, "Undo what it did")
    expect(agent).to_contain_text("5001 changes of 10 tasks will be taken back; 1 task kept")
    expect(agent.get_by_role("group").get_by_role("listitem")).to_have_text("A task that is gone")
    press(agent, "Undo 5001 changes")
    expect(agent).to_contain_text("5001 changes of 10 tasks taken back")
    assert befores == [None, 40, None, 40]
    context.unroute(UNDO)
    undone: list[str] = []

    def refuse(route: Route) -> None:
        undone.append(route.request.url)
        route.abort()

    context.route(re.compile("/changes/[0-9]+/undo"), refuse)
    press(agent, "Undo")
    expect(ada.page.get_by_text("2 changes wait")).to_be_visible()
    assert undone[0].endswith("/changes/71/undo")  # the latest first
    context.unroute_all()


def test_a_lost_answer_is_asked_for_again_and_can_be_undone(ada: Person, context: BrowserContext) -> None:
    let_in(ada).create("Buy milk")
    agent = agents(ada)
    press(agent, "Undo what it did")
    expect(agent).to_contain_text("1 change of 1 task will be taken back.")
    context.route(UNDO, lambda route: (route.fetch(), route.abort()))
    press(agent, "Undo 1 change")
    expect(agent).to_contain_text("The server cannot be reached.")
    assert titles(ada) == set()
    context.unroute(UNDO)
    press(agent, "Undo 1 change")
    expect(agent).to_contain_text("1 change of 1 task taken back.")
    press(agent, "Undo")
    ada.sent()
    assert titles(ada) == {"Buy milk"}
