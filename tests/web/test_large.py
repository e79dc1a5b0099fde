"""Many tasks."""

import pytest
from playwright.sync_api import expect

from tests.support.browser import needs_chromium
from tests.web.person import UNTIL, Person

pytestmark = [needs_chromium, pytest.mark.slow]


def test_all_of_2500_tasks_and_of_the_trash_are_read(ada: Person) -> None:
    ada.page.goto("about:blank")
    tasks = [{"op": "create", "task": {"title": f"task {number}"}} for number in range(2500)]
    for start in range(0, len(tasks), 100):
        ada.call("POST", "/tasks/batch", json={"operations": tasks[start : start + 100]})
    ids = [task for (task,) in ada.stored("id")][:30]
    ada.call("POST", "/tasks/batch", json={"operations": [{"op": "delete", "id": task} for task in ids]})
    ada.call("PATCH", f"/tasks/{ada.stored('id')[0][0]}/complete")
    ada.page.goto(ada.url)
    ada.sign_out()
    ada.sign_in()

    expect(ada.page.get_by_role("link", name="Inbox", exact=True)).to_have_text("Inbox2469")
    ada.page.evaluate(UNTIL % ALL_ARE_STORED)


ALL_ARE_STORED = """async () => {
  const open = indexedDB.open("todo.tasks." + JSON.parse(localStorage.getItem("todo.user")).id)
  await new Promise((done) => (open.onsuccess = done))
  const count = open.result.transaction("tasks").objectStore("tasks").count()
  await new Promise((done) => (count.onsuccess = done))
  open.result.close()
  return count.result === 2500
}"""
