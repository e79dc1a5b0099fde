"""The page in a real browser: its policy stops nothing that it does, and its service worker keeps it."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, expect

from tests.support.browser import needs_chromium
from tests.support.logs import access_lines
from tests.support.processes import Server, free_port, serving

pytestmark = [needs_chromium, pytest.mark.slow]

CACHES = "async () => (await caches.keys()).sort()"
CONTROLLED = "() => navigator.serviceWorker.controller?.state === 'activated'"


def address(server: Server, root: str = "") -> str:
    return f"http://127.0.0.1:{server.port}{root}/"


def opened(context: BrowserContext, url: str) -> tuple[Page, list[str]]:
    """A page that its service worker controls, and what went wrong in it, the API's refusals apart."""
    page = context.new_page()
    messages: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if "/api/" not in message.location["url"]:
            messages.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.goto(url)
    page.wait_for_function(CONTROLLED)
    return page, messages


def version_of(page: Page) -> str:
    version = page.locator("html").get_attribute("data-version")
    assert version
    return version


def until(page: Page, condition: str) -> None:
    """Wait for an expression, which may have `await`, for 20 seconds at most."""
    page.evaluate(f"""async () => {{
        for (let tries = 0; !({condition}); tries++) {{
            if (tries === 400) throw new Error("it did not come true")
            await new Promise((later) => setTimeout(later, 50))
        }}
    }}""")


def shows_itself(page: Page) -> None:
    expect(page.locator("#app > *").first).to_be_visible()


@pytest.mark.parametrize("root", ["", "/todo"])
def test_the_page_opens_without_the_server_once_it_was_visited(
    tmp_path: Path, database_url: str, context: BrowserContext, root: str
) -> None:
    with serving(tmp_path, database_url=database_url, root_path=root) as server:
        url = address(server, root)
        page, messages = opened(context, url)
        shows_itself(page)
        assert messages == []  # the page's Content-Security-Policy blocks nothing that it does
        assert page.evaluate(CACHES) == [f"todo-page {root}/ {version_of(page)}"]

    context.new_cdp_session(page).send("Network.clearBrowserCache")  # which has the files as well
    page.reload()
    shows_itself(page)
    again = context.new_page()
    kept = again.goto(f"{url}#/today")
    shows_itself(again)

    assert kept is not None
    assert kept.from_service_worker
    assert "require-trusted-types-for 'script'" in kept.headers["content-security-policy"]
    with pytest.raises(Error, match="ERR_CONNECTION_REFUSED"):
        again.goto(f"{url}docs")


KEPT_FILES = """async () => {
  const caches_ = await Promise.all((await caches.keys()).map((name) => caches.open(name)))
  const requests = (await Promise.all(caches_.map((cache) => cache.keys()))).flat()
  return requests.map((request) => new URL(request.url).pathname).filter((path) => path.startsWith("/page/"))
}"""
"""The files that the worker keeps."""


def test_each_file_is_loaded_once(tmp_path: Path, database_url: str, context: BrowserContext) -> None:
    """The worker keeps what the browser has just loaded, and the next visit loads none of it."""
    with serving(tmp_path, database_url=database_url, access_log="on") as server:
        page, _ = opened(context, address(server))
        page.reload()
        shows_itself(page)
        kept = page.evaluate(KEPT_FILES)

    loaded = [line for line in access_lines(server.log) if line["route"].startswith("/page/")]
    assert len(kept) > 2
    assert len(loaded) == len(kept)


def test_a_copy_that_the_server_confirms_keeps_its_policy(tmp_path: Path, database_url: str, browser: Browser) -> None:
    """A browser without the worker: it asks each time, and takes the headers of the 304 for those of its copy."""
    with serving(tmp_path, database_url=database_url, access_log="on") as server:
        page = browser.new_context(service_workers="block").new_page()
        for _ in range(3):
            page.goto(address(server))
            shows_itself(page)

    asked = [line["status"] for line in access_lines(server.log) if line["route"] == "/"]
    assert asked == [200, 304, 304]


def test_the_worker_leaves_everything_else_to_the_server(server: Server, context: BrowserContext) -> None:
    page, _ = opened(context, address(server))
    for path in ("docs", "?x=1", "health/live", "manifest.webmanifest", "page/000000000000/main.js"):
        response = page.goto(address(server) + path)
        assert response is not None
        assert not response.from_service_worker, path


def test_a_browser_may_install_it(server: Server, context: BrowserContext) -> None:
    page, _ = opened(context, address(server))
    devtools = context.new_cdp_session(page)
    manifest = devtools.send("Page.getAppManifest")
    hindrances = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]

    assert manifest["errors"] == []
    assert {each["errorId"] for each in hindrances} <= {"in-incognito"}  # as each context of a test is


