"""The docs page in a real browser that can reach no other host."""

import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, expect

from tests.conftest import PASSWORD
from tests.support.browser import chromium, needs_chromium
from tests.support.processes import Server, serving

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture
def server(tmp_path: Path, database_url: str) -> Iterator[Server]:
    with serving(tmp_path, database_url=database_url) as running:
        yield running


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@contextmanager
def front_end() -> Iterator[str]:
    """The origin of a page that is served by another server."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>a front end</title>")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        try:
            yield f"http://localhost:{other.server_port}"
        finally:
            other.shutdown()


def test_the_docs_page_creates_a_task_without_any_other_host(server: Server, browser: Browser, tmp_path: Path) -> None:
    base = f"http://127.0.0.1:{server.port}"
    page = browser.new_page(viewport={"width": 1280, "height": 1600})
    requested: list[str] = []
    messages: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.route(lambda url: not url.startswith((base, "data:", "blob:")), lambda route: route.abort())
    session = server.http.post(
        "/api/auth/signup", json={"email": f"ada-{uuid.uuid4().hex[:8]}@example.com", "password": PASSWORD}
    ).json()

    page.goto(f"{base}/docs")
    expect(page.get_by_role("heading", name="todo")).to_be_visible()
    page.get_by_role("button", name="Authorize").first.click()
    page.get_by_label("auth-bearer-value").fill(session["access_token"])
    page.locator(".auth-container").get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").click()

    section = page.locator("#operations-tasks-create_task")
    section.locator(".opblock-summary-control").click()
    section.locator("input[placeholder=user_id]").fill(session["user"]["id"])
    section.get_by_role("button", name="Execute").click()
    expect(section.locator(".live-responses-table tr.response .response-col_status")).to_contain_text("201")
    page.screenshot(path=os.environ.get("SCREENSHOT", str(tmp_path / "docs.png")))

    tasks = server.http.get(
        f"/api/{session['user']['id']}/tasks", headers={"Authorization": f"Bearer {session['access_token']}"}
    ).json()
    assert [task["title"] for task in tasks] == ["Water the ferns"]
    assert requested
    assert all(url.startswith((base, "data:", "blob:")) for url in requested), requested
    assert messages == []  # the page's Content-Security-Policy blocks nothing that it does


def test_the_docs_page_follows_the_preferred_colours(server: Server, browser: Browser, tmp_path: Path) -> None:
    """Light and dark: the sum of red, green and blue of what is behind the text, and of the text."""
    shown = """() => {
        const sum = (element, name) => {
            const [r, g, b, alpha = 1] = getComputedStyle(element)[name].match(/[\\d.]+/g).map(Number)
            return alpha ? r + g + b : 765
        }
        const title = document.querySelector(".info .title")
        return [sum(document.documentElement, "backgroundColor"), sum(title, "color")]
    }"""
    page = browser.new_page(color_scheme="dark")
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.goto(f"http://127.0.0.1:{server.port}/docs")
    expect(page.locator("#operations-tasks-list_tasks")).to_be_visible()
    page.screenshot(path=os.environ.get("SCREENSHOT_DARK", str(tmp_path / "docs-dark.png")))
    dark_background, light_text = page.evaluate(shown)
    page.emulate_media(color_scheme="light")  # it follows a change too
    expect(page.locator("html:not(.dark-mode)")).to_be_attached()
    light_background, dark_text = page.evaluate(shown)

    assert dark_background < 150 < 500 < light_text
    assert dark_text < 250 < 700 < light_background
    assert messages == []


def test_only_pages_of_listed_origins_may_call_the_api(tmp_path: Path, database_url: str, browser: Browser) -> None:
    signs_up = """async ([base, email, password]) => {
        const body = JSON.stringify({email, password})
        const json = {"Content-Type": "application/json"}
        const options = {method: "POST", headers: json, body, credentials: "include"}
        const session = await (await fetch(`${base}/api/auth/signup`, options)).json()
        const token = {Authorization: `Bearer ${session.access_token}`}
        const tasks = await fetch(`${base}/api/${session.user.id}/tasks`, {headers: token})
        return [tasks.status, tasks.headers.get("etag")]
    }"""
    with front_end() as origin, serving(tmp_path, database_url=database_url, cors_origins=origin) as server:
        page = browser.new_page()
        arguments = [f"http://127.0.0.1:{server.port}", f"ada-{uuid.uuid4().hex[:8]}@example.com", PASSWORD]
        page.goto(origin)
        assert page.evaluate(signs_up, arguments) == [200, 'W/"0"']
        page.goto(origin.replace("localhost", "127.0.0.1"))
        with pytest.raises(Error, match="Failed to fetch"):
            page.evaluate(signs_up, arguments)
