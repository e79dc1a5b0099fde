"""The API's description in a real browser, with every other host out of reach."""

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.conftest import PASSWORD
from tests.processes import Server, serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-sync"]

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and "REQUIRE_CHROMIUM" not in os.environ, reason="needs Debian's Chromium, which .ci/run installs"
)


@pytest.fixture
def server(tmp_path: Path, database_url: str) -> Iterator[Server]:
    with serving(tmp_path, database_url=database_url) as running:
        yield running


@pytest.fixture
def browser() -> Iterator[Browser]:
    assert CHROMIUM, "REQUIRE_CHROMIUM is set and there is none"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        browser.close()


def test_docs_make_a_task_without_any_other_host(server: Server, browser: Browser, tmp_path: Path) -> None:
    base = f"http://127.0.0.1:{server.port}"
    page = browser.new_page(viewport={"width": 1280, "height": 1600})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
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
    assert asked
    assert all(url.startswith((base, "data:", "blob:")) for url in asked), asked
