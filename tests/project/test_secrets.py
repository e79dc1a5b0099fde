"""No secret and no text of a task in any log: requests under many kinds of failure, then a search of all logs."""

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
from tests.support.mail_server import MailServer, link_in, mail_server, text_of, token_in
from tests.support.processes import Server, run_command, serving
from todo.db import migrate
from todo.db.embedded import server as embedded

pytestmark = pytest.mark.slow

FIRST, SECOND, GUESS = "a first afternoon-K7", "a second afternoon-K7", "a wrong guess-K7"
EMAIL = "ada.k7@example.com"
TITLE, DESCRIPTION = "Water the ferns-K7", "The large ones first-K7"
KEY = "idempotency-key-K7"
GARBAGE = "garbage-K7"

BREAK = """
    alter table tasks add constraint broken check (title is null) not valid;
    alter table credentials add constraint broken check (password_hash is null) not valid;
    alter table sessions add constraint broken check (token_hash is null) not valid;
    alter table api_tokens add constraint broken check (token_hash is null) not valid;
    alter table signing_keys add constraint broken check (public_jwk is null) not valid;
    alter table one_time_links add constraint broken check (hash is null) not valid;
"""
REPAIR = "; ".join(
    f"alter table {table} drop constraint broken"
    for table in ("tasks", "credentials", "sessions", "api_tokens", "signing_keys", "one_time_links")
)


@dataclass
class BreakableDatabase:
    """A database that the test breaks: its settings, its owner, and its log."""

    settings: dict[str, Any]
    owner: str
    log: Path
    kill: Callable[[], None]
    password: str | None = None


