"""Two devices change the same task: nothing that somebody wrote is lost."""

import pytest
from playwright.sync_api import Locator, expect

from tests.support.browser import needs_chromium
from tests.web.network import Network, answered, unreachable
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture
def network(ada: Person) -> Network:
    """Ada has one task, Milk; from now on her window's writes can be held."""
    ada.add("Milk")
    ada.sent()
    return Network(ada.page)


def elsewhere(person: Person, **fields: str) -> None:
    """Another device changes the only task."""
    [(task,)] = person.stored("id")
    person.call("PUT", f"/tasks/{task}", json=fields)


def both_change_the_title(ada: Person, network: Network) -> Locator:
    network.hold()
    ada.rename("Milk", "Oat milk")
    elsewhere(ada, title="Soy milk")
    network.release()
    question = ada.page.get_by_role("region", name="“Soy milk” was changed elsewhere too")
    expect(question).to_be_visible()
    expect(ada.page.locator("[aria-live=polite]").filter(has=question)).to_have_count(1)
    return question


def test_changes_of_different_fields_are_both_kept(ada: Person, network: Network) -> None:
    network.hold()
    ada.rename("Milk", "Oat milk")
    elsewhere(ada, priority="high")
    network.release()

    ada.sent()
    assert ada.stored("title", "priority") == [("Oat milk", "high")]
    expect(ada.row("Oat milk")).to_contain_text("high")


def test_a_task_that_was_changed_elsewhere_is_still_completed(ada: Person, network: Network) -> None:
    network.hold()
    ada.task("Milk").check()
    elsewhere(ada, title="Soy milk")
    network.release()

    ada.sent()
    assert ada.stored("title", "completed") == [("Soy milk", True)]


@pytest.mark.parametrize(
    ("choice", "title", "notes"),
    [
        ("Keep yours", "Oat milk", None),
        ("Keep the other", "Soy milk", None),
        ("Keep both texts", "Oat milk", "Soy milk"),
    ],
)
def test_of_two_texts_the_person_chooses(
    ada: Person, network: Network, choice: str, title: str, notes: str | None
) -> None:
    question = both_change_the_title(ada, network)
    expect(question).to_contain_text("Oat milk")
    ada.page.reload()

    question.get_by_role("button", name=choice).click()

    expect(question).to_have_count(0)
    ada.sent()
    assert ada.stored("title", "description") == [(title, notes)]
    expect(ada.task(title)).to_be_visible()


def test_while_a_choice_waits_other_tasks_are_sent(ada: Person, network: Network) -> None:
    question = both_change_the_title(ada, network)

    ada.add("Bread")
    ada.rename("Bread", "Rye bread")
    expect(ada.row("Rye bread")).to_be_visible()

    expect(question).to_be_visible()
    expect(ada.page.locator(".status")).to_be_empty()
    question.get_by_role("button", name="Keep the other").click()
    ada.sent()
    assert ada.stored("title") == [("Rye bread",), ("Soy milk",)]


def test_what_was_written_after_a_conflict_is_sent_after_it(ada: Person, network: Network) -> None:
    network.hold()
    ada.rename("Milk", "Oat milk")
    ada.rename("Oat milk", "Almond milk")
    elsewhere(ada, title="Soy milk")
    network.release()

    ada.page.get_by_role("button", name="Keep yours").click()

    ada.sent()
    assert ada.stored("title") == [("Almond milk",)]


def test_a_task_that_was_deleted_elsewhere_too_is_deleted(ada: Person, network: Network) -> None:
    network.hold()
    ada.delete("Milk")
    [(task,)] = ada.stored("id")
    ada.call("DELETE", f"/tasks/{task}")
    network.release()

    ada.sent()
    expect(ada.page.get_by_role("alert")).to_be_empty()
    assert ada.stored("title") == []


def test_an_edit_of_a_task_that_is_gone_says_so_and_keeps_its_text(ada: Person, network: Network) -> None:
    network.hold()
    ada.rename("Milk", "Oat milk")
    [(task,)] = ada.stored("id")
    ada.call("DELETE", f"/tasks/{task}")
    network.release()

    expect(ada.page.get_by_role("alert")).to_contain_text("Not saved: Changed “Milk”.")
    ada.page.get_by_role("button", name="Try again").click()
    expect(ada.page.get_by_text("Your text was: Oat milk")).to_be_visible()


@pytest.mark.usefixtures("network")
def test_tasks_that_a_restored_server_has_no_more_disappear(ada: Person) -> None:
    ada.page.route("**/changes/stream?*", unreachable)
    ada.page.reload()
    expect(ada.task("Milk")).to_be_visible()
    expect(ada.page.locator(".status")).to_have_text("Offline")
    [(task,)] = ada.stored("id")
    ada.call("DELETE", f"/tasks/{task}?permanent=true")
    ada.call("POST", "/tasks", json={"title": "Bread"})
    ada.page.unroute("**/changes/stream?*")

    ada.page.route("**/changes/stream?*", answered(410, "Read the list."), times=1)

    expect(ada.page.locator(".row .title")).to_have_text(["Bread"])
    expect(ada.page.locator(".status")).to_be_empty()
    ada.page.reload()
    expect(ada.page.locator(".row .title")).to_have_text(["Bread"])


@pytest.mark.usefixtures("network")
def test_a_stream_that_is_silent_for_long_is_replaced(ada: Person) -> None:
    ada.page.clock.install()
    ada.page.route("**/changes/stream?*", lambda _: None, times=1)  # no answer, and no end
    with ada.page.expect_request("**/changes/stream?*"):
        ada.page.reload()
    ada.call("POST", "/tasks", json={"title": "Bread"})
    ada.page.clock.fast_forward(40_000)
    expect(ada.task("Bread")).to_have_count(0)

    ada.page.clock.fast_forward(10_000)

    expect(ada.task("Bread")).to_be_visible()
