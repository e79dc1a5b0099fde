"""The page for people who hear it, or use it by a keyboard or with little precision."""

from collections.abc import Sequence
from typing import Literal

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.conftest import PASSWORD
from tests.support.browser import needs_chromium
from tests.support.processes import Server
from tests.web.person import Person
from tests.web.states import states

pytestmark = [needs_chromium, pytest.mark.slow]

RUN_AXE = """async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
  const { violations } = await axe.run(document, { runOnly: tags })
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id} ${node.target} ${node.failureSummary}`))
}"""

SMALL_TARGETS = """() => [...document.querySelectorAll("a, button, input, select, textarea, summary")]
  .filter((each) => each.checkVisibility() && !each.closest(".notes, .skip"))
  .map((each) => [each.outerHTML.slice(0, 80), each.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24)
  .map(([html, box]) => `${html} ${box.width} x ${box.height}`)"""
"""Targets of less than 24 × 24 CSS pixels (WCAG 2.2, 2.5.8); addresses in notes are text."""

LOST = "() => document.activeElement === document.body || !document.activeElement.checkVisibility()"


def violations(
    page: Page, axe_script: str, schemes: Sequence[Literal["light", "dark"]] = ("light", "dark")
) -> list[str]:
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(axe_script)
    found: list[str] = []
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        found += [f"{scheme}: {each}" for each in page.evaluate(RUN_AXE)]
    return found


def test_signing_in_meets_wcag(context: BrowserContext, server: Server, axe_script: str) -> None:
    ada = Person(context.new_page(), server)
    ada.page.goto(ada.url)
    ada.page.get_by_label("Email").fill(ada.email)
    ada.page.get_by_label("Password").fill(PASSWORD)
    sign_in = ada.page.get_by_role("button", name="Sign in")
    sign_in.press("Enter")
    expect(ada.page.get_by_role("alert")).not_to_be_empty()
    expect(sign_in).to_be_focused()
    expect(ada.page.get_by_label("Password")).to_have_accessible_description(ada.page.get_by_role("alert").inner_text())
    assert violations(ada.page, axe_script) == []
    assert ada.page.evaluate(SMALL_TARGETS) == []


def test_every_state_meets_wcag_in_light_and_dark_and_has_targets_of_24_pixels(ada: Person, axe_script: str) -> None:
    found = {name: violations(ada.page, axe_script) + ada.page.evaluate(SMALL_TARGETS) for name in states(ada)}
    assert {name: each for name, each in found.items() if each} == {}


BREAK = {
    "label": "document.getElementById('new-task').removeAttribute('aria-label')"
    ";document.getElementById('new-task').removeAttribute('placeholder')",
    "color-contrast": "document.querySelector('h2').style.color = '#bbb'",
    "aria-required-children": "document.querySelector('main').setAttribute('role', 'listbox')",
}


def test_a_broken_page_is_found(ada: Person, axe_script: str) -> None:
    for rule, break_it in BREAK.items():
        ada.page.evaluate(break_it)
        found = violations(ada.page, axe_script)
        assert [each for each in found if each.startswith(f"light: {rule} ")], (rule, found)
    ada.page.evaluate("document.querySelector('button.primary').style.cssText = 'min-height: 0; height: 20px'")
    assert len(ada.page.evaluate(SMALL_TARGETS)) == 1


def test_a_task_is_a_list_item_whose_controls_are_named_and_described_by_its_title(ada: Person) -> None:
    ada.add("Buy milk")
    row = ada.page.get_by_role("list").get_by_role("listitem").filter(has_text="Buy milk")
    expect(row.get_by_role("checkbox")).to_have_accessible_name("Buy milk")
    for name in ("Edit", "Delete", "More"):
        expect(row.get_by_role("button", name=name, exact=True)).to_have_accessible_description("Buy milk")
    more = row.get_by_role("button", name="More")
    expect(more).to_have_attribute("aria-expanded", "false")
    more.click()
    expect(more).to_have_attribute("aria-expanded", "true")
    expect(ada.page.get_by_role("group", name="More")).to_have_accessible_description("Buy milk")


def test_what_is_said_appears_in_regions_that_were_there_before(ada: Person) -> None:
    ada.add("Buy milk")
    ada.page.evaluate("document.querySelectorAll('[role=status], [role=alert]').forEach((each) => (each.known = true))")
    known = "(each) => each.closest('[role=status], [role=alert]').known === true"
    ada.row("Buy milk").get_by_role("button", name="Delete").click()
    assert ada.page.get_by_text("Deleted “Buy milk”").evaluate(known)
    ada.add("Dentist every week")
    ada.row("Dentist").get_by_role("button", name="Edit").click()
    ada.page.get_by_label("Repeat").select_option("custom")
    ada.page.get_by_label("Rule").fill("FREQ=NEVER")
    ada.page.get_by_role("button", name="Save").click()
    refused = ada.page.get_by_text("Not saved")
    expect(refused).to_be_visible()
    assert refused.evaluate(known)
    assert refused.evaluate("(each) => each.closest('[role]').role") == "alert"


def test_the_focus_is_never_lost(ada: Person) -> None:
    """Each step takes away the control that was used; what has the focus then is what a person goes on with."""
    ada.add("Four", "Three", "Two", "One")
    page = ada.page

    def press(name: str, title: str = "") -> None:
        where = ada.row(title) if title else page
        button = where.get_by_role("button", name=name, exact=True).first
        button.focus()
        button.press("Enter")

    press("Edit", "One")
    press("Save")
    expect(ada.task("One")).to_be_focused()
    press("Edit", "One")
    press("Cancel")
    expect(ada.task("One")).to_be_focused()
    press("Delete", "One")
    expect(ada.task("Two")).to_be_focused()
    press("Undo")
    expect(ada.task("Two")).to_be_focused()
    press("Dismiss")
    expect(ada.task("Two")).to_be_focused()
    ada.press("s J")
    press("Clear")
    expect(ada.task("Three")).to_be_focused()
    ada.press("s J")
    ada.page.get_by_role("group", name="Selected tasks").get_by_role("button", name="Delete").press("Enter")
    expect(ada.task("Two")).to_be_focused()
    ada.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    press("Close")
    expect(ada.task("Two")).to_be_focused()
    ada.press("Control+k")
    expect(page.get_by_role("combobox")).to_be_focused()
    ada.press("Escape")
    expect(ada.task("Two")).to_be_focused()
    press("Account")
    page.keyboard.press("Tab")
    ada.press("Escape")
    expect(page.get_by_role("button", name="Account", exact=True)).to_be_focused()
    ada.new.fill("Five")
    press("Add")
    expect(ada.new).to_be_focused()
    ada.press("Escape g x")
    press("Restore")
    restore = page.get_by_role("button", name="Restore")
    expect(restore).to_have_count(1)
    expect(restore).to_be_focused()
    press("Restore")
    expect(page.get_by_role("heading", name="Trash")).to_be_focused()
    assert not page.evaluate(LOST)


def test_the_first_tab_stop_skips_to_the_tasks(ada: Person) -> None:
    ada.page.reload()
    expect(ada.new).to_be_visible()
    ada.press("Tab")
    skip = ada.page.get_by_role("link", name="Skip to the tasks")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    ada.press("Enter Tab")
    expect(ada.new).to_be_focused()


def test_the_title_names_the_view(ada: Person) -> None:
    for view in ("Today", "Trash", "Inbox"):
        ada.open(view)
        expect(ada.page).to_have_title(f"{view} – Todo")
        expect(ada.page.get_by_role("link", name=view, exact=True)).to_have_attribute("aria-current", "page")