@dataclass
class Client:
    """A client that collects `secrets`, the texts that no log may contain, and the `statuses` of the responses."""

    server: Server
    secrets: dict[str, str] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    user: str = ""
    token: str = "none-K7"

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request with the current token, unless the headers contain another one."""
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        response = self.server.http.request(method, path, headers=headers, **options)
        self.statuses.append(response.status_code)
        self._learn(response)
        return response

    def _learn(self, response: httpx.Response) -> None:
        document: Any = response.json() if response.headers.get("content-type") == "application/json" else {}
        body: dict[str, Any] = document if isinstance(document, dict) else {}
        found = {name: body.get(name) for name in ("access_token", "refresh_token", "token")}
        found["cookie"] = response.cookies.get("todo_refresh")
        for name, value in found.items():
            if value:
                self.secrets[f"{name} {len(self.secrets)}"] = value
                self.secrets[f"end of {name} {len(self.secrets)}"] = re.split(r"[.]", value)[-1]
        self.token = found.get("access_token") or self.token
        self.user = body["user"]["id"] if found.get("access_token") else self.user

    def account(self) -> None:
        """Sign up, sign in with wrong and right passwords, refresh by cookie and by body, change the password."""
        ada = {"email": EMAIL, "password": FIRST}
        for body in (ada, ada, ada | {"password": "short"}, {"email": GARBAGE, "password": FIRST}):
            self.call("POST", "/api/auth/signup", json=body)
        self.call(
            "POST", "/api/auth/signup", content=f'{{"password": "{FIRST}', headers={"Content-Type": "application/json"}
        )
        for password, name in ((GUESS, EMAIL), (GUESS, "nobody.k7@example.com"), (FIRST, EMAIL)):
            self.call("POST", "/api/auth/signin", json={"email": name, "password": password})
        self.call("POST", "/api/auth/refresh")
        refresh_token = self.call("POST", "/api/auth/signin", json=ada | {"refresh": "body"}).json()["refresh_token"]
        for _ in range(2):
            self.call("POST", "/api/auth/refresh", json={"refresh": "body", "refresh_token": refresh_token})
        self.call("POST", "/api/auth/password", json={"current": GUESS, "new": SECOND})
        self.call("POST", "/api/auth/password", json={"current": FIRST, "new": SECOND})

    def mail(self, received: MailServer) -> None:
        """Have links mailed, refused and used; `received` keeps them."""
        received.replies += [f"451 later {EMAIL}"]
        self.call("POST", "/api/auth/password/forgot", json={"email": EMAIL})
        self.call("POST", "/api/auth/email/confirmation")
        self.call("POST", "/api/auth/email", json={"email": f"new.{EMAIL}", "password": GUESS})
        self.call("POST", "/api/auth/email", json={"email": f"new.{EMAIL}", "password": SECOND})
        messages = [*received.to(EMAIL, 4), *received.to(f"new.{EMAIL}")]
        tokens = {token_in(each) for each in messages if "=" in text_of(each)}
        assert len(tokens) == 4  # one more confirms the address after the sign-up
        for number, token in enumerate(tokens):
            self.secrets[f"link {number}"] = token
            self.call("POST", "/api/auth/password/reset", json={"token": token, "new": "short"})
            self.call("POST", "/api/auth/email/confirm", json={"token": token[:-1]})
        received.replies += [f"550 no {EMAIL} {link_in(messages[0])}"]
        self.call("POST", "/api/auth/password/forgot", json={"email": EMAIL})

    def tokens(self) -> None:
        """Send valid and invalid tokens."""
        api_token = self.call("POST", "/api/auth/tokens", json={"name": "script-K7"}).json()["token"]
        head, body, signature = self.token.split(".")
        forged = base64.urlsafe_b64encode(json.dumps({"sub": self.user, "exp": 1, "x": GARBAGE}).encode()).decode()
        others = [f"{head}.{forged}.{signature}", f"{head}.{body}.{GARBAGE}", api_token[:-1] + "x", GARBAGE, "x" * 9000]
        for header in (f"Bearer {api_token}", *(f"Bearer {each}" for each in others), f"Basic {GARBAGE}", GARBAGE):
            self.call("GET", f"/api/{self.user}/tasks", headers={"Authorization": header})

    def tasks(self) -> None:
        """Create a task with a key, repeat it, vary it, and send requests that are refused."""
        tasks = f"/api/{self.user}/tasks"
        task = {"title": TITLE, "description": DESCRIPTION}
        for key, body in ((KEY, task), (KEY, task), (KEY, task | {"completed": True}), (f"{KEY} {KEY}", task)):
            self.call("POST", tasks, json=body, headers={"Idempotency-Key": key})
        self.call("POST", tasks, json=task | {"title": TITLE + "\0"})
        self.call("POST", tasks, json=task | {"completed": TITLE})
        self.call("GET", f"{tasks}?limit={GARBAGE}&cursor={GARBAGE}")
        self.call("GET", tasks)

    def write_to_every_table(self) -> None:
        """Write to every table that contains a secret, so that each broken table causes an error."""
        self.call("POST", "/api/auth/signup", json={"email": "bob.k7@example.com", "password": FIRST})
        self.call("POST", "/api/auth/signin", json={"email": EMAIL, "password": SECOND})
        self.call("POST", "/api/auth/refresh")
        self.call("POST", "/api/auth/password", json={"current": SECOND, "new": FIRST})
        self.call("POST", "/api/auth/tokens", json={"name": "script-K7"})
        self.call("POST", "/api/auth/password/forgot", json={"email": EMAIL})
        self.call("POST", f"/api/{self.user}/tasks", json={"title": TITLE}, headers={"Idempotency-Key": KEY + "2"})
        self.call("POST", f"/api/{self.user}/tasks", json={"title": TITLE, "description": DESCRIPTION})
        self.call("GET", f"/api/{self.user}/tasks")

    def disconnect(self) -> None:
        """Close the connection in the middle of a request."""
        head = f"POST /api/{self.user}/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token}\r\n"
        with socket.create_connection(("127.0.0.1", self.server.port)) as connection_to_server:
            connection_to_server.sendall(
                f"{head}Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{TITLE}".encode()
            )


@contextmanager
def embedded_database(folder: Path) -> Iterator[BreakableDatabase]:
    """The embedded PostgreSQL."""
    data = folder / "data"
    with embedded.running(data) as url:
        pid = int((data / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        yield BreakableDatabase({"data_dir": data}, url, data / "postgres.log", lambda: stand.kill(pid))


@contextmanager
def external_database(folder: Path) -> Iterator[BreakableDatabase]:
    """Debian's PostgreSQL 15 over TLS, with a password."""
    if (missing := stand.missing()) and not os.environ.get("REQUIRE_PGBOUNCER"):
        pytest.skip(missing)
    with stand.postgres_15(folder) as postgres:
        settings = {"database_url": postgres.url()}
        yield BreakableDatabase(settings, postgres.url(), postgres.folder / "log", postgres.kill, postgres.password)


