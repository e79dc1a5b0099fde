"""Quick add: what the page says that it understood, and what the server then has."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import needs_chromium
from tests.support.processes import Server
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]

TODAY = datetime.now(UTC).date()


def in_days(days: int) -> str:
    return (TODAY + timedelta(days)).isoformat()


def next_weekday(number: int) -> str:
    """The next day of a week, Monday as 0, from tomorrow on."""
    return in_days((number - TODAY.weekday() - 1) % 7 + 1)


LINES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "Buy milk": ([], {}),
    "Call Bob tomorrow": (["Tomorrow"], {"due_date": in_days(1)}),
    "Pay rent tomorrow 9am #home !high every month": (
        ["Tomorrow, 9:00 AM", "↻ Monthly", "! high", "#home"],
        {"due_date": f"{in_days(1)}T09:00", "recurrence": "monthly", "priority": "high", "tags": ["home"]},
    ),
    "Dentist 2031-03-05 14:30 #health #body": (
        ["Mar 5, 2031, 2:30 PM", "#health", "#body"],
        {"due_date": "2031-03-05T14:30", "tags": ["health", "body"]},
    ),
    "Stand-up every weekday 9:15": (["↻ Every week on weekdays"], {"recurrence": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"}),
    "Water the ferns every 3 days": (["↻ Every 3 days"], {"recurrence": "FREQ=DAILY;INTERVAL=3"}),
    "Gym friday": ([], {"due_date": next_weekday(4)}),
}
"""Lines, chips that the preview shows of them, and fields of the task that is stored."""


def test_the_preview_says_what_the_server_then_has(browser: Browser, server: Server) -> None:
    with browser.new_context(locale="en-US", timezone_id="UTC") as context:
        ada = Person(context.new_page(), server).sign_up()
        for line, (chips, fields) in LINES.items():
            ada.new.fill(line)
            preview = ada.page.locator("#preview")
            understood = ada.call("POST", "/tasks/quick?dry_run=true", json={"text": line, "time_zone": "UTC"})
            expect(preview.locator("b")).to_have_text(understood["title"])
            shown = [" ".join(chip.split()) for chip in preview.locator(".chip").all_inner_texts()]
            assert [chip for chip in chips if not any(chip in each for each in shown)] == [], (line, shown)
            ada.new.press("Enter")
            expect(ada.new).to_have_value("")
            ada.sent()
            stored = next(task for task in ada.call("GET", "/tasks") if task["title"] == understood["title"])
            names = ("title", "due_date", "time_zone", "priority", "tags", "recurrence", "recurrence_from")
            assert {name: stored[name] for name in names} == {name: understood[name] for name in names}
            assert {name: stored[name] for name in fields} == fields
            row = ada.row(understood["title"])
            if "due_date" in fields:
                expect(row.locator("time").first).to_have_text(shown[0])
            for tag in stored["tags"]:
                expect(row.get_by_role("link", name=f"#{tag}")).to_be_visible()
        assert ada.complaints == []


@pytest.mark.parametrize(("line", "why"), [("a" * 256, "longer than 255"), ("e" + "\u0301" * 80, "combining marks")])
def test_a_line_that_makes_no_task_says_why_and_stays(ada: Person, line: str, why: str) -> None:
    ada.new.fill(line)
    expect(ada.page.locator("#preview")).to_contain_text(why)
    ada.new.press("Enter")
    expect(ada.new).to_have_value(line)
    assert ada.stored("title") == []


def test_a_task_of_a_view_has_what_the_view_is_about(ada: Person) -> None:
    ada.open("Today")
    ada.add("Water the ferns")
    expect(ada.task("Water the ferns")).to_be_visible()
    ada.page.goto(f"{ada.url}/#/tag/home")
    ada.add("Buy milk")
    expect(ada.task("Buy milk")).to_be_visible()
    ada.sent()
    found = {title: (due, tags) for title, due, tags in ada.stored("title", "due_date", "tags")}
    assert found["Water the ferns"][0]
    assert found["Buy milk"] == (None, ["home"])
