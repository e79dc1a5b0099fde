"""Agents in the settings: letting one in, what it did, revoking its token, and taking back what it did."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from tests.support.browser import needs_chromium
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]

HOSTILE = "<img src=x onerror=alert(1)> \u05d0\u05d1 ${7*7} &lt;b&gt; " + "W" * 40


@dataclass
class Agent:
    """An assistant with a token of Ada."""

    ada: Person
    token: str
    user: str
    id: str

    def call(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        response = self.ada.server.http.request(method, f"/api/{self.user}{path}", headers=headers, **options)
        print(response.status_code, response.text[:300]); return response.json() if response.content and response.is_success else response.status_code

    def create(self, title: str, **fields: Any) -> str:
        return str(self.call("POST", "/tasks", json={"title": title, **fields})["id"])


def let_in(ada: Person, name: str = "meal planner", **limits: Any) -> Agent:
    """An agent, past the page."""
    user = ada.page.evaluate("JSON.parse(localStorage.getItem('todo.user')).id")
    account = {"email": ada.email, "password": "a long and quiet afternoon", "refresh": "body"}
    access = ada.server.http.post("/api/auth/signin", json=account).json()["access_token"]
    made = ada.server.http.post(
        "/api/auth/tokens",
        headers={"Authorization": f"Bearer {access}"},
        json={"name": name, "agent": True, **limits},
    ).json()
    return Agent(ada, made["token"], user, made["id"])


def settings(ada: Person) -> Locator:
    """The part on agents."""
    ada.page.goto(f"{ada.url}/#/account")
    ada.page.reload()
    found = ada.page.get_by_role("region", name="Agents")
    expect(found).to_be_visible()
    return found


def listed(ada: Person, name: str = "meal planner") -> Locator:
    return settings(ada).locator("ul > li").filter(has=ada.page.locator("b").get_by_text(name, exact=True))


def press(where: Locator, name: str) -> None:
    where.get_by_role("button", name=name, exact=True).click()


def test_an_agent_is_let_in_and_may_do_what_was_chosen(ada: Person) -> None:
    ada.add("Buy milk #groceries", "Pay rent #home")
    ada.sent()
    settings(ada)
    form = ada.page.get_by_role("form", name="Add an agent")
    form.get_by_label("Name").fill("meal planner")
    assert form.locator("datalist option").evaluate_all("(all) => all.map((each) => each.value)") == ["groceries", "home"]
    form.get_by_label("Only tasks tagged").fill("#groceries")
    form.get_by_label("For how long").select_option("until it is revoked")
    press(form, "Add")

    expect(form.get_by_label("Token", exact=True)).to_have_value(re.compile("^todo_"))
    agent = ada.page.get_by_role("region", name="Agents").get_by_role("listitem")
    expect(agent).to_contain_text("May create, edit and complete tasks tagged #groceries.")
    expect(agent).to_contain_text("its token ends: never; last used: never; 0 changes")
    token = form.get_by_label("Token", exact=True).input_value()
    planner = Agent(ada, token, ada.page.evaluate("JSON.parse(localStorage.getItem('todo.user')).id"), "")
    assert [each["title"] for each in planner.call("GET", "/tasks")] == ["Buy milk"]
    milk = planner.create("Oats")
    assert planner.call("DELETE", f"/tasks/{milk}") == 403
    config = form.get_by_label("Configuration for todo mcp").input_value()
    assert f'"TODO_URL": "{ada.url}"' in config
    assert f'"TODO_TOKEN": "{token}"' in config
    expect(form.get_by_label("Address for MCP")).to_have_count(0)
    expect(ada.page.get_by_role("form", name="API tokens").get_by_role("listitem")).to_have_count(0)
