"""A person at the page, in a browser that reaches no other host."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Route, expect

from tests.conftest import PASSWORD
from tests.support.processes import Server

EXPECTED = "Failed to load resource"
"""How Chromium's lines about refused requests begin, which tests provoke."""


def new_email() -> str:
    return f"ada-{uuid.uuid4().hex[:8]}@example.com"


@dataclass
class Person:
    """A window of a person; `complaints`: errors of the page, what its policy refused, and requests to other hosts."""

    page: Page
    server: Server
    email: str = field(default_factory=new_email)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        own = (self.url, "data:", "blob:")
        self.page.on("pageerror", lambda error: self.complaints.append(f"{error.name}: {error.message}"))
        self.page.on("console", self._hear)
        self.page.route(lambda url: not url.startswith(own), self._keep_away)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(EXPECTED):
            self.complaints.append(message.text)

    def _keep_away(self, route: Route) -> None:
        self.complaints.append(route.request.url)
        route.abort()

    def sign_up(self) -> "Person":
        self.page.goto(f"{self.url}/")
        self.enter("Sign up")
        self.sent()
        return self

    def sign_in(self) -> "Person":
        self.page.goto(f"{self.url}/")
        self.enter("Sign in")
        return self

    def enter(self, how: str, password: str = PASSWORD) -> None:
        """Fill in the form that is shown, and press this button of it."""
        self.page.get_by_label("Email").fill(self.email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name=how).click()
        expect(self.new).to_be_visible()

    def another_window(self, context: BrowserContext) -> "Person":
        """The same person in another window: of the same browser, or of another one, where they sign in."""
        return Person(context.new_page(), self.server, self.email, self.complaints)

    @property
    def new(self) -> Locator:
        return self.page.get_by_role("textbox", name="New task")

    def add(self, *lines: str) -> None:
        for line in lines:
            self.new.fill(line)
            self.new.press("Enter")

    def task(self, title: str) -> Locator:
        return self.page.get_by_role("checkbox", name=title, exact=True)

    def row(self, title: str) -> Locator:
        return self.page.get_by_role("listitem").filter(has=self.task(title))

    def rename(self, title: str, to: str) -> None:
        self.row(title).get_by_role("button", name="Edit").click()
        self.page.get_by_label("Title").fill(to)
        self.page.get_by_role("button", name="Save").click()

    def delete(self, title: str) -> None:
        self.row(title).get_by_role("button", name="Delete").click()

    def sign_out(self) -> None:
        self.page.get_by_role("button", name="Account").click()
        self.page.get_by_role("button", name="Sign out").click()

    def titles(self) -> list[str]:
        """The titles that the view shows, in their order."""
        return self.page.locator(".row .title").all_inner_texts()

    def press(self, keys: str) -> None:
        """Press single keys, one for each word, without waiting between them."""
        for key in keys.split():
            self.page.keyboard.press(key)

    def open(self, view: str) -> None:
        self.page.get_by_role("link", name=view, exact=True).click()

    def call(self, method: str, path: str = "", **options: Any) -> Any:
        """Call the API past the page, as another device of the same person. `path` is below `/api/{user_id}`."""
        account = {"email": self.email, "password": PASSWORD, "refresh": "body"}
        session = self.server.http.post("/api/auth/signin", json=account).json()
        headers = {"Authorization": f"Bearer {session['access_token']}"}
        url = f"/api/{session['user']['id']}{path}"
        response = self.server.http.request(method, url, headers=headers, **options)
        assert response.is_success, response.text
        return response.json() if response.content else None

    def stored(self, *fields: str, sort: str = "position") -> list[tuple[Any, ...]]:
        """These fields of the tasks that the server has, in the user's own order."""
        return [tuple(task[name] for name in fields) for task in self.call("GET", f"/tasks?sort={sort}&limit=1000")]

    def sent(self) -> None:
        """Wait until the server has all changes, and the page has begun to store its own."""
        self.page.evaluate(UNTIL % PENDING_IS_EMPTY)


PENDING_IS_EMPTY = """async () => {
  const user = JSON.parse(localStorage.getItem("todo.user"))
  const open = indexedDB.open("todo.tasks." + user.id)
  await new Promise((done, fail) => { open.onsuccess = done; open.onerror = fail })
  const read = open.result.transaction(["ops", "meta"])
  const [count, revision] = [read.objectStore("ops").count(), read.objectStore("meta").get("revision")]
  await new Promise((done, fail) => { read.oncomplete = done; read.onerror = fail })
  open.result.close()
  return count.result === 0 && revision.result !== undefined
}"""

UNTIL = """async () => {
  const met = %s
  for (let turn = 0; turn < 200; turn += 1) {
    if (await met()) return
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error("It is not so after 20 s.")
}"""
"""Wait for what an asynchronous function promises, for which Playwright's `wait_for_function` does not wait."""
