"""Build the manual: `python -m todo.web.manual.build <root> <file>`, which takes some seconds of CPU.

`root` has mkdocs.yml and docs/, `file` is what `files.pack` writes.
"""

import os
import sys
import tempfile
from pathlib import Path

from mkdocs.commands.build import build
from mkdocs.config import load_config

from todo.web.manual.files import pack

HOOKS = Path(__file__).with_name("hooks.py")


def main(root: Path, file: Path) -> None:
    """The site, whole; what MkDocs warns of is printed to standard error."""
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        config = load_config(str(root / "mkdocs.yml"), site_dir=str(Path(folder) / "site"), hooks=[str(HOOKS)])
        config.plugins.on_startup(command="build", dirty=False)
        build(config)
        config.plugins.on_shutdown()
        pack(Path(config.site_dir), file)


if __name__ == "__main__":
    os.nice(10)  # requests come first
    main(Path(sys.argv[1]), Path(sys.argv[2]))
