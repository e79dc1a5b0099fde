"""The packages that check the page, installed once; and people at the page in a real browser."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.support.browser import chromium
from tests.support.npm import NPM, npm
from tests.support.processes import Server, serving
from tests.support.wheel import install
from tests.web.person import Person

ROOT = Path(__file__).parents[2]
PAGE = Path("todo") / "web" / "page"
CONSENT = Path("todo") / "oauth" / "page"
TOOLS = Path("tests") / "web" / "node"


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What package-lock.json of tests/web/node names. Skips where there is no npm, unless REQUIRE_NPM is set."""
    if NPM is None and "REQUIRE_NPM" not in os.environ:
        pytest.skip("needs Node.js 18 and npm")
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(ROOT / TOOLS / name, folder)
    npm(folder, "ci", "--prefer-offline")
    return folder / "node_modules"


@pytest.fixture
def checkout(node_modules: Path, tmp_path: Path) -> Path:
    """A copy of the page, the page of consent, their tools and the contract."""
    for folder in (PAGE, CONSENT):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copytree(ROOT / TOOLS, tmp_path / TOOLS, ignore=shutil.ignore_patterns("node_modules"))
    (tmp_path / TOOLS / "node_modules").symlink_to(node_modules)
    shutil.copytree(ROOT / "contracts", tmp_path / "contracts")
    return tmp_path


@pytest.fixture(scope="session")
def axe_script(node_modules: Path) -> str:
    """axe-core: `page.evaluate(axe_script)` defines `axe` in a page, whatever its Content-Security-Policy."""
    return (node_modules / "axe-core" / "axe.min.js").read_text()


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what is in the wheel, and nothing of the checkout."""
    return install(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("page"), database_url=database_url) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(viewport={"width": 1000, "height": 900}) as made:
        made.set_default_timeout(15_000)
        expect.set_options(timeout=15_000)
        yield made


@pytest.fixture
def ada(context: BrowserContext, server: Server) -> Iterator[Person]:
    """Somebody who has just signed up. At the end the page has met no error, and asked no other host."""
    person = Person(context.new_page(), server).sign_up()
    yield person
    assert person.complaints == []
