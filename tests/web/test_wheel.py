"""The page of the installed wheel, and of the next one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support.browser import needs_chromium
from tests.support.processes import environment
from tests.support.wheel import serve
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]


def test_the_page_of_the_wheel_works_and_gives_way_to_that_of_the_next(
    context: BrowserContext, installed: Path, tmp_path: Path, database_url: str
) -> None:
    where = [sys.executable, "-c", "import todo; print(todo.__file__)"]
    env = environment(pythonpath=installed)
    found = subprocess.run(where, cwd=tmp_path, env=env, check=True, capture_output=True, text=True).stdout
    assert found.startswith(str(installed))
    server = serve(installed, tmp_path, database_url)

    ada = Person(context.new_page(), server).sign_up()
    ada.add("Water the ferns tomorrow #home")
    ada.sent()
    ada.page.reload()
    expect(ada.task("Water the ferns")).to_be_visible()
    assert ada.stored("title", "tags") == [("Water the ferns", ["home"])]
    ada.page.evaluate("navigator.serviceWorker.ready")
    version = "document.documentElement.dataset.version"
    old = ada.page.evaluate(version)

    server.stop()
    installed = Path(shutil.copytree(installed, tmp_path / "next", symlinks=True))
    style = installed / "todo" / "web" / "page" / "style.css"
    style.write_text(style.read_text() + "\nbody {\n  --next: 1;\n}\n")
    ada.server = serve(installed, tmp_path, database_url, server.port)
    ada.page.reload()

    expect(ada.page.get_by_text("There is a new version of this page.")).to_be_visible()
    assert ada.page.evaluate(version) == old
    ada.page.get_by_role("button", name="Reload").click()
    ada.page.wait_for_function(f"() => {version} !== '{old}'")
    expect(ada.task("Water the ferns")).to_be_visible()
    ada.server.stop()
    assert ada.complaints == []
