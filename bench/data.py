"""What the benchmark works on: people with tasks, loaded by COPY into our schema and into the plain one of the peers.

All ids can be computed, so that the load generator needs no list of them: user `u` (from 1) and their task `t` (from
1), later ones newer. Rows of the log are loaded like the tasks, since the trigger would take as long as the writes did.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from todo import migrate

BEGAN = datetime.now(UTC) - timedelta(days=40)
"""Recent enough that nothing of it is swept."""
TASKS = 1000
"""Of each user but one."""
COLLECTOR, COLLECTION = 0xFFFF, 100_000
"""Somebody with many tasks, whom nobody else's load touches."""
NULL = "\\N"
FINGERPRINT = r"\\x00112233445566778899aabbccddeeff"
DESCRIPTION = "The ones in the hall too, but not the cactus: it had its water in the spring."

PLAIN = """
create table users (id text primary key, email text, created_at timestamptz not null default now());
create table tasks (
    id uuid primary key, user_id text not null references users (id), title varchar(255) not null, description text,
    completed boolean not null default false,
    created_at timestamptz not null default now(), updated_at timestamptz not null default now()
);
create index on tasks (user_id, created_at desc);
"""
"""The peers' schema, with the index that their lists need."""


def user_id(user: int) -> str:
    return f"{user:08x}-0000-4000-8000-000000000000"


def task_id(user: int, task: int) -> str:
    return f"01900000-{user:04x}-7000-8000-{task:012x}"


def _fields(task: int) -> tuple[str, str | None, bool, datetime]:
    at = BEGAN + timedelta(seconds=task * 25, microseconds=task % 1_000_000)
    return f"Water the ferns, and the {task} others", DESCRIPTION if task % 2 else None, task % 3 == 0, at


def _copy(cursor: psycopg.Cursor, into: str, rows: Iterable[str]) -> None:
    with cursor.copy(sql.SQL("copy " + into + " from stdin")) as copy:
        chunk: list[str] = []
        for row in rows:
            chunk.append(row)
            if len(chunk) == 2000:
                copy.write("".join(chunk))
                chunk.clear()
        copy.write("".join(chunk))


def create(owner_url: str, name: str) -> None:
    """An empty database of this name, owned as one of ours is."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def load_ours(owner_url: str, root_url: str, sizes: dict[int, int]) -> None:
    """Migrate, then load `sizes`, the number of tasks of each user, as if the trigger had logged their creation.

    As superuser: only they can keep triggers and foreign keys from running.
    """
    migrate.upgrade(owner_url)

    def users() -> Iterator[str]:
        for user, tasks in sizes.items():
            yield f"{user_id(user)}\t\\N\t{tasks}\t{tasks}\n"

    def tasks() -> Iterator[str]:
        for user, count in sizes.items():
            for task in range(1, count + 1):
                title, description, completed, at = rows[task]
                done_at = at if completed == "t" else NULL
                yield (
                    f"{user_id(user)}\t{task_id(user, task)}\t{title}\t{description}\t{completed}\t{done_at}"
                    f"\t{at}\t{at}\t{FINGERPRINT}\t{task}\n"
                )

    def changes() -> Iterator[str]:
        for user, count in sizes.items():
            for task in range(1, count + 1):
                at = rows[task][3]
                yield f"{user_id(user)}\t{task}\t{task_id(user, task)}\tcreate\t{at}\tsession\t{afters[task]}\n"

    rows, afters = {}, {}
    for task in range(1, max(sizes.values()) + 1):
        title, description, done, at = _fields(task)
        rows[task] = (title, description or NULL, "t" if done else "f", at.isoformat())
        afters[task] = json.dumps(
            {
                "title": title, "description": description, "completed": done,
                "completed_at": at.isoformat() if done else None,
                "created_at": at.isoformat(), "updated_at": at.isoformat(), "deleted_at": None,
            }
        )  # fmt: skip
    with psycopg.connect(root_url) as connection, connection.cursor() as cursor:
        cursor.execute("set session_replication_role = replica")
        _copy(cursor, "users (id, email, revision, task_count)", users())
        _copy(
            cursor,
            "tasks (user_id, id, title, description, completed, completed_at, created_at, updated_at, fingerprint,"
            " revision)",
            tasks(),
        )
        _copy(cursor, "changes (user_id, revision, task_id, kind, at, via, after)", changes())
    _settle(root_url)


def load_plain(owner_url: str, root_url: str, sizes: dict[int, int]) -> None:
    """The same users and tasks in the peers' schema."""

    def tasks() -> Iterator[str]:
        for user, count in sizes.items():
            for task in range(1, count + 1):
                title, description, completed, at = _fields(task)
                text = description or NULL
                yield f"{task_id(user, task)}\t{user_id(user)}\t{title}\t{text}\t{completed}\t{at}\t{at}\n"

    with psycopg.connect(owner_url) as connection, connection.cursor() as cursor:
        cursor.execute(PLAIN)
        _copy(cursor, "users (id)", (f"{user_id(user)}\n" for user in sizes))
        _copy(cursor, "tasks (id, user_id, title, description, completed, created_at, updated_at)", tasks())
    _settle(root_url)


def _settle(root_url: str) -> None:
    """Leave nothing for autovacuum and the checkpointer to do while something is measured."""
    with psycopg.connect(root_url, autocommit=True) as connection:
        connection.execute("vacuum (analyze)")
        connection.execute("checkpoint")


def write_people(path: Path, tokens: dict[int, str]) -> None:
    """What the load generator reads: a line a user, with the ETag of a list that nobody has changed yet."""
    path.write_text("".join(f'{user_id(user)} {token} W/"{TASKS}"\n' for user, token in tokens.items()))
