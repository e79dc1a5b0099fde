"""The page by keys alone."""

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.conftest import PASSWORD
from tests.support.browser import needs_chromium
from tests.support.processes import Server
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture
def ada(ada: Person) -> Person:
    """Ada with the tasks One to Five, and the focus on none of them."""
    ada.add("Five", "Four", "Three", "Two", "One")
    ada.press("Escape")
    assert ada.titles() == ["One", "Two", "Three", "Four", "Five"]
    return ada


def test_from_nothing_to_a_first_task_without_a_mouse(context: BrowserContext, server: Server) -> None:
    ada = Person(context.new_page(), server)
    write = ada.page.keyboard.type
    ada.page.goto(ada.url)
    expect(ada.page.get_by_label("Email")).to_be_focused()
    write(ada.email)
    ada.press("Tab")
    write(PASSWORD)
    ada.press("Tab Tab Enter")
    expect(ada.page.get_by_role("heading", name="Inbox")).to_be_focused()

    ada.press("n")
    expect(ada.new).to_be_focused()
    write("Water the ferns tomorrow #home")
    ada.press("Enter")
    write("Buy milk")
    ada.press("Enter Escape j x")
    expect(ada.task("Buy milk")).to_be_checked()
    ada.press("z")
    expect(ada.task("Buy milk")).not_to_be_checked()
    ada.press("Alt+ArrowDown")
    expect(ada.page.locator(".row .title")).to_have_text(["Water the ferns", "Buy milk"])
    ada.press("e")
    expect(ada.page.get_by_label("Title")).to_be_focused()
    write("Buy oat milk")
    ada.press("Enter")

    expect(ada.task("Buy oat milk")).to_be_focused()
    ada.sent()
    assert ada.stored("title", "completed", "tags") == [
        ("Water the ferns", False, ["home"]),
        ("Buy oat milk", False, []),
    ]
    assert ada.complaints == []


@pytest.mark.parametrize(
    ("keys", "completed"), [("j j x", "Two"), ("j j j k x", "Two"), ("k x", "Five"), ("j x j j x", "One Three")]
)
def test_keys_without_a_pause_complete_the_right_tasks(ada: Person, keys: str, completed: str) -> None:
    ada.press(keys)
    for title in completed.split():
        expect(ada.task(title)).to_be_checked()
    ada.sent()
    assert {title for title, done in ada.stored("title", "completed") if done} == {*completed.split()}


def test_keys_edit_delete_and_undo(ada: Person) -> None:
    ada.press("j e")
    ada.page.keyboard.type("First")
    ada.press("Enter j d")
    expect(ada.task("Two")).to_have_count(0)
    expect(ada.task("Three")).to_be_focused()
    ada.press("d")
    expect(ada.task("Three")).to_have_count(0)
    ada.press("z z")
    expect(ada.page.locator(".row .title")).to_have_text(["First", "Two", "Three", "Four", "Five"])
    ada.sent()
    assert ada.stored("title") == [("First",), ("Two",), ("Three",), ("Four",), ("Five",)]


def test_g_and_a_letter_go_to_a_view_whose_heading_has_the_focus(ada: Person) -> None:
    for letter, view in {"t": "Today", "u": "Upcoming", "d": "Done", "x": "Trash", "r": "Review", "i": "Inbox"}.items():
        ada.press(f"g {letter}")
        expect(ada.page.get_by_role("heading", name=view, exact=True, level=2)).to_be_focused()
    ada.press("g g t x")
    expect(ada.page.get_by_role("heading", name="Inbox")).to_be_visible()
    assert ada.page.get_by_role("checkbox", checked=True).count() == 0


def test_keys_are_letters_while_writing(ada: Person) -> None:
    ada.new.press_sequentially("jxd?z")
    expect(ada.new).to_have_value("jxd?z")
    expect(ada.page.get_by_role("dialog")).to_have_count(0)
    ada.press("Escape j e")
    ada.page.get_by_label("Notes").press_sequentially("gtx/")
    expect(ada.page.get_by_label("Notes")).to_have_value("gtx/")
    expect(ada.page.get_by_role("heading", name="Inbox")).to_be_visible()


def test_single_keys_are_switched_off_and_stay_off_but_others_work(ada: Person) -> None:
    ada.press("?")
    ada.page.get_by_role("checkbox", name="Single-key shortcuts").uncheck()
    ada.press("Escape")
    ada.page.reload()
    one = ada.task("One")
    one.focus()
    ada.press("j x d g t ?")
    assert ada.titles() == ["One", "Two", "Three", "Four", "Five"]
    expect(one).to_be_focused()
    expect(ada.page.get_by_role("dialog")).to_have_count(0)

    ada.press("Alt+ArrowDown")
    expect(ada.page.locator(".row .title")).to_have_text(["Two", "One", "Three", "Four", "Five"])
    ada.press("Control+k")
    expect(ada.page.get_by_role("dialog", name="Commands")).to_be_visible()


@pytest.mark.parametrize("before", ["?", "Control+k"])
def test_a_dialog_that_closes_does_not_close_the_next(ada: Person, before: str) -> None:
    """The close event of a dialog comes after Escape, and so perhaps after the next key."""
    for _ in range(10):
        ada.press(f"{before} Escape Control+k")
        expect(ada.page.get_by_role("dialog", name="Commands")).to_be_visible()
        ada.page.wait_for_timeout(50)
        expect(ada.page.get_by_role("dialog", name="Commands")).to_be_visible(timeout=1)
        ada.press("Escape")
        expect(ada.page.get_by_role("dialog")).to_have_count(0)


def test_slash_searches_and_escape_leaves_the_box(ada: Person) -> None:
    ada.press("/")
    search = ada.page.get_by_role("searchbox", name="Search")
    expect(search).to_be_focused()
    ada.page.keyboard.type("thr")
    expect(ada.page.locator(".row .title")).to_have_text(["Three"])
    ada.press("Escape")
    expect(search).not_to_be_focused()
    ada.press("j x")
    expect(ada.task("Three")).to_be_checked()


def test_escape_closes_one_thing_at_a_time(ada: Person) -> None:
    ada.press("j s m")
    expect(ada.page.get_by_role("group", name="Selected tasks")).to_be_visible()
    ada.press("?")
    keys = ada.page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(keys).to_contain_text("Complete or reopen the task")
    more = ada.page.get_by_role("group", name="More")
    ada.press("Escape")
    expect(keys).to_have_count(0)
    expect(more).to_be_visible()
    expect(ada.task("One")).to_be_focused()
    ada.press("Escape")
    expect(more).to_have_count(0)
    expect(ada.page.get_by_role("group", name="Selected tasks")).to_be_visible()
    ada.press("Escape")
    expect(ada.page.get_by_role("group", name="Selected tasks")).to_have_count(0)


def test_the_command_menu_is_used_by_arrows_and_enter(ada: Person) -> None:
    ada.press("j j Control+k")
    ada.page.keyboard.type("task")  # at once: none of it is a key of the page behind
    expect(ada.page.get_by_role("combobox", name="Command")).to_have_value("task")
    options = ada.page.get_by_role("option").all_inner_texts()
    wanted = next(index for index, text in enumerate(options) if text.startswith("Complete"))
    ada.press("ArrowUp ArrowDown " + "ArrowDown " * wanted + "Enter")
    expect(ada.task("Two")).to_be_checked()
    expect(ada.task("Two")).to_be_focused()


def test_n_writes_a_new_task_from_any_view(ada: Person) -> None:
    ada.press("g x n")
    expect(ada.new).to_be_focused()
    expect(ada.page.get_by_role("heading", name="Inbox")).to_be_visible()
