"""Export, import and calendar feeds on the page."""

import csv
import json
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import needs_chromium
from tests.support.processes import Server
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]


def download(ada: Person, name: str) -> Path:
    ada.page.goto(f"{ada.url}/#/account")
    with ada.page.expect_download() as found:
        ada.page.get_by_role("button", name=name).click()
    file = Path(found.value.path())
    assert found.value.suggested_filename.startswith("todo-20")
    return file


def choose(ada: Person, file: Path) -> None:
    ada.page.goto(f"{ada.url}/#/account")
    ada.page.get_by_label("Import").set_input_files(file)


def written(folder: Path, *tasks: dict[str, str]) -> Path:
    file = folder / "some tasks.json"
    file.write_text(json.dumps({"format": "todo", "version": 1, "tasks": tasks}))
    return file


def test_tasks_are_exported_and_imported_by_another_user(ada: Person, browser: Browser, server: Server) -> None:
    ada.add("Old thing", "Dentist 2031-03-05 14:30 #health !high", "Water the ferns every! 3 days")
    ada.task("Old thing").check()
    ada.sent()
    table = [*csv.DictReader(download(ada, "Export as CSV").read_text("utf-8-sig").splitlines())]
    assert [row["title"] for row in table] == ["Water the ferns", "Dentist", "Old thing"]
    for name, mark in (("iCalendar", "SUMMARY:Dentist"), ("todo.txt", "Dentist"), ("Markdown", "Dentist")):
        assert mark in download(ada, f"Export as {name}").read_text()
    file = download(ada, "Export as JSON")
    assert [task["title"] for task in json.loads(file.read_text())["tasks"]] == [row["title"] for row in table]

    with browser.new_context() as context:
        bob = Person(context.new_page(), server).sign_up()
        choose(bob, file)
        expect(bob.page.get_by_text("New: 3. Here already: 0.")).to_be_visible()
        assert bob.stored("title") == []
        bob.page.get_by_role("button", name="Import 3", exact=True).click()
        expect(bob.page.get_by_text("Imported: 3. Here already: 0.")).to_be_visible()
        choose(bob, file)
        expect(bob.page.get_by_text("New: 0. Here already: 3.")).to_be_visible()
        expect(bob.page.get_by_role("group", name="What the file has").get_by_role("button")).to_have_text("Close")
        fields = ("title", "completed", "due_date", "time_zone", "priority", "tags", "recurrence", "recurrence_from")
        times = ("created_at", "completed_at")
        assert bob.stored(*fields, *times) == ada.stored(*fields, *times)
        assert bob.complaints == []


def test_an_import_is_taken_back_as_a_whole(ada: Person, tmp_path: Path) -> None:
    ada.add("Buy milk")
    ada.sent()
    choose(ada, written(tmp_path, {"title": "Call the bank"}, {"title": "Read a book"}))
    ada.page.get_by_role("button", name="Import 2", exact=True).click()
    expect(ada.page.get_by_text("Imported 2 tasks")).to_be_visible()
    ada.page.goto(f"{ada.url}/#/inbox")
    expect(ada.task("Read a book")).to_be_visible()

    ada.page.get_by_role("button", name="Undo").click()

    expect(ada.task("Read a book")).to_have_count(0)
    expect(ada.task("Call the bank")).to_have_count(0)
    ada.sent()
    assert ada.stored("title") == [("Buy milk",)]


def test_what_cannot_be_imported_is_shown_by_its_line_and_left_out_only_when_asked(ada: Person, tmp_path: Path) -> None:
    choose(ada, written(tmp_path, {"title": "Fine"}, {"title": "Wrong", "due_date": "2026-02-30"}))
    found = ada.page.get_by_role("group", name="What the file has")
    expect(found.get_by_text("Cannot be imported: 1.")).to_be_visible()
    expect(found.get_by_role("listitem")).to_contain_text("due_date")
    found.get_by_role("button", name="Cancel").click()
    assert ada.stored("title") == []

    choose(ada, tmp_path / "some tasks.json")
    found.get_by_role("button", name="Import the other 1").click()
    expect(ada.page.get_by_text("Imported: 1. Here already: 0.")).to_be_visible()
    assert ada.stored("title") == [("Fine",)]

    (tmp_path / "no tasks.bin").write_bytes(b"\x00\x01 nothing that is known")
    choose(ada, tmp_path / "no tasks.bin")
    expect(ada.page.get_by_text("not recognised")).to_be_visible()


def test_a_feed_is_made_and_revoked(ada: Person) -> None:
    ada.add("Dentist 2031-03-05 14:30")
    ada.sent()
    ada.page.goto(f"{ada.url}/#/account")
    feeds = ada.page.get_by_role("form", name="Calendar feeds")
    feeds.get_by_role("button", name="Make a feed").click()
    address = feeds.get_by_label("Address")
    expect(address).to_be_visible()
    url = address.input_value()
    assert url.startswith(f"{ada.url}/feeds/")
    assert "SUMMARY:Dentist" in httpx.get(url).text

    feeds.get_by_role("button", name="Revoke").click()
    expect(feeds.get_by_role("listitem")).to_have_count(0)
    assert httpx.get(url).status_code == 404
