"""The package as it is installed from its wheel, and a server that runs it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.processes import Server

ROOT = Path(__file__).parents[2]


def install(folder: Path) -> Path:
    """A folder with what is in the wheel, and nothing of the checkout."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    options = ["--no-deps", "--no-index", "--no-compile", "--target", str(folder / "site")]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(wheel)], check=True, capture_output=True)
    return folder / "site"


def serve(installed: Path, folder: Path, database_url: str, port: int | None = None, **settings: Any) -> Server:
    class Installed(Server):
        COMMAND = (str(installed / "bin" / "todo"), "serve")

    return Installed(folder, port=port, pythonpath=installed, database_url=database_url, **settings).ready()
