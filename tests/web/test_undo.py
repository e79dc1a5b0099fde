"""Taking back what was done: before the server knows it, after, and when it is too late."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.browser import needs_chromium
from tests.web.network import Deed, Network, answered, lost
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture
def network(ada: Person) -> Network:
    """Ada has one task, Milk; from now on her window's writes can be held."""
    ada.add("Milk")
    ada.sent()
    return Network(ada.page)


def undo(person: Person) -> None:
    person.page.get_by_role("button", name="Undo").click()


DEEDS: dict[str, Callable[[Person], None]] = {
    "edit": lambda ada: ada.rename("Milk", "Oat milk"),
    "complete": lambda ada: ada.task("Milk").check(),
    "delete": lambda ada: ada.delete("Milk"),
}


@pytest.mark.parametrize("answers", [[], [lost]], ids=["answered", "answer lost"])
@pytest.mark.parametrize("deed", DEEDS)
def test_what_was_sent_is_taken_back(ada: Person, network: Network, deed: str, answers: list[Deed]) -> None:
    network.will(*answers)
    DEEDS[deed](ada)
    if not answers:
        ada.sent()

    undo(ada)

    expect(ada.task("Milk")).to_be_visible()
    expect(ada.task("Milk")).not_to_be_checked()
    ada.sent()
    assert ada.stored("title", "completed") == [("Milk", False)]
    expect(ada.task("Milk")).to_be_visible()


def test_what_waits_is_taken_back_without_a_trace(ada: Person, network: Network) -> None:
    network.hold()
    ada.add("Bread")
    ada.task("Milk").check()

    undo(ada)

    expect(ada.task("Milk")).not_to_be_checked()
    network.release()
    ada.sent()
    assert [method for method, _ in network.writes] == ["POST"]
    assert ada.stored("title", "completed") == [("Bread", False), ("Milk", False)]


def test_what_is_under_way_is_taken_back_afterwards(ada: Person, network: Network) -> None:
    network.hold()
    ada.rename("Milk", "Oat milk")
    undo(ada)
    expect(ada.task("Milk")).to_be_visible()
    network.release()

    ada.sent()
    assert ada.stored("title") == [("Milk",)]


def test_a_merged_edit_is_taken_back(ada: Person, network: Network) -> None:
    network.hold()
    ada.rename("Milk", "Oat milk")
    [(task,)] = ada.stored("id")
    ada.call("PUT", f"/tasks/{task}", json={"priority": "high"})
    network.release()
    ada.sent()

    undo(ada)

    ada.sent()
    assert ada.stored("title", "priority") == [("Milk", "high")]


@pytest.mark.usefixtures("network")
def test_an_added_task_is_taken_back_by_a_key(ada: Person) -> None:
    ada.add("Bread")
    ada.page.keyboard.press("Escape")
    ada.page.keyboard.press("z")

    expect(ada.task("Bread")).to_have_count(0)
    ada.sent()
    assert ada.stored("title") == [("Milk",)]


@pytest.mark.usefixtures("network")
def test_more_than_a_hundred_tasks_are_taken_back_at_once(ada: Person) -> None:
    create = [{"op": "create", "task": {"title": f"task {number}"}} for number in range(119)]
    for part in (create[:60], create[60:]):
        ada.call("POST", "/tasks/batch", json={"operations": part})
    expect(ada.page.get_by_role("link", name="Inbox", exact=True)).to_contain_text("120")
    ada.page.keyboard.press("Escape")
    ada.page.keyboard.press("Control+k")
    ada.page.get_by_role("combobox", name="Command").fill("Select all")
    ada.page.keyboard.press("Enter")
    ada.page.get_by_role("group", name="Selected tasks").get_by_role("button", name="Delete").click()
    ada.sent()
    assert ada.stored("id") == []

    undo(ada)

    ada.sent()
    assert len(ada.stored("id")) == 120
    expect(ada.page.get_by_role("link", name="Inbox", exact=True)).to_contain_text("120")


@pytest.mark.usefixtures("network")
def test_an_undo_that_comes_too_late_says_why(ada: Person) -> None:
    ada.rename("Milk", "Oat milk")
    ada.sent()
    [(task,)] = ada.stored("id")
    ada.call("PUT", f"/tasks/{task}", json={"title": "Soy milk"})
    expect(ada.task("Soy milk")).to_be_visible()

    undo(ada)

    expect(ada.page.get_by_role("alert")).to_contain_text("Not saved: Undone: Changed “Milk”.")
    expect(ada.task("Soy milk")).to_be_visible()
    assert ada.stored("title") == [("Soy milk",)]


def test_an_edit_that_changed_nothing_takes_back_nothing(ada: Person, network: Network) -> None:
    network.hold()
    [(task,)] = ada.stored("id")
    ada.rename("Milk", "Oat milk")
    ada.call("PUT", f"/tasks/{task}", json={"title": "Oat milk"})
    network.release()
    ada.sent()

    undo(ada)

    expect(ada.page.get_by_text("Undone: Changed “Milk”")).to_be_visible()
    ada.sent()
    expect(ada.page.get_by_role("alert")).to_be_empty()
    assert ada.stored("title") == [("Oat milk",)]


def test_a_refused_task_leaves_nothing_to_undo_at_the_server(ada: Person, network: Network) -> None:
    network.will(answered(422, "No."))
    ada.add("Bread")
    expect(ada.page.get_by_role("alert")).to_contain_text("Not saved")

    ada.page.keyboard.press("Escape")
    ada.page.keyboard.press("z")

    expect(ada.page.get_by_text("Undone: Added “Bread”")).to_be_visible()
    assert len(network.writes) == 1
