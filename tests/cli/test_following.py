"""`todo sync`, `todo ls --offline` and `todo watch`."""

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.support.command_line import Person
from tests.support.processes import TODO
from todo.cli.remote.connection import connected
from todo.cli.remote.listing import listed
from todo.cli.remote.offline import copied_tasks
from todo.cli.remote.views import View

pytestmark = pytest.mark.slow


def offline(ada: Person, *arguments: str) -> list[str]:
    return [task["title"] for task in ada.asks("ls", "--offline", *arguments)]


@pytest.fixture
def in_this_process(ada: Person, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The config folder and the clock of Ada's commands, to compare many views without many processes."""
    monkeypatch.setenv("TODO_CONFIG", str(ada.folder / "config"))
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_this_process")
def test_the_copy_shows_the_same_views_as_the_server(ada: Person) -> None:
    assert "`todo sync` makes one" in ada.is_refused("ls", "--offline")
    today = datetime.now(ZoneInfo("Europe/Berlin")).date()
    ada.does("add", "Late !high", "--due", str(today - timedelta(days=3)))
    lines = "Water the férns today #Home\nPlan at 12 in 3 days #home !low\nNothing planned !urgent\nDone already\n"
    *_, done = ada.does("add", "-", input=lines).split()
    ada.does("done", done)
    ada.does("rm", ada.adds("Thrown away"))
    assert ada.asks("sync") == {"tasks": 5}

    views = [
        *(View(), View("inbox"), View("all", sort="created"), View("done"), View("inbox", tags=("HOME",))),
        *(View("inbox", search="FERN wat"), View("inbox", search="the fer"), View("inbox", priority="high,none")),
        *(View("inbox", due=due) for due in ("overdue", "week", "today", "none", str(today))),
        *(View("inbox", sort=sort, limit=2) for sort in ("-title", "title", "-priority", "due_date", "-due_date")),
    ]
    with connected() as client:
        for view in views:
            assert [task.title for task in copied_tasks(view)] == [task.title for task in listed(client, view)], view
    assert offline(ada) == ["Late", "Water the férns"]
    assert "has no trash" in ada.is_refused("ls", "--offline", "--trash", status=2)
    file = next((ada.folder / "config").glob("copy-*"))
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_copy_follows(ada: Person) -> None:
    ada.adds("One")
    ada.does("sync")
    ada.adds("Two")
    assert offline(ada, "--inbox") == ["One"]

    assert "2 tasks are copied" in ada.todo("sync").stderr

    assert sorted(offline(ada, "--inbox")) == ["One", "Two"]


def lines_of(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout
    return [process.stdout.readline() for _ in range(count)]


def test_changes_are_printed_as_they_happen(ada: Person) -> None:
    before = ada.adds("Before")
    with subprocess.Popen(
        [TODO, "watch", "--json"], env=ada.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            time.sleep(3)
            task_id = ada.adds("Meanwhile")
            ada.does("done", before)
            changes = [json.loads(line) for line in lines_of(process, 2)]
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
        finally:
            process.kill()  # where it has not ended, so that nothing waits for it for ever
    assert [(each["kind"], each["task_id"]) for each in changes] == [("create", task_id), ("update", before)]
    assert changes[0]["task"]["title"] == "Meanwhile"


def test_a_terminal_shows_the_list_again(ada: Person) -> None:
    import pty

    process, terminal = pty.fork()
    if process == 0:
        os.execve(TODO, ["todo", "watch", "--inbox"], ada.environment(TERM="xterm", NO_COLOR="1"))
    try:
        wait_for(terminal, "no tasks")
        ada.adds("Water the ferns")
        wait_for(terminal, "Water the ferns")
    finally:
        os.kill(process, signal.SIGINT)
        wait_for(terminal, "")
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 130


def wait_for(terminal: int, text: str) -> None:
    """Read the terminal until the text has come, or for the empty one until its end."""
    seen, deadline = "", time.monotonic() + 60
    while not text or text not in seen:
        assert time.monotonic() < deadline, seen
        if select.select([terminal], [], [], 1)[0]:
            try:
                seen += os.read(terminal, 65536).decode(errors="replace")
            except OSError:
                break