def test_only_the_pages_own_files_may_run(server: Server, context: BrowserContext) -> None:
    page, _ = opened(context, address(server))
    for attempt in (
        "() => { document.createElement('script').text = '1' }",
        "() => { document.createElement('b').innerHTML = '<i>x</i>' }",
        "() => { trustedTypes.createPolicy('another', {}) }",
        "() => navigator.serviceWorker.register('/another.js')",
        f"() => fetch('http://localhost:{server.port}/health/live', {{ mode: 'no-cors' }})",
    ):
        with pytest.raises(Error, match=r"Trusted|Policy|Failed to fetch"):
            page.evaluate(attempt)


class TestAnotherVersion:
    @pytest.fixture
    def port(self) -> int:
        return free_port()

    @pytest.fixture
    def newer(self, root: Path, tmp_path: Path) -> Path:
        """The folder of a build in which one file of the page differs."""
        shutil.copytree(root / "todo", tmp_path / "newer" / "todo", ignore=shutil.ignore_patterns("__pycache__"))
        with (tmp_path / "newer" / "todo" / "web" / "page" / "main.js").open("a") as file:
            file.write("\n// newer\n")
        return tmp_path / "newer"

    def test_it_takes_over_and_tells_the_open_page(
        self, tmp_path: Path, database_url: str, context: BrowserContext, port: int, newer: Path
    ) -> None:
        listens = "addEventListener('message', ({ data }) => window.told.push(data))"
        context.add_init_script(f"window.told = []; navigator.serviceWorker.{listens}")
        with serving(tmp_path, database_url=database_url, port=port) as server:
            page, messages = opened(context, address(server))
            old = version_of(page)
        with serving(tmp_path, database_url=database_url, port=port, pythonpath=newer):
            page.evaluate("async () => { await (await navigator.serviceWorker.ready).update() }")
            until(page, "window.told.length")
            told = page.evaluate("window.told")  # nothing at the first visit, which replaces no other version
            page.reload()
            new = version_of(page)
            shows_itself(page)

            assert old != new
            assert told == [{"type": "updated", "version": new}]
            assert page.evaluate(CACHES) == [f"todo-page / {new}"]
            assert messages == []

    def test_a_visit_shows_the_old_one_at_once_and_the_next_the_new_one(
        self, tmp_path: Path, database_url: str, context: BrowserContext, port: int, newer: Path
    ) -> None:
        with serving(tmp_path, database_url=database_url, port=port) as server:
            page, _ = opened(context, address(server))
            old = version_of(page)
        with serving(tmp_path, database_url=database_url, port=port, pythonpath=newer):
            page.reload()
            assert version_of(page) == old
            until(page, f"!(await caches.keys()).includes('todo-page / {old}')")
            page.reload()
            assert version_of(page) != old

    @pytest.mark.parametrize(
        ("file", "right", "wrong"),
        [
            ("sw.js", "addAll(PAGE.assets)", 'addAll([...PAGE.assets, "/missing.js"])'),
            ("index.html", 'data-version="$version"', 'data-version="another"'),  # while servers are replaced in turn
        ],
    )
    def test_one_that_does_not_come_whole_changes_nothing(
        self, tmp_path: Path, database_url: str, context: BrowserContext, port: int, newer: Path,
        file: str, right: str, wrong: str,
    ) -> None:  # fmt: skip
        template = newer / "todo" / "web" / "page" / file
        assert right in template.read_text()
        template.write_text(template.read_text().replace(right, wrong))
        with serving(tmp_path, database_url=database_url, port=port) as server:
            page, _ = opened(context, address(server))
            old = version_of(page)
        with serving(tmp_path, database_url=database_url, port=port, pythonpath=newer):
            state = page.evaluate("""async () => {
                const registration = await navigator.serviceWorker.ready
                const found = new Promise((done) => registration.addEventListener("updatefound", done))
                registration.update().catch(() => {})
                await found
                const worker = registration.installing
                if (worker.state === "installing") await new Promise((done) => (worker.onstatechange = done))
                return worker.state
            }""")

        page.reload()
        assert state == "redundant"
        assert version_of(page) == old
        shows_itself(page)

    def test_a_browser_forgets_the_page_when_it_is_switched_off(
        self, tmp_path: Path, database_url: str, context: BrowserContext, port: int
    ) -> None:
        with serving(tmp_path, database_url=database_url, port=port) as server:
            page, _ = opened(context, address(server))
        with serving(tmp_path, database_url=database_url, port=port, page="off") as server:
            page.reload()
            until(page, "(await navigator.serviceWorker.getRegistrations()).length === 0")
            assert page.evaluate(CACHES) == []
            page.goto(address(server))
            assert page.url == f"{address(server)}docs"