def owner(database: BreakableDatabase, *commands: str) -> None:
    with psycopg.connect(database.owner, autocommit=True) as connection:
        for command in commands:
            connection.execute(command.encode())


def stored_secrets(database: BreakableDatabase) -> dict[str, str]:
    """The secrets that the database stores."""
    found = {}
    with psycopg.connect(database.owner) as connection:
        for table, column in (
            ("credentials", "password_hash"),
            ("sessions", "token_hash"),
            ("api_tokens", "token_hash"),
            ("one_time_links", "hash"),
            ("oauth_grants", "code_hash"),
        ):
            connection.execute(f"alter table {table} no force row level security".encode())
            for number, (value,) in enumerate(connection.execute(f"select {column}::text from {table}".encode())):
                found[f"{table} {number}"] = value.removeprefix("\\x")
        connection.rollback()
    return found


def test_a_new_database_has_no_users(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    assert run_command("user", "list", database_url=empty_url).stdout == ""


@pytest.mark.parametrize("place", [embedded_database, external_database])
def test_no_secret_is_in_any_log(tmp_path: Path, place: Any) -> None:
    with place(tmp_path) as database, mail_server() as received:
        mailing = {"smtp_url": f"smtp://127.0.0.1:{received.port}", "mail_from": "todo@example.com"}
        mailing["public_url"] = "https://todo.example.com"
        with serving(
            *(tmp_path, "--migrate"),
            log_level="debug",
            statement_timeout=0.3,
            pool_timeout=0.5,
            **database.settings | mailing,
        ) as server:
            client = Client(server)
            client.account()
            client.mail(received)
            client.tokens()
            client.tasks()
            client.disconnect()
            client.secrets |= stored_secrets(database)
            before_faults = len(client.statuses)
            assert {*client.statuses} >= {200, 201, 204, 400, 401, 409, 422}
            assert 500 not in client.statuses

            owner(database, BREAK)
            client.write_to_every_table()
            rotation = run_command("keys", "rotate", log_level="debug", **database.settings)
            owner(database, REPAIR, "alter table tasks rename title to renamed")
            owner(database, "alter table credentials rename password_hash to renamed")
            client.write_to_every_table()
            owner(database, "alter table tasks rename renamed to title")
            owner(database, "alter table credentials rename renamed to password_hash")
            assert 500 in client.statuses[before_faults:]

            with psycopg.connect(database.owner) as holder:
                holder.execute("lock table tasks, credentials, sessions, idempotency")
                client.write_to_every_table()
            with psycopg.connect(database.owner, autocommit=True) as connection:
                connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where pid <> pg_backend_pid() and application_name = 'todo'"
                )
            client.write_to_every_table()
            database.kill()
            client.write_to_every_table()
            assert 503 in client.statuses
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(30)
        refused = []
        if database.password:
            database.settings["database_url"] = database.owner.replace(database.password, GUESS.replace(" ", "%20"))
            refused = [
                run_command(*command.split(), log_level="debug", **database.settings)
                for command in ("serve", "db upgrade")
            ]
            client.secrets["database password"] = database.password
        server_log = server.log.read_text() + "".join(done.stdout + done.stderr for done in (rotation, *refused))
        postgres_log = database.log.read_text()

    client.secrets |= {"first": FIRST, "second": SECOND, "guess": GUESS, "title": TITLE, "description": DESCRIPTION}
    client.secrets |= {
        "e-mail": EMAIL.partition("@")[0],
        "key": KEY,
        "garbage": GARBAGE,
        "argon2": "$argon2",
        "any": "K7",
    }
    client.secrets |= {"any key": "PRIVATE KEY", "any row": "Failing row"}
    assert len(client.secrets) > 30
    assert "failed: POST" in server_log
    assert "CheckViolation" in server_log
    assert r"a link to reset a password for a\u2026@example.com was not sent: the mail server replied 550" in server_log
    assert "a link to reset a password was not " in server_log
    assert "ERROR:" in postgres_log
    assert rotation.returncode
    for log in (server_log, postgres_log):
        assert [name for name, secret in client.secrets.items() if secret.lower() in log.lower()] == []
