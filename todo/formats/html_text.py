"""HTML of notes as plain text."""

import re
from html import unescape
from html.parser import HTMLParser

MAX_LENGTH = 200_000
"""Characters that are looked at; a description keeps 10,000 of their text."""

BLOCKS = frozenset({"p", "div", "br", "li", "tr", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre"})
HIDDEN = frozenset({"script", "style", "head", "title"})


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = 0
        self.href = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in HIDDEN
        if tag in BLOCKS:
            self.parts.append("\n- " if tag == "li" else "\n")
        if tag == "a":
            self.href = dict(attrs).get("href") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag in HIDDEN:
            self.hidden = max(0, self.hidden - 1)
        if tag in BLOCKS and tag != "li":
            self.parts.append("\n")
        if tag == "a" and self.href:
            if self.href not in "".join(self.parts[-1:]):
                self.parts.append(f" ({self.href})")
            self.href = ""

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(re.sub(r"\s+", " ", data))


MAX_TAGS = 1000
"""More of them are removed without a look, since the parser takes time by the square of those that do not end."""

_TAG = re.compile(r"<[^<>]*>?")


def text_of(html: str) -> str:
    """Its text, with a line for each block, a hyphen before items of lists, and the address behind a link."""
    html = html[:MAX_LENGTH]
    if html.count("<") > MAX_TAGS:
        return unescape(_TAG.sub(" ", html)).strip()
    parser = _Text()
    parser.feed(html)
    parser.close()
    lines = [line.strip() for line in "".join(parser.parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
