"""Makes the PNGs in todo/web/page/icons of its icon.svg, by Chromium: `python -m tests.web.icons`.

A browser or a phone may cut its own shape out of some of them: those have no rounded corners.
"""

from tests.support.browser import chromium
from todo.web.content import FOLDER

SIZES = {"icon-192": 192, "icon-512": 512, "maskable-512": 512, "apple-touch-icon": 180}
WHOLE_SQUARES = {"maskable-512", "apple-touch-icon"}


def main() -> None:
    icons = FOLDER / "icons"
    drawing = (icons / "icon.svg").read_text()
    with chromium() as browser:
        for name, size in SIZES.items():
            page = browser.new_page(viewport={"width": size, "height": size})
            svg = drawing.replace('rx="112"', 'rx="0"') if name in WHOLE_SQUARES else drawing
            page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block; width: {size}px }}</style>{svg}")
            page.screenshot(path=icons / f"{name}.png", omit_background=True)


if __name__ == "__main__":
    main()
