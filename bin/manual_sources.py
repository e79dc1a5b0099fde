"""A build hook of hatchling: adds to the wheel what the manual is built from, below todo/web/manual/source.

That is mkdocs.yml, docs/, and the files outside of the package that its pages link to. The context of the Containerfile
has no docs/: a wheel that is built there has no manual.
"""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "todo/web/manual/source"


class ManualSources(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if version == "editable" or not (root / "docs").is_dir():  # the checkout itself is there, or it is an image's
            return
        links = runpy.run_path(str(root / "todo" / "web" / "manual" / "links.py"))
        linked: dict[str, Path] = links["linked"](root)
        names = ["mkdocs.yml", *(path.relative_to(root).as_posix() for path in (root / "docs").rglob("*"))]
        names += [name for name in linked if not f"{name}/".startswith("todo/")]
        files = {str(root / name): f"{FOLDER}/{name}" for name in names if (root / name).is_file()}
        build_data["force_include"].update(files)
