"""The page where an external issuer makes the tokens."""

import time
from collections.abc import Iterator

import jwt
import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support.browser import needs_chromium
from tests.support.external_issuer import SECRET
from tests.support.processes import Server, serving
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory, empty_url: str) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("external")
    with serving(folder, "--migrate", database_url=empty_url, jwt_secret=SECRET, jwt_leeway=0) as running:
        yield running


def token(lifetime: int, subject: str = "issuer|ada") -> str:
    return jwt.encode({"sub": subject, "exp": int(time.time()) + lifetime}, SECRET, "HS256")


def come_in(person: Person, with_token: str) -> None:
    person.page.get_by_label("Access token").fill(with_token)
    person.page.get_by_role("button", name="Sign in").click()


def test_a_token_is_the_way_in_until_it_expires(context: BrowserContext, server: Server) -> None:
    ada = Person(context.new_page(), server)
    ada.page.goto(ada.url)
    expect(ada.page.get_by_text("Accounts of this server are kept elsewhere")).to_be_visible()
    expect(ada.page.get_by_label("Password")).to_have_count(0)
    come_in(ada, "no token")
    expect(ada.page.get_by_role("alert")).not_to_be_empty()

    come_in(ada, token(600))
    ada.add("Milk")
    ada.sent()
    ada.page.reload()
    expect(ada.task("Milk")).to_be_visible()

    ada.page.evaluate("(short) => sessionStorage.setItem('todo.token', short)", token(3))
    ada.page.reload()
    expect(ada.task("Milk")).to_be_visible()
    expect(ada.page.get_by_text("Sign in as issuer|ada to go on")).to_be_visible()
    come_in(ada, token(600))
    expect(ada.task("Milk")).to_be_visible()

    beside = ada.another_window(context)
    beside.page.goto(beside.url)
    expect(beside.task("Milk")).to_be_visible()

    ada.sign_out()
    expect(ada.page.get_by_label("Access token")).to_be_visible()
    expect(beside.page.get_by_label("Access token")).to_be_visible()
    assert ada.page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]") == []
    assert ada.complaints == []
