"""What one does not change stays as it is: times of other zones, tags, notes, and a form that is not saved yet."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import FilePayload, expect

from tests.support.browser import needs_chromium
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]

NEW_YORK = {"due_date": "2031-03-05T09:00", "time_zone": "America/New_York"}
"""14:00 in UTC, which is the zone of the browser."""


def today() -> str:
    return f"{datetime.now(UTC).date()}"


def tomorrow() -> str:
    return f"{datetime.now(UTC).date() + timedelta(1)}"


def made(ada: Person, title: str, **fields: Any) -> None:
    """A task that another client has made, in view."""
    ada.call("POST", "/tasks", json={"title": title, **fields})
    expect(ada.task(title)).to_be_visible()


def begin_to_edit(ada: Person, title: str) -> None:
    ada.row(title).get_by_role("button", name="Edit").click()
    expect(ada.page.get_by_label("Title")).to_be_focused()


def save(ada: Person) -> None:
    ada.page.get_by_role("button", name="Save").click()
    expect(ada.page.get_by_role("form", name="Edit task")).to_have_count(0)
    ada.sent()


@pytest.mark.parametrize("due", [NEW_YORK, {"due_date": "2031-03-05T09:00:00-05:00"}], ids=["zone", "instant"])
def test_a_task_of_another_zone_keeps_the_time_on_ones_own_clock_when_it_is_put_off(
    ada: Person, due: dict[str, str]
) -> None:
    made(ada, "Call", **due)
    ada.row("Call").get_by_role("button", name="More").click()
    ada.row("Call").get_by_role("button", name="Due tomorrow").click()
    ada.sent()
    assert ada.stored("due_date", "time_zone") == [(f"{tomorrow()}T14:00", "UTC")]


def test_a_day_that_is_picked_for_a_task_of_another_zone_keeps_the_time_on_ones_own_clock(ada: Person) -> None:
    made(ada, "Call", **NEW_YORK)
    begin_to_edit(ada, "Call")
    expect(ada.page.get_by_label("Due", exact=True)).to_have_value("2031-03-05 14:00")
    ada.page.get_by_label("Pick a day").fill("2031-07-06")
    expect(ada.page.locator("#due-hint")).to_contain_text("2:00")
    save(ada)
    assert ada.stored("due_date", "time_zone") == [("2031-07-06T14:00", "UTC")]


def test_a_task_of_another_zone_stays_in_it_when_only_its_rule_is_changed(ada: Person) -> None:
    made(ada, "Call", **NEW_YORK)
    begin_to_edit(ada, "Call")
    ada.page.get_by_label("Repeat").select_option("weekly")
    save(ada)
    assert ada.stored("due_date", "time_zone", "recurrence") == [(*NEW_YORK.values(), "weekly")]


def test_a_picked_day_that_is_cleared_leaves_no_date(ada: Person) -> None:
    made(ada, "Call", **NEW_YORK)
    begin_to_edit(ada, "Call")
    ada.page.get_by_label("Pick a day").fill("")
    save(ada)
    assert ada.stored("due_date") == [(None,)]


def test_a_repetition_in_words_is_the_one_that_counts(ada: Person) -> None:
    made(ada, "Call", due_date="2031-03-05", recurrence="weekly")
    begin_to_edit(ada, "Call")
    ada.page.get_by_label("Due", exact=True).fill("every 2 months")
    expect(ada.page.locator("#due-hint")).to_contain_text("Every 2 months")
    save(ada)
    assert ada.stored("recurrence") == [("FREQ=MONTHLY;INTERVAL=2",)]


def test_a_new_title_changes_nothing_else(ada: Person) -> None:
    fields = {
        "description": "  kept\n",
        "tags": ["one, two", "#three"],
        "recurrence_from": "due",
        "recurrence": "daily",
    }
    made(ada, "Call", due_date="2031-03-05T09:00:30", **fields)
    begin_to_edit(ada, "Call")
    ada.page.get_by_label("Title").fill("Phone")
    with ada.page.expect_request(lambda request: request.method == "PUT") as sent:
        save(ada)
    assert sent.value.post_data_json == {"title": "Phone"}


def test_several_tasks_keep_their_times_when_they_are_put_off(ada: Person) -> None:
    made(ada, "Call", **NEW_YORK)
    made(ada, "Milk")
    ada.press("Escape j s j s")
    ada.page.get_by_role("button", name="Tomorrow").click()
    ada.sent()
    assert ada.stored("title", "due_date", "time_zone") == [
        ("Milk", tomorrow(), None),
        ("Call", f"{tomorrow()}T14:00", "UTC"),
    ]


def test_a_tag_is_added_to_those_of_several_tasks_that_can_have_it(ada: Person) -> None:
    full = [f"tag {number}" for number in range(20)]
    made(ada, "Full", tags=full)
    made(ada, "Has it", tags=["HOME"])
    made(ada, "Has none")
    ada.press("Escape j s j s j s")
    ada.page.get_by_label("Add a tag").fill("home")
    ada.page.get_by_label("Add a tag").press("Enter")
    ada.sent()
    assert ada.stored("title", "tags") == [("Has none", ["home"]), ("Has it", ["HOME"]), ("Full", full)]


def test_keys_leave_chosen_tasks_of_the_trash_alone(ada: Person) -> None:
    made(ada, "Milk")
    ada.delete("Milk")
    ada.open("Trash")
    ada.page.get_by_text("Milk", exact=True).click(modifiers=["Control"])
    ada.press("x d")
    ada.sent()
    expect(ada.page.get_by_role("alert")).to_be_empty()


def test_a_form_is_not_lost_when_its_task_leaves_the_view(ada: Person) -> None:
    made(ada, "Call")
    [(task,)] = ada.stored("id")
    begin_to_edit(ada, "Call")
    ada.page.get_by_label("Notes").fill("Long thoughts")
    ada.call("PATCH", f"/tasks/{task}/complete", json={"completed": True})
    expect(ada.page.locator("nav a", has_text="Inbox").locator(".count")).to_have_count(0)
    expect(ada.page.get_by_label("Notes")).to_have_value("Long thoughts")
    save(ada)
    assert ada.stored("description", "completed") == [("Long thoughts", True)]


def test_a_form_is_not_lost_when_another_view_is_looked_at(ada: Person) -> None:
    made(ada, "Call", due_date="2031-03-05")
    begin_to_edit(ada, "Call")
    ada.page.get_by_label("Notes").fill("Long thoughts")
    ada.page.get_by_label("Due", exact=True).fill("2031-04-06")
    ada.open("Upcoming")
    ada.open("Inbox")
    begin_to_edit(ada, "Call")
    expect(ada.page.get_by_label("Notes")).to_have_value("Long thoughts")
    save(ada)
    assert ada.stored("description", "due_date") == [("Long thoughts", "2031-04-06")]
    begin_to_edit(ada, "Call")
    ada.page.get_by_label("Notes").fill("Nonsense")
    ada.press("Escape")
    begin_to_edit(ada, "Call")
    expect(ada.page.get_by_label("Notes")).to_have_value("Long thoughts")


def test_a_form_is_not_lost_when_one_scrolls_away_and_back(ada: Person) -> None:
    for _ in range(4):
        ada.call("POST", "/tasks/batch", json={"operations": [{"op": "create", "task": {"title": "Fill"}}] * 100})
    made(ada, "Call")
    begin_to_edit(ada, "Call")
    ada.page.get_by_label("Notes").fill("Long thoughts")
    ada.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(ada.task("Call")).to_have_count(0)
    ada.page.evaluate("scrollTo(0, 0)")
    expect(ada.page.get_by_label("Notes")).to_have_value("Long thoughts")


def test_tasks_of_a_file_that_says_little_of_them_are_shown(ada: Person) -> None:
    ada.page.goto(f"{ada.url}/#/account")
    task = {"id": "0198c2f0-0000-7000-8000-000000000001", "title": "Milk"}
    file: FilePayload = {"name": "tasks.json", "mimeType": "application/json", "buffer": json.dumps([task]).encode()}
    ada.page.get_by_label("Import").set_input_files(file)
    ada.page.get_by_role("button", name="Import 1").click()
    ada.open("Inbox")
    expect(ada.task("Milk")).to_be_visible()


@pytest.mark.parametrize("route", ["constructor", "tag", "tag/", "nothing/%", "tag/%E0%A4"])
def test_an_address_that_names_no_view_shows_one(ada: Person, route: str) -> None:
    made(ada, "Milk")
    ada.page.goto(f"{ada.url}/#/{route}")
    expect(ada.page.get_by_role("heading", level=2).first).to_be_visible()
    title = "#%E0%A4" if route.startswith("tag/%") else "Inbox"
    expect(ada.page).to_have_title(f"{title} – Todo")


def test_a_key_that_is_held_deletes_one_task(ada: Person) -> None:
    ada.add("Three", "Two", "One")
    ada.press("Escape j")
    for _ in range(3):
        ada.page.keyboard.down("d")
    expect(ada.page.locator(".row .title")).to_have_text(["Two", "Three"])
    ada.sent()
    assert ada.stored("title") == [("Two",), ("Three",)]


def test_a_time_of_a_zone_that_the_browser_does_not_know_is_read_as_it_stands(ada: Person) -> None:
    found = ada.page.evaluate(
        """async () => {
          const { due } = await import(document.querySelector("script[type=module]").src.replace("main.js", "dates.js"))
          return due({ due_date: "2031-03-05T09:00", time_zone: "Mars/Olympus" })
        }"""
    )
    assert (found["day"], found["time"]) == ("2031-03-05", "09:00")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=MONTHLY;BYDAY=1MO", "Every month on the 1st Monday"),
        ("FREQ=MONTHLY;BYDAY=-1FR;COUNT=1", "Every month on the last Friday once"),
    ],
)
def test_a_weekday_of_a_month_is_said_in_words(ada: Person, rule: str, words: str) -> None:
    made(ada, "Call", due_date="2031-03-05", recurrence=rule)
    expect(ada.row("Call")).to_contain_text(words)
