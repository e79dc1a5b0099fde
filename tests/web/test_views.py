"""The views: which tasks each shows, and what is done from it, to one task or to several."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import Dialog, expect

from tests.support.browser import needs_chromium
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]


def today() -> date:
    return datetime.now(UTC).date()


def titles_are(ada: Person, *titles: str) -> None:
    expect(ada.page.locator(".row .title")).to_have_text([*titles])


def make(ada: Person, *tasks: Mapping[str, object]) -> None:
    """Create tasks past the page, which gets them over its stream; the first is the first of the Inbox."""
    ada.call("POST", "/tasks/batch", json={"operations": [{"op": "create", "task": task} for task in reversed(tasks)]})
    expect(ada.task(str(tasks[0]["title"]))).to_be_visible()


def test_today_has_what_is_overdue_apart(ada: Person) -> None:
    make(
        ada,
        {"title": "Water the ferns", "due_date": f"{today()}"},
        {"title": "Pay rent", "due_date": f"{today() - timedelta(1)}"},
        {"title": "Dentist", "due_date": f"{today() + timedelta(1)}"},
        {"title": "Buy milk"},
    )
    view = ada.page.get_by_role("navigation", name="Views")
    expect(view.get_by_role("link", name="Inbox")).to_have_text("Inbox4")
    expect(view.get_by_role("link", name="Today")).to_have_text("Today2")
    ada.open("Today")
    titles_are(ada, "Pay rent", "Water the ferns")
    expect(ada.page.get_by_role("region", name="Overdue").get_by_role("checkbox")).to_have_accessible_name("Pay rent")
    expect(ada.row("Pay rent")).to_contain_text("Overdue: Yesterday")
    ada.task("Pay rent").check()
    expect(view.get_by_role("link", name="Today")).to_have_text("Today1")


def test_upcoming_groups_by_day(ada: Person) -> None:
    tomorrow, later = today() + timedelta(1), today() + timedelta(400)
    make(
        ada,
        {"title": "Taxes", "due_date": f"{later}"},
        {"title": "Dentist", "due_date": f"{tomorrow}T14:00", "time_zone": "UTC"},
        {"title": "Pay rent", "due_date": f"{tomorrow}"},
        {"title": "Water the ferns", "due_date": f"{today()}"},
    )
    ada.open("Upcoming")
    titles_are(ada, "Pay rent", "Dentist", "Taxes")
    expect(ada.page.get_by_role("region", name="Tomorrow").get_by_role("listitem")).to_have_count(2)
    expect(ada.page.locator(".lists").get_by_role("heading", level=3)).to_have_count(2)
    expect(ada.page.locator(".lists h3").last).to_contain_text(str(later.year))


def test_a_tag_is_a_view_with_its_count(ada: Person) -> None:
    make(ada, {"title": "Water the ferns", "tags": ["home"]}, {"title": "Buy milk", "tags": ["Home", "shop"]})
    tags = ada.page.get_by_role("navigation", name="Views").get_by_role("list", name="Tags")
    expect(tags.get_by_role("listitem")).to_have_text(["#home2", "#shop1"], ignore_case=True)
    ada.row("Buy milk").get_by_role("link", name="#shop").click()
    titles_are(ada, "Buy milk")
    expect(ada.page.get_by_role("heading", name="#shop", exact=True)).to_be_visible()
    ada.page.goto(f"{ada.url}/#/tag/HOME")
    titles_are(ada, "Water the ferns", "Buy milk")


FOUND = {
    "CREME": ["Crème brûlée"],
    "brulee crème": ["Crème brûlée"],
    "#kitchen": ["Crème brûlée", "Old pan"],
    "vanilla": ["Crème brûlée"],
    "pan": ["Old pan"],
    "nothing of it": [],
}
"""What is written into the box, and the titles of what is found."""


def test_search_finds_words_of_titles_notes_and_tags_also_of_what_is_done(ada: Person) -> None:
    make(
        ada,
        {"title": "Crème brûlée", "description": "With vanilla", "tags": ["kitchen"]},
        {"title": "Old pan", "tags": ["kitchen"], "completed": True},
        {"title": "Taxes"},
    )
    search = ada.page.get_by_role("searchbox", name="Search")
    for query, titles in FOUND.items():
        search.clear()
        search.press_sequentially(query)
        expect(search).to_have_value(query)
        titles_are(ada, *titles)
        expect(ada.page.get_by_text("No task has all of these words.")).to_have_count(0 if titles else 1)
    ada.page.reload()
    expect(search).to_have_value("nothing of it")


def test_a_completed_task_stays_until_the_view_is_left_and_is_then_done(ada: Person) -> None:
    ada.add("Buy milk")
    ada.task("Buy milk").check()
    expect(ada.task("Buy milk")).to_be_checked()
    ada.open("Done")
    titles_are(ada, "Buy milk")
    ada.open("Inbox")
    titles_are(ada)
    ada.open("Done")
    ada.task("Buy milk").uncheck()
    ada.open("Inbox")
    titles_are(ada, "Buy milk")


def test_the_trash_restores_and_deletes_for_good_after_a_question(ada: Person) -> None:
    ada.add("Two", "One")
    for title in ("One", "Two"):
        ada.row(title).get_by_role("button", name="Delete").click()
    ada.open("Trash")
    titles_are(ada, "Two", "One")
    one, two = (ada.page.get_by_role("listitem").filter(has_text=title) for title in ("One", "Two"))
    two.get_by_role("button", name="Restore").click()
    titles_are(ada, "One")

    ada.page.once("dialog", lambda dialog: dialog.dismiss())
    one.get_by_role("button", name="Delete for good").click()
    titles_are(ada, "One")
    ada.page.once("dialog", accept_deletion)
    one.get_by_role("button", name="Delete for good").click()
    titles_are(ada)
    ada.sent()
    assert ada.stored("title") == [("Two",)]
    assert ada.call("GET", "/tasks?status=deleted") == []


def accept_deletion(dialog: Dialog) -> None:
    assert dialog.message == "Delete “One” for good? This cannot be undone."
    dialog.accept()


EMPTY = {
    "inbox": "Nothing to do.",
    "today": "Nothing is due today.",
    "upcoming": "Nothing is planned.",
    "done": "Nothing is done yet.",
    "trash": "The trash is empty.",
    "tag/home": "No open task has this tag.",
    "search": "Type words",
}


def test_an_empty_view_says_what_would_be_in_it(ada: Person) -> None:
    for view, text in EMPTY.items():
        ada.page.goto(f"{ada.url}/#/{view}")
        expect(ada.page.locator(".empty")).to_contain_text(text)


def test_review_shows_pictures_that_are_tables_too(ada: Person) -> None:
    ada.add("Water the ferns #home", "Buy milk #home")
    ada.task("Buy milk").check()
    ada.open("Review")
    expect(ada.page.locator("main svg").first).to_be_visible()
    tables = ada.page.locator("main table")
    assert tables.count() >= 2
    ada.page.locator("main summary").first.click()
    expect(ada.page.locator("main")).to_contain_text("#home")


@pytest.mark.parametrize("way", ["keys", "clicks", "buttons"])
def test_several_are_chosen_and_completed_at_once_and_one_undo_reopens_them(ada: Person, way: str) -> None:
    make(ada, *({"title": title} for title in ("One", "Two", "Three", "Four")))
    if way == "keys":
        ada.press("Escape j s J")
    elif way == "clicks":
        for title in ("One", "Two"):
            ada.page.get_by_text(title, exact=True).click(modifiers=["Control"])
    else:
        ada.row("One").get_by_role("button", name="More").click()
        ada.row("One").get_by_role("button", name="Select", exact=True).last.click()
        ada.row("Two").get_by_role("button", name="Select", exact=True).click()
    bar = ada.page.get_by_role("group", name="Selected tasks")
    expect(bar).to_contain_text("2 selected")
    bar.get_by_role("button", name="Complete").click()
    expect(ada.page.get_by_role("checkbox", checked=True)).to_have_count(2)
    expect(bar).to_have_count(0)
    ada.sent()
    assert {title for title, done in ada.stored("title", "completed") if done} == {"One", "Two"}

    ada.page.get_by_role("button", name="Undo").click()
    expect(ada.page.get_by_role("checkbox", checked=True)).to_have_count(0)
    ada.sent()
    assert {done for (done,) in ada.stored("completed")} == {False}


def test_several_are_given_a_day_a_tag_and_deleted_at_once(ada: Person) -> None:
    make(ada, *({"title": title, "tags": ["home"]} for title in ("One", "Two", "Three")))
    before = ada.stored("id", "title", "due_date", "tags")
    bar = ada.page.get_by_role("group", name="Selected tasks")
    ada.press("Escape j J")
    bar.get_by_role("button", name="Tomorrow").click()
    expect(ada.page.locator(".row time").filter(has_text="Tomorrow")).to_have_count(2)
    expect(bar).to_have_count(0)
    ada.press("K")
    bar.get_by_label("Add a tag").fill("#shop")
    bar.get_by_label("Add a tag").press("Enter")
    expect(ada.page.locator(".row").get_by_role("link", name="#shop")).to_have_count(2)
    bar.get_by_role("button", name="Delete").click()
    titles_are(ada, "Three")
    ada.sent()
    assert ada.stored("title") == [("Three",)]
    ada.press("z z z")
    titles_are(ada, "One", "Two", "Three")
    ada.sent()
    assert ada.stored("id", "title", "due_date", "tags") == before


def test_more_sets_the_day_the_priority_and_the_place(ada: Person) -> None:
    ada.add("Two", "One")
    row = ada.row("One")
    row.get_by_role("button", name="More").click()
    more = row.get_by_role("group", name="More")
    days = {
        "Due today": today(),
        "Due tomorrow": today() + timedelta(1),
        "Due next week": today() + timedelta(7 - today().weekday()),
    }
    for name, day in days.items():
        more.get_by_role("button", name=name).click()
        expect(row.locator(".meta time")).to_have_attribute("datetime", f"{day}")
    more.get_by_role("button", name="No due date").click()
    expect(row.locator(".meta")).to_have_count(0)
    more.get_by_label("Priority").select_option("urgent")
    expect(row.locator(".meta")).to_contain_text("urgent")
    more.get_by_role("button", name="Move down").click()
    titles_are(ada, "Two", "One")
    ada.sent()
    assert ada.stored("title", "due_date", "priority") == [("Two", None, None), ("One", None, "urgent")]


def test_a_day_given_in_more_keeps_the_time(ada: Person) -> None:
    ada.add("Dentist 2031-03-05 14:30")
    ada.row("Dentist").get_by_role("button", name="More").click()
    ada.row("Dentist").get_by_role("button", name="Due tomorrow").click()
    expect(ada.row("Dentist")).to_contain_text("Tomorrow")
    ada.sent()
    assert ada.stored("due_date") == [(f"{today() + timedelta(1)}T14:30",)]
