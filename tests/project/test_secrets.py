"""No secret and no task in any log: a day on which everything goes wrong, and then a search of all that was written."""

import base64
import json
import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from drills import stand
from tests.support.processes import Server, run_to_its_end, serving
from todo.db import migrate
from todo.db.embedded import server as embedded

FIRST, SECOND, GUESS = "a first afternoon-K7", "a second afternoon-K7", "a guess of somebody-K7"
EMAIL = "ada.k7@example.com"
TITLE, DESCRIPTION = "Water the ferns-K7", "The large ones first-K7"
KEY = "idempotency-key-K7"
GARBAGE = "garbage-K7"

BREAK = """
    alter table tasks add constraint broken check (title is null) not valid;
    alter table credentials add constraint broken check (password_hash is null) not valid;
    alter table sessions add constraint broken check (token_hash is null) not valid;
    alter table api_tokens add constraint broken check (token_hash is null) not valid;
    alter table signing_keys add constraint broken check (private_key is null) not valid;
"""
MEND = "; ".join(
    f"alter table {table} drop constraint broken"
    for table in ("tasks", "credentials", "sessions", "api_tokens", "signing_keys")
)


@dataclass
class Stage:
    """A database that can be broken: how to reach it, and where it writes its log."""

    settings: dict[str, Any]
    owner: str
    log: Path
    kill: Callable[[], None]
    password: str | None = None


@dataclass
class Day:
    """What somebody does; `secrets` is what must stand in no log, `statuses` what they were answered."""

    server: Server
    secrets: dict[str, str] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    user: str = ""
    token: str = "none-K7"

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """As her, unless the headers say otherwise."""
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        answer = self.server.http.request(method, path, headers=headers, **options)
        self.statuses.append(answer.status_code)
        self._learn(answer)
        return answer

    def _learn(self, answer: httpx.Response) -> None:
        said: Any = answer.json() if answer.headers.get("content-type") == "application/json" else {}
        body: dict[str, Any] = said if isinstance(said, dict) else {}
        found = {name: body.get(name) for name in ("access_token", "refresh_token", "token")}
        found["cookie"] = answer.cookies.get("todo_refresh")
        for name, value in found.items():
            if value:
                self.secrets[f"{name} {len(self.secrets)}"] = value
                self.secrets[f"end of {name} {len(self.secrets)}"] = re.split(r"[.]", value)[-1]
        self.token = found.get("access_token") or self.token
        self.user = body["user"]["id"] if found.get("access_token") else self.user

    def account(self) -> None:
        """Sign up, in by guesses and rightly, refresh every way, change the password."""
        ada = {"email": EMAIL, "password": FIRST}
        for body in (ada, ada, ada | {"password": "short"}, {"email": GARBAGE, "password": FIRST}):
            self.call("POST", "/api/auth/signup", json=body)
        self.call(
            "POST", "/api/auth/signup", content=f'{{"password": "{FIRST}', headers={"Content-Type": "application/json"}
        )
        for password, name in ((GUESS, EMAIL), (GUESS, "nobody.k7@example.com"), (FIRST, EMAIL)):
            self.call("POST", "/api/auth/signin", json={"email": name, "password": password})
        self.call("POST", "/api/auth/refresh")
        told = self.call("POST", "/api/auth/signin", json=ada | {"refresh": "body"}).json()["refresh_token"]
        for _ in range(2):
            self.call("POST", "/api/auth/refresh", json={"refresh": "body", "refresh_token": told})
        self.call("POST", "/api/auth/password", json={"current": GUESS, "new": SECOND})
        self.call("POST", "/api/auth/password", json={"current": FIRST, "new": SECOND})

    def tokens(self) -> None:
        """Call with good tokens and with bad ones."""
        personal = self.call("POST", "/api/auth/tokens", json={"name": "script-K7"}).json()["token"]
        head, body, signature = self.token.split(".")
        forged = base64.urlsafe_b64encode(json.dumps({"sub": self.user, "exp": 1, "x": GARBAGE}).encode()).decode()
        others = [f"{head}.{forged}.{signature}", f"{head}.{body}.{GARBAGE}", personal[:-1] + "x", GARBAGE, "x" * 9000]
        for said in (f"Bearer {personal}", *(f"Bearer {each}" for each in others), f"Basic {GARBAGE}", GARBAGE):
            self.call("GET", f"/api/{self.user}/tasks", headers={"Authorization": said})

    def work(self) -> None:
        """Write a task with a key, again, otherwise, and in ways that are refused."""
        tasks = f"/api/{self.user}/tasks"
        task = {"title": TITLE, "description": DESCRIPTION}
        for key, body in ((KEY, task), (KEY, task), (KEY, task | {"completed": True}), (f"{KEY} {KEY}", task)):
            self.call("POST", tasks, json=body, headers={"Idempotency-Key": key})
        self.call("POST", tasks, json=task | {"title": TITLE + "\0"})
        self.call("POST", tasks, json=task | {"completed": TITLE})
        self.call("GET", f"{tasks}?limit={GARBAGE}&cursor={GARBAGE}")
        self.call("GET", tasks)

    def all_that_writes(self) -> None:
        """What reaches every table that holds a secret, so that whatever is broken is met."""
        self.call("POST", "/api/auth/signup", json={"email": "bob.k7@example.com", "password": FIRST})
        self.call("POST", "/api/auth/signin", json={"email": EMAIL, "password": SECOND})
        self.call("POST", "/api/auth/refresh")
        self.call("POST", "/api/auth/password", json={"current": SECOND, "new": FIRST})
        self.call("POST", "/api/auth/tokens", json={"name": "script-K7"})
        self.call("POST", f"/api/{self.user}/tasks", json={"title": TITLE}, headers={"Idempotency-Key": KEY + "2"})
        self.call("POST", f"/api/{self.user}/tasks", json={"title": TITLE, "description": DESCRIPTION})
        self.call("GET", f"/api/{self.user}/tasks")

    def hang_up(self) -> None:
        """Leave in the middle of a request."""
        head = f"POST /api/{self.user}/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token}\r\n"
        with socket.create_connection(("127.0.0.1", self.server.port)) as wire:
            wire.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{TITLE}".encode())


