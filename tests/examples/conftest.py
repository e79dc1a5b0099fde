"""The React example, installed and built as its README says, and a visitor whose browser reaches no other host."""

import re
import shutil
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Response, Route, expect

from tests.conftest import PASSWORD
from tests.support.browser import chromium
from tests.support.npm import npm
from tests.support.processes import Server, serving

EXAMPLE = Path(__file__).parents[2] / "examples" / "react"


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
    """A person at the page.

    `refused`: status, method and path of what was refused; `complaints`: errors of the page, and requests elsewhere.
    """

    page: Page
    site: Site
    email: str = field(default_factory=lambda: f"ada-{uuid.uuid4().hex[:8]}@example.com")
    refused: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        own = (self.site.origin + "/", self.site.api + "/", "data:")
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", self._note)
        self.page.on("console", self._hear)
        self.page.route(lambda url: not url.startswith(own), self._keep_away)

    def _note(self, response: Response) -> None:
        if response.status >= 400:
            path = re.sub(r"/api/[0-9a-f-]{36}/", "/api/", response.url.removeprefix(self.site.api))
            self.refused.append(f"{response.status} {response.request.method} {re.sub('[0-9a-f-]{36}', '{id}', path)}")

    def _hear(self, message: ConsoleMessage) -> None:
        if not message.text.startswith("Failed to load resource"):  # Chromium's line for what is in `refused` already
            self.complaints.append(message.text)

    def _keep_away(self, route: Route) -> None:
        self.complaints.append(route.request.url)
        route.abort()

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
        return self.page.get_by_role("form", name="Edit ")

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
