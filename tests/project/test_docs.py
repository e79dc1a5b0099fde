"""The docs: every setting, route, command and table is documented, links are valid, and every example runs."""

import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer.main

from tests.support.processes import Server, free_port, serving, signed_up
from tests.support.sql_conditions import as_table_owner
from todo.app import create_app
from todo.cli import app as cli
from todo.client.store import Store
from todo.db import migrate
from todo.settings import Settings

pytestmark = pytest.mark.slow


def pages(root: Path) -> list[Path]:
    return [root / "README.md", root / "CONTRIBUTING.md", *(root / "docs").rglob("*.md")]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(root: Path, name: str) -> None:
    assert re.search(
        rf"^\| `{name.upper()}` \|", (root / "docs" / "reference" / "configuration.md").read_text(), re.MULTILINE
    )
    assert Settings.model_fields[name].description


def test_the_documented_defaults_are_the_defaults(root: Path) -> None:
    table = (root / "docs" / "reference" / "configuration.md").read_text()
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, int | float | str):
            [default] = re.findall(rf"^\| `{name.upper()}` \| `([^`]+)` \|", table, re.MULTILINE)
            assert default == (f"{field.default:g}" if isinstance(field.default, float) else str(field.default)), name


def test_every_route_is_in_the_readme(root: Path) -> None:
    readme = (root / "README.md").read_text()
    for path, methods in create_app(Settings()).openapi()["paths"].items():
        for method in methods:
            assert f"`{method.upper()} {path}" in readme, (method, path)


def test_every_make_target_is_documented_and_in_make_help(root: Path) -> None:
    makefile = (root / "Makefile").read_text()
    phony = set(re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split())  # type: ignore[index] # the line exists
    help_text = subprocess.run(["make", "help"], cwd=root, capture_output=True, text=True, check=True).stdout
    configuration = (root / "docs" / "reference" / "configuration.md").read_text()
    assert {"help", "run", "test"} <= phony
    for target in phony:
        assert f"make {target} " in help_text, target
        assert f"`make {target}`" in configuration, target


def test_every_command_is_documented(root: Path) -> None:
    people, server = (root / "docs" / "reference" / name for name in ("cli.md", "configuration.md"))
    text = server.read_text() + "\n".join(re.findall(r"^### (.+)$", people.read_text(), re.MULTILINE))
    text = re.sub(r"`(todo[a-z -]*[a-z])[^`]*`", r"`\1`", text)  # without arguments

    def names(command: Any, prefix: str) -> list[str]:
        if not hasattr(command, "commands"):
            return [prefix]
        return [name for key, each in command.commands.items() for name in names(each, f"{prefix} {key}")]

    for name in names(typer.main.get_command(cli), "todo"):
        assert f"`{name}`" in text, name


def test_every_table_and_column_is_documented(root: Path) -> None:
    from sqlmodel import SQLModel

    text = (root / "docs" / "reference" / "data-model.md").read_text()
    for table in SQLModel.metadata.tables.values():
        [diagram] = re.findall(rf"^    {table.name} {{\n(.*?)\n    }}", text, re.MULTILINE | re.DOTALL)
        assert set(re.findall(r"^ +\w+ (\w+)", diagram, re.MULTILINE)) == set(table.columns.keys()), table.name


def test_every_link_has_a_target(root: Path) -> None:
    for page in pages(root):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert (page.parent / link).exists(), (page.name, link)


def test_every_test_named_in_a_page_exists(root: Path) -> None:
    for page in pages(root):
        for path, within, name in re.findall(
            r"\b(tests/[\w/]+\.py)(?:::([A-Z]\w+))?(?:::([a-z]\w+))?", page.read_text()
        ):
            text = (root / path).read_text()
            if within:
                text = re.split(rf"^class {within}:", text, flags=re.MULTILINE)[1]
            assert not name or re.search(rf"^ *(?:async def|def) {name}\b", text, re.MULTILINE), (page.name, path, name)


def test_the_security_page_names_a_proof_for_each_risk(root: Path) -> None:
    page = (root / "docs" / "explanation" / "security.md").read_text()
    assert len(re.findall(r"`tests/[\w/]+\.py(?:::\w+)+`", page)) == page.count("`tests/") > 60
    rows = re.findall(r"^\| (API\d+|v5\.0\.0-[\d., ]+) \| .* \| (.+) \|$", page, re.MULTILINE)
    assert [row for row, _ in rows if row.startswith("API")] == [f"API{number}" for number in range(1, 11)]
    assert all(
        "`tests/" in proof or "by review" in proof or proof.startswith(("as above", "the same")) for _, proof in rows
    )


