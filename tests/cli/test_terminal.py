"""What differs on a terminal: tables that fit it, questions, colours, interruptions; and what pipes get."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from rich.cells import cell_len

from tests.support.command_line import Person, short
from tests.support.processes import TODO

pytestmark = pytest.mark.slow


@contextmanager
def answering(answers: dict[str, str]) -> Iterator[str]:
    """The URL of a server that gives these answers by path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers[self.path.partition("?")[0]].encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.mark.parametrize("columns", [40, 80])
def test_a_table_fits_the_terminal_whatever_the_titles(ada: Person, columns: int) -> None:
    titles = ["Buy 水と牛乳 and 🌿 for everybody who comes on Sunday", "Call [bold]Bob[/bold]", "x" * 100]
    for title in titles:
        ada.adds(title, "--tag", "a-rather-long-tag-for-a-task", "--priority", "high", "--due", "today")

    screen = ada.on_terminal("ls", columns=columns, NO_COLOR="1")

    assert screen.returncode == 0
    lines = screen.text.splitlines()
    assert max(map(cell_len, lines)) <= columns
    shown = "".join("".join(line.split()) for line in lines)
    assert "[bold]Bob[/bold]" in shown
    assert "水と牛乳" in shown
    assert sum("today" in line for line in lines) == 3


def test_short_ids_are_shown_and_understood(ada: Person) -> None:
    ids = [ada.adds(f"Task {number} today") for number in range(2)]

    screen = ada.on_terminal("ls", NO_COLOR="1")

    shown = [line.split()[0] for line in screen.text.splitlines()]
    assert sorted(each for each in shown for whole in ids if whole[-12:].startswith(each)) == sorted(shown)
    assert all(3 <= len(each) <= 6 for each in shown)
    assert sorted(ada.asks("show", each)["id"] for each in shown) == sorted(ids)


def test_colours_only_where_they_are_wanted(ada: Person) -> None:
    ada.adds("Task today !urgent")

    assert "\x1b[" in ada.on_terminal("ls").text
    assert "\x1b[" not in ada.on_terminal("ls", NO_COLOR="1").text
    assert "\x1b" not in ada.does("ls")


def test_escape_sequences_of_a_hostile_server_do_not_reach_the_terminal(ada: Person) -> None:
    """The API refuses them in titles, so a server of another kind sends them."""
    evil = "\\u001b]0;evil\\u0007\\u009b2J\\u202ereversed"
    task = (
        f'{{"id":"01a2253b-109b-75c1-b5cc-802b6ca97ceb","user_id":"u","title":"{evil}","completed":false,"tags":["{evil}"],'
        f'"description":"{evil}","priority":"{evil}","due_date":null,"created_at":"2027-01-01T00:00:00Z",'
        '"updated_at":"2027-01-01T00:00:00Z","revision":1}'
    )
    answers = {
        "/api/auth/me": '{"id":"u"}',
        "/api/u/tasks": f"[{task}]",
        "/api/u/tasks/01a2253b-109b-75c1-b5cc-802b6ca97ceb": task,
        "/api/u/changes": '{"changes":[],"revision":1,"more":false}',
        "/api/u/tags": f'[{{"tag":"{evil}","count":1}}]',
    }
    with answering(answers) as url:
        for arguments in (("ls", "--all"), ("ls", "--all", "--json"), ("tags",), ("show", "802")):
            screen = ada.on_terminal(*arguments, NO_COLOR="1", TODO_URL=url, TODO_TOKEN="x")
            assert "reversed" in screen.text or "u202e" in screen.text, (arguments, screen.text)
            assert not set(screen.text) & set("\x1b\x07\x9b\u202e"), (arguments, screen.text)


def test_erasing_is_asked_for(ada: Person) -> None:
    one, two = ada.adds("One"), ada.adds("Two")

    refused = ada.on_terminal("rm", "--permanent", short(one), typed="n\n")
    assert (refused.returncode, "nothing was done" in refused.text) == (1, True)
    assert ada.on_terminal("rm", "--permanent", short(one), typed="y\n").returncode == 0
    assert ada.on_terminal("rm", "--permanent", "--yes", short(two)).returncode == 0
    assert ada.titles("--all") == []


def test_a_terminal_is_told_what_was_done(ada: Person) -> None:
    added = ada.on_terminal("add", "Water", "the", "ferns", "tomorrow").text
    task_id = ada.asks("ls", "--inbox")[0]["id"]

    assert added == f"added {task_id[-12:-9]} Water the ferns (tomorrow)\n"
    assert "status" not in ada.on_terminal("show", task_id).text
    assert ada.on_terminal("done", short(task_id)).text.startswith("done: ")
    assert "status" in ada.on_terminal("show", task_id, NO_COLOR="1").text
    assert "nothing is due: `todo ls --inbox`" in ada.on_terminal("ls").text


def test_a_closed_pipe_is_quiet(ada: Person) -> None:
    ada.does("add", "-", input="".join(f"Task {number}\n" for number in range(3)))
    for arguments in ("ls --all", "ls --all --json", "tags", "--help", "show --help", "export"):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "w") as closed:
            done = subprocess.run(
                [TODO, *arguments.split()],
                env=ada.environment(),
                stdout=closed,
                stderr=subprocess.PIPE,
                timeout=60,
                check=False,
            )
        assert done.stderr == b"", arguments


@pytest.mark.parametrize("arguments", ["watch", "add -"])
def test_ctrl_c_is_quiet(ada: Person, arguments: str) -> None:
    with subprocess.Popen(
        [TODO, *arguments.split()],
        env=ada.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        time.sleep(4)  # it waits, for a line or a change
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=30)
    assert (process.returncode, output) == (130, ("", ""))


def test_a_name_that_the_output_cannot_encode_is_replaced(ada: Person) -> None:
    ada.adds("Buy 水 today")

    assert ada.does("ls", PYTHONIOENCODING="ascii").endswith("\tBuy ?\n")
