"""Blocks of code in CONTRIBUTING.md, README.md, reliability.md and deployment.md that need a test of their own."""

import json
import re
import shlex
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer.main
from sqlmodel import select

import todo
from tests.conftest import PASSWORD, Person
from tests.docs.snippets import ROOT, Snippet, snippets
from tests.support.processes import Server, free_port
from todo.cli import app as cli
from todo.tasks.tables import Task


def blocks(test: str) -> list[Snippet]:
    """The blocks that name this test."""
    return [each for each in snippets() if each.given.endswith(f"::{test}")]


def words(text: str, program: str) -> Iterator[list[str]]:
    """The arguments of each call of a program in a script."""
    for line in re.findall(rf"^.*\b{program} .*$", text.replace("\\\n", " "), re.MULTILINE):
        given = shlex.split(line, comments=True)
        found = [number for number, word in enumerate(given) if word.rpartition("/")[2] == program]
        if found and all("=" in word for word in given[: found[0]]):
            yield given[found[0] + 1 :]


def test_make_targets_that_pages_name_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = [arguments[0] for each in snippets() for arguments in words(each.text, "make") if each.language == "sh"]
    assert len(named) >= 6
    assert set(named) <= targets
    for each in blocks("test_make_targets_that_pages_name_exist"):
        assert list(words(each.text, "make")), each


def test_npm_scripts_that_pages_name_exist() -> None:
    packages = {"CONTRIBUTING.md": "tests/web/node"}
    for each in blocks("test_npm_scripts_that_pages_name_exist"):
        folder = ROOT / packages.get(each.page, Path(each.page).parent.as_posix())
        scripts = json.loads((folder / "package.json").read_text())["scripts"]
        named = [arguments[1] for arguments in words(each.text, "npm") if arguments[0] == "run"]
        assert named, each
        assert set(named) <= set(scripts), each


def test_commands_that_pages_name_exist() -> None:
    """Every `todo …` in a block, with its options."""
    named = 0
    for each in snippets():
        for arguments in words(each.text, "todo") if each.language == "sh" else ():
            command: Any = typer.main.get_command(cli)
            while arguments and arguments[0] in getattr(command, "commands", {}):
                command, arguments = command.commands[arguments[0]], arguments[1:]
            options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
            assert not hasattr(command, "commands") or not arguments or arguments[0] in options, (each, arguments)
            given = {word.partition("=")[0] for word in arguments if word.startswith("--")} - {"--"}
            assert given <= options, each
            named += 1
    assert named >= 4


@pytest.mark.anyio
async def test_a_session_in_a_notebook(ada: Person, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    """Of CONTRIBUTING.md."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    await ada.create("Water the ferns")
    [block] = blocks("test_a_session_in_a_notebook")
    assert block.text.count("    session.exec") == 1
    names: dict[str, Any] = {"todo": todo, "user_id": ada.id, "select": select, "Task": Task}
    exec(block.text.replace("    session.exec", "    found = session.exec"), names)
    assert [task.title for task in names["found"]] == ["Water the ferns"]


def test_the_grants_keep_other_logins_out(empty_url: str) -> None:
    """Of deployment.md."""
    [block] = blocks("test_the_grants_keep_other_logins_out")
    login, other = (f"login_{uuid.uuid4().hex[:8]}" for _ in range(2))
    with psycopg.connect(empty_url, autocommit=True) as connection:
        database = connection.info.dbname
        connection.execute(f"create role {login} login; create role {other} login")
        try:
            connection.execute(
                block.text.replace("DATABASE todo", f"DATABASE {database}").replace("the_login_that_serves", login)
            )
            allowed = "select has_database_privilege(%s, current_database(), 'connect')"
            assert connection.execute(allowed, [login]).fetchone() == (True,)
            assert connection.execute(allowed, [other]).fetchone() == (False,)
        finally:
            connection.execute(f"revoke connect on database {database} from {login}; drop role {login}, {other}")


@pytest.mark.slow
def test_the_adapter_starts_as_its_readme_says(tmp_path: Path, database_url: str) -> None:
    [block] = blocks("test_the_adapter_starts_as_its_readme_says")
    [options] = words(block.text, "uvicorn")
    options = [str(ROOT / word) if word.startswith("examples/") else word for word in options]

    class Adapted(Server):
        COMMAND = (str(Path(sys.executable).parent / "uvicorn"), *options)

    given = dict(re.findall(r"([A-Z_]+)=(\S+)", block.text))
    port = free_port()
    settings = {name.lower(): value for name, value in given.items()}
    server = Adapted(tmp_path, "--port", str(port), port=port, database_url=database_url, **settings).ready()
    try:
        account = {"email": f"{uuid.uuid4().hex}@example.com", "password": PASSWORD}
        user = server.http.post("/auth/register", json=account).json()
        assert server.http.get(f"/api/{user['id']}/tasks").json() == {"tasks": []}
    finally:
        server.stop()
