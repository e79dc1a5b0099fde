"""The user's own order: moving a task by mouse, finger, keys and buttons."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Request, expect

from tests.support.browser import needs_chromium
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture
def ada(ada: Person) -> Person:
    ada.add("Four", "Three", "Two", "One")
    ada.sent()
    ada.press("Escape")
    return ada


def place(ada: Person, title: str, share: float) -> tuple[float, float]:
    """A point of a row: over its handle, at this share of its height."""
    handle = ada.row(title).locator(".handle").bounding_box()
    row = ada.row(title).bounding_box()
    assert handle
    assert row
    return handle["x"] + handle["width"] / 2, row["y"] + row["height"] * share


def by_mouse(ada: Person) -> None:
    mouse = ada.page.mouse
    mouse.move(*place(ada, "One", 0.5))
    mouse.down()
    mouse.move(*place(ada, "Two", 0.5), steps=3)
    mouse.move(*place(ada, "Three", 0.8), steps=3)
    expect(ada.row("Three")).to_contain_class("drop-below")
    mouse.up()


def by_finger(ada: Person) -> None:
    """As Chromium itself sends a touch: the handle takes it in place of scrolling."""
    session = ada.page.context.new_cdp_session(ada.page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    touch("touchStart", place(ada, "One", 0.5))
    for share in (0.2, 0.5, 0.8):
        touch("touchMove", place(ada, "Three", share))
    expect(ada.row("Three")).to_contain_class("drop-below")
    touch("touchEnd")


def by_keys(ada: Person) -> None:
    ada.press("j Alt+ArrowDown Alt+ArrowDown Alt+ArrowDown Alt+ArrowUp")


def by_buttons(ada: Person) -> None:
    ada.row("One").get_by_role("button", name="More").click()
    for _ in range(2):
        ada.row("One").get_by_role("button", name="Move down").click()


MOVED = ["Two", "Three", "One", "Four"]


@pytest.mark.parametrize(
    ("way", "writes"),
    [(by_mouse, 1), (by_finger, 1), (by_keys, 4), (by_buttons, 2)],
    ids=["mouse", "finger", "keys", "buttons"],
)
def test_a_move_survives_a_reload(ada: Person, way: Callable[[Person], None], writes: int) -> None:
    sent: list[Request] = []
    ada.page.on("request", lambda request: sent.append(request) if request.method not in ("GET", "HEAD") else None)

    way(ada)

    expect(ada.page.locator(".row .title")).to_have_text(MOVED)
    ada.sent()
    assert [request.url.rsplit("/", 1)[1] for request in sent] == ["move"] * writes
    ada.page.reload()
    expect(ada.page.locator(".row .title")).to_have_text(MOVED)
    assert ada.stored("title") == [(title,) for title in MOVED]


def test_a_drag_that_ends_where_it_began_or_is_cancelled_moves_nothing(ada: Person) -> None:
    mouse = ada.page.mouse
    mouse.move(*place(ada, "Two", 0.5))
    mouse.down()
    mouse.move(*place(ada, "Three", 0.8), steps=3)
    mouse.move(*place(ada, "Two", 0.5), steps=3)
    mouse.up()
    expect(ada.page.locator(".dragged, .drop-above, .drop-below")).to_have_count(0)
    assert ada.titles() == ["One", "Two", "Three", "Four"]


def test_a_task_moves_to_the_top_and_back_by_undo(ada: Person) -> None:
    ada.row("Three").get_by_role("button", name="More").click()
    ada.row("Three").get_by_role("button", name="Move to the top").click()
    expect(ada.page.locator(".row .title")).to_have_text(["Three", "One", "Two", "Four"])
    ada.page.get_by_role("button", name="Undo").click()
    expect(ada.page.locator(".row .title")).to_have_text(["One", "Two", "Three", "Four"])
    ada.sent()
    assert ada.stored("title") == [("One",), ("Two",), ("Three",), ("Four",)]


def test_only_views_in_the_users_own_order_have_handles(ada: Person) -> None:
    expect(ada.page.locator(".handle")).to_have_count(4)
    ada.page.goto(f"{ada.url}/#/search/o")
    expect(ada.task("One")).to_be_visible()
    expect(ada.page.locator(".handle")).to_have_count(0)
    ada.press("j Alt+ArrowDown")
    ada.page.get_by_role("button", name="More").first.click()
    expect(ada.page.get_by_role("button", name="Move down")).to_have_count(0)
