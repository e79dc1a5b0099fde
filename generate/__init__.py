"""What the docs take from the code, written by `python -m generate`; tests/project/test_generated.py compares it.

configuration.py  the table of settings in docs/reference/configuration.md
imports.py        which package imports which
picture.py        docs/images/architecture.svg, and the table of packages in docs/explanation/architecture.md
"""

from pathlib import Path

from generate import configuration, imports, picture

CONFIGURATION = "docs/reference/configuration.md"
ARCHITECTURE = "docs/explanation/architecture.md"
PICTURE = "docs/images/architecture.svg"


def generated(root: Path) -> dict[str, str]:
    """Every file that has something generated in it, as it should be, by its path."""
    found = imports.of_package(root)
    page = (root / ARCHITECTURE).read_text(encoding="utf-8")
    return {
        CONFIGURATION: configuration.updated((root / CONFIGURATION).read_text(encoding="utf-8")),
        ARCHITECTURE: picture.with_table(page, found),
        PICTURE: picture.drawn(found),
    }
