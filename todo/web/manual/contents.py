"""What `docs/README.md` lists: the site's navigation, and llms.txt, are made of it."""

import re
from typing import NamedTuple

from todo.web.manual.links import INDEX, site_path, target_of

SECTION = re.compile(r"^## (.+)\n((?:(?!## ).*\n?)*)", re.MULTILINE)
ENTRY = re.compile(r"^(?:-|\d+\.) \[([^\]]+)\]\(([^)]+)\)(?:: ((?:.|\n(?!\n|-|\d+\. ))*))?", re.MULTILINE)


class Entry(NamedTuple):
    title: str
    path: str
    """Of its source on the site, as MkDocs names it."""
    text: str
    """What it is, in a line; or nothing."""


def sections(text: str) -> dict[str, list[Entry]]:
    """The pages of each section, in their order; `text` is that of `docs/README.md`."""
    return {name: [_entry(*found) for found in ENTRY.findall(listed)] for name, listed in SECTION.findall(text)}


def _entry(title: str, link: str, text: str) -> Entry:
    return Entry(title, site_path(target_of(link.partition("#")[0], INDEX)), " ".join(text.split()))
