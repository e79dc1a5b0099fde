"""The manual in a browser that can reach no other host; and that of the installed wheel, with and without MkDocs."""

import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.support.browser import needs_chromium
from tests.support.manual import wait_for_the_manual
from tests.support.processes import Server, serving
from tests.support.wheel import serve
from tests.web.test_accessibility import violations

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[str]:
    """The address of the manual, of a server below a path."""
    folder = tmp_path_factory.mktemp("manual")
    with serving(folder, database_url=database_url, manual="auto", xdg_cache_home=folder, root_path="/todo") as server:
        wait_for_the_manual(server, "/todo")
        yield f"http://127.0.0.1:{server.port}/todo/manual"


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def page(context: BrowserContext, manual: str, complaints: list[str]) -> Page:
    """A page that reaches nothing but the manual, and tells of everything that it misses or is refused."""
    page = context.new_page()

    def only_the_manual(route: Route) -> None:
        if route.request.url.startswith(manual):
            route.continue_()
        else:
            complaints.append(f"asks {route.request.url}")
            route.abort()

    page.route("**/*", only_the_manual)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
    page.on("requestfailed", lambda request: complaints.append(f"{request.url}: {request.failure}"))
    return page


@needs_chromium
def test_a_word_is_searched_and_its_page_opened(page: Page, manual: str, complaints: list[str]) -> None:
    with page.expect_response("**/search_index.json"):
        page.goto(manual)
    expect(page).to_have_title("todo")
    search = page.get_by_role("textbox", name="Search")
    search.click()
    search.press_sequentially("idempotency", delay=20)
    result = page.locator(".md-search-result__link").first
    expect(result).to_be_visible()
    result.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.url.startswith(manual)
    assert page.url != f"{manual}/index.html"
    assert complaints == []


@needs_chromium
def test_the_colours_are_those_of_the_system_until_they_are_switched(
    page: Page, manual: str, complaints: list[str]
) -> None:
    scheme = "document.body.getAttribute('data-md-color-scheme')"
    page.emulate_media(color_scheme="dark")
    page.goto(f"{manual}/reference/glossary.html")
    assert page.evaluate(scheme) == "slate"
    page.get_by_title("Switch to light colours").click()
    assert page.evaluate(scheme) == "default"
    page.reload()
    assert page.evaluate(scheme) == "default"
    assert complaints == []


@needs_chromium
@pytest.mark.parametrize("name", ["tutorial/quickstart.html", "reference/api.html"])
def test_the_manual_meets_wcag(page: Page, manual: str, axe_script: str, name: str) -> None:
    page.goto(f"{manual}/{name}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.reload()
        found += violations(page, axe_script, (scheme,))
    # No criterion of WCAG: the theme's script puts a `nav` without a name around each button that copies code.
    found = [each for each in found if ": landmark-unique " not in each]
    assert found == []


def test_the_wheel_has_all_that_the_manual_is_made_of(installed: Path, tmp_path: Path, database_url: str) -> None:
    server = serve(installed, tmp_path, database_url, manual="auto", xdg_cache_home=tmp_path)
    try:
        page = wait_for_the_manual(server)
        assert page.status_code == 200
        for name in (
            "repository/examples/sync.py.html",
            "repository/todo/tasks/routes.py.html",
            "repository/examples/better-auth/app/api/todo/%5B...path%5D/route.ts.html",
            "tutorial/quickstart.html",
        ):
            assert server.http.get(f"/manual/{name}").status_code == 200, name
    finally:
        server.stop()

    source = installed / "todo" / "web" / "manual" / "source"
    hooks = installed / "todo" / "web" / "manual" / "hooks.py"
    (source / "mkdocs.yml").write_text(
        (source / "mkdocs.yml").read_text().replace("todo/web/manual/hooks.py", str(hooks))
    )
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    env = {"PYTHONPATH": str(installed), "PATH": "/usr/bin:/bin", "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=source, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    suffixes = {path.suffix for path in source.rglob("*") if path.is_file()}
    assert suffixes & {".pyc", ".map", ".log", ".lock", ".sql"} == set()
    assert not list(source.rglob("node_modules"))


def test_without_the_extra_the_manual_is_missing_and_says_how_to_get_it(
    installed: Path, tmp_path: Path, database_url: str
) -> None:
    """The packages of this environment, but for MkDocs and its theme, by an interpreter that has no other."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith(("mkdocs", "material", "todo", "_editable", "__editable")):
            (packages / path.name).symlink_to(path)

    class Plain(Server):
        COMMAND = (sys._base_executable, "-S", "-c", "from todo.cli import app; app()", "serve")  # type: ignore[attr-defined] # of CPython

    both = f"{installed}:{packages}"
    server = Plain(tmp_path, pythonpath=both, database_url=database_url, manual="auto", xdg_cache_home=tmp_path).ready()
    try:
        response = server.http.get("/manual")
        assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")
        assert "install todo-task-api with the extra `docs`" in response.json()["detail"]
        seen = server.http.get("/manual/index.html", headers={"Accept": "text/html"})
        assert (seen.status_code, "with the extra `docs`" in seen.text) == (404, True)
        assert server.http.get("/llms.txt").status_code == 404
        assert not (tmp_path / "todo").exists()
    finally:
        server.stop()
