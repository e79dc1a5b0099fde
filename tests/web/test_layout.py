"""The page on small and large screens, with large text, from right to left, and on paper."""

import pytest
from playwright.sync_api import expect

from tests.support.browser import needs_chromium
from tests.web.person import Person
from tests.web.states import states

pytestmark = [needs_chromium, pytest.mark.slow]

NARROW = {"width": 320, "height": 640}
WIDE = {"width": 1000, "height": 900}

TOO_WIDE = """() => {
  const page = document.documentElement
  scrollTo(0, scrollY)
  if (page.scrollWidth <= page.clientWidth) return []
  const outside = [...document.querySelectorAll("body *")].filter((each) => {
    const { left, right } = each.getBoundingClientRect()
    return each.checkVisibility() && (left < -1 || right > page.clientWidth + 1)
  })
  return [`${page.scrollWidth} px`, ...outside.map((each) => each.outerHTML.slice(0, 80))]
}"""
"""What makes the page scroll sideways."""

NARROW_TITLES = """() => [...document.querySelectorAll(".row .text")]
  .filter((each) => each.querySelector(".title").getClientRects().length > 1)
  .map((each) => [each.textContent, each.getBoundingClientRect().width]).filter(([, width]) => width < 180)"""
"""The titles that need more than one line, and have little room; a short one has what it needs."""


@pytest.mark.parametrize("text", ["100%", "200%"])
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_at_320_pixels_nothing_scrolls_sideways_and_titles_have_room(ada: Person, text: str, direction: str) -> None:
    ada.page.set_viewport_size(NARROW)  # type: ignore[arg-type] # a typed dictionary
    found = {}
    for name in states(ada):
        ada.page.evaluate(
            "([size, dir]) => Object.assign(document.documentElement, { dir }).style.fontSize = size", [text, direction]
        )
        if wrong := ada.page.evaluate(TOO_WIDE) + ada.page.evaluate(NARROW_TITLES):
            found[name] = wrong
    assert found == {}


def test_what_is_too_wide_is_found(ada: Person) -> None:
    ada.add("Buy milk and bread and butter")
    ada.page.set_viewport_size(NARROW)  # type: ignore[arg-type] # a typed dictionary
    expect(ada.task("Buy milk and bread and butter")).to_be_visible()
    ada.page.evaluate("document.querySelector('.row .text').style.cssText = 'flex: none; width: 150px'")
    assert len(ada.page.evaluate(NARROW_TITLES)) == 1
    ada.page.evaluate("document.querySelector('.row .text').style.cssText = 'flex: none; min-width: 500px'")
    assert ada.page.evaluate(TOO_WIDE)


def test_the_marked_view_and_task_have_their_bar_at_the_start_of_the_line(ada: Person) -> None:
    ada.add("Buy milk")
    ada.press("Escape j")
    shadow = "(each) => getComputedStyle(each).boxShadow"
    marked = [ada.page.locator(".row.current"), ada.page.locator("nav a[aria-current=page]")]
    assert [" 3px 0px 0px" in each.evaluate(shadow) for each in marked] == [True, True]
    ada.page.evaluate("document.documentElement.dir = 'rtl'")
    assert [" -3px 0px 0px" in each.evaluate(shadow) for each in marked] == [True, True]
    navigation, list_ = ada.page.get_by_role("navigation").bounding_box(), ada.page.get_by_role("main").bounding_box()
    assert navigation
    assert list_
    assert navigation["x"] > list_["x"]


def test_a_title_has_the_direction_of_its_own_text(ada: Person) -> None:
    ada.add("לקנות חלב", "Buy milk")
    directions = [each.evaluate("(each) => getComputedStyle(each).direction") for each in titles(ada)]
    assert directions == ["ltr", "rtl"]


def titles(ada: Person) -> list:  # type: ignore[type-arg]
    expect(ada.page.locator(".row .title")).to_have_count(2)
    return ada.page.locator(".row .title").all()


def test_nothing_moves_for_those_who_asked_for_less_motion(ada: Person) -> None:
    ada.add("Two", "One")
    moving = "() => document.getAnimations().length"
    ada.page.emulate_media(reduced_motion="reduce")
    ada.task("One").check()
    ada.page.get_by_role("button", name="Undo").wait_for()
    assert ada.page.evaluate(moving) == 0
    style = "(each) => getComputedStyle(each).animationName"
    assert ada.page.locator(".toast").evaluate(style) == "none"
    ada.page.emulate_media(reduced_motion="no-preference")
    assert ada.page.locator(".toast").evaluate(style) == "rise"


def test_paper_shows_the_tasks_without_the_controls(ada: Person) -> None:
    ada.add("Buy milk")
    ada.task("Buy milk").check()
    ada.page.emulate_media(media="print")
    expect(ada.page.get_by_text("Buy milk", exact=True)).to_be_visible()
    expect(ada.page.get_by_role("heading", name="Inbox")).to_be_visible()
    for hidden in (ada.new, ada.page.get_by_role("button"), ada.page.get_by_role("link"), ada.page.locator(".handle")):
        expect(hidden.filter(visible=True)).to_have_count(0)


def test_dark_follows_the_system_or_a_choice_that_is_kept(ada: Person) -> None:
    brightness = "() => getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g)[0] > 128"
    ada.page.emulate_media(color_scheme="dark")
    assert not ada.page.evaluate(brightness)
    ada.page.emulate_media(color_scheme="light")
    assert ada.page.evaluate(brightness)

    ada.page.get_by_role("button", name="Account", exact=True).click()
    ada.page.get_by_label("Appearance").select_option("dark")
    expect(ada.page.locator("html")).to_have_attribute("data-theme", "dark")
    ada.page.reload()
    expect(ada.new).to_be_visible()
    assert not ada.page.evaluate(brightness)
    ada.page.get_by_role("button", name="Account", exact=True).click()
    expect(ada.page.get_by_label("Appearance")).to_have_value("dark")
    ada.page.get_by_label("Appearance").select_option("system")
    ada.page.wait_for_function(brightness)
