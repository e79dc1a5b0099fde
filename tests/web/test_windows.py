"""Several windows and devices of one person."""

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.support.browser import needs_chromium
from tests.web.network import Network, answered
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]

LIVE = 3_000
"""Milliseconds in which a change shows elsewhere, on a busy machine."""

NO_LOCKS = "delete Navigator.prototype.locks; delete crypto.randomUUID; delete Navigator.prototype.serviceWorker"


@pytest.fixture
def other(ada: Person, context: BrowserContext) -> Person:
    """Another window of Ada's browser."""
    window = ada.another_window(context)
    window.page.goto(window.url)
    expect(window.new).to_be_visible()
    return window


def test_a_change_shows_in_the_other_window_at_once(ada: Person, other: Person) -> None:
    ada.add("Milk")
    expect(other.task("Milk")).to_be_visible(timeout=LIVE)

    other.task("Milk").check()
    expect(ada.task("Milk")).to_have_count(0, timeout=LIVE)
    ada.sent()
    assert ada.stored("title", "completed") == [("Milk", True)]


def test_a_change_shows_on_another_device_at_once(ada: Person, browser: Browser) -> None:
    with browser.new_context() as elsewhere:
        phone = ada.another_window(elsewhere).sign_in()

        ada.add("Milk")
        expect(phone.task("Milk")).to_be_visible(timeout=LIVE)

        phone.delete("Milk")
        expect(ada.task("Milk")).to_have_count(0, timeout=LIVE)


def test_a_change_of_a_program_shows_in_all_windows_at_once(ada: Person, other: Person) -> None:
    expect(ada.page.locator(".empty")).not_to_have_text("Loading…")

    task = ada.call("POST", "/tasks", json={"title": "Milk"})
    expect(ada.task("Milk")).to_be_visible(timeout=LIVE)
    expect(other.task("Milk")).to_be_visible(timeout=LIVE)

    ada.call("DELETE", f"/tasks/{task['id']}?permanent=true")
    expect(ada.task("Milk")).to_have_count(0, timeout=LIVE)
    expect(other.task("Milk")).to_have_count(0, timeout=LIVE)


def test_a_window_that_is_opened_offline_says_so_though_another_one_sends(
    ada: Person, other: Person, context: BrowserContext
) -> None:
    ada.page.evaluate("navigator.serviceWorker.ready")
    context.set_offline(True)

    other.page.reload()

    expect(other.page.locator(".status")).to_have_text("Offline")


def test_when_the_window_that_sends_is_closed_the_other_one_does(ada: Person, other: Person) -> None:
    ada.add("Milk")
    ada.sent()
    ada.page.close()

    other.add("Bread")

    other.sent()
    assert other.stored("title") == [("Bread",), ("Milk",)]
    other.call("POST", "/tasks", json={"title": "Eggs"})
    expect(other.task("Eggs")).to_be_visible()


def test_what_a_closed_window_could_not_send_is_sent_by_the_other_one_once(
    ada: Person, other: Person, context: BrowserContext
) -> None:
    network = Network(context)
    network.hold()
    ada.add("Milk")
    expect(other.task("Milk")).to_be_visible()
    other.add("Bread")
    ada.page.close()
    network.held = None

    other.sent()
    assert other.stored("title") == [("Bread",), ("Milk",)]


def test_two_windows_write_offline_and_each_change_is_sent_once(
    ada: Person, other: Person, context: BrowserContext
) -> None:
    network = Network(context)
    context.set_offline(True)
    for number in range(5):
        ada.add(f"ada {number}")
        other.add(f"other {number}")
    expect(ada.page.locator(".row")).to_have_count(10)
    expect(other.page.locator(".row")).to_have_count(10)
    network.writes.clear()

    context.set_offline(False)

    ada.sent()
    assert len(ada.stored("title")) == 10
    assert len(set(ada.stored("title"))) == 10
    assert len({key for _, key in network.writes}) == 10
    assert ada.titles() == other.titles() == [title for (title,) in ada.stored("title")]


def test_what_the_server_refuses_is_said_in_the_window_where_it_was_written(
    ada: Person, other: Person, context: BrowserContext
) -> None:
    Network(context).will(answered(422, "The moon is full."))

    other.add("Milk")

    expect(other.page.get_by_role("alert")).to_contain_text("The moon is full.")
    expect(other.task("Milk")).to_have_count(0)
    expect(ada.page.get_by_role("alert")).to_contain_text("The moon is full.")
    other.page.get_by_role("button", name="Dismiss").click()
    expect(ada.page.get_by_role("alert")).to_be_empty()


def test_windows_without_locks_send_each_change_once(ada: Person, context: BrowserContext) -> None:
    """As over http without encryption on a local network."""
    context.add_init_script(NO_LOCKS)
    ada.page.reload()
    other = ada.another_window(context)
    other.page.goto(other.url)

    for number in range(3):
        ada.add(f"ada {number}")
        other.add(f"other {number}")

    ada.sent()
    assert len(ada.stored("title")) == 6
    expect(other.page.locator(".row")).to_have_count(6)
    assert not other.page.evaluate("'locks' in navigator")
