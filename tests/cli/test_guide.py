"""The pages about the command line: the reference is that of the commands, and what the guide shows works."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.conftest import PASSWORD
from tests.support.command_line import Person, short
from tests.support.processes import TODO
from todo.cli.reference import page

LOCAL = "http://127.0.0.1:8000"


def test_the_reference_is_up_to_date(root: Path) -> None:
    """`python -m todo.cli.reference > docs/reference/cli.md` writes it."""
    assert (root / "docs" / "reference" / "cli.md").read_text() == page()


@pytest.mark.slow
def test_every_command_of_the_guide_works(root: Path, ada: Person) -> None:
    """In their order, with the ids of the tasks that the guide's table shows."""
    text = (root / "docs" / "how-to" / "command-line.md").read_text().replace(LOCAL, ada.url)
    table = re.findall(r"^([0-9a-f]{3})  (?:\S+ )+ +(.+)$", text, re.MULTILINE)
    titles = {example: re.split(r" [!↻]", title)[0] for example, title in table}
    assert len(titles) == 3
    login, *blocks = [block for kind, block in re.findall(r"```(\w*)\n(.*?)```", text, re.DOTALL) if kind == "sh"]
    assert shlex.split(login) == ["todo", "login", ada.url]
    assert ada.on_terminal(*shlex.split(login)[1:], typed=f"{ada.email}\n{PASSWORD}\n").returncode == 0

    ids: dict[str, str] = {}
    run = 0
    for command in "".join(blocks).splitlines():
        if not ids and "ls" in command:
            by_title = {task["title"]: short(task["id"]) for task in ada.asks("ls", "--all")}
            ids = {example: by_title[title] for example, title in titles.items()}
        words = command
        for example, real in ids.items():
            words = words.replace(f" {example}", f" {real}")
        done = subprocess.run(
            ["sh", "-euc", words],
            env=ada.environment(PATH=f"{Path(TODO).parent}:{ada.environment()['PATH']}"),
            cwd=ada.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), (command, done.stderr)
        run += 1
    assert run > 25
    assert (ada.folder / "tasks.json").stat().st_size > 100
