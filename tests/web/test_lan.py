"""The page over plain http in a local network, where browsers give less: no locks, no service worker."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.support.browser import chromium, needs_chromium
from tests.support.processes import Server
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]

HOST = "todo.test"


class HttpPerson(Person):
    """A person who opens the page by a name that is not this computer's own."""

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server.port}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(f"--host-resolver-rules=MAP {HOST} 127.0.0.1") as running:
        yield running


def test_the_page_works_without_encryption(context: BrowserContext, server: Server) -> None:
    ada = HttpPerson(context.new_page(), server).sign_up()
    assert not ada.page.evaluate("isSecureContext || 'locks' in navigator || 'serviceWorker' in navigator")
    ada.add("Milk")
    ada.sent()

    beside = HttpPerson(context.new_page(), server, ada.email, ada.complaints)
    beside.page.goto(beside.url)
    expect(beside.task("Milk")).to_be_visible()
    beside.task("Milk").check()
    beside.sent()
    ada.page.reload()

    expect(ada.new).to_be_visible()
    assert ada.stored("title", "completed") == [("Milk", True)]
    ada.sign_out()
    expect(ada.page.get_by_label("Email")).to_be_visible()
    expect(beside.page.get_by_label("Email")).to_be_visible()
    assert all(each.startswith("The Cross-Origin-Opener-Policy header") for each in ada.complaints)
