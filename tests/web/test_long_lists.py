"""Lists of which only the rows around what is seen are drawn."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browser import needs_chromium
from tests.support.processes import Server, signed_in
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]

NOTES = "The ones in the hall too.\nNot the cactus.\n" * 3
DAYS = 40
DRAWN = 120
"""No more rows than this are in the document, however many tasks there are."""


def task(number: int) -> dict[str, Any]:
    """Every fifth has notes, and is three times as high; all are due in the next days."""
    due = datetime.now().astimezone() + timedelta(days=1 + number % DAYS)  # the browser's days
    return {
        "title": f"task {number}",
        "due_date": due.date().isoformat(),
        "description": NOTES if number % 5 == 0 else None,
    }


@pytest.fixture(scope="module", params=[1_000, 10_000])
def count(request: pytest.FixtureRequest) -> int:
    size: int = request.param
    return size


@pytest.fixture(scope="module")
def person_with_many(browser: Browser, server: Server, count: int) -> Iterator[Person]:
    """A window of somebody who has so many tasks: task 0 is the first of the Inbox."""
    with browser.new_context(viewport={"width": 1000, "height": 900}) as context:
        context.set_default_timeout(30_000)
        person = Person(context.new_page(), server).sign_up()
        tasks, headers = signed_in(server, person.email)
        for first in range(count - 1, -1, -100):
            operations = [{"op": "create", "task": task(number)} for number in range(first, first - 100, -1)]
            body = {"operations": operations}
            assert server.http.post(f"{tasks}/batch", headers=headers, json=body).status_code == 200
        expect_count(person.page, count)
        yield person
        assert person.complaints == []


@pytest.fixture
def page(person_with_many: Person) -> Page:
    """Their window at the top of the Inbox, without a cursor."""
    person_with_many.open("Done")
    person_with_many.open("Inbox")
    expect(row(person_with_many.page, 0)).to_be_in_viewport()
    return person_with_many.page


def expect_count(page: Page, count: int) -> None:
    """Wait until the Inbox has so many tasks."""
    inbox = page.get_by_role("link", name="Inbox", exact=True)
    expect(inbox.locator(".count")).to_have_text(str(count), timeout=30_000)


def row(page: Page, number: int) -> Locator:
    return page.locator(".row").filter(has=page.get_by_role("checkbox", name=f"task {number}", exact=True))


UNCOVERED = """() => {
  const list = document.querySelector(".lists").getBoundingClientRect()
  const middle = list.left + list.width / 2
  const [top, bottom] = [Math.max(0, list.top), Math.min(innerHeight, list.bottom)]
  const found = []
  for (let y = top + 5; y < bottom; y += 20)
    if (document.elementFromPoint(middle, y)?.closest(".space")) found.push(Math.round(y))
  return found
}"""
"""Where in the window, in pixels from its top, there is space in place of rows."""


SCROLLED = """async () => {
  for (let [still, last] = [0, -1]; still < 10; ) {
    await new Promise(requestAnimationFrame)
    still = scrollY === last ? still + 1 : 0
    last = scrollY
  }
}"""
"""Waits until the window, which keys scroll smoothly, has not moved for ten frames."""


def expect_rows_all_over(page: Page) -> None:
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate(UNCOVERED) == []
    assert page.locator(".row").count() <= DRAWN


def wheel_to_the(page: Page, edge: str, count: int) -> None:
    page.mouse.move(500, 450)
    there = {
        "end": "scrollY + innerHeight >= document.documentElement.scrollHeight - 2",
        "start": "scrollY <= 0",
    }[edge]
    for _ in range(200):
        for _ in range(10):
            page.mouse.wheel(0, 2 * count if edge == "end" else -2 * count)
        expect_rows_all_over(page)
        if page.evaluate(there):
            return
    raise AssertionError(f"the {edge} is never reached")


def test_the_wheel_goes_to_the_last_task_and_back(page: Page, count: int) -> None:
    wheel_to_the(page, "end", count)
    expect(row(page, count - 1)).to_be_in_viewport()

    wheel_to_the(page, "start", count)
    expect(row(page, 0)).to_be_in_viewport()


def test_the_end_and_home_keys_go_to_the_last_task_and_back(page: Page, count: int) -> None:
    for _ in range(3):  # the first goes by estimated heights, the last by measured ones
        page.keyboard.press("End")
        page.evaluate(SCROLLED)
        expect_rows_all_over(page)
    expect(row(page, count - 1)).to_be_in_viewport()

    page.keyboard.press("Home")
    page.evaluate(SCROLLED)
    expect(row(page, 0)).to_be_in_viewport()
    expect_rows_all_over(page)


def test_the_cursor_stays_in_sight_while_j_is_held_down(page: Page) -> None:
    for number in range(200):
        page.keyboard.down("j")
        if number % 10 == 0:
            expect(row(page, number)).to_have_attribute("aria-current", "true")
            expect(row(page, number)).to_be_in_viewport(ratio=1)
    page.keyboard.up("j")

    expect(row(page, 199)).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("checkbox", name="task 199", exact=True)).to_be_focused()
    expect_rows_all_over(page)


def test_k_from_the_start_goes_to_the_last_task(page: Page, count: int) -> None:
    page.keyboard.press("k")

    expect(row(page, count - 1)).to_be_in_viewport(ratio=1)
    expect_rows_all_over(page)


def test_a_jump_into_the_middle_shows_rows(page: Page, count: int) -> None:
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
    expect_rows_all_over(page)

    shown = page.locator(".row").nth(20).locator(".title").inner_text()
    assert 0.3 * count < int(shown.removeprefix("task ")) < 0.7 * count


def test_rows_stay_where_they_are_seen_when_another_device_adds_a_task(
    page: Page, person_with_many: Person, count: int
) -> None:
    row(page, 3).locator(".text").click()  # the cursor is far from what is seen
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
    expect_rows_all_over(page)
    added = person_with_many.call("POST", "/tasks", json={"title": "One more"})
    expect_count(page, count + 1)
    expect_rows_all_over(page)
    person_with_many.call("DELETE", f"/tasks/{added['id']}")
    expect_count(page, count)


def test_another_view_begins_at_its_start(page: Page) -> None:
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect_rows_all_over(page)
    page.get_by_role("link", name="Upcoming", exact=True).click()

    expect(row(page, 0)).to_be_in_viewport()
    expect_rows_all_over(page)


def test_the_days_of_upcoming_are_all_reached(page: Page, count: int) -> None:
    page.get_by_role("link", name="Upcoming", exact=True).click()
    expect(page.get_by_role("heading", level=3)).to_have_count(DAYS)
    wheel_to_the(page, "end", count)

    last = max(number for number in range(count) if number % DAYS == DAYS - 1)
    expect(row(page, last)).to_be_in_viewport()