@contextmanager
def by_itself(folder: Path) -> Iterator[Stage]:
    """The PostgreSQL that starts by itself."""
    data = folder / "data"
    with embedded.running(data) as url:
        pid = int((data / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        yield Stage({"data_dir": data}, url, data / "postgres.log", lambda: stand.kill(pid))


@contextmanager
def given(folder: Path) -> Iterator[Stage]:
    """Debian's PostgreSQL 15 over TLS, with a password."""
    if (missing := stand.missing()) and not os.environ.get("REQUIRE_PGBOUNCER"):
        pytest.skip(missing)
    with stand.postgres_15(folder) as postgres:
        settings = {"database_url": postgres.url()}
        yield Stage(settings, postgres.url(), postgres.folder / "log", postgres.kill, postgres.password)


def owner(stage: Stage, *commands: str) -> None:
    with psycopg.connect(stage.owner, autocommit=True) as connection:
        for command in commands:
            connection.execute(command.encode())


def kept(stage: Stage) -> dict[str, str]:
    """The secrets that the database keeps."""
    found = {}
    with psycopg.connect(stage.owner) as connection:
        for table, column in (
            ("credentials", "password_hash"),
            ("sessions", "token_hash"),
            ("api_tokens", "token_hash"),
        ):
            connection.execute(f"alter table {table} no force row level security".encode())
            for number, (value,) in enumerate(connection.execute(f"select {column}::text from {table}".encode())):
                found[f"{table} {number}"] = value.removeprefix("\\x")
        for (key,) in connection.execute("select private_key from signing_keys"):
            found["private key"] = "".join(key.splitlines()[1:-1])
        connection.rollback()
    return found


def test_a_new_database_knows_nobody(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    assert run_to_its_end("user", "list", database_url=empty_url).stdout == ""


@pytest.mark.parametrize("place", [by_itself, given])
def test_no_secret_is_in_any_log(tmp_path: Path, place: Any) -> None:
    with place(tmp_path) as stage:
        with serving(
            tmp_path, "--migrate", log_level="debug", statement_timeout=0.3, pool_timeout=0.5, **stage.settings
        ) as server:
            day = Day(server)
            day.account()
            day.tokens()
            day.work()
            day.hang_up()
            day.secrets |= kept(stage)
            fine = len(day.statuses)
            assert {*day.statuses} >= {200, 201, 204, 400, 401, 409, 422}
            assert 500 not in day.statuses

            owner(stage, BREAK)
            day.all_that_writes()
            rotation = run_to_its_end("keys", "rotate", log_level="debug", **stage.settings)
            owner(stage, MEND, "alter table tasks rename title to elsewhere")
            owner(stage, "alter table credentials rename password_hash to elsewhere")
            day.all_that_writes()
            owner(stage, "alter table tasks rename elsewhere to title")
            owner(stage, "alter table credentials rename elsewhere to password_hash")
            assert 500 in day.statuses[fine:]

            with psycopg.connect(stage.owner) as holder:
                holder.execute("lock table tasks, credentials, sessions, idempotency")
                day.all_that_writes()
            with psycopg.connect(stage.owner, autocommit=True) as connection:
                connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where pid <> pg_backend_pid() and application_name = 'todo'"
                )
            day.all_that_writes()
            stage.kill()
            day.all_that_writes()
            assert 503 in day.statuses
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(30)
        refused = []
        if stage.password:
            stage.settings["database_url"] = stage.owner.replace(stage.password, GUESS.replace(" ", "%20"))
            refused = [
                run_to_its_end(*command.split(), log_level="debug", **stage.settings)
                for command in ("serve", "db upgrade")
            ]
            day.secrets["database password"] = stage.password
        ours = server.log.read_text() + "".join(done.stdout + done.stderr for done in (rotation, *refused))
        theirs = stage.log.read_text()

    day.secrets |= {"first": FIRST, "second": SECOND, "guess": GUESS, "title": TITLE, "description": DESCRIPTION}
    day.secrets |= {"e-mail": EMAIL.partition("@")[0], "key": KEY, "garbage": GARBAGE, "argon2": "$argon2", "any": "K7"}
    day.secrets |= {"any key": "PRIVATE KEY", "any row": "Failing row"}
    assert len(day.secrets) > 30
    assert "failed: POST" in ours
    assert "CheckViolation" in ours
    assert "ERROR:" in theirs
    assert rotation.returncode
    for log in (ours, theirs):
        assert [name for name, secret in day.secrets.items() if secret.lower() in log.lower()] == []
