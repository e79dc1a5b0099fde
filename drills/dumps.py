"""Dumps of a small database of each past schema, by PostgreSQL 15's pg_dump, to test upgrades from.

A new migration needs a new dump: add sample rows for what is new in its schema to `fill`, then run
`python -m drills.upgrades dump <revision>`, which writes `tests/dumps/<revision>.sql`. To load a dump, the cluster must
have our three roles.
"""

import asyncio
import re
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from drills.stand import POSTGRES, postgres_15
from tests.conftest import PASSWORD
from todo.accounts.passwords import Passwords
from todo.db import migrate

FOLDER = Path(__file__).parent.parent / "tests" / "dumps"

ADA, BOB, GRACE = (f"00000000-0000-4000-8000-{n:012}" for n in (1, 2, 3))
"""Ada has tasks in every state, Bob has one, Grace has none."""

PEOPLE = {ADA: "ada@example.com", BOB: "bob@example.com", GRACE: "Grace.Hopper@example.com"}

API_TOKEN_HASH = bytes(range(32))
"""Not the hash of a real token: only the existence of the row is tested."""

BEGAN = datetime(2026, 11, 1, 9, 30, 0, 123456, UTC)


def task(number: int) -> UUID:
    """The id of one of the tasks."""
    return UUID(f"ada00000-0000-4000-8000-{number:012}")


TASKS: tuple[tuple[str, str, str | None, bool], ...] = (
    (ADA, "Water the ferns", None, False),
    (ADA, "Pay the rent", "By bank transfer.\nBefore the third.", True),
    (
        ADA,
        "Ünïcödé: 植物に水をやる 🌿 – a\u0301 is not á",
        "a\ttab, a \\ backslash, 'quotes', $$ and a\nnew line",
        False,
    ),
    (ADA, "t" * 255, "d" * 10_000, False),
    (ADA, "In the trash", None, False),
    (ADA, "In the trash, and done", "", True),
    (BOB, "Of Bob", "Nobody else sees it.", False),
)
"""User, title, description, and whether it was completed when it was created."""


def has_column(connection: psycopg.Connection[Any], table: str, column: str) -> bool:
    """Whether the schema has come that far."""
    query = "select from information_schema.columns where table_name = %s and column_name = %s"
    return connection.execute(query, [table, column]).rowcount > 0


