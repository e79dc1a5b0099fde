"""The React example, installed and built as its README says, and used in a real browser that can reach no other host."""

import os
import re
import shutil
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, Route, expect

from tests.conftest import PASSWORD
from tests.support.browser import chromium, needs_chromium
from tests.support.processes import Server, serving

EXAMPLE = Path(__file__).parents[2] / "examples" / "react"
NPM = shutil.which("npm")
UNREACHABLE = r"\bcode (ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH)\b"

_needs_npm = pytest.mark.skipif(NPM is None and "REQUIRE_NPM" not in os.environ, reason="needs Node.js 18 and npm")
pytestmark = [needs_chromium, _needs_npm, pytest.mark.slow]


def npm(folder: Path, *arguments: str, **settings: str) -> None:
    assert NPM, "REQUIRE_NPM is set, but npm is missing"
    environment = {**os.environ, "NO_UPDATE_NOTIFIER": "1", **settings}
    done = subprocess.run(
        [NPM, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    if re.search(UNREACHABLE, done.stderr) and "REQUIRE_NPM" not in os.environ:
        pytest.skip("npm reaches no registry")
    assert done.returncode == 0, done.stdout + done.stderr


class QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Site:
    """The built pages at `origin`, and the API that they call."""

    origin: str
    server: Server

    @property
    def api(self) -> str:
        return f"http://localhost:{self.server.port}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("example") / "react"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    npm(folder, "ci", "--prefer-offline")
    pages = partial(QuietFiles, directory=str(folder / "dist"))
    with ThreadingHTTPServer(("127.0.0.1", 0), pages) as files:
        origin = f"http://localhost:{files.server_port}"
        threading.Thread(target=files.serve_forever, daemon=True).start()
        try:
            with serving(folder.parent, database_url=database_url, cors_origins=origin) as server:
                site = Site(origin, server)
                npm(folder, "run", "build", VITE_API_URL=site.api)
                yield site
        finally:
            files.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@dataclass
class Visitor:
    """A person at the page: what the API `refused` them, as status, method and path below /api/, and other complaints."""

    page: Page
    site: Site
    email: str = field(default_factory=lambda: f"ada-{uuid.uuid4().hex[:8]}@example.com")
    refused: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        own = (self.site.origin + "/", self.site.api + "/", "data:")
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", lambda response: response.status < 400 or self._note(response.status, response.request))
        self.page.on("console", lambda message: self._hear(message.text))
        self.page.on("request", lambda sent: sent.url.startswith(own) or self.complaints.append(sent.url))
        self.page.route(lambda url: not url.startswith(own), lambda route: route.abort())

    def _note(self, status: int, request: Request) -> None:
        path = re.sub(r"/api/[0-9a-f-]{36}/", "/api/", request.url.removeprefix(self.site.api))
        self.refused.append(f"{status} {request.method} {re.sub('[0-9a-f-]{36}', '{id}', path)}")

    def _hear(self, text: str) -> None:
        if not text.startswith("Failed to load resource"):  # Chromium's line for each that is in `refused` already
            self.complaints.append(text)

    def sign_up(self) -> "Visitor":
        self.page.goto(self.site.origin)
        self.page.get_by_role("button", name="I am new here").click()
        self.page.get_by_label("Name").fill("Ada")
        self.page.get_by_label("E-mail").fill(self.email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Create account").click()
        expect(self.page.get_by_text("No tasks yet.")).to_be_visible()
        return self

    def sign_in(self, password: str = PASSWORD) -> None:
        self.page.get_by_label("E-mail").fill(self.email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    @property
    def new(self) -> Locator:
        return self.page.get_by_role("form", name="Add task")

    @property
    def edit(self) -> Locator:
        return self.page.get_by_role("form", name="Save")

    @property
    def alert(self) -> Locator:
        return self.page.get_by_role("alert")

    def task(self, title: str) -> Locator:
        return self.page.get_by_role("checkbox", name=title, exact=True)

    def add(self, title: str) -> None:
        self.new.get_by_label("Title").fill(title)
        self.new.get_by_role("button", name="Add task").click()
        expect(self.task(title)).to_be_visible()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def call(self, method: str, path: str = "", **options: Any) -> Any:
        """Call the API past the page, as another device of the same person."""
        account = {"email": self.email, "password": PASSWORD, "refresh": "body"}
        session = self.site.server.http.post("/api/auth/signin", json=account).json()
        token = {"Authorization": f"Bearer {session['access_token']}"}
        url = f"/api/{session['user']['id']}/tasks{path}"
        response = self.site.server.http.request(method, url, headers=token, **options)
        assert response.is_success, response.text
        return response.json()

    def stored(self, *fields: str) -> list[tuple[Any, ...]]:
        return [tuple(task[name] for name in fields) for task in self.call("GET")]


@pytest.fixture
def ada(site: Site, browser: Browser) -> Iterator[Visitor]:
    """Someone who has just signed up. At the end the page has met no error, and called nobody else."""
    with browser.new_context(viewport={"width": 1000, "height": 900}) as context:
        context.set_default_timeout(15_000)
        visitor = Visitor(context.new_page(), site).sign_up()
        assert visitor.refused == ["401 POST /api/auth/refresh"]  # there was no session yet
        visitor.refused.clear()
        yield visitor
        assert visitor.complaints == []


def once(page: Page, method: str, url: str, handle: Callable[[Route], None]) -> None:
    """Let `handle` answer the next request of this method."""
    done = []

    def first(route: Route) -> None:
        if done or route.request.method != method:
            return route.fallback()
        done.append(route)
        return handle(route)

    page.route(url, first)


def with_a_bad_token(route: Route) -> None:
    route.continue_(headers={**route.request.headers, "authorization": "Bearer expired"})


def test_a_task_is_added_with_all_that_was_typed(ada: Visitor) -> None:
    ada.new.get_by_label("Title").fill("Water the ferns")
    ada.new.get_by_label("Description").fill("The ones in the hall too")
    ada.new.get_by_label("Due date").fill("2027-03-01")
    ada.new.get_by_label("Priority").select_option("High")
    ada.new.get_by_role("button", name="Add task").click()

    item = ada.page.get_by_role("listitem").filter(has=ada.task("Water the ferns"))
    for text in ("high", "due 2027-03-01", "The ones in the hall too"):
        expect(item).to_contain_text(text)
    expect(ada.new.get_by_label("Title")).to_be_focused()
    expect(ada.new.get_by_label("Title")).to_have_value("")
    fields = ("title", "description", "due_date", "priority", "completed")
    assert ada.stored(*fields) == [("Water the ferns", "The ones in the hall too", "2027-03-01", "high", False)]
    assert ada.refused == []


def test_a_task_is_completed_and_taken_up_again(ada: Visitor) -> None:
    ada.add("Water the ferns")

    ada.task("Water the ferns").click()
    expect(ada.task("Water the ferns")).to_be_checked()
    assert ada.stored("completed") == [(True,)]

    ada.task("Water the ferns").click()
    expect(ada.task("Water the ferns")).not_to_be_checked()
    assert ada.stored("completed") == [(False,)]


def test_the_list_shows_what_is_to_do_or_what_is_done(ada: Visitor) -> None:
    ada.add("Water the ferns")
    ada.add("Call the plumber")
    ada.task("Water the ferns").click()
    expect(ada.task("Water the ferns")).to_be_checked()

    ada.page.get_by_label("Show").select_option("to do")
    expect(ada.task("Water the ferns")).to_be_hidden()
    expect(ada.task("Call the plumber")).to_be_visible()
    ada.page.get_by_label("Show").select_option("done")
    expect(ada.task("Call the plumber")).to_be_hidden()
    expect(ada.task("Water the ferns")).to_be_visible()
    ada.task("Water the ferns").click()
    expect(ada.page.get_by_text("No such tasks.")).to_be_visible()


def test_an_edit_changes_title_priority_and_due_date(ada: Visitor) -> None:
    ada.add("Water the ferns")

    ada.press("Edit Water the ferns")
    expect(ada.edit.get_by_label("Title")).to_be_focused()
    ada.edit.get_by_label("Title").fill("Water all ferns")
    ada.edit.get_by_label("Due date").fill("2027-03-02")
    ada.edit.get_by_label("Priority").select_option("Urgent")
    ada.press("Save")
    expect(ada.page.get_by_role("button", name="Edit Water all ferns")).to_be_focused()
    assert ada.stored("title", "due_date", "priority") == [("Water all ferns", "2027-03-02", "urgent")]

    ada.press("Edit Water all ferns")
    ada.edit.get_by_label("Due date").fill("")
    ada.edit.get_by_label("Priority").select_option("None")
    ada.press("Save")
    expect(ada.edit).to_be_hidden()
    assert ada.stored("title", "due_date", "priority") == [("Water all ferns", None, None)]


def test_an_edit_keeps_what_was_not_changed(ada: Visitor) -> None:
    """A time of day too, which the field of the form cannot show."""
    ada.call("POST", json={"title": "Call", "due_date": "2027-03-01T09:00", "tags": ["home"], "priority": "low"})
    ada.page.reload()

    ada.press("Edit Call")
    ada.edit.get_by_label("Title").fill("Call the plumber")
    ada.press("Save")
    expect(ada.page.get_by_text("due 2027-03-01 09:00")).to_be_visible()
    ada.press("Edit Call the plumber")
    ada.press("Save")  # nothing was changed: nothing is sent
    expect(ada.edit).to_be_hidden()

    fields = ("title", "due_date", "tags", "priority", "revision")
    assert ada.stored(*fields) == [("Call the plumber", "2027-03-01T09:00", ["home"], "low", 2)]
    assert ada.refused == []


def test_an_edit_of_a_task_that_was_changed_elsewhere_says_so_and_loses_neither(ada: Visitor) -> None:
    ada.add("Water the ferns")
    ada.press("Edit Water the ferns")
    [(id,)] = ada.stored("id")
    ada.call("PUT", f"/{id}", json={"priority": "high"})

    ada.edit.get_by_label("Title").fill("Water all ferns")
    ada.press("Save")
    expect(ada.alert).to_contain_text("changed elsewhere")
    assert ada.refused == ["412 PUT /api/tasks/{id}"]
    assert ada.stored("title", "priority") == [("Water the ferns", "high")]

    ada.press("Save")
    expect(ada.task("Water all ferns")).to_be_visible()
    expect(ada.alert).to_be_hidden()
    assert ada.stored("title", "priority") == [("Water all ferns", "high")]


def test_a_deleted_task_comes_back_by_undo(ada: Visitor) -> None:
    ada.add("Water the ferns")

    ada.press("Delete Water the ferns")
    expect(ada.task("Water the ferns")).to_be_hidden()
    assert ada.stored("title") == []
    expect(ada.page.get_by_role("button", name="Undo")).to_be_focused()

    ada.page.keyboard.press("Enter")
    expect(ada.task("Water the ferns")).to_be_visible()
    assert ada.stored("title") == [("Water the ferns",)]


def test_the_session_survives_a_reload_and_ends_by_signing_out(ada: Visitor) -> None:
    ada.add("Water the ferns")

    ada.page.reload()
    expect(ada.task("Water the ferns")).to_be_visible()
    assert ada.page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]

    ada.press("Sign out")
    expect(ada.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert ada.page.context.cookies() == []
    ada.page.reload()
    ada.sign_in()
    expect(ada.task("Water the ferns")).to_be_visible()
    assert ada.refused == ["401 POST /api/auth/refresh"]


def test_a_refused_sign_in_or_sign_up_says_why(ada: Visitor) -> None:
    ada.press("Sign out")
    ada.sign_in("a wrong password")
    expect(ada.alert).to_have_text("E-mail or password is wrong.")

    ada.press("I am new here")
    ada.page.get_by_label("Password").fill("password1")
    ada.press("Create account")
    expect(ada.alert).to_contain_text("password: is one of the most common passwords")
    ada.page.get_by_label("Password").fill(PASSWORD)
    ada.press("Create account")
    expect(ada.alert).to_contain_text("e-mail")
    assert ada.refused == ["401 POST /api/auth/signin", "422 POST /api/auth/signup", "409 POST /api/auth/signup"]


def test_a_refused_task_says_why_and_keeps_what_was_typed(ada: Visitor) -> None:
    ada.new.get_by_label("Title").fill("   ")
    ada.new.get_by_label("Description").fill("The ones in the hall too")
    ada.press("Add task")

    expect(ada.alert).to_contain_text("title: ")
    expect(ada.new.get_by_label("Description")).to_have_value("The ones in the hall too")
    ada.add("Water the ferns")
    expect(ada.alert).to_be_hidden()
    assert ada.refused == ["422 POST /api/tasks"]


def test_an_expired_access_token_is_replaced_unnoticed(ada: Visitor) -> None:
    once(ada.page, "POST", "**/tasks", with_a_bad_token)

    ada.add("Water the ferns")

    assert ada.stored("title") == [("Water the ferns",)]
    assert ada.refused == ["401 POST /api/tasks"]


def test_a_session_that_has_ended_asks_to_sign_in_again(ada: Visitor) -> None:
    ada.page.context.clear_cookies()
    once(ada.page, "POST", "**/tasks", with_a_bad_token)

    ada.new.get_by_label("Title").fill("Water the ferns")
    ada.press("Add task")

    expect(ada.alert).to_have_text("Your session has ended. Please sign in again.")
    ada.sign_in()
    expect(ada.page.get_by_text("No tasks yet.")).to_be_visible()
    expect(ada.alert).to_be_hidden()


def test_pressing_again_after_a_lost_answer_adds_one_task(ada: Visitor) -> None:
    def lose(route: Route) -> None:
        assert route.fetch().status == 201
        route.abort()

    once(ada.page, "POST", "**/tasks", lose)
    ada.new.get_by_label("Title").fill("Water the ferns")
    ada.press("Add task")
    expect(ada.alert).to_contain_text("does not answer")

    ada.press("Add task")
    expect(ada.alert).to_be_hidden()
    assert ada.stored("title") == [("Water the ferns",)]


def test_a_server_that_does_not_answer_can_be_asked_again(ada: Visitor) -> None:
    ada.add("Water the ferns")
    once(ada.page, "GET", "**/tasks?*", lambda route: route.abort())

    ada.page.reload()
    expect(ada.alert).to_contain_text("does not answer")
    ada.press("Try again")
    expect(ada.task("Water the ferns")).to_be_visible()

    once(ada.page, "POST", "**/api/auth/refresh", lambda route: route.abort())
    ada.page.reload()
    expect(ada.alert).to_contain_text("does not answer")
    ada.press("Try again")
    expect(ada.task("Water the ferns")).to_be_visible()
    expect(ada.alert).to_be_hidden()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [1000, 320])
def test_everything_fits_the_window(ada: Visitor, tmp_path: Path, width: int, colours: Any) -> None:
    ada.page.emulate_media(color_scheme=colours)
    ada.page.set_viewport_size({"width": width, "height": 900})
    ada.call("POST", json={"title": "W" * 255, "description": "D" * 500, "due_date": "2027-03-01T09:00:00+01:00"})
    ada.call("POST", json={"title": "Water the ferns", "priority": "high", "due_date": "2027-03-01"})
    ada.call("POST", json={"title": "Call the plumber", "completed": True})
    ada.page.reload()
    ada.press("Edit Call the plumber")
    expect(ada.edit).to_be_visible()

    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    ada.page.screenshot(path=folder / f"react-{width}-{colours}.png", full_page=True)
    assert ada.page.evaluate("document.documentElement.scrollWidth") <= width
