"""llms.txt (llmstxt.org): what a program that reads text needs of the manual, as Markdown.

`llms.txt` lists the pages, `llms-full.txt` has them one after the other, and the Markdown of each page is beside it,
with `.md` added to its name. A source file has such text only where the list names it.
"""

from collections.abc import Mapping
from pathlib import Path

from todo.web.manual.contents import sections
from todo.web.manual.links import INDEX, REPOSITORY

INDEX_FILE, FULL_FILE = "llms.txt", "llms-full.txt"
OPTIONAL = "Decision records"
"""The section that may be left out where there is little room."""


def write(site: Path, pages: Mapping[str, tuple[str, str]], *, name: str, summary: str) -> None:
    """Write all of it into `site`. `pages`: the address and the Markdown of each page, by the path of its source."""
    listed = sections(pages[INDEX.removeprefix("docs/")][1])
    names = {entry.path for entries in listed.values() for entry in entries}
    for path, (address, text) in pages.items():
        if path in names or not path.startswith(REPOSITORY):
            (site / f"{address}.md").write_text(text, encoding="utf-8")
    lines, full = [f"# {name}", "", f"> {summary}"], [f"# {name}", "", f"> {summary}"]
    for section, entries in listed.items():
        lines += ["", f"## {'Optional' if section == OPTIONAL else section}", ""]
        for entry in entries:
            if entry.path not in pages:  # a picture
                continue
            address, text = pages[entry.path]
            lines.append(f"- [{entry.title}]({address}.md)" + (f": {entry.text}" if entry.text else ""))
            if section != OPTIONAL and not entry.path.startswith(REPOSITORY):
                full += ["", text.strip()]
    (site / INDEX_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (site / FULL_FILE).write_text("\n".join(full) + "\n", encoding="utf-8")
