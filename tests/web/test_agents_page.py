"""Agents in the settings: letting one in, what it did, and revoking its token."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support.browser import needs_chromium
from tests.support.processes import Server, serving
from tests.web.agents import Agent, agents, bearer, let_in, press, signed_in, titles, tokens, user_of
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]

HOSTILE = "<img src=x onerror=alert(1)>\u202e ${7*7} &lt;b&gt; " + "W" * 40


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("page"), database_url=database_url, mcp="on") as running:
        yield running


def test_an_agent_is_let_in_and_may_do_what_was_chosen(ada: Person, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    ada.add("Buy milk #groceries", "Pay rent #home")
    ada.sent()
    agent = agents(ada)
    form = ada.page.get_by_role("form", name="Add an agent")
    offered = form.locator("datalist option").evaluate_all("(all) => all.map((each) => each.value)")
    assert offered == ["groceries", "home"]
    form.get_by_label("Name").fill("meal planner")
    form.get_by_label("Only tasks tagged").fill("#groceries")
    form.get_by_label("For how long").select_option("until it is revoked")
    press(form, "Add")

    expect(agent).to_contain_text("May create, edit and complete tasks tagged #groceries.")
    expect(agent).to_contain_text("its token ends: never; last used: never; 0 changes")
    token = form.get_by_label("Token", exact=True).input_value()
    planner = Agent(ada, token)
    assert [each["title"] for each in planner.call("GET", "/tasks")] == ["Buy milk"]
    [oats] = planner.create("Oats")
    assert planner.call("DELETE", f"/tasks/{oats}") == 403

    expect(form.get_by_role("button", name="Copy the address for MCP")).to_be_visible()
    press(form, "Copy the token")
    expect(form.get_by_text("Copied.")).to_be_visible()
    assert ada.page.evaluate("navigator.clipboard.readText()") == token
    config = json.loads(form.get_by_label("Configuration for todo mcp").input_value())
    environment = {"TODO_URL": ada.url, "TODO_TOKEN": token}
    assert config == {"mcpServers": {"todo": {"command": "todo", "args": ["mcp"], "env": environment}}}
    address = form.get_by_label("Address for MCP").input_value()
    assert address == f"{ada.url}/mcp"
    assert [ada.server.http.post(address, json={}, headers=each).status_code for each in ({}, bearer(token))] == [
        401,
        400,
    ]
    expect(ada.page.get_by_role("form", name="API tokens").get_by_role("listitem")).to_have_count(0)
    ada.page.reload()
    expect(agent).to_contain_text("1 change")
    expect(form.get_by_label("Token", exact=True)).to_have_count(0)


def test_an_agent_that_only_reads_is_asked_for_no_permissions(ada: Person) -> None:
    agent = agents(ada)
    form = ada.page.get_by_role("form", name="Add an agent")
    form.get_by_label("Name").fill("reader")
    expect(form.get_by_role("group")).to_be_visible()
    form.get_by_label("It may").select_option("only read tasks")
    expect(form.get_by_role("group")).to_be_hidden()
    press(form, "Add")

    expect(agent).to_contain_text("May only read tasks.")
    expect(form.get_by_role("group")).to_be_visible()
    assert Agent(ada, form.get_by_label("Token", exact=True).input_value()).call("POST", "/tasks", json={}) == 403


def test_all_that_may_be_chosen_is_said(ada: Person) -> None:
    let_in(ada, "helper", permissions=None, expires_at="2100-03-01T12:00:00Z")
    expect(agents(ada)).to_contain_text("May create, edit, complete and delete tasks, and undo changes.")
    expect(agents(ada)).to_contain_text(re.compile("its token ends: .*2100"))


def test_what_it_changed_is_shown_newest_first_and_page_by_page(ada: Person) -> None:
    planner = let_in(ada)
    made = planner.create("Buy milk", "Oats", *(f"Number {number}" for number in range(20)))
    planner.call("PUT", f"/tasks/{made[0]}", json={"due_date": "2027-01-01", "priority": "high"})
    planner.call("PATCH", f"/tasks/{made[0]}/complete", json={"completed": True})
    planner.call("DELETE", f"/tasks/{made[1]}")
    agent = agents(ada)
    press(agent, "What it changed")
    lines = agent.get_by_role("group", name="What it changed").get_by_role("listitem")
    expect(lines).to_have_count(20)
    shown = [line.split(" · ")[0] for line in lines.all_inner_texts()]
    assert shown[:4] == ["deleted “Oats”", "completed “Buy milk”", "changed due date and priority of “Buy milk”",
                         "created “Number 19”"]  # fmt: skip
    press(agent, "More")
    expect(lines).to_have_count(25)
    assert lines.last.inner_text().startswith("created “Buy milk” · ")
    expect(agent.get_by_role("button", name="More")).to_have_count(0)
    expect(agent.get_by_role("group", name="What it changed")).to_be_focused()


def test_hostile_names_titles_and_tags_are_text(ada: Person) -> None:
    agent = let_in(ada, HOSTILE, tag="<b>&amp;")
    [task] = agent.create(HOSTILE)
    ada.call("PUT", f"/tasks/{task}", json={"title": HOSTILE + " mine"})
    shown = agents(ada)
    expect(shown.locator("b")).to_have_text(HOSTILE)
    expect(shown.locator("p bdi")).to_have_text("#<b>&amp;")
    press(shown, "What it changed")
    expect(shown.locator("li bdi")).to_have_text(f"“{HOSTILE}”")
    press(shown, "Undo what it did")
    expect(shown.locator("li bdi")).to_have_text(f"“{HOSTILE} mine”")
    part = ada.page.get_by_role("region", name="Agents")
    assert part.locator("img, script").count() == 0
    assert part.evaluate("(each) => each.scrollWidth <= each.clientWidth")


def test_revoking_asks_and_ends_the_token(ada: Person) -> None:
    planner, idle = let_in(ada), let_in(ada, "idle")
    planner.create("Buy milk")
    busy = agents(ada).filter(has_text="meal planner")
    press(busy, "Revoke")
    question = busy.get_by_role("group", name="Revoke")
    expect(question).to_contain_text("it can no longer use your tasks")
    assert tokens(ada) == {"meal planner", "idle"}
    press(question, "Cancel")
    expect(question).to_have_count(0)
    expect(busy.get_by_role("button", name="What it changed")).to_be_focused()
    assert tokens(ada) == {"meal planner", "idle"}

    press(busy, "Revoke")
    press(question, "Revoke")
    expect(question).to_contain_text("Its token is revoked.")
    expect(busy).to_contain_text("Has no token now.")
    assert tokens(ada) == {"idle"}
    assert titles(ada) == {"Buy milk"}

    unused = agents(ada).filter(has_text="idle")
    press(unused, "Revoke")
    press(unused.get_by_role("group", name="Revoke"), "Revoke")
    expect(unused).to_have_count(0)
    assert idle.call("GET", "/tasks") == 401


def test_revoking_can_undo_what_it_did_too(ada: Person) -> None:
    let_in(ada).create("Buy milk", "Oats")
    agent = agents(ada)
    press(agent, "Revoke")
    question = agent.get_by_role("group", name="Revoke")
    question.get_by_label("Undo too").select_option("everything")
    expect(question).to_contain_text("2 changes of 2 tasks will be taken back.")
    press(question, "Revoke and undo")
    expect(question).to_contain_text("2 changes of 2 tasks taken back.")
    assert tokens(ada) == set()
    assert titles(ada) == set()


def test_an_agent_without_a_token_is_listed_by_the_name_it_gave(ada: Person) -> None:
    headers = {**signed_in(ada), "Todo-Agent": "chat"}
    ada.server.http.post(f"/api/{user_of(ada)}/tasks", headers=headers, json={"title": "Buy milk"})
    agent = agents(ada)
    expect(agent).to_contain_text("chat")
    expect(agent).to_contain_text("Has no token now.")
    expect(agent.get_by_role("button", name="Revoke")).to_have_count(0)
    press(agent, "Undo what it did")
    press(agent, "Undo 1 change")
    expect(agent).to_contain_text("taken back")
    assert titles(ada) == set()


def test_it_works_by_keys_alone(ada: Person) -> None:
    let_in(ada).create("Buy milk")
    agent = agents(ada)
    opener = agent.get_by_role("button", name="Undo what it did")
    expect(opener).to_have_accessible_description("meal planner")
    opener.press("Enter")
    expect(opener).to_have_attribute("aria-expanded", "true")
    expect(agent.get_by_role("button", name="Undo 1 change")).to_be_enabled()
    ada.press("Tab Tab")
    expect(agent.get_by_role("combobox")).to_be_focused()
    ada.press("Tab")
    expect(agent.get_by_role("button", name="Undo 1 change")).to_be_focused()
    ada.press("Enter")
    expect(agent.get_by_role("button", name="Close")).to_be_focused()
    ada.press("Enter")
    expect(agent.get_by_role("button", name="What it changed")).to_be_focused()
    expect(agent.get_by_role("group")).to_have_count(0)


@pytest.fixture
def offline(ada: Person, context: BrowserContext) -> Iterator[Person]:
    """Ada without a network, after a visit that kept the page."""
    ada.page.evaluate("navigator.serviceWorker.ready")
    context.set_offline(True)
    yield ada
    context.set_offline(False)


def test_without_a_network_the_part_that_is_not_here_says_so(offline: Person) -> None:
    offline.page.goto(f"{offline.url}/#/account")
    expect(offline.page.get_by_text("This part is not on this device")).to_be_visible()
    expect(offline.page.get_by_role("form", name="Delete account")).to_be_visible()


def test_a_network_that_is_lost_is_told(ada: Person, context: BrowserContext) -> None:
    let_in(ada).create("Buy milk")
    agent = agents(ada)
    expect(agent).to_be_visible()
    context.set_offline(True)
    for name in ("What it changed", "Undo what it did"):
        press(agent, name)
        expect(agent.get_by_role("group", name=name)).to_contain_text("The server cannot be reached.")
    context.set_offline(False)
    press(agent, "What it changed")
    expect(agent.get_by_role("group")).to_contain_text("created “Buy milk”")
