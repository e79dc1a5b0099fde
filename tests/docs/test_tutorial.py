"""The tutorial (quickstart.md), as it is written: from a clone, on the embedded PostgreSQL."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import expect

from tests.conftest import let_others_enter
from tests.docs.snippets import ROOT, snippets
from tests.support.browser import chromium, needs_chromium
from tests.support.processes import Server, environment, free_port
from tests.web.person import Person

pytestmark = pytest.mark.slow

PAGE = "docs/tutorial/quickstart.md"
BLOCKS = [each.text for each in snippets() if each.page == PAGE and each.language == "sh"]
TEXT = (ROOT / PAGE).read_text()
EMAIL = "ada@example.com"


class FromAClone(Server):
    """`make run` of a clone, with what is installed already for this checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.log = folder / "server.log"
        self.data = folder / "data"
        install = f"ln -s {sys.prefix} .venv\n"
        script = BLOCKS[0].replace("make run", f"{install}exec make -o .venv/.installed run")
        env = environment(repository=ROOT, port=self.port, data_dir=self.data)
        with self.log.open("w") as log:
            self.process = subprocess.Popen(["sh", "-euc", script], cwd=folder, env=env, stdout=log, stderr=log)
        import httpx

        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FromAClone]:
    folder = tmp_path_factory.mktemp("tutorial")
    let_others_enter(folder)
    started = FromAClone(folder)
    try:
        yield started  # not ready yet: the fixtures that follow wait
    finally:
        psutil.Process(started.process.pid).terminate()
        started.process.wait(30)
        started.http.close()


@pytest.fixture(scope="module")
def signed_up(server: FromAClone) -> FromAClone:
    server.ready()
    account = {"email": EMAIL, "password": "a long and quiet afternoon"}
    assert all(value in TEXT for value in account.values())
    assert server.http.post("/api/auth/signup", json=account).status_code in {201, 409}
    return server


def test_the_calls_of_the_tutorial(signed_up: FromAClone) -> None:
    clone = signed_up.folder / "todo"
    marks = '\necho "=== {}"\n'
    script = "".join(marks.format(number) + text for number, text in enumerate(BLOCKS[1:]))
    script = script.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{signed_up.port}")
    (signed_up.folder / ".curlrc").write_text("fail-with-body\n")
    env = {"HOME": str(signed_up.folder), "DATA_DIR": str(signed_up.data), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        ["sh", "-euc", script], cwd=clone, env=env, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    listed, repeated, taken_back, backup = re.split(r"=== \d\n", done.stdout)[1:]
    assert isinstance(json.loads(listed), list)
    completed, pending = read(repeated)
    assert (completed["completed"], completed["due_date"]) == (True, "2027-01-01")
    assert [task["due_date"] for task in pending] == ["2027-02-01"]
    assert "2027-02-01" in TEXT
    change, task = read(taken_back)
    assert (change["kind"], task["id"]) == ("restore", completed["id"])
    assert (clone / "my-tasks.backup").stat().st_size > 10_000, backup


def read(text: str) -> list[Any]:
    """JSON values, one after the other."""
    decoder, values, text = json.JSONDecoder(), [], text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        values.append(value)
        text = text[end:].strip()
    return values


@needs_chromium
def test_the_page_of_the_tutorial(server: FromAClone) -> None:
    server.ready()
    [line] = re.findall(r"Type `(.+)` into", TEXT)
    assert all(f"**{button}**" in TEXT for button in ("Sign up", "Undo"))
    with chromium() as browser, browser.new_context() as context:
        ada = Person(context.new_page(), server).sign_up()
        ada.add(line)
        ada.sent()
        [(title, first)] = ada.stored("title", "due_date")
        assert (title, ada.stored("tags", "recurrence")[0][0]) == ("Water the ferns", ["home"])
        ada.task(title).first.click()
        deadline = time.monotonic() + 15
        while len(ada.stored("id")) < 2 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert sorted(due > first for (due,) in ada.stored("due_date")) == [False, True]
        ada.page.get_by_role("button", name="Undo").first.click()
        ada.sent()
        expect(ada.task(title)).to_have_count(1)
        assert ada.stored("due_date", "completed") == [(first, False)]
        assert ada.complaints == []
