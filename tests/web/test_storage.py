"""Browsers that store nothing, not all, or no longer."""

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support.browser import needs_chromium
from tests.support.processes import Server
from tests.web.network import Network
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]

NO_DATABASE = "indexedDB.open = () => { throw new DOMException('not here', 'SecurityError') }"

FULL_ONCE = """() => {
  const put = IDBObjectStore.prototype.put
  IDBObjectStore.prototype.put = function (...given) {
    if (given[0].title !== "Bread") return put.apply(this, given)
    IDBObjectStore.prototype.put = put
    this.transaction.abort()
  }
}"""

DELETE_DATABASE = """() => new Promise((done) => {
  const id = JSON.parse(localStorage.getItem("todo.user")).id
  indexedDB.deleteDatabase(`todo.tasks.${id}`).onsuccess = done
})"""


def test_the_page_works_where_nothing_can_be_stored(context: BrowserContext, server: Server) -> None:
    ada = Person(context.new_page(), server).sign_up()
    ada.page.add_init_script(NO_DATABASE)
    ada.page.reload()

    with ada.page.expect_response("**/complete?*"):
        ada.add("Milk")
        ada.task("Milk").check()
    ada.page.reload()

    ada.open("Done")
    expect(ada.task("Milk")).to_be_visible()
    assert all("This browser stores nothing" in each for each in ada.complaints)


def test_a_copy_that_lacks_a_task_is_read_again(context: BrowserContext, server: Server) -> None:
    ada = Person(context.new_page(), server).sign_up()
    ada.add("Milk")
    ada.sent()
    ada.page.evaluate(FULL_ONCE)
    ada.call("POST", "/tasks", json={"title": "Bread"})
    expect(ada.task("Bread")).to_be_visible()
    ada.call("POST", "/tasks", json={"title": "Eggs"})
    expect(ada.task("Eggs")).to_be_visible()

    ada.page.reload()

    expect(ada.page.locator(".row .title")).to_have_text(["Eggs", "Bread", "Milk"])
    assert all("This browser stores no more" in each for each in ada.complaints)


def test_a_database_that_is_deleted_meanwhile_is_done_without(ada: Person) -> None:
    ada.add("Milk")
    ada.sent()
    ada.page.evaluate(DELETE_DATABASE)
    network = Network(ada.page)
    network.hold()

    ada.add("Bread")

    with ada.page.expect_event("dialog") as asked:
        ada.page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    with ada.page.expect_response(lambda response: response.request.method == "POST"):  # nothing else keeps it
        network.release()
    expect(ada.page.locator(".row .title")).to_have_text(["Bread", "Milk"])
    ada.page.reload()
    expect(ada.page.locator(".row .title")).to_have_text(["Bread", "Milk"])
