"""`todo` as a person runs it: a process with a config folder of its own, in a pipe or on a terminal."""

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import termios
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import PASSWORD
from tests.support.processes import TODO, Server

DEADLINE = 60.0


@dataclass
class Screen:
    """A command on a terminal that has ended: its exit status, and all that it wrote."""

    returncode: int
    text: str


@dataclass
class Person:
    """Somebody with an account at a server, and the command line."""

    server: Server
    folder: Path
    email: str = field(default_factory=lambda: f"ada-{uuid.uuid4().hex[:8]}@example.com")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def environment(self, **more: str) -> dict[str, str]:
        """Nothing of the machine's own settings, and a home that is empty."""
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        given = {"HOME": str(self.folder), "TODO_CONFIG": str(self.folder / "config"), "TZ": "Europe/Berlin"}
        return {**kept, **given, "PORT": str(self.server.port), "LANG": "C.UTF-8", **more}

    def todo(self, *arguments: str, input: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [TODO, *arguments],
            env=self.environment(**environment),
            input=input,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )

    def does(self, *arguments: str, input: str = "", **environment: str) -> str:
        """The output of a command that succeeds."""
        done = self.todo(*arguments, input=input, **environment)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    def asks(self, *arguments: str, **environment: str) -> Any:
        """The JSON of a command that succeeds."""
        return json.loads(self.does(*arguments, "--json", **environment))

    def is_refused(self, *arguments: str, status: int = 1, input: str = "", **environment: str) -> str:
        """The one line that says why."""
        done = self.todo(*arguments, input=input, **environment)
        assert (done.returncode, done.stdout) == (status, ""), (arguments, done.stdout, done.stderr)
        [line] = done.stderr.splitlines()
        assert line.startswith("todo: "), line
        return line

    def on_terminal(self, *arguments: str, typed: str = "", columns: int = 80, **environment: str) -> Screen:
        """Run it on a terminal of this width; a line of `typed` is sent when the command asks for it."""
        settings = {"TERM": "xterm-256color", "COLUMNS": str(columns), **environment}
        process, terminal = pty.fork()
        if process == 0:
            os.execve(TODO, ["todo", *arguments], self.environment(**settings))
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        written, lines = b"", typed.splitlines(keepends=True)
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                piece = os.read(terminal, 65536)
            except OSError:  # the end, as Linux reports it
                piece = b""
            if not piece:
                break
            written += piece
            if lines and written.endswith(b": "):
                os.write(terminal, lines.pop(0).encode())
        os.close(terminal)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        return Screen(status, written.decode().replace("\r\n", "\n"))

    def signs_in(self) -> "Person":
        """With a new account, as after `todo login`."""
        body = {"email": self.email, "password": PASSWORD, "refresh": "body"}
        session = self.server.http.post("/api/auth/signup", json=body).json()
        login = {"url": self.url, "user_id": session["user"]["id"], "email": self.email}
        login |= {"token": session["access_token"], "refresh_token": session["refresh_token"]}
        (self.folder / "config").mkdir(mode=0o700)
        file = self.folder / "config" / "login.json"
        file.touch(0o600)
        file.write_text(json.dumps(login))
        return self

    def adds(self, *words: str) -> str:
        """The id of a new task."""
        return self.does("add", *words).strip()

    def titles(self, *arguments: str) -> list[str]:
        return [task["title"] for task in self.asks("ls", *arguments)]


def short(id: str) -> str:
    """Enough of an id's last group to be alone among a few tasks."""
    return id[-12:-6]
