"""The statements on a schema that is partitioned by user: each touches only the partition of its user's rows.

A PostgreSQL that is sharded by `user_id` (docs/how-to/scaling.md) sends a statement to the shard of its user. A
statement needs no other shard if all its conditions name the user, also in triggers and foreign keys.
"""

import importlib
import pkgutil
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

import todo
from tests.conftest import scratch_database
from todo.db.embedded import server as embedded
from todo.db.roles import ACCOUNTS, ENTER_TO_WRITE, REQUESTS
from todo.db.statement import Statement
from todo.tasks.lists import START

PARTITIONS = 16
PARTITIONED = {"users": "id", "tasks": "user_id", "changes": "user_id", "idempotency": "user_id"}
"""The partitioned tables, and their partition keys. The other tables are small, and the same on every shard."""

STATEMENTS_OF_MANY_USERS = {
    ("todo.accounts.actions", "ALL_USERS"): "the administrator's list of all users",
    ("todo.accounts.actions", "RECORD_ISSUER"): "checks at the start whether there is any user",
    ("todo.changes.actions", "REVISIONS"): "the poll of a process: the revisions of all users with a stream",
}

ADA = "ada"
TASK = UUID(int=1)
VALUES: dict[str, Any] = {
    "user_id": ADA,
    "id": TASK,
    "undone": 1,
    "batch": 1,
    "live": [True],
    "hindrance": 1,
    "secret_hash": b"hash",
    "hash": b"hash",
    "purpose": "reset",
    "since": 0,
    "before": 2**62,
    "first": 1,
    "since_at": START.created_at,
    "agent_id": TASK,
    "below": 2**62,
    "limit": 10,
    "after_at": START.created_at,
    "after_id": START.id,
    "cached": "{}",
    "matches": None,
    "title": "Water the ferns",
    "description": None,
    "completed": None,
    **dict.fromkeys(("due_date", "priority", "recurrence", "recurrence_from", "remind_at")),
    "tags": "{}",
    "time_zone": "UTC",
    "fields": '{"title": "Water the ferns", "description": null, "completed": false}',
    "ids": [TASK],
    "names": ["home"],
    "after": TASK,
    "at": TASK,
    "position": "V",
    "patches": f'{{"{TASK}": {{"title": "Water all ferns"}}}}',
    "patch": '{"title": "Water all ferns"}',
    "key": "a key",
    "request": b"hash",
    "status": 200,
    "headers": "{}",
    "shows_task": True,
    "bytes": 302,
    "max_bytes": 1_000_000,
    "task_id": TASK,
    "body": b"{}",
    "email": "ada@example.com",
    "issued_at": datetime.max.replace(tzinfo=UTC),
    "password_hash": "$argon2id$v=19$of nothing",
    "user_hash": b"hash of a user",
    "token_hash": b"hash",
    "used": b"hash",
    "next": b"next",
    "rotations": "[]",
    "lifetime": timedelta(days=1),
    "ends_at": datetime.now(UTC) + timedelta(days=1),
}
NEW = {"CREATE": {"id": uuid4(), "completed": False}, "CREATE_WITH_USER": {"id": uuid4(), "completed": False}}
NEW["SIGN_UP"] = {"id": "bob", "email": "bob@example.com", "name": "Bob"}
NEW["CREATED_BEFORE"] = {"completed": False}


def statements() -> Iterator[tuple[str, str]]:
    """Every statement of the application that names a partitioned table, found in its modules."""
    table = re.compile(rb"\b(?:FROM|INTO|UPDATE|JOIN) (?:%s)\b" % "|".join(PARTITIONED).encode())
    for module in pkgutil.walk_packages(todo.__path__, "todo."):
        if ".migrations" not in module.name:
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, Statement) and table.search(value.sql):
                    yield module.name, name


def statements_of_one_user() -> list[tuple[str, str]]:
    return sorted(set(statements()) - set(STATEMENTS_OF_MANY_USERS))


