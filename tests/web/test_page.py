"""The page as a whole: a first task, its policy, and that it can be installed."""

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.conftest import PASSWORD
from tests.support.browser import needs_chromium
from tests.support.processes import Server
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]


def test_a_task_that_is_added_is_there_after_a_reload(ada: Person) -> None:
    ada.add("Water the ferns tomorrow #home")

    expect(ada.task("Water the ferns")).to_be_visible()
    ada.sent()
    assert ada.stored("title", "tags") == [("Water the ferns", ["home"])]
    ada.page.reload()
    expect(ada.task("Water the ferns")).to_be_visible()


MARKUP = """() => new Promise((resolve) => {
  const script = document.createElement("script")
  try {
    script.text = "globalThis.ran = true"
  } catch {}
  document.body.append(script)
  const frame = document.createElement("img")
  frame.onerror = frame.onload = resolve
  frame.src = "https://example.com/pixel.png"
})"""


def test_foreign_scripts_and_hosts_are_kept_out_and_noticed(context: BrowserContext, server: Server) -> None:
    ada = Person(context.new_page(), server)
    response = ada.page.goto(ada.url)
    assert response
    assert "default-src" in response.headers["content-security-policy"]
    ada.page.evaluate(MARKUP)
    assert ada.page.evaluate("globalThis.ran") is None
    assert ada.page.evaluate("fetch('https://example.com/').then(() => 'came', () => 'refused')") == "refused"
    assert any("example.com/pixel.png" in each for each in ada.complaints), ada.complaints
    assert len(ada.complaints) >= 3


def test_the_page_can_be_installed(ada: Person) -> None:
    session = ada.page.context.new_cdp_session(ada.page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"].startswith(ada.url)
    assert session.send("Page.getInstallabilityErrors")["installabilityErrors"] in (
        [],
        [{"errorId": "in-incognito", "errorArguments": []}],
    )
    ada.page.evaluate("navigator.serviceWorker.ready.then(() => true)")


def test_password_fields_hide_what_is_typed_and_take_what_is_pasted(context: BrowserContext, server: Server) -> None:
    page = context.new_page()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"http://127.0.0.1:{server.port}/")
    field = page.get_by_label("Password")

    page.evaluate("text => navigator.clipboard.writeText(text)", PASSWORD)
    field.press("Control+v")

    expect(field).to_have_value(PASSWORD)
    expect(field).to_have_attribute("type", "password")
    expect(field).to_have_attribute("autocomplete", "current-password")
    expect(page.get_by_label("Email")).to_have_attribute("autocomplete", "username")
