"""Without a network, and with one that breaks: nothing is lost, and nothing is done twice."""

import signal
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support.browser import needs_chromium
from tests.support.processes import Server
from tests.web.network import Network, lost, unreachable
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]


def worker_is_ready(person: Person) -> None:
    """Wait until the page is kept for a visit without a network."""
    person.page.evaluate("navigator.serviceWorker.ready")


def test_all_that_is_done_offline_survives_a_reload_and_is_sent_in_order(ada: Person, context: BrowserContext) -> None:
    ada.add("Bread", "Milk", "Eggs")
    ada.sent()
    worker_is_ready(ada)
    network = Network(context)
    context.set_offline(True)
    expect(ada.page.locator(".status")).to_have_text("Offline")

    ada.add("Butter")
    ada.task("Bread").check()
    ada.rename("Milk", "Oat milk")
    ada.delete("Eggs")
    expect(ada.page.locator(".status")).to_have_text("Offline: 4 changes wait")
    ada.page.reload()
    expect(ada.page.locator(".row .title")).to_have_text(["Butter", "Oat milk"])
    ada.add("Jam")
    expect(ada.page.locator(".status")).to_have_text("Offline: 5 changes wait")
    network.writes.clear()
    context.set_offline(False)

    ada.sent()
    assert ada.stored("title", "completed") == [("Jam", False), ("Butter", False), ("Oat milk", False), ("Bread", True)]
    assert [method for method, _ in network.writes] == ["POST", "PATCH", "PUT", "DELETE", "POST"]


def test_what_is_imported_when_it_is_shown_is_here_too(ada: Person, context: BrowserContext) -> None:
    ada.add("Milk")
    ada.sent()
    worker_is_ready(ada)
    context.set_offline(True)
    ada.page.reload()

    ada.page.get_by_role("link", name="Review").click()
    expect(ada.page.get_by_role("img").first).to_be_visible()
    ada.page.goto(f"{ada.url}/#/account")
    expect(ada.page.get_by_role("heading", name="Export and import")).to_be_visible()
    context.set_offline(False)


@pytest.mark.parametrize("times", [1, 3])
def test_a_change_whose_answers_are_lost_is_made_once(ada: Person, times: int) -> None:
    network = Network(ada.page)
    network.will(*[lost] * times)

    ada.add("Milk", "Bread")

    ada.sent()
    assert ada.stored("title") == [("Bread",), ("Milk",)]
    expect(ada.page.locator(".row .title")).to_have_text(["Bread", "Milk"])
    assert len(network.writes) == 2 + times
    assert len({key for _, key in network.writes}) == 2


def test_an_edit_whose_answer_is_lost_is_no_conflict_with_itself(ada: Person) -> None:
    ada.add("Milk")
    ada.sent()
    network = Network(ada.page)
    network.will(lost)

    ada.rename("Milk", "Oat milk")
    ada.rename("Oat milk", "Soy milk")

    ada.sent()
    assert ada.stored("title") == [("Soy milk",)]
    expect(ada.page.locator(".conflict")).to_have_count(0)


def test_a_window_that_is_closed_at_once_loses_nothing(ada: Person, context: BrowserContext) -> None:
    network = Network(context)
    network.hold()
    ada.add("Milk")
    ada.page.close()
    network.held = None

    again = ada.another_window(context)
    again.page.goto(again.url)

    expect(again.task("Milk")).to_be_visible()
    again.sent()
    assert again.stored("title") == [("Milk",)]


def test_fifty_tasks_written_offline_arrive_in_their_order(ada: Person, context: BrowserContext) -> None:
    titles = [f"task {number}" for number in range(50)]
    context.set_offline(True)
    ada.add(*titles)
    expect(ada.page.locator(".status")).to_have_text("Offline: 50 changes wait")

    context.set_offline(False)

    ada.sent()
    assert ada.stored("title") == [(title,) for title in reversed(titles)]


def test_the_server_may_be_away_and_come_back(context: BrowserContext, tmp_path: Path, database_url: str) -> None:
    server = Server(tmp_path, database_url=database_url).ready()
    ada = Person(context.new_page(), server).sign_up()
    ada.add("Milk")
    ada.sent()
    server.stop(signal.SIGKILL)

    ada.add("Bread")

    expect(ada.page.locator(".status")).to_have_text("Offline: 1 change waits")
    ada.server = Server(tmp_path, port=server.port, database_url=database_url).ready()
    ada.sent()
    expect(ada.page.locator(".status")).to_be_empty()
    assert ada.stored("title") == [("Bread",), ("Milk",)]
    ada.server.stop()


def test_a_task_written_before_the_stored_ones_are_read_is_kept(ada: Person, context: BrowserContext) -> None:
    ada.sent()
    network = Network(context)
    network.will(*[unreachable] * 20)
    ada.page.add_init_script(SLOW_DATABASE)
    ada.page.goto(f"{ada.url}/?")

    ada.add("Milk")
    expect(ada.task("Milk")).to_be_visible()
    ada.page.wait_for_function("() => window.databaseIsOpen")
    ada.page.close()
    network.plan.clear()

    again = ada.another_window(context)
    again.page.goto(again.url)
    again.sent()
    assert again.stored("title") == [("Milk",)]


SLOW_DATABASE = """
const open = indexedDB.open.bind(indexedDB)
let first = true
indexedDB.open = (...given) => {
  const request = open(...given)
  if (!first) return request
  first = false
  const slow = { get result() { return request.result }, set onupgradeneeded(run) { request.onupgradeneeded = run } }
  const opened = () => {
    slow.onsuccess()
    setTimeout(() => (window.databaseIsOpen = true), 500)
  }
  request.onsuccess = () => setTimeout(opened, 1500)
  return slow
}
"""
"""Opening the database takes long."""
