"""Somebody who never saw the page: they use what they see, by mouse in a window, by finger on a phone."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.conftest import PASSWORD
from tests.support.browser import needs_chromium
from tests.support.processes import Server
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]

DEVICES: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}

Press = Callable[[Locator], None]


@pytest.fixture(params=DEVICES)
def newcomer(request: pytest.FixtureRequest, browser: Browser, server: Server) -> Iterator[tuple[Person, Press]]:
    """Somebody at the first page, and how they press what they see: with a click, or with a tap."""
    with browser.new_context(**DEVICES[request.param]) as context:
        person = Person(context.new_page(), server)
        person.page.goto(f"{person.url}/")
        yield person, Locator.tap if request.param == "phone" else Locator.click
        assert person.complaints == []


def test_a_newcomer_adds_finds_repeats_moves_undoes_and_completes_tasks(newcomer: tuple[Person, Press]) -> None:
    person, press = newcomer
    page = person.page
    titles = page.locator(".row .title")

    def button(name: str, title: str = "") -> None:
        where = person.row(title) if title else page
        press(where.get_by_role("button", name=name, exact=True))

    def view(name: str) -> None:
        press(page.get_by_role("link", name=name, exact=True))

    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill("password")
    button("Sign up")
    expect(page.get_by_role("alert")).to_have_text("Password is one of the most common passwords: choose another.")
    page.get_by_label("Password").fill(PASSWORD)
    button("Sign up")

    for line in ("Buy milk", "Call Grandma today #family", "Read a book"):
        person.new.fill(line)
        button("Add")
    expect(titles).to_have_text(["Read a book", "Call Grandma", "Buy milk"])

    page.get_by_role("searchbox", name="Search").fill("milk")
    expect(titles).to_have_text(["Buy milk"])
    view("Today")
    expect(titles).to_have_text(["Call Grandma"])
    view("Inbox")

    button("Edit", "Call Grandma")
    page.get_by_label("Repeat").select_option("weekly")
    button("Save")
    expect(person.row("Call Grandma")).to_contain_text("Weekly")

    button("More", "Buy milk")
    button("Move to the top", "Buy milk")
    expect(titles).to_have_text(["Buy milk", "Read a book", "Call Grandma"])
    button("Undo")
    expect(titles).to_have_text(["Read a book", "Call Grandma", "Buy milk"])

    button("Delete", "Read a book")
    expect(titles).to_have_text(["Call Grandma", "Buy milk"])
    button("Undo")
    expect(titles).to_have_text(["Read a book", "Call Grandma", "Buy milk"])

    for title in ("Buy milk", "Call Grandma"):
        press(person.task(title))
    expect(page.get_by_role("checkbox", name="Call Grandma", checked=False)).to_have_count(1)  # the next one
    view("Done")
    expect(titles).to_have_text(["Call Grandma", "Buy milk"])
    view("Inbox")
    expect(titles).to_have_text(["Call Grandma", "Read a book"])
    person.sent()
    stored = person.stored("title", "completed", "recurrence")
    assert stored == [
        ("Call Grandma", False, "weekly"),
        ("Read a book", False, None),
        ("Call Grandma", True, "weekly"),
        ("Buy milk", True, None),
    ]


def test_a_tap_on_a_task_opens_it_and_what_can_be_pressed_is_large(browser: Browser, server: Server) -> None:
    with browser.new_context(**DEVICES["phone"]) as context:
        person = Person(context.new_page(), server).sign_up()
        person.add("Buy milk")
        boxes = [each.bounding_box() for each in person.page.get_by_role("button").all()]
        assert [box["height"] for box in boxes if box and box["height"] < 40] == []

        person.page.get_by_text("Buy milk", exact=True).tap()

        expect(person.page.get_by_label("Title")).to_have_value("Buy milk")
