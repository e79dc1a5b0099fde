"""All that a person may see of the page, one after another, for tests of each."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.web.person import Person

LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"


def states(ada: Person) -> Iterator[str]:
    """Bring the page into the next state, of which this is the name. Ada has no tasks at first."""
    page = ada.page
    yield "empty inbox"
    yield from list_states(ada)
    yield from refused_and_conflicting(ada)
    yield from dialogs(ada)
    for view in ("today", "upcoming", "tag/home", "search/home", "search/nothing", "done", "trash", "review"):
        page.goto(f"{ada.url}/#/{view}")
        expect(page.locator("main h2").first).to_be_visible()
        if view == "review":
            page.locator("summary").first.click()
        yield view
    page.goto(f"{ada.url}/#/account")
    page.get_by_role("form", name="API tokens").get_by_label("Name").fill("backup")
    page.get_by_role("button", name="Make a token").click()
    expect(page.get_by_role("button", name="Revoke")).to_be_visible()
    yield "account"
    yield from agent_states(ada)


def list_states(ada: Person) -> Iterator[str]:
    page = ada.page
    yesterday = (datetime.now(UTC) - timedelta(1)).date()
    late = {"title": "Pay rent", "due_date": f"{yesterday}", "priority": "urgent", "description": "To Bob\nby bank"}
    ada.call("POST", "/tasks", json=late)
    expect(ada.task("Pay rent")).to_be_visible()
    ada.add(
        f"Write to the {LONG_WORD}", "Dentist tomorrow 9am #home !high every 2 weeks", "Old thing", "Buy milk #home"
    )
    ada.task("Old thing").check()
    expect(ada.task("Old thing")).to_be_checked()
    ada.new.fill(f"Call {LONG_WORD} friday 10am #family !low every week")
    expect(page.locator("#preview")).to_contain_text("#family")
    yield "list, preview and notice"
    ada.new.fill("")
    ada.row("Dentist").get_by_role("button", name="More").click()
    yield "more"
    ada.row("Dentist").get_by_role("button", name="Edit").click()
    page.get_by_label("Repeat").select_option("custom")
    page.get_by_label("Due", exact=True).fill("someday")
    expect(page.get_by_text("Not understood")).to_be_visible()
    yield "edit, not understood"
    page.get_by_role("button", name="Cancel").click()
    page.keyboard.press("Escape")
    ada.press("s J")
    expect(page.get_by_role("group", name="Selected tasks")).to_be_visible()
    yield "chosen"
    page.get_by_role("button", name="Clear").click()
    ada.row("Buy milk").get_by_role("button", name="Delete").click()
    ada.sent()


def refused_and_conflicting(ada: Person) -> Iterator[str]:
    page = ada.page
    ada.row("Dentist").get_by_role("button", name="Edit").click()
    page.get_by_label("Rule").fill("FREQ=NEVER")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="Not saved")).to_be_visible()
    yield "refused"
    page.get_by_role("alert").get_by_role("button", name="Dismiss").click()
    ada.row("Pay rent").get_by_role("button", name="Edit").click()
    task = dict(ada.stored("title", "id"))["Pay rent"]
    ada.call("PUT", f"/tasks/{task}", json={"title": "Pay the rent"})
    page.get_by_label("Title").fill("Pay rent to Bob")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".conflict")).to_be_visible()
    yield "conflict"
    page.get_by_role("button", name="Keep yours").click()
    expect(page.locator(".conflict")).to_have_count(0)
    ada.sent()


def dialogs(ada: Person) -> Iterator[str]:
    page = ada.page
    for key, name in {"?": "Keyboard shortcuts", "Control+k": "Commands"}.items():
        ada.press(key)
        expect(page.get_by_role("dialog", name=name)).to_be_visible()
        yield name
        ada.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Account", exact=True).click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    yield "account menu"
    ada.press("Escape")


def agent_states(ada: Person) -> Iterator[str]:
    page = ada.page
    form = page.get_by_role("form", name="Add an agent")
    form.get_by_label("Name").fill(f"planner of the {LONG_WORD}")
    form.get_by_role("button", name="Add").click()
    token = form.get_by_label("Token", exact=True).input_value()
    yield "agent added"
    user, headers = page.evaluate("JSON.parse(localStorage['todo.user']).id"), {"Authorization": f"Bearer {token}"}
    for title in (f"See the {LONG_WORD}", "Buy bread"):
        made = ada.server.http.post(f"/api/{user}/tasks", headers=headers, json={"title": title}).json()
        if title != "Buy bread":
            ada.call("PUT", f"/tasks/{made['id']}", json={"title": f"{title} again"})
    page.reload()
    agent = page.get_by_role("region", name="Agents").get_by_role("listitem").first
    agent.get_by_role("button", name="What it changed").click()
    expect(agent.get_by_text("Buy bread")).to_be_visible()
    yield "what an agent changed"
    agent.get_by_role("button", name="Revoke").click()
    agent.get_by_role("combobox").select_option("everything")
    expect(agent.get_by_text("will be taken back")).to_be_visible()
    yield "revoking an agent"
    agent.get_by_role("button", name="Undo what it did").click()
    agent.get_by_role("button", name="Undo 1 change").click()
    expect(agent.get_by_text("taken back")).to_be_visible()
    yield "what an agent did is taken back"
