"""The page where the server sends mail: a forgotten password, and the address of the account."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.conftest import PASSWORD
from tests.support.browser import needs_chromium
from tests.support.mail_server import MailServer, link_in, mail_server
from tests.support.processes import Server, free_port, serving
from tests.web.person import Person, new_email
from tests.web.test_accessibility import SMALL_TARGETS, violations

pytestmark = [needs_chromium, pytest.mark.slow]

NEW = "a short and loud night"


@pytest.fixture(scope="module")
def mail() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str, mail: MailServer) -> Iterator[Server]:
    port = free_port()
    how = {"smtp_url": f"smtp://127.0.0.1:{mail.port}", "mail_from": "todo@example.com"}
    folder, url = tmp_path_factory.mktemp("mail"), f"http://127.0.0.1:{port}"
    with serving(folder, database_url=database_url, port=port, public_url=url, **how) as running:
        yield running


def faults(person: Person, axe_script: str) -> list[str]:
    return violations(person.page, axe_script) + list(person.page.evaluate(SMALL_TARGETS))


def test_a_forgotten_password_is_replaced_by_the_link_in_the_mail(
    ada: Person, mail: MailServer, browser: Browser, server: Server, axe_script: str
) -> None:
    confirmation = link_in(mail.to(ada.email)[0])
    with browser.new_context() as context:
        again = Person(context.new_page(), server, ada.email)
        page = again.page
        page.goto(again.url)
        page.get_by_role("button", name="Forgot password?").click()
        expect(page.get_by_label("Email")).to_be_focused()  # which the browser asks for
        page.get_by_label("Email").fill(ada.email)
        page.get_by_role("button", name="Forgot password?").click()
        expect(page.get_by_text("a link to it is on its way")).to_be_visible()
        assert faults(again, axe_script) == []

        page.goto(link_in(mail.to(ada.email, 2)[1]))
        expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()
        assert urlsplit(page.url).fragment == "/inbox"
        page.get_by_label("New password").fill("password123")
        page.get_by_role("button", name="Change password").click()
        expect(page.get_by_role("alert")).to_contain_text("New password is one of the most common passwords")
        assert faults(again, axe_script) == []
        page.get_by_label("New password").fill(NEW)
        page.get_by_role("button", name="Change password").click()
        expect(page.get_by_text("every device is signed out")).to_be_visible()
        assert faults(again, axe_script) == []
        page.get_by_role("button", name="Go to the tasks").click()
        again.enter("Sign in", NEW)

        page.goto(confirmation)  # in the same document
        page.get_by_role("button", name="Confirm").click()
        expect(page.get_by_role("alert")).to_contain_text("ask for a new one")
        page.get_by_role("button", name="Cancel").click()
        expect(again.new).to_be_visible()
        assert again.complaints == []


def test_the_address_is_confirmed_and_changed_by_links(ada: Person, mail: MailServer, axe_script: str) -> None:
    page = ada.page
    page.goto(f"{ada.url}/#/account")
    form = page.get_by_role("form", name="Change e-mail address")
    expect(form.get_by_text("(not confirmed)")).to_be_visible()
    form.get_by_role("button", name="Send a link").click()
    expect(form.get_by_text("A link is on its way to you.")).to_be_visible()
    assert faults(ada, axe_script) == []

    page.goto(link_in(mail.to(ada.email, 2)[1]))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("Your e-mail address is confirmed.")).to_be_visible()
    assert faults(ada, axe_script) == []
    page.get_by_role("button", name="Go to the tasks").click()
    page.goto(f"{ada.url}/#/account")
    expect(form.get_by_text("(confirmed)")).to_be_visible()
    expect(form.get_by_role("button", name="Send a link")).to_have_count(0)

    new = new_email()
    for password, role in (("not this one", "alert"), (PASSWORD, "status")):
        form.get_by_label("New e-mail address").fill(new)
        form.get_by_label("Your password").fill(password)
        form.get_by_role("button", name="Change e-mail address").click()
        expect(form.get_by_role(role).last).not_to_be_empty()  # type: ignore[arg-type] # a literal
    page.goto(link_in(mail.to(new)[0]))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("Your e-mail address is confirmed.")).to_be_visible()
    page.goto(f"{ada.url}/#/account")
    page.reload()
    expect(form.get_by_text(new)).to_be_visible()


def test_without_mail_the_page_offers_none_of_it(
    context: BrowserContext, tmp_path_factory: pytest.TempPathFactory, database_url: str
) -> None:
    with serving(tmp_path_factory.mktemp("none"), database_url=database_url) as silent:
        bob = Person(context.new_page(), silent)
        bob.page.goto(bob.url)
        expect(bob.page.get_by_role("button", name="Sign in")).to_be_visible()
        expect(bob.page.get_by_role("button", name="Forgot")).to_have_count(0)
        bob.enter("Sign up")
        bob.page.goto(f"{bob.url}/#/account")
        expect(bob.page.get_by_role("form", name="Change password")).to_be_visible()
        expect(bob.page.get_by_role("form", name="Change e-mail")).to_have_count(0)
        assert bob.complaints == []
