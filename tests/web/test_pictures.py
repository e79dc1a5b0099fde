"""The pictures of the README: `SCREENSHOTS=docs/images make test ARGS="-k pictures"` takes them again."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import needs_chromium
from tests.support.processes import Server
from tests.web.person import Person

pytestmark = [needs_chromium, pytest.mark.slow]

LINES = [
    "Renew the library card",
    "Book the train to Lyon #travel !high",
    "Read a chapter every day",
    "Dentist friday 10am #health",
    "Pay rent tomorrow 9am #home !high every month",
    "Call Grandma today #family",
    "Water the ferns every 3 days #home",
]


@pytest.mark.parametrize(
    ("scheme", "width", "height"), [("light", 1000, 720), ("dark", 1000, 720), ("light", 390, 720)]
)
def test_pictures_of_the_page(
    browser: Browser, server: Server, tmp_path: Path, scheme: str, width: int, height: int
) -> None:
    with browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height}) as context:  # type: ignore[arg-type] # a Literal
        ada = Person(context.new_page(), server).sign_up()
        ada.add(*LINES)
        ada.task("Renew the library card").check()
        ada.page.get_by_role("button", name="Dismiss").click()
        ada.new.fill("Plant tulips sunday 3pm #garden every year")
        expect(ada.page.locator("#preview")).to_contain_text("#garden")
        picture = ada.page.screenshot(
            path=Path(os.environ.get("SCREENSHOTS", tmp_path)) / f"page-{scheme}-{width}.png", animations="disabled"
        )

    assert ada.complaints == []
    assert 10_000 < len(picture) < 150_000
