"""Signing out leaves nothing of a person in the browser."""

import json
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.support.browser import needs_chromium
from tests.web.network import Network
from tests.web.person import Person, new_email

pytestmark = [needs_chromium, pytest.mark.slow]

KEPT = """async () => {
  const cached = []
  for (const name of await caches.keys())
    for (const request of await (await caches.open(name)).keys()) cached.push(new URL(request.url).pathname)
  return {
    databases: (await indexedDB.databases()).map(({ name }) => name),
    local: Object.keys(localStorage), session: Object.keys(sessionStorage), cached,
  }
}"""


def kept(page: Page) -> Any:
    return page.evaluate(KEPT)


def refreshed(page: Page) -> int:
    """How the server answers this browser's refresh token."""
    status: int = page.evaluate(
        "fetch('/api/auth/refresh', {method: 'POST', body: '{}', headers: {'Content-Type': 'application/json'}})"
        ".then((answer) => answer.status)"
    )
    return status


def test_nothing_of_a_person_is_left(ada: Person) -> None:
    ada.add("Secret milk")
    ada.open("Done")
    ada.sent()
    ada.page.evaluate("navigator.serviceWorker.ready")
    before = kept(ada.page)
    assert before["databases"]
    assert "todo.user" in before["local"]

    ada.sign_out()

    expect(ada.page.get_by_label("Email")).to_be_empty()
    ada.page.wait_for_function("() => !localStorage.getItem('todo.leaving')")
    after = kept(ada.page)
    assert (after["databases"], after["session"]) == ([], [])
    assert set(after["local"]) <= {"todo.theme", "todo.keys"}
    assert after["cached"]
    assert all(path == "/" or path.startswith("/page/") for path in after["cached"])
    assert refreshed(ada.page) == 401
    ada.page.go_back()
    ada.page.wait_for_load_state()
    expect(ada.page.get_by_text("Secret milk")).to_have_count(0)


def test_a_page_left_before_signing_out_shows_no_task_on_going_back(ada: Person, context: BrowserContext) -> None:
    ada.add("Secret milk")
    ada.sent()
    ada.page.goto(f"{ada.url}/health")
    other = ada.another_window(context)
    other.page.goto(other.url)
    other.sign_out()
    expect(other.page.get_by_label("Email")).to_be_visible()

    ada.page.go_back()

    expect(ada.page.get_by_label("Email")).to_be_visible()
    expect(ada.page.get_by_text("Secret milk")).to_have_count(0)


def test_changes_that_would_be_lost_are_asked_about(ada: Person) -> None:
    network = Network(ada.page)
    network.hold()
    ada.add("Milk")

    ada.sign_out()
    question = ada.page.get_by_role("dialog", name="Changes are not sent yet")
    expect(question).to_contain_text("1 change is not at the server yet")
    question.get_by_role("button", name="Stay").click()
    expect(ada.task("Milk")).to_be_visible()

    ada.sign_out()
    question.get_by_role("button", name="Sign out and lose them").click()
    expect(ada.page.get_by_label("Email")).to_be_visible()
    network.held = None
    ada.sign_in()
    expect(ada.page.locator(".empty")).not_to_have_text("Loading…")
    assert ada.titles() == []


def test_who_signs_out_offline_is_out_and_the_server_is_told_later(ada: Person, context: BrowserContext) -> None:
    ada.add("Secret milk")
    ada.sent()
    ada.page.evaluate("navigator.serviceWorker.ready")
    context.set_offline(True)

    ada.sign_out()
    expect(ada.page.get_by_label("Email")).to_be_visible()
    ada.page.reload()
    expect(ada.page.get_by_label("Email")).to_be_visible()
    assert kept(ada.page)["databases"] == []
    with ada.page.expect_response("**/api/auth/signout") as told:
        context.set_offline(False)
    assert told.value.status == 204

    ada.page.reload()
    expect(ada.page.get_by_label("Email")).to_be_visible()
    assert refreshed(ada.page) == 401


def test_a_renewal_that_is_under_way_does_not_undo_a_sign_out(ada: Person, context: BrowserContext) -> None:
    other = ada.another_window(context)
    other.page.goto(other.url)
    expect(other.new).to_be_visible()
    held: list[Route] = []
    other.page.route("**/api/auth/refresh", lambda route: held.append(route))
    with other.page.expect_request("**/api/auth/refresh"):
        ada.page.reload()  # so that the other window has to ask

    ada.sign_out()
    for route in held:
        route.fallback()

    expect(ada.page.get_by_label("Email")).to_be_visible()
    expect(other.page.get_by_label("Email")).to_be_visible()
    ada.page.wait_for_function("() => !localStorage.getItem('todo.leaving')")
    ada.page.reload()
    expect(ada.page.get_by_label("Email")).to_be_visible()


def test_the_next_person_in_a_window_finds_nothing_of_the_one_before(ada: Person) -> None:
    ada.add("Secret milk")
    ada.delete("Secret milk")
    ada.sent()
    ada.sign_out()
    bob = Person(ada.page, ada.server, new_email())
    bob.enter("Sign up")

    bob.page.keyboard.press("Escape")
    bob.page.keyboard.press("z")

    expect(bob.page.get_by_text("There is nothing to undo")).to_be_visible()
    expect(bob.page.get_by_text("Secret milk")).to_have_count(0)


def test_two_people_in_two_browsers_see_nothing_of_each_other(ada: Person, browser: Browser) -> None:
    with browser.new_context() as elsewhere:
        bob = Person(elsewhere.new_page(), ada.server).sign_up()
        ada.add("Secret milk")
        ada.sent()
        bob.add("Bread")
        bob.sent()
        bob.page.reload()

        expect(bob.page.locator(".row .title")).to_have_text(["Bread"])
        stored = json.dumps(kept(bob.page)) + elsewhere.new_page().content()
        assert ada.email not in stored
        assert bob.stored("title") == [("Bread",)]
        assert ada.stored("title") == [("Secret milk",)]


def test_a_task_whose_answer_comes_after_the_sign_out_is_not_shown_to_the_next_person(ada: Person) -> None:
    network = Network(ada.page)
    network.hold()
    ada.add("Secret milk")
    expect(ada.task("Secret milk")).to_be_visible()
    ada.sign_out()
    ada.page.get_by_role("button", name="Sign out and lose them").click()
    bob = Person(ada.page, ada.server, new_email())
    bob.enter("Sign up")

    network.held = None
    bob.add("Bread")
    bob.sent()

    assert bob.titles() == ["Bread"]