def fill(connection: psycopg.Connection[Any]) -> None:
    """Write sample rows of everything that the schema can hold, with its triggers on."""
    tables = {name for (name,) in connection.execute("select tablename from pg_tables where schemaname = 'public'")}
    password = asyncio.run(Passwords().hash(PASSWORD))
    for user, email in PEOPLE.items():
        connection.execute("insert into users (id, email, created_at) values (%s, %s, %s)", [user, email, BEGAN])
        connection.execute("insert into credentials values (%s, %s, %s)", [user, email, password])
    for number, (user, title, description, completed) in enumerate(TASKS):
        connection.execute(
            "insert into tasks (user_id, id, title, description, completed, created_at)"
            " values (%s, %s, %s, %s, %s, %s)",
            [user, task(number), title, description, completed, BEGAN + timedelta(hours=number)],
        )
    for _ in range(2):
        connection.execute("update tasks set completed = not completed where id = %s", [task(0)])
    connection.execute("update tasks set deleted_at = clock_timestamp() where title like 'In the trash%'")
    if "sessions" in tables:
        connection.execute("insert into deployment (issuer) values ('built-in accounts')")
        connection.execute(
            "insert into sessions (id, user_id, token_hash, expires_at) values (%s, %s, 'hash', 'infinity')",
            [task(1), ADA],
        )
        connection.execute(
            "insert into api_tokens (id, user_id, name, scope, token_hash) values (%s, %s, 'cron', 'read', %s)",
            [task(1), ADA, API_TOKEN_HASH],
        )
        connection.execute("insert into departed (user_hash) values (%s)", [bytes(32)])
    if has_column(connection, "sessions", "rotations"):
        rotation = {"token_hash": "00" * 32, "at": "2026-11-01T09:30:00.123456Z", "salt": "00" * 32}
        connection.execute("update sessions set rotations = %s", [Jsonb([rotation])])
        connection.execute(
            "insert into signing_keys (kid, public_jwk, created_at, retired_at) values ('of a process', '{}', %s, %s)",
            [BEGAN, BEGAN],
        )
    if has_column(connection, "tasks", "due_date"):
        connection.execute(
            "update tasks set due_date = '2027-03-28T02:30', time_zone = 'Europe/Berlin', priority = 'urgent',"
            " tags = array['home', 'Käse, \"alt\"'], recurrence = 'FREQ=MONTHLY;INTERVAL=2', recurrence_from = 'due',"
            " remind_at = %s where id = %s",
            [BEGAN, task(0)],
        )
        series = {"id": str(task(0)), "anchor": "2027-03-28T02:30", "anchor_number": 1, "number": 1}
        connection.execute("update tasks set series = %s where id = %s", [Jsonb(series), task(0)])
    if has_column(connection, "changes", "batch"):
        with connection.transaction():
            connection.execute("select set_config('app.batch', '0', true)")
            connection.execute("update tasks set priority = 'low' where user_id = %s and priority is null", [ADA])
        connection.execute("select set_config('app.batch', '', true)")
    if has_column(connection, "users", "name"):
        connection.execute("update users set name = 'Ada Lovelace 🌿' where id = %s", [ADA])
    if has_column(connection, "sessions", "client"):
        connection.execute("update sessions set client = 'Firefox on Linux', last_used_at = %s", [BEGAN])
    if has_column(connection, "users", "email_confirmed_at"):
        connection.execute("update users set email_confirmed_at = %s where id = %s", [BEGAN, ADA])
        connection.execute(
            "insert into one_time_links (hash, user_id, purpose, email, expires_at)"
            " values (%s, %s, 'change', 'ada@example.org', 'infinity'), (%s, %s, 'reset', null, 'infinity')",
            [bytes(32), ADA, API_TOKEN_HASH, BOB],
        )
    if "oauth_grants" in tables:
        connection.execute(
            "insert into oauth_clients (id, name, redirect_uris, origin, last_used_at)"
            " values (%s, 'Meal planner', array['https://app.example.com/back', 'http://127.0.0.1/'], 'operator', %s)",
            [task(2), BEGAN],
        )
        connection.execute(
            "insert into oauth_grants (code_hash, client_id, user_id, redirect_uri, code_challenge, name, scope,"
            " permissions, tag, lifetime_days, expires_at, token_id)"
            " values (%s, %s, %s, 'http://127.0.0.1:4000/', %s, 'Meal planner', 'write', array['create'], 'home', 90,"
            " %s, %s)",
            [bytes(32), task(2), ADA, "x" * 43, BEGAN, task(1)],
        )
    if "idempotency" in tables:
        connection.execute(
            "insert into idempotency (user_id, key, request, status, headers, body, task_id)"
            " values (%s, 'a key', 'hash', 201, '{}', '{}', %s)",
            [ADA, task(0)],
        )


def write(revision: str) -> None:
    """Write the dump of this revision, from a temporary PostgreSQL 15."""
    with tempfile.TemporaryDirectory() as folder, postgres_15(Path(folder)) as postgres:
        migrate.upgrade(postgres.url(), revision)
        superuser = postgres.superuser.replace("/postgres?", "/todo?")  # row-level security hides nothing from it
        with psycopg.connect(superuser) as connection:
            fill(connection)
        command = [str(POSTGRES / "pg_dump"), "--inserts", "--column-inserts", superuser]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # Debian's
    FOLDER.mkdir(exist_ok=True)
    # Two commands of psql contain a random key.
    lines = [line for line in done.stdout.splitlines() if not re.match(r"\\(un)?restrict", line)]
    (FOLDER / f"{revision}.sql").write_text("\n".join(lines) + "\n")


def load(url: str, revision: str) -> None:
    """Load a dump as the login that owns the database and is no superuser. It becomes the owner of everything."""
    text = (FOLDER / f"{revision}.sql").read_text()
    text = re.sub(r"^ALTER .* OWNER TO todo;$", "", text, flags=re.MULTILINE)
    # Only todo_log may revoke on what todo_log owns.
    text = re.sub(
        r"^(REVOKE ALL ON FUNCTION public\.(?:log_task|begin_behind_departure|delete_changes)\(\) FROM PUBLIC;)$",
        r"SET ROLE todo_log; \1 RESET ROLE;",
        text,
        flags=re.MULTILINE,
    )
    # Switching row-level security off is an error for a role on which it is forced.
    text = text.replace("SET row_security = off;", "")
    with psycopg.connect(url) as connection:
        connection.execute("grant create on schema public to todo_log")
        connection.execute(text.encode())
        connection.execute("revoke create on schema public from todo_log")
