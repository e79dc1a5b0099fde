"""Every block of code in the docs is run, read or excused: `snippets.py` says how a page says which."""

import ast
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # it has no types
import pytest
import yaml

from tests.conftest import scratch_database
from tests.docs.snippets import NO_CODE, READERS, ROOT, RUN, Snippet, of, pages, snippets
from tests.support.npm import needs_npm
from tests.support.processes import Server, serving, signed_up
from todo.db import migrate

ALL = snippets()
MOST_EXCUSED = 24
"""Blocks that nothing runs, in all pages."""

SECONDS = 120
"""That the blocks of a page may take."""


def how_to_mark(snippet: Snippet) -> str:
    return f"{snippet}: nothing runs this block of {snippet.language or 'no language'}: see tests/docs/snippets.py"


@pytest.mark.parametrize("snippet", ALL, ids=str)
def test_every_block_is_run_read_or_excused(snippet: Snippet) -> None:
    match snippet.how:
        case "run":
            assert snippet.given in {"server", "shell"}, how_to_mark(snippet)
            assert snippet.language in RUN, how_to_mark(snippet)
        case "body":
            assert snippet.language == "json", how_to_mark(snippet)
            check_body(snippet)
        case "tested":
            check_test(snippet)
        case "not run":
            assert len(snippet.given) >= 15, "say why nothing can run it"
            if snippet.language == "sh":
                subprocess.run(["sh", "-n", "-c", snippet.text], check=True, timeout=10)
        case _:
            assert snippet.language in {*READERS, *NO_CODE}, how_to_mark(snippet)
            READERS.get(snippet.language, str)(snippet.text)


def check_body(snippet: Snippet) -> None:
    """The block is a body that the OpenAPI document accepts for the call that the comment names."""
    method, path = snippet.given.split(" ")
    contract = yaml.safe_load((ROOT / "contracts" / "task-api.yaml").read_text())
    body = contract["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**body, "components": contract["components"]}).validate(
        READERS["json"](snippet.text)
    )


def check_test(snippet: Snippet) -> None:
    """The test exists, and its file names the page."""
    path, _, name = snippet.given.partition("::")
    text = (ROOT / path).read_text()
    named = {
        each.name for each in ast.walk(ast.parse(text)) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert name in named, f"{snippet}: {path} has no test {name}"
    assert Path(snippet.page).name in text, f"{snippet}: {path} does not read {snippet.page}"


def test_few_are_excused() -> None:
    excused = [f"{each}: {each.given}" for each in ALL if each.how == "not run"]
    assert len(excused) <= MOST_EXCUSED, "\n".join(excused)


@pytest.fixture(scope="module")
def database(server_url: str) -> Iterator[str]:
    with scratch_database(server_url) as url:
        migrate.upgrade(url)
        yield url


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database: str) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("docs"), database_url=database) as running:
        yield running


def environment(server: Server | None, folder: Path, database: str) -> dict[str, str]:
    """What a person has who follows a page: the commands, an empty home, and where there is a server, an account."""
    (folder / ".curlrc").write_text("fail-with-body\n")  # an answer that is an error ends the script
    for name in ("examples", "contracts", ".venv"):
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    given = {"HOME": str(folder), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "MANUAL": "off"}
    if server is None:
        return given
    tasks, headers = signed_up(server, f"{uuid.uuid4().hex}@example.com")
    account = {"USER_ID": tasks.split("/")[2], "TOKEN": headers["Authorization"].removeprefix("Bearer ")}
    return {**given, **account, "BASE": str(server.http.base_url), "DATABASE_URL": database}


def run(page: str, language: str, text: str, server: Server | None, folder: Path, database: str) -> str:
    """Run the blocks of a page as one program, and return what it printed."""
    if server is not None:
        text = text.replace("http://127.0.0.1:8000", str(server.http.base_url).rstrip("/"))
        text = re.sub(r"\b(ada|bob)@example\.com", rf"\1.{uuid.uuid4().hex[:8]}@example.com", text)
    program = folder / {"sh": "page.sh", "python": "page.py", "js": "page.mjs"}[language]
    program.write_text(text)
    command = {"sh": ["sh", "-eu"], "python": [sys.executable], "js": ["node"]}[language]
    given = environment(server, folder, database)
    done = subprocess.run(
        [*command, str(program)], cwd=folder, env=given, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, f"{page}, {language}: {done.stdout}{done.stderr}"
    return done.stdout


def programs() -> list[Any]:
    """The blocks that are run, those of one page and language together."""
    found: dict[tuple[str, str, str], str] = {}
    for each in ALL:
        if each.how == "run":
            key = (each.page, each.language, each.given)
            found[key] = found.get(key, "") + each.text
    marks = {"js": [needs_npm]}
    return [pytest.param(*key, text, marks=marks.get(key[1], []), id=" ".join(key)) for key, text in found.items()]


@pytest.mark.slow
@pytest.mark.parametrize(("page", "language", "where", "text"), programs())
def test_the_blocks_of_a_page_run(
    page: str, language: str, where: str, text: str, tmp_path: Path, server: Server, database: str
) -> None:
    run(page, language, text, server if where == "server" else None, tmp_path, database)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("sh", "curl -s http://127.0.0.1:8000/api/nobody/tasks\n"),
        ("sh", "echo $NOT_SET\n"),
        ("python", "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:8000/nothing')\n"),
    ],
)
def test_a_block_that_fails_is_found(language: str, text: str, tmp_path: Path, server: Server, database: str) -> None:
    with pytest.raises(AssertionError, match=f"page, {language}: "):
        run("page", language, text, server, tmp_path, database)


@pytest.mark.parametrize(
    "text",
    [
        "```sh\nmake run\n```\n",
        "```\nmake run\n```\n",
        "```json\n{\n```\n",
        "<!-- not run: no -->\n```sh\nmake run\n```\n",
        "<!-- run: nowhere -->\n```sh\nmake run\n```\n",
        "<!-- tested: tests/docs/test_snippets.py::test_nothing -->\n```sh\nmake run\n```\n",
        "<!-- tested: tests/project/test_code.py::test_lint -->\n```sh\nmake run\n```\n",
        '<!-- body: POST /api/{user_id}/tasks -->\n```json\n{"title": 1}\n```\n',
        "<!-- not run: needs a provider's console -->\n```sh\nif true\n```\n",
    ],
)
def test_a_block_without_a_test_is_found(text: str) -> None:
    [snippet] = of("page.md", text)
    with pytest.raises((AssertionError, ValueError, jsonschema.ValidationError, subprocess.CalledProcessError)):
        test_every_block_is_run_read_or_excused(snippet)


def test_blocks_are_found_wherever_they_stand() -> None:
    text = "1. Then:\n\n    <!-- run: shell -->\n\n    ````sh\n    ```\n    ````\n~~~text\n~~~\n"
    assert [(each.line, each.language, each.text, each.how) for each in of("page.md", text)] == [
        (5, "sh", "```\n", "run"),
        (8, "text", "", ""),
    ]
    assert len(pages()) > 50
