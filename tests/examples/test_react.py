"""What the React example does, in a browser, and what the API has stored then."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.conftest import PASSWORD
from tests.examples.conftest import Visitor
from tests.support.browser import needs_chromium
from tests.support.npm import needs_npm

pytestmark = [needs_chromium, needs_npm, pytest.mark.slow]


def once(page: Page, method: str, url: str, handle: Callable[[Route], None]) -> None:
    """Let `handle` answer the next request of this method."""
    done: list[Route] = []

    def first(route: Route) -> None:
        if done or route.request.method != method:
            return route.fallback()
        done.append(route)
        return handle(route)

    page.route(url, first)


def with_a_bad_token(route: Route) -> None:
    route.continue_(headers={**route.request.headers, "authorization": "Bearer expired"})


def test_a_task_is_added_with_all_that_was_typed(ada: Visitor) -> None:
    ada.new.get_by_label("Title").fill("Water the ferns")
    ada.new.get_by_label("Description").fill("The ones in the hall too")
    ada.new.get_by_label("Due date").fill("2027-03-01")
    ada.new.get_by_label("Priority").select_option("High")
    ada.new.get_by_role("button", name="Add task").click()

    item = ada.page.get_by_role("listitem").filter(has=ada.task("Water the ferns"))
    for text in ("high", "due 2027-03-01", "The ones in the hall too"):
        expect(item).to_contain_text(text)
    expect(ada.new.get_by_label("Title")).to_be_focused()
    expect(ada.new.get_by_label("Title")).to_have_value("")
    fields = ("title", "description", "due_date", "priority", "completed")
    assert ada.stored(*fields) == [("Water the ferns", "The ones in the hall too", "2027-03-01", "high", False)]
    assert ada.refused == []


def test_a_task_is_completed_and_taken_up_again(ada: Visitor) -> None:
    ada.add("Water the ferns")

    ada.task("Water the ferns").click()
    expect(ada.task("Water the ferns")).to_be_checked()
    assert ada.stored("completed") == [(True,)]

    ada.task("Water the ferns").click()
    expect(ada.task("Water the ferns")).not_to_be_checked()
    assert ada.stored("completed") == [(False,)]


def test_the_list_shows_what_is_to_do_or_what_is_done(ada: Visitor) -> None:
    ada.add("Water the ferns")
    ada.add("Call the plumber")
    ada.task("Water the ferns").click()
    expect(ada.task("Water the ferns")).to_be_checked()

    ada.page.get_by_label("Show").select_option("to do")
    expect(ada.task("Water the ferns")).to_be_hidden()
    expect(ada.task("Call the plumber")).to_be_visible()
    ada.page.get_by_label("Show").select_option("done")
    expect(ada.task("Call the plumber")).to_be_hidden()
    expect(ada.task("Water the ferns")).to_be_visible()
    ada.task("Water the ferns").click()
    expect(ada.page.get_by_text("No such tasks.")).to_be_visible()


def test_an_edit_changes_title_priority_and_due_date(ada: Visitor) -> None:
    ada.add("Water the ferns")

    ada.press("Edit Water the ferns")
    expect(ada.edit.get_by_label("Title")).to_be_focused()
    ada.edit.get_by_label("Title").fill("Water all ferns")
    ada.edit.get_by_label("Due date").fill("2027-03-02")
    ada.edit.get_by_label("Priority").select_option("Urgent")
    ada.press("Save")
    expect(ada.page.get_by_role("button", name="Edit Water all ferns")).to_be_focused()
    assert ada.stored("title", "due_date", "priority") == [("Water all ferns", "2027-03-02", "urgent")]

    ada.press("Edit Water all ferns")
    ada.edit.get_by_label("Due date").fill("")
    ada.edit.get_by_label("Priority").select_option("None")
    ada.press("Save")
    expect(ada.edit).to_be_hidden()
    assert ada.stored("title", "due_date", "priority") == [("Water all ferns", None, None)]


def test_an_edit_keeps_what_was_not_changed(ada: Visitor) -> None:
    """A time of day too, which the field of the form cannot show."""
    ada.call("POST", json={"title": "Call", "due_date": "2027-03-01T09:00", "tags": ["home"], "priority": "low"})
    ada.page.reload()

    ada.press("Edit Call")
    ada.edit.get_by_label("Title").fill("Call the plumber")
    ada.press("Save")
    expect(ada.page.get_by_text("due 2027-03-01 09:00")).to_be_visible()
    ada.press("Edit Call the plumber")
    ada.press("Save")  # nothing was changed: nothing is sent
    expect(ada.edit).to_be_hidden()

    fields = ("title", "due_date", "tags", "priority", "revision")
    assert ada.stored(*fields) == [("Call the plumber", "2027-03-01T09:00", ["home"], "low", 2)]
    assert ada.refused == []


def test_an_edit_of_a_task_that_was_changed_elsewhere_says_so_and_loses_neither(ada: Visitor) -> None:
    ada.add("Water the ferns")
    ada.press("Edit Water the ferns")
    [(task_id,)] = ada.stored("id")
    ada.call("PUT", f"/{task_id}", json={"priority": "high"})

    ada.edit.get_by_label("Title").fill("Water all ferns")
    ada.press("Save")
    expect(ada.alert).to_contain_text("changed elsewhere")
    assert ada.refused == ["412 PUT /api/tasks/{id}"]
    assert ada.stored("title", "priority") == [("Water the ferns", "high")]

    ada.press("Save")
    expect(ada.task("Water all ferns")).to_be_visible()
    expect(ada.alert).to_be_hidden()
    assert ada.stored("title", "priority") == [("Water all ferns", "high")]


def test_a_deleted_task_comes_back_by_undo(ada: Visitor) -> None:
    ada.add("Water the ferns")

    ada.press("Delete Water the ferns")
    expect(ada.task("Water the ferns")).to_be_hidden()
    assert ada.stored("title") == []
    expect(ada.page.get_by_role("button", name="Undo")).to_be_focused()

    ada.page.keyboard.press("Enter")
    expect(ada.task("Water the ferns")).to_be_visible()
    assert ada.stored("title") == [("Water the ferns",)]


def test_the_session_survives_a_reload_and_ends_by_signing_out(ada: Visitor) -> None:
    ada.add("Water the ferns")

    ada.page.reload()
    expect(ada.task("Water the ferns")).to_be_visible()
    assert ada.page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]

    ada.press("Sign out")
    expect(ada.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert ada.page.context.cookies() == []
    ada.page.reload()
    ada.sign_in()
    expect(ada.task("Water the ferns")).to_be_visible()
    assert ada.refused == ["401 POST /api/auth/refresh"]


def test_a_refused_sign_in_or_sign_up_says_why(ada: Visitor) -> None:
    ada.press("Sign out")
    ada.sign_in("a wrong password")
    expect(ada.alert).to_have_text("E-mail or password is wrong.")

    ada.press("I am new here")
    ada.page.get_by_label("Password").fill("password1")
    ada.press("Create account")
    expect(ada.alert).to_contain_text("password: is one of the most common passwords")
    ada.page.get_by_label("Password").fill(PASSWORD)
    ada.press("Create account")
    expect(ada.alert).to_contain_text("e-mail")
    assert ada.refused == ["401 POST /api/auth/signin", "422 POST /api/auth/signup", "409 POST /api/auth/signup"]


def test_a_refused_task_says_why_and_keeps_what_was_typed(ada: Visitor) -> None:
    ada.new.get_by_label("Title").fill("   ")
    ada.new.get_by_label("Description").fill("The ones in the hall too")
    ada.press("Add task")

    expect(ada.alert).to_contain_text("title: ")
    expect(ada.new.get_by_label("Description")).to_have_value("The ones in the hall too")
    ada.add("Water the ferns")
    expect(ada.alert).to_be_hidden()
    assert ada.refused == ["422 POST /api/tasks"]


def test_an_expired_access_token_is_replaced_unnoticed(ada: Visitor) -> None:
    once(ada.page, "POST", "**/tasks", with_a_bad_token)

    ada.add("Water the ferns")

    assert ada.stored("title") == [("Water the ferns",)]
    assert ada.refused == ["401 POST /api/tasks"]


def test_a_session_that_has_ended_asks_to_sign_in_again(ada: Visitor) -> None:
    ada.page.context.clear_cookies()
    once(ada.page, "POST", "**/tasks", with_a_bad_token)

    ada.new.get_by_label("Title").fill("Water the ferns")
    ada.press("Add task")

    expect(ada.alert).to_have_text("Your session has ended. Please sign in again.")
    ada.sign_in()
    expect(ada.page.get_by_text("No tasks yet.")).to_be_visible()
    expect(ada.alert).to_be_hidden()


def test_pressing_again_after_a_lost_answer_adds_one_task(ada: Visitor) -> None:
    def lose(route: Route) -> None:
        assert route.fetch().status == 201
        route.abort()

    once(ada.page, "POST", "**/tasks", lose)
    ada.new.get_by_label("Title").fill("Water the ferns")
    ada.press("Add task")
    expect(ada.alert).to_contain_text("does not answer")

    ada.press("Add task")
    expect(ada.alert).to_be_hidden()
    assert ada.stored("title") == [("Water the ferns",)]


def test_a_server_that_does_not_answer_can_be_asked_again(ada: Visitor) -> None:
    ada.add("Water the ferns")
    once(ada.page, "GET", "**/tasks?*", lambda route: route.abort())

    ada.page.reload()
    expect(ada.alert).to_contain_text("does not answer")
    ada.press("Try again")
    expect(ada.task("Water the ferns")).to_be_visible()

    once(ada.page, "POST", "**/api/auth/refresh", lambda route: route.abort())
    ada.page.reload()
    expect(ada.alert).to_contain_text("does not answer")
    ada.press("Try again")
    expect(ada.task("Water the ferns")).to_be_visible()
    expect(ada.alert).to_be_hidden()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [1000, 320])
def test_everything_fits_the_window(ada: Visitor, tmp_path: Path, width: int, colours: Any) -> None:
    ada.page.emulate_media(color_scheme=colours)
    ada.page.set_viewport_size({"width": width, "height": 900})
    ada.call("POST", json={"title": "W" * 255, "description": "D" * 500, "due_date": "2027-03-01T09:00:00+01:00"})
    ada.call("POST", json={"title": "Water the ferns", "priority": "high", "due_date": "2027-03-01"})
    ada.call("POST", json={"title": "Call the plumber", "completed": True})
    ada.page.reload()
    ada.press("Edit Call the plumber")
    expect(ada.edit).to_be_visible()

    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    ada.page.screenshot(path=folder / f"react-{width}-{colours}.png", full_page=True)
    assert ada.page.evaluate("document.documentElement.scrollWidth") <= width
