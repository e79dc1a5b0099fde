"""What a start of the command line imports: little for help, and nothing of the server for people's commands."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"pydantic", "pydantic_core", "httpx", "rich", "sqlalchemy", "fastapi", "asyncio", "ssl", "msgspec", "zoneinfo"}


def loaded(folder: Path, *arguments: str) -> set[str]:
    """The modules of a process that ran this command."""
    file = folder / "modules"
    code = (
        "import json, sys\n"
        "from todo.cli import app\n"
        "try:\n    app()\n"
        f"finally:\n    open({str(file)!r}, 'w').write(json.dumps(sorted(sys.modules)))\n"
    )
    given = {
        "PATH": os.environ["PATH"],
        "TODO_CONFIG": str(folder),
        "TODO_URL": "http://127.0.0.1:9",
        "TODO_TOKEN": "x",
    }
    subprocess.run([sys.executable, "-c", code, *arguments], env=given, capture_output=True, timeout=60, check=False)
    return set(json.loads(file.read_text()))


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_imports_little(option: str, tmp_path: Path) -> None:
    """Counted, since seconds depend on the machine. With pydantic it was 0.41 s of CPU, without it 0.12 s."""
    modules = loaded(tmp_path, option)

    assert {name for name in modules if name.partition(".")[0] in HEAVY} == set()
    assert len(modules) < 230, len(modules)
    assert "todo.cli.remote.listing" in modules


@pytest.mark.parametrize("command", ["ls", "whoami", "sync", "add task", "export", "undo"])
def test_commands_for_people_import_nothing_of_the_server(command: str, tmp_path: Path) -> None:
    modules = loaded(tmp_path, *command.split())

    ours = {name for name in modules if name.startswith("todo.") and not f"{name}.".startswith("todo.cli.")}
    assert {name for name in ours if not name.startswith("todo.client")} == set()
    assert {"sqlalchemy", "psycopg", "fastapi", "uvicorn"} & modules == set()
    assert "todo.client" in ours
