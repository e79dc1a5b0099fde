"""Links of the repository's Markdown, and where they lead on the site.

Files are named by their path in the repository. Pages in `docs/` keep their place on the site; what they link to
elsewhere (sources, examples, this README) is shown below `repository/`.
"""

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, unquote

PICTURE = re.compile(r'<picture>.*?<img src="([^"]+)"[^>]*?alt="([^"]*)"[^>]*>\s*</picture>', re.DOTALL)
FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1[ \t]*$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?![a-z]+:|#|/)([^)\s#]+)(#[^)\s]*)?\)")

IMAGES = {".gif", ".jpg", ".png", ".svg"}
DOCS = "docs/"
REPOSITORY = "repository/"
INDEX = "docs/README.md"


def target_of(link: str, page: str) -> str:
    """The file or folder that a link on `page` names, by its path in the repository."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(link)))


def targets(text: str, page: str) -> Iterator[str]:
    """What the Markdown of `page` links to, its blocks of code left out."""
    text = PICTURE.sub(r"![\2](\1)", FENCE.sub("", text))
    yield from (target_of(link, page) for link, _ in LINK.findall(text))


def site_path(target: str) -> str:
    """Where MkDocs has the source of the page, or the image, for a file or folder of the repository."""
    if f"{target}/".startswith(DOCS):
        return target.removeprefix(DOCS) if "." in posixpath.basename(target) else INDEX.removeprefix(DOCS)
    suffix = posixpath.splitext(target)[1]
    return REPOSITORY + (target if suffix in IMAGES | {".md"} else f"{target}.md")


def rewritten(text: str, page: str) -> str:
    """The Markdown of `page` with its links as MkDocs needs them. Blocks of code stay as they are."""
    here = posixpath.dirname(site_path(page))

    def link(found: re.Match[str]) -> str:
        path = posixpath.relpath(site_path(target_of(found[1], page)), here or ".")
        return f"]({quote(path)}{found[2] or ''})"

    return outside_fences(text, lambda part: LINK.sub(link, PICTURE.sub(r"![\2](\1)", part)))


def outside_fences(text: str, change: Callable[[str], str]) -> str:
    """`text` changed everywhere but in its fenced blocks of code."""
    parts, end = [], 0
    for fence in FENCE.finditer(text):
        parts += [change(text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, change(text[end:])])


def located(root: Path, name: str) -> Path:
    """A file of the repository: in a checkout below `root`; installed, `todo/` is the package itself."""
    path = root / name
    if path.exists() or not name.startswith("todo/"):
        return path
    return Path(__file__).parents[2] / name.removeprefix("todo/")


def linked(root: Path) -> dict[str, Path]:
    """All that the pages in `docs/` link to outside of it, and what those pages link to; sorted by name."""
    pages = sorted(path.relative_to(root).as_posix() for path in (root / "docs").rglob("*.md"))
    found: dict[str, Path] = {}
    for page in pages:
        for name in targets(located(root, page).read_text(encoding="utf-8"), page):
            path = located(root, name)
            if f"{name}/".startswith(DOCS) or name.startswith("..") or name in found or not path.exists():
                continue
            found[name] = path
            if name.endswith(".md"):
                pages.append(name)
    return dict(sorted(found.items()))
