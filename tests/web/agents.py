"""Agents of a person at the page: let in past the page, and as the settings list them."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, expect

from tests.conftest import PASSWORD
from tests.web.person import Person


@dataclass
class Agent:
    """An assistant with a token of Ada."""

    ada: Person
    token: str

    def call(self, method: str, path: str, **options: Any) -> Any:
        """The answer, or the status of a refusal."""
        url = f"/api/{user_of(self.ada)}{path}"
        response = self.ada.server.http.request(method, url, headers=bearer(self.token), **options)
        return response.json() if response.is_success and response.content else response.status_code

    def create(self, *titles: str) -> list[str]:
        return [str(self.call("POST", "/tasks", json={"title": title})["id"]) for title in titles]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def user_of(ada: Person) -> str:
    return str(ada.page.evaluate("JSON.parse(localStorage.getItem('todo.user')).id"))


def signed_in(ada: Person) -> dict[str, str]:
    """Headers of Ada on another device."""
    account = {"email": ada.email, "password": PASSWORD, "refresh": "body"}
    return bearer(ada.server.http.post("/api/auth/signin", json=account).json()["access_token"])


def tokens(ada: Person) -> set[str]:
    """The names of those that are not revoked; one that was used just before still works for some seconds."""
    return {token["name"] for token in ada.server.http.get("/api/auth/tokens", headers=signed_in(ada)).json()}


def let_in(ada: Person, name: str = "meal planner", **limits: Any) -> Agent:
    """An agent, past the page."""
    wanted = {"name": name, "agent": True, **limits}
    return Agent(ada, ada.server.http.post("/api/auth/tokens", headers=signed_in(ada), json=wanted).json()["token"])


def agents(ada: Person) -> Locator:
    """The agents as the settings list them now."""
    ada.page.goto(f"{ada.url}/#/account")
    ada.page.reload()
    part = ada.page.get_by_role("region", name="Agents")
    expect(part).to_be_visible()
    return part.locator("> ul > li")


def press(where: Locator, name: str) -> None:
    where.get_by_role("button", name=name, exact=True).click()


def titles(ada: Person, status: str = "pending") -> set[str]:
    return {task["title"] for task in ada.call("GET", f"/tasks?status={status}")}