def test_decisions_are_numbered_and_short(root: Path) -> None:
    records = sorted((root / "docs" / "decisions").glob("*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))
    assert all(len(record.read_text().splitlines()) < 60 for record in records)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Any:
    with serving(tmp_path_factory.mktemp("docs"), database_url=database_url) as running:
        yield running


def base(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}"


def test_the_curl_example_calls_all_six_endpoints(root: Path, server: Server) -> None:
    done = subprocess.run(
        ["sh", "examples/curl.sh"],
        cwd=root,
        env={"BASE": base(server), "PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    shown = [*re.findall(r"^< (\d+)$", done.stdout + done.stderr, re.MULTILINE)]
    assert set(shown) >= {"200", "201", "204"}
    assert '"title":"Water all ferns"' in done.stdout
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        assert f"> {method} /api/" in done.stderr


def test_the_curl_example_shows_every_answer_where_its_streams_cannot_be_opened_again(
    root: Path, server: Server
) -> None:
    """As under `su -`, where /dev/stderr belongs to another user; here it is a socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        done = subprocess.run(
            ["sh", "examples/curl.sh"],
            cwd=root,
            env={"BASE": base(server), "PATH": "/usr/local/bin:/usr/bin:/bin"},
            stdout=subprocess.PIPE,
            stderr=theirs.fileno(),
            text=True,
            timeout=60,
            check=False,
        )
        theirs.shutdown(socket.SHUT_WR)
        said = ours.makefile().read()

    assert done.returncode == 0, said
    assert done.stdout.count("< 201") == 2
    assert said.splitlines()[-1].startswith("> GET")
    assert "/dev/" not in said


def test_the_http_example_calls_all_six_endpoints(root: Path, server: Server) -> None:
    """Runs the file with a small parser of its format: requests between ###, named responses, {{variables}}."""
    text = (root / "examples" / "todo.http").read_text().replace("http://127.0.0.1:8000", base(server))
    text = text.replace("{{$guid}}", str(uuid.uuid4()))  # a variable of the format
    [variable] = re.findall(r"^@(\w+) = (.+)$", text, re.MULTILINE)
    known: dict[str, Any] = {variable[0]: variable[1]}

    def value(match: re.Match[str]) -> str:
        found: Any = known
        for part in match[1].replace(".response.body", "").split("."):
            found = found[part]
        return str(found)

    seen = []
    for block in text.split("###")[1:]:
        name = re.search(r"^# @name (\w+)$", block, re.MULTILINE)
        lines = [line for line in block.splitlines()[1:] if not line.startswith("#")]
        head, _, body = re.sub(r"{{([^}]+)}}", value, "\n".join(lines).strip()).partition("\n\n")
        method, url = head.splitlines()[0].split(" ")
        headers = dict(line.split(": ", 1) for line in head.splitlines()[1:])
        response = httpx.request(method, url, headers=headers, content=body)
        assert response.is_success, response.text
        seen.append((method, response.status_code))
        if name:
            known[name[1]] = response.json()
    assert seen == [
        ("POST", 201),
        ("POST", 201),
        ("GET", 200),
        ("GET", 200),
        ("PUT", 200),
        ("PATCH", 200),
        ("DELETE", 204),
    ]


def test_the_first_example_of_the_readme_runs(root: Path, server: Server) -> None:
    readme = (root / "README.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    script = blocks[1].replace("http://127.0.0.1:8000", base(server))
    script = script.replace("ada@example.com", f"ada.{uuid.uuid4().hex[:8]}@example.com")
    done = subprocess.run(
        ["sh", "-euc", script],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    task, tasks = [json.loads(line) for line in done.stdout.replace("}[", "}\n[").splitlines()]
    assert task["title"] == "Water the ferns"
    assert tasks == [task]
    assert "make run" in blocks[0]
    assert "make test" in blocks[0]


def test_the_sync_example_keeps_a_copy_although_it_is_killed(
    root: Path, server: Server, tmp_path: Path, database_url: str
) -> None:
    tasks, token = signed_up(server, f"{uuid.uuid4().hex}@example.com")
    home = tasks.removesuffix("/tasks")
    file = tmp_path / "copy.db"
    command = [sys.executable, "examples/sync.py", base(server)]
    command += [token["Authorization"].removeprefix("Bearer "), str(file)]
    assert len((root / "examples" / "sync.py").read_text().splitlines()) <= 30

    def create(title: str) -> str:
        response = server.http.post(tasks, headers=token, json={"title": title})
        return str(response.json()["id"])

    def copy_is_complete() -> bool:
        if not file.exists():
            return False
        with closing(sqlite3.connect(file)) as database:
            if not database.execute("select 1 from sqlite_schema where name = 'tasks'").fetchone():
                return False
            copy = [json.loads(text) for (text,) in database.execute("select json from tasks order by created_at desc")]
        return bool(copy == server.http.get(tasks, headers=token).json())

    def wait_for(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.1)

    create("before the first start")
    for round_ in range(3):
        if round_ == 2:  # stopped for longer than changes are kept
            with as_table_owner(database_url) as owner:
                owner.execute("delete from changes where user_id = %s", [home.rpartition("/")[2]])
        with subprocess.Popen(command, cwd=root, stderr=subprocess.DEVNULL) as client:
            try:
                wait_for(copy_is_complete)
                task = create(f"while it runs {round_}")
                server.http.patch(f"{tasks}/{task}/complete", headers=token)
                server.http.delete(f"{tasks}/{create('deleted again')}", headers=token)
                wait_for(copy_is_complete)
                assert client.poll() is None
            finally:
                client.kill()
        create("while it is stopped")


def run_sync(root: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "examples/sync.py", *arguments]
    return subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True)


def test_the_sync_example_says_in_one_line_what_is_wrong(root: Path, server: Server, tmp_path: Path) -> None:
    _, token = signed_up(server, f"{uuid.uuid4().hex}@example.com")
    good = token["Authorization"].removeprefix("Bearer ")
    (tmp_path / "broken.db").write_text("{")
    bob, _ = signed_up(server, f"{uuid.uuid4().hex}@example.com")
    with closing(Store(tmp_path / "of_bob.db")) as store:
        store.claim(base(server), bob.split("/")[2])
    for url, secret, file, message in (
        (base(server), "wrong", "copy.db", "sync: 401 Unauthorized: "),
        (base(server), good, "of_bob.db", "sync: .* is the copy of another user or server"),
        (base(server), good, "missing/copy.db", r"sync: The local copy cannot be opened: \[Errno 2\]"),
        (base(server), good, "broken.db", "sync: .* is no local copy of tasks"),
        (f"{base(server)}/other", good, "copy.db", "sync: 404 Not Found: "),
        ("http://127.0.0.1:x", good, "copy.db", "sync: 'http://127.0.0.1:x' is no URL of a server"),
    ):
        with run_sync(root, url, secret, str(tmp_path / file)) as client:
            _, said = client.communicate(timeout=30)
        assert client.returncode == 1
        [line] = said.splitlines()
        assert re.match(message, line), line
        assert good not in line

    with run_sync(root) as client:
        _, said = client.communicate(timeout=30)
    assert client.returncode == 1
    assert ".venv/bin/python examples/sync.py http://127.0.0.1:8000" in said


def test_the_sync_example_waits_for_a_server_and_ends_quietly(root: Path, tmp_path: Path) -> None:
    with run_sync(root, f"http://127.0.0.1:{free_port()}", "token", str(tmp_path / "copy.db")) as client:
        assert client.stderr is not None
        too_late = threading.Timer(30, client.kill)
        too_late.start()
        said = client.stderr.readline()
        too_late.cancel()
        assert said.endswith("trying again\n")
        client.send_signal(signal.SIGINT)
        _, said = client.communicate(timeout=30)

    assert "Traceback" not in said


def test_no_table_is_cut_by_a_blank_line(root: Path) -> None:
    """Every block of rows begins with a head and its line of dashes."""
    for page in pages(root):
        text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            assert re.match(r"\|.*\|\n\|[-:| ]+\|\n", block), (page.name, block[:100])


def test_the_locks_of_each_upgrade_are_documented(root: Path) -> None:
    page = (root / "docs" / "how-to" / "deployment.md").read_text()
    assert [revision for revision in migrate.revisions()[1:] if f"| `{revision}` |" not in page] == []
