"""The page on which a person lets an app use their tasks, in a browser."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.conftest import PASSWORD
from tests.support.browser import needs_chromium
from tests.support.oauth import REDIRECT, challenge_of, new_verifier
from tests.support.processes import Server, serving
from tests.web.person import EXPECTED, Person, new_email
from tests.web.test_accessibility import SMALL_TARGETS, violations

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("consent")
    with serving(folder, database_url=database_url, mcp="on", mcp_registration="on") as running:
        yield running


@dataclass
class Asking:
    """An app whose person decides in `page`. At the end `complaints` has what the page did wrong."""

    page: Page
    server: Server
    name: str = "Meal planner"
    scope: str | None = None
    verifier: str = field(default_factory=new_verifier)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        made = self.server.http.post("/oauth/register", json={"client_name": self.name, "redirect_uris": [REDIRECT]})
        self.id = made.json()["client_id"]
        self.page.on("pageerror", lambda error: self.complaints.append(f"{error.name}: {error.message}"))
        self.page.on("console", self._hear)
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.route(lambda url: url.startswith(REDIRECT), self._come_back)

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(EXPECTED):
            self.complaints.append(message.text)

    def _come_back(self, route: Route) -> None:
        route.fulfill(content_type="text/html", body="<!doctype html><title>Back</title><h1>Back in the app</h1>")

    @property
    def url(self) -> str:
        asked = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": REDIRECT,
            "state": "a & state",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
        }
        more = {"scope": self.scope} if self.scope else {}
        return f"http://127.0.0.1:{self.server.port}/oauth/authorize?{urlencode(asked | more)}"

    def ask(self) -> "Asking":
        self.page.goto(self.url)
        return self

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def answer(self) -> dict[str, str]:
        """What the app gets when the person is back."""
        expect(self.page.get_by_role("heading", name="Back in the app")).to_be_visible()
        return dict(parse_qsl(urlsplit(self.page.url).query))

    def token(self) -> dict[str, Any]:
        form = {"grant_type": "authorization_code", "code": self.answer()["code"], "redirect_uri": REDIRECT}
        given = self.server.http.post(
            "/oauth/token", data=form | {"client_id": self.id, "code_verifier": self.verifier}
        )
        assert given.status_code == 200, given.text
        token: dict[str, Any] = given.json()
        return token


@pytest.fixture
def asking(context: BrowserContext, server: Server) -> Iterator[Asking]:
    made = Asking(context.new_page(), server)
    yield made
    assert made.complaints == []


def account(server: Server) -> str:
    """The address of somebody who has an account, and is not signed in here."""
    email = new_email()
    server.http.post("/api/auth/signup", json={"email": email, "password": PASSWORD})
    server.http.cookies.clear()
    return email


def test_somebody_who_is_signed_in_allows_what_they_choose(ada: Person, asking: Asking) -> None:
    ada.add("Leeks #groceries")
    ada.sent()
    page = asking.ask().page
    expect(page.get_by_text(ada.email)).to_be_visible()
    expect(page.get_by_text("app.example.com", exact=True)).to_be_visible()
    expect(page.get_by_label("For how long")).to_have_value("90")
    expect(page.locator("#tags option")).to_have_count(1)
    page.get_by_label("Only tasks tagged").fill("#groceries")
    page.get_by_label("move tasks to the trash").uncheck()
    page.get_by_label("For how long").select_option("7 days")
    with page.expect_request("**/oauth/authorize") as sent:
        asking.press("Allow")

    decision: dict[str, Any] = sent.value.post_data_json or {}
    assert {name: value for name, value in decision.items() if name != "query"} == {
        "scope": "write",
        "permissions": ["create", "edit", "complete", "undo"],
        "tag": "groceries",
        "days": 7,
    }
    answer = asking.answer()
    assert (answer["state"], answer["iss"]) == ("a & state", f"http://127.0.0.1:{asking.server.port}")
    assert asking.token()["expires_in"] == 7 * 86_400
    ada.page.reload()
    expect(ada.task("Leeks")).to_be_visible()


def test_only_reading_needs_no_permissions(ada: Person, asking: Asking) -> None:
    page = asking.ask().page
    page.get_by_label("It may").select_option("only read tasks")
    expect(page.get_by_label("add tasks")).to_be_disabled()
    page.get_by_label("For how long").select_option("until I revoke it")
    asking.press("Allow")
    assert {**asking.token(), "access_token": ""} == {"access_token": "", "token_type": "Bearer", "scope": "read"}
    assert ada.complaints == []


def test_changes_without_any_permission_are_not_sent_away(ada: Person, asking: Asking) -> None:
    page = asking.ask().page
    expect(page.get_by_role("checkbox")).to_have_count(5)
    for box in page.get_by_role("checkbox").all():
        box.uncheck()
    asking.press("Allow")
    expect(page.get_by_role("alert").filter(visible=True)).not_to_be_empty()
    page.get_by_label("edit tasks").check()
    asking.press("Allow")
    assert asking.answer()["code"]
    assert ada.complaints == []


def test_an_app_that_asks_to_read_is_offered_no_more(ada: Person, asking: Asking) -> None:
    asking.scope = "read"
    page = asking.ask().page
    expect(page.get_by_label("It may")).to_be_disabled()
    asking.press("Allow")
    assert asking.token()["scope"] == "read"
    assert ada.complaints == []


def test_who_denies_gives_nothing(ada: Person, asking: Asking) -> None:
    asking.ask()
    asking.page.get_by_role("link", name="Deny").click()
    answer = asking.answer()
    assert answer == {
        "error": "access_denied",
        "error_description": "The person has not allowed it.",
        "state": "a & state",
        "iss": f"http://127.0.0.1:{asking.server.port}",
    }
    assert ada.complaints == []


def test_who_is_not_signed_in_signs_in_first(asking: Asking) -> None:
    email = account(asking.server)
    page = asking.ask().page
    expect(page.get_by_text("Meal planner").first).to_be_visible()
    expect(page.get_by_label("Email")).to_be_focused()
    asking.sign_in(email, "not the password")
    expect(page.get_by_role("alert").filter(visible=True)).to_have_text("E-mail or password is wrong.")
    asking.sign_in(email)
    expect(page.get_by_label("It may")).to_be_focused()
    asking.press("Allow")
    assert asking.token()["scope"] == "read write"


def test_keys_alone_will_do(asking: Asking) -> None:
    email = account(asking.server)
    page = asking.ask().page
    expect(page.get_by_label("Email")).to_be_focused()
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_label("It may")).to_be_focused()
    allow = page.get_by_role("button", name="Allow")
    expect(allow).to_be_enabled()
    allow.press("Enter")
    assert asking.answer()["code"]


def test_a_click_that_was_meant_for_another_page_allows_nothing(ada: Person, asking: Asking) -> None:
    """As a page would have it that puts this one under the second click of a double click."""
    asking.page.clock.install()
    page = asking.ask().page
    allow = page.get_by_role("button", name="Allow")
    expect(allow).to_be_disabled()
    page.clock.run_for(1000)
    expect(allow).to_be_enabled()
    assert ada.complaints == []


def test_another_account_can_be_used(ada: Person, asking: Asking) -> None:
    bob = account(asking.server)
    page = asking.ask().page
    expect(page.get_by_text(ada.email)).to_be_visible()
    asking.press("Use another")
    asking.sign_in(bob)
    expect(page.get_by_text(bob)).to_be_visible()
    asking.press("Allow")
    assert asking.answer()["code"]


def test_who_has_signed_out_without_a_network_is_signed_out_here(ada: Person, asking: Asking) -> None:
    ada.page.evaluate("localStorage.setItem('todo.leaving', '1')")
    asking.ask()
    expect(asking.page.get_by_label("Email")).to_be_visible()
    asking.sign_in(ada.email)
    asking.press("Allow")
    assert asking.answer()["code"]
    assert asking.page.context.pages[0].evaluate("localStorage.getItem('todo.leaving')") is None


def test_a_session_that_has_ended_meanwhile_asks_to_sign_in(ada: Person, asking: Asking) -> None:
    page = asking.ask().page
    expect(page.get_by_role("button", name="Allow")).to_be_visible()
    page.route("**/api/auth/refresh", lambda route: route.fulfill(status=401, json={"detail": "It has ended."}))
    page.route(
        "**/oauth/authorize",
        lambda route: route.fulfill(status=401, json={"detail": "It has ended."}),
        times=1,
    )
    asking.press("Allow")
    expect(page.get_by_role("alert").filter(visible=True)).to_have_text("Your session has ended: sign in again.")
    asking.sign_in(ada.email)
    asking.press("Allow")
    assert asking.answer()["code"]
    assert ada.complaints == []


def test_who_goes_back_decides_again(ada: Person, asking: Asking) -> None:
    asking.ask()
    asking.press("Allow")
    first = asking.answer()["code"]
    asking.page.go_back()
    asking.press("Allow")
    assert asking.answer()["code"] != first
    assert ada.complaints == []


def test_without_a_network_the_page_says_so(ada: Person, asking: Asking) -> None:
    page = asking.ask().page
    expect(page.get_by_role("button", name="Allow")).to_be_visible()
    page.context.set_offline(True)
    asking.press("Allow")
    expect(page.get_by_role("alert").filter(visible=True)).to_have_text("The server cannot be reached. Try again.")
    page.context.set_offline(False)
    asking.press("Allow")
    assert asking.answer()["code"]
    assert ada.page.url


def test_a_hostile_name_is_only_text(context: BrowserContext, ada: Person, server: Server) -> None:
    name = "</strong><img src=x onerror=alert(1)>\u202eTodo <b>"
    asking = Asking(context.new_page(), server, name).ask()
    expect(asking.page.get_by_text("</strong><img src=x onerror=alert(1)>Todo <b>").nth(1)).to_be_visible()
    expect(asking.page.locator("img")).to_have_count(0)
    asking.page.get_by_role("button", name="Allow").wait_for()
    assert asking.complaints == []
    assert ada.complaints == []


def test_a_foreign_request_leads_to_this_server_alone(asking: Asking) -> None:
    asking.page.goto(asking.url.replace("app.example.com", "evil.example.com"))
    expect(asking.page.get_by_role("heading", name="Nothing was allowed")).to_be_visible()
    expect(asking.page.get_by_role("link")).to_have_count(1)
    expect(asking.page.get_by_role("link")).to_have_attribute("href", "/")


def test_it_cannot_be_framed(asking: Asking) -> None:
    page = asking.page
    page.route("https://evil.example.com/", lambda route: route.fulfill(content_type="text/html", body="<iframe>"))
    page.goto("https://evil.example.com/")
    page.evaluate("(url) => document.querySelector('iframe').src = url", asking.url)
    page.wait_for_function("document.querySelector('iframe').contentDocument === null")
    assert page.frames[1].get_by_role("heading").count() == 0
    asking.complaints.clear()  # the browser says that it was refused


@pytest.mark.parametrize("width", [1000, 320])
def test_it_meets_wcag_in_light_and_dark_at_any_width(asking: Asking, axe_script: str, width: int) -> None:
    page, email = asking.page, account(asking.server)
    page.set_viewport_size({"width": width, "height": 700})
    asking.ask()
    expect(page.get_by_label("Email")).to_be_visible()
    assert violations(page, axe_script) + page.evaluate(SMALL_TARGETS) == []
    asking.sign_in(email)
    expect(page.get_by_role("button", name="Allow")).to_be_visible()
    assert violations(page, axe_script) + page.evaluate(SMALL_TARGETS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto(asking.url.replace("S256", "plain"))
    assert violations(page, axe_script) == []
    asking.complaints.clear()