@pytest.fixture(scope="module")
def partitioned_url(database_url: str, server_url: str) -> Iterator[str]:
    """A database with the schema of the migrations, and these tables partitioned by hash."""
    dump = subprocess.run(
        [embedded.binaries() / "pg_dump", "--schema-only", database_url], capture_output=True, text=True, check=True
    ).stdout
    lines = [line for line in dump.splitlines() if not line.startswith(("\\", "SET ", "CREATE SCHEMA", "--"))]
    schema = "\n".join(lines).replace("SELECT pg_catalog.set_config('search_path', '', false);", "")
    for name, owner in PARTITIONED.items():
        schema, tables = re.subn(
            rf"(CREATE TABLE public\.{name} \(.*?\n\));", rf"\1 PARTITION BY HASH ({owner});", schema, flags=re.DOTALL
        )
        assert tables == 1
    schema = re.sub(r"ALTER TABLE ONLY", "ALTER TABLE", schema)
    with scratch_database(server_url) as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("grant create on schema public to todo_log")
        connection.execute(schema.encode())
        for name in PARTITIONED:
            for part in range(PARTITIONS):
                connection.execute(
                    f"create table {name}_{part} partition of {name}"
                    f" for values with (modulus {PARTITIONS}, remainder {part})".encode()
                )
        yield url


@pytest.fixture(scope="module")
def with_ada(partitioned_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database where Ada has a task, which was changed once."""
    with psycopg.connect(partitioned_url, autocommit=True) as connection:
        with connection.transaction():
            set_role(connection, ACCOUNTS)
            connection.execute("insert into users (id, email) values ('ada', 'ada@example.com')")
            connection.execute(
                "insert into credentials (email, user_id, password_hash) values ('ada@example.com', 'ada', %s)",
                [VALUES["password_hash"]],
            )
            connection.execute(
                "insert into sessions (id, user_id, token_hash, expires_at)"
                " values (%s, 'ada', 'hash', now() + interval '1 hour')",
                [TASK],
            )
            connection.execute(
                "insert into one_time_links (hash, user_id, purpose, email, expires_at)"
                " values ('hash', 'ada', 'reset', 'ada@example.com', now() + interval '1 hour')"
            )
        with connection.transaction():
            set_role(connection, REQUESTS)
            connection.execute("insert into tasks (user_id, id, title) values ('ada', %s, 'Water the ferns')", [TASK])
            connection.execute("update tasks set completed = true where user_id = 'ada'")
        yield connection


def set_role(connection: psycopg.Connection[Any], role: str) -> None:
    psycopg.RawCursor(connection).execute(ENTER_TO_WRITE, [role, ADA, "10000", "session", "100", "1000000"])


def partitions_touched(connection: psycopg.Connection[Any]) -> set[int]:
    """The partitions that this transaction read or wrote, by statements, triggers or foreign keys."""
    rows = connection.execute(
        "select relname from pg_stat_xact_user_tables"
        " where coalesce(seq_scan, 0) + coalesce(idx_scan, 0) + n_tup_ins + n_tup_upd + n_tup_del > 0"
    ).fetchall()
    return {int(found[1]) for (name,) in rows if (found := re.search(r"_(\d+)$", name))}


def partition_of(connection: psycopg.Connection[Any], user_id: str) -> int:
    """The partition with the rows of this user."""
    row = connection.execute(
        "select n from generate_series(0, %s) as n"
        " where satisfies_hash_partition('users'::regclass, %s, n::int, %s::text)",
        [PARTITIONS - 1, PARTITIONS, user_id],
    ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("plan", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize(("module", "name"), statements_of_one_user())
def test_a_statement_touches_only_the_partition_of_its_user(
    with_ada: psycopg.Connection[Any], module: str, name: str, plan: str
) -> None:
    statement: Statement[Any] = getattr(importlib.import_module(module), name)
    values = VALUES | NEW.get(name, {})
    role = ACCOUNTS if module.startswith("todo.accounts") and name != "LOCK_TASKS" else REQUESTS
    expected = partition_of(with_ada, values["id"] if name == "SIGN_UP" else ADA)
    with_ada.execute("select pg_stat_force_next_flush()")  # so that only this transaction is counted

    with with_ada.transaction(force_rollback=True):
        with_ada.execute(f"set local plan_cache_mode = {plan}".encode())
        set_role(with_ada, role)
        psycopg.RawCursor(with_ada).execute(statement.sql, statement.query(values).values, prepare=True)

        assert partitions_touched(with_ada) == {expected}


def test_the_lists_of_statements_are_up_to_date() -> None:
    assert len(statements_of_one_user()) > 25
    assert set(STATEMENTS_OF_MANY_USERS) <= set(statements())


def test_a_statement_without_a_user_touches_every_partition(with_ada: psycopg.Connection[Any]) -> None:
    with_ada.execute("select pg_stat_force_next_flush()")
    with with_ada.transaction(force_rollback=True):
        set_role(with_ada, ACCOUNTS)  # its policies do not restrict it to one user
        with_ada.execute("select id from users where email = 'ada@example.com'")

        assert len(partitions_touched(with_ada)) == PARTITIONS
