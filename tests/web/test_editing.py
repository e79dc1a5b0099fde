"""Editing a task, deleting it, and taking all of it back."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.support.browser import needs_chromium
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]

HOSTILE = "<img src=x onerror=alert(1)>"


def today() -> date:
    return datetime.now(UTC).date()


def begin_to_edit(ada: Person, title: str) -> None:
    ada.row(title).get_by_role("button", name="Edit").click()
    expect(ada.page.get_by_label("Title")).to_be_focused()


def save(ada: Person) -> None:
    ada.page.get_by_role("button", name="Save").click()
    expect(ada.page.get_by_role("form", name="Edit task")).to_have_count(0)


def test_a_double_click_edits_enter_saves_and_escape_discards(ada: Person) -> None:
    ada.add("Buy milk")
    ada.page.get_by_text("Buy milk", exact=True).dblclick()
    ada.page.get_by_label("Title").fill("Buy oat milk")
    ada.press("Enter")
    expect(ada.task("Buy oat milk")).to_be_focused()
    ada.page.get_by_text("Buy oat milk", exact=True).dblclick()
    ada.page.get_by_label("Title").fill("Buy soy milk")
    ada.press("Escape")
    expect(ada.task("Buy oat milk")).to_be_focused()
    ada.sent()
    assert ada.stored("title") == [("Buy oat milk",)]


def test_all_fields_are_edited_and_cleared(ada: Person) -> None:
    ada.add("Buy milk")
    begin_to_edit(ada, "Buy milk")
    ada.page.get_by_label("Notes").fill("Two litres\nof the fresh one")
    ada.page.get_by_label("Due", exact=True).fill("tomorrow 9am")
    ada.page.get_by_label("Priority").select_option("high")
    ada.page.get_by_label("Repeat").select_option("weekly")
    ada.page.get_by_label("Next one counted from").select_option("completion")
    ada.page.get_by_label("Tags").fill("home, #Shop")
    save(ada)
    row = ada.row("Buy milk")
    for text in ("Two litres\nof the fresh one", "Tomorrow", "high", "Weekly", "#home", "#Shop"):
        expect(row).to_contain_text(text)
    ada.sent()
    fields = ("description", "due_date", "priority", "recurrence", "recurrence_from", "tags")
    due = f"{today() + timedelta(1)}T09:00"
    assert ada.stored(*fields) == [
        ("Two litres\nof the fresh one", due, "high", "weekly", "completion", ["home", "Shop"])
    ]

    begin_to_edit(ada, "Buy milk")
    for name in ("Notes", "Due", "Tags, with commas"):
        ada.page.get_by_role("textbox", name=name, exact=True).fill("")
    for name in ("Priority", "Repeat"):
        ada.page.get_by_label(name).select_option("")
    save(ada)
    ada.sent()
    assert ada.stored(*fields) == [(None, None, None, None, None, [])]


def test_a_rule_of_ones_own_repeats_the_task(ada: Person) -> None:
    ada.add("Water the ferns tomorrow")
    begin_to_edit(ada, "Water the ferns")
    ada.page.get_by_label("Repeat").select_option("custom")
    ada.page.get_by_label("Rule").fill("FREQ=DAILY;INTERVAL=3")
    save(ada)
    expect(ada.row("Water the ferns")).to_contain_text("Every 3 days")
    ada.sent()
    assert ada.stored("recurrence") == [("FREQ=DAILY;INTERVAL=3",)]


def test_a_day_is_picked_and_the_words_follow(ada: Person) -> None:
    ada.add("Buy milk")
    begin_to_edit(ada, "Buy milk")
    ada.page.get_by_label("Pick a day").fill("2031-03-05")
    expect(ada.page.get_by_label("Due", exact=True)).to_have_value("2031-03-05")
    save(ada)
    ada.sent()
    assert ada.stored("due_date") == [("2031-03-05",)]


def test_a_day_that_is_picked_keeps_the_time(ada: Person) -> None:
    ada.add("Dentist 2031-03-05 14:30")
    begin_to_edit(ada, "Dentist")
    ada.page.get_by_label("Pick a day").fill("2031-03-06")
    save(ada)
    ada.sent()
    assert ada.stored("due_date") == [("2031-03-06T14:30",)]


def test_words_that_are_not_understood_say_so_and_are_not_saved(ada: Person) -> None:
    ada.add("Buy milk")
    begin_to_edit(ada, "Buy milk")
    due = ada.page.get_by_label("Due", exact=True)
    due.fill("someday soon")
    expect(due).to_have_attribute("aria-invalid", "true")
    expect(due).to_have_accessible_description(re.compile("Not understood"))
    ada.press("Enter")
    expect(ada.page.get_by_role("form", name="Edit task")).to_be_visible()
    expect(due).to_be_focused()
    due.fill("in 3 days")
    expect(due).to_have_attribute("aria-invalid", "false")
    ada.press("Enter")
    expect(ada.page.get_by_role("form", name="Edit task")).to_have_count(0)
    ada.sent()
    assert ada.stored("due_date") == [(f"{today() + timedelta(3)}",)]


def test_addresses_in_notes_are_links_and_nothing_else_is_markup(ada: Person) -> None:
    ada.add("Read")
    begin_to_edit(ada, "Read")
    ada.page.get_by_label("Notes").fill(f"See https://example.com/a?b=c.\n{HOSTILE} javascript:alert(1)")
    ada.page.get_by_label("Title").fill(HOSTILE)
    ada.page.get_by_label("Tags").fill("<b>home</b>")
    save(ada)

    row = ada.row(HOSTILE)
    link = row.get_by_role("link", name="example.com")
    expect(link).to_have_attribute("href", "https://example.com/a?b=c")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(row.locator(".title")).to_have_text(HOSTILE)
    expect(row.locator(".notes")).to_contain_text(HOSTILE)
    expect(row.get_by_role("link")).to_have_count(2)
    row.get_by_role("link", name="#<b>home</b>").click()
    expect(ada.page.get_by_role("heading", name="#<b>home</b>")).to_be_visible()
    expect(ada.task(HOSTILE)).to_be_visible()
    assert ada.page.locator("img, .row b").count() == 0


def test_a_deleted_task_comes_back_by_the_notice_with_its_id_and_place(ada: Person) -> None:
    ada.add("Three", "Two", "One")
    ada.sent()
    before = ada.stored("id", "title", "position")
    ada.row("Two").get_by_role("button", name="Delete").click()
    expect(ada.page.get_by_role("status").filter(has_text="Deleted “Two”")).to_be_visible()
    ada.sent()
    assert ada.stored("title") == [("One",), ("Three",)]

    ada.page.get_by_role("button", name="Undo").click()
    expect(ada.page.locator(".row .title")).to_have_text(["One", "Two", "Three"])
    ada.sent()
    ada.page.reload()
    expect(ada.page.locator(".row .title")).to_have_text(["One", "Two", "Three"])
    assert ada.stored("id", "title", "position") == before


def test_everything_is_undone_one_after_another_also_before_it_is_sent(ada: Person) -> None:
    ada.add("Two", "One")
    ada.sent()
    before = ada.stored("id", "title", "completed", "position")
    for _ in range(2):
        ada.press("Escape g t g i j e")
        ada.page.keyboard.type("First")
        ada.press("Enter Alt+ArrowDown x d")
        expect(ada.page.locator(".row .title")).to_have_text(["Two"])
        ada.sent()
        ada.press("z z z z")
        expect(ada.page.locator(".row .title")).to_have_text(["One", "Two"])
        expect(ada.task("One")).not_to_be_checked()
        ada.sent()
        assert ada.stored("id", "title", "completed", "position") == before


def test_nothing_to_undo_is_said(ada: Person) -> None:
    ada.press("Escape z")
    expect(ada.page.get_by_role("status").filter(has_text="There is nothing to undo")).to_be_visible()


def test_a_repeating_task_that_is_completed_makes_the_next_one_and_undo_takes_both_back(ada: Person) -> None:
    ada.add("Water the ferns tomorrow every week")
    ada.sent()
    before = ada.stored("id", "completed", "due_date")
    ada.task("Water the ferns").check()
    expect(ada.task("Water the ferns")).to_have_count(2)
    ada.sent()
    due = [f"{today() + timedelta(days)}" for days in (1, 8)]
    assert sorted(ada.stored("due_date", "completed")) == [(due[0], True), (due[1], False)]

    ada.page.get_by_role("button", name="Undo").click()
    expect(ada.task("Water the ferns")).to_have_count(1)
    expect(ada.task("Water the ferns")).not_to_be_checked()
    ada.sent()
    assert ada.stored("id", "completed", "due_date") == before
