"""Sessions that are renewed, and that end while changes wait."""

from collections import Counter
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Request, expect

from tests.conftest import PASSWORD
from tests.support.browser import needs_chromium
from tests.support.processes import Server, serving
from tests.web.network import Network
from tests.web.person import Person, new_email

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    """A server whose access tokens are valid for two seconds."""
    folder = tmp_path_factory.mktemp("short")
    with serving(folder, database_url=database_url, access_token_lifetime=2, jwt_leeway=0) as running:
        yield running


def end_session(person: Person, how: str) -> str:
    """End the window's session from another device; the password from now on."""
    account = {"email": person.email, "password": PASSWORD, "refresh": "body"}
    session = person.server.http.post("/api/auth/signin", json=account).json()
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    password = "another long afternoon" if how == "password" else PASSWORD
    body = {"current": PASSWORD, "new": password} if how == "password" else None
    assert person.server.http.post(f"/api/auth/{how}", headers=headers, json=body).status_code == 204
    return password


@pytest.mark.parametrize("locks", [True, False], ids=["locks", "no locks"])
def test_windows_that_renew_at_once_stay_signed_in(ada: Person, context: BrowserContext, locks: bool) -> None:
    renewals: Counter[object] = Counter()

    def count(request: Request) -> None:
        renewals[request.frame.page] += request.url.endswith("/refresh")

    context.on("request", count)
    if not locks:
        context.add_init_script("delete Navigator.prototype.locks")
    ada.page.reload()
    other = ada.another_window(context)
    other.page.goto(other.url)

    leaders = [ada] if locks else [ada, other]
    while any(renewals[each.page] < 4 for each in leaders):
        ada.page.wait_for_event("request", lambda request: request.url.endswith("/refresh"))

    ada.add("Milk")
    other.add("Bread")
    ada.sent()
    assert sorted(ada.stored("title")) == [("Bread",), ("Milk",)]
    expect(ada.new).to_be_visible()
    expect(other.new).to_be_visible()


@pytest.mark.parametrize("how", ["signout-everywhere", "password"])
def test_changes_wait_until_a_person_whose_session_was_ended_signs_in(ada: Person, how: str) -> None:
    network = Network(ada.page)
    network.hold()
    ada.add("Milk")
    expect(ada.task("Milk")).to_be_visible()

    password = end_session(ada, how)

    expect(ada.page.get_by_text(f"Sign in as {ada.email} to go on: 1 of your changes wait here")).to_be_visible()
    network.held = None
    ada.page.reload()
    expect(ada.page.get_by_text(f"Sign in as {ada.email}")).to_be_visible()
    ada.enter("Sign in", password)
    expect(ada.task("Milk")).to_be_visible()
    ada.sent()
    assert len(network.writes) == 2


def test_somebody_else_who_signs_in_neither_sees_nor_sends_what_waits(ada: Person, context: BrowserContext) -> None:
    network = Network(context)
    network.hold()
    ada.add("Secret milk")
    end_session(ada, "signout-everywhere")
    expect(ada.page.get_by_text("Your session has ended")).to_be_visible()
    network.held = None

    bob = Person(ada.page, ada.server, new_email())
    bob.enter("Sign up")
    bob.add("Bread")
    bob.sent()
    assert bob.titles() == ["Bread"]
    assert bob.stored("title") == [("Bread",)]
    assert ada.stored("title") == []

    bob.sign_out()
    ada.enter("Sign in")
    expect(ada.new).to_be_visible()
    assert "Bread" not in ada.titles()


def test_a_window_of_one_user_turns_to_another_who_signs_in_beside_it(ada: Person, context: BrowserContext) -> None:
    ada.add("Secret milk")
    ada.sent()
    beside = ada.another_window(context)
    beside.page.goto(beside.url)
    expect(beside.task("Secret milk")).to_be_visible()

    beside.sign_out()
    expect(ada.page.get_by_label("Email")).to_be_visible()
    bob = Person(beside.page, ada.server, new_email())
    bob.enter("Sign up")

    expect(ada.new).to_be_visible()
    expect(ada.task("Secret milk")).to_have_count(0)
    ada.add("Bread")
    bob.sent()
    assert bob.stored("title") == [("Bread",)]
