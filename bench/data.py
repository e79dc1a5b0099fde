"""The data of the benchmark: users with tasks, loaded by COPY into our schema and into the plain schema of the peers.

All ids are computed from the numbers of the user and the task, both from 1, so the load generator needs no list of
them. Tasks with a higher number are newer. Rows of the log are loaded like the tasks, since the trigger would take as
long as the writes themselves.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from todo.db import migrate

BEGAN = datetime.now(UTC) - timedelta(days=40)
"""Recent enough that retention deletes none of it."""
TASKS = 1000
"""Tasks of each user but one."""
LARGE_USER, LARGE_USER_TASKS = 0xFFFF, 100_000
"""One user with many tasks, whom the load generator leaves alone."""
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


def _more_fields(task: int, at: datetime) -> dict[str, str | list[str]]:
    """Of a third of the tasks a due date and a priority, of a fifth tags."""
    fields: dict[str, str | list[str]] = {}
    if task % 3 == 1:
        fields |= {"due_date": (at + timedelta(days=30)).date().isoformat(), "priority": "high"}
    if task % 5 == 0:
        fields["tags"] = ["home", "garden"]
    return fields


def _derived(at: datetime, texts: Iterable[str | None]) -> tuple[str, str]:
    """What the trigger derives: the position, and the words of the title and the description."""
    position = f"{2**52 - 1 - (at - datetime(2000, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1):013x}V"
    words: dict[str, list[str]] = {}
    for weight, text in zip("AB", texts, strict=True):
        for place, word in enumerate(re.findall("[a-z0-9]+", (text or "").lower()), 1):
            words.setdefault(word, []).append(f"{place}{weight}")
    return position, " ".join(f"'{word}':{','.join(places)}" for word, places in words.items())


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
    """Create an empty database of this name, with the owner that ours has."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def load_ours(owner_url: str, root_url: str, sizes: dict[int, int]) -> None:
    """Migrate, then load `sizes`, the number of tasks of each user, as if the trigger had logged their creation.

    As superuser, since only a superuser can switch triggers and foreign keys off.
    """
    migrate.upgrade(owner_url)

    def users() -> Iterator[str]:
        for user, tasks in sizes.items():
            yield f"{user_id(user)}\t\\N\t{tasks}\t{tasks}\n"

    def tasks() -> Iterator[str]:
        for user, count in sizes.items():
            for task in range(1, count + 1):
                yield f"{user_id(user)}\t{task_id(user, task)}\t{rows[task]}\t{FINGERPRINT}\t{task}\n"

    def changes() -> Iterator[str]:
        for user, count in sizes.items():
            for task in range(1, count + 1):
                at = _fields(task)[3].isoformat()
                yield f"{user_id(user)}\t{task}\t{task_id(user, task)}\tcreate\t{at}\tsession\t{afters[task]}\n"

    rows: dict[int, str] = {}
    afters: dict[int, str] = {}
    for task in range(1, max(sizes.values()) + 1):
        title, description, done, at = _fields(task)
        more, moment = _more_fields(task, at), at.isoformat()
        due_date, due_at = more.get("due_date", NULL), f"{more['due_date']} 00:00:00+00" if "due_date" in more else NULL
        tags = "{" + ",".join(more.get("tags", [])) + "}"
        columns = (
            *(title, description or NULL, "t" if done else "f", moment if done else NULL, moment, moment),
            *(due_date, due_at, more.get("priority", NULL), tags, *_derived(at, (title, description))),
        )
        rows[task] = "\t".join(map(str, columns))
        afters[task] = json.dumps(
            {
                **more,
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
            "tasks (user_id, id, title, description, completed, completed_at, created_at, updated_at, due_date, due_at,"
            " priority, tags, position, search, fingerprint, revision)",
            tasks(),
        )
        _copy(cursor, "changes (user_id, revision, task_id, kind, at, via, after)", changes())
    _vacuum(root_url)


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
    _vacuum(root_url)


def _vacuum(root_url: str) -> None:
    """Vacuum and write a checkpoint, so that neither runs during a measurement."""
    with psycopg.connect(root_url, autocommit=True) as connection:
        connection.execute("vacuum (analyze)")
        connection.execute("checkpoint")


def write_users(path: Path, tokens: dict[int, str]) -> None:
    """Write the load generator's input: per line a user, their token and the ETag of their list as loaded."""
    path.write_text("".join(f'{user_id(user)} {token} W/"{TASKS}"\n' for user, token in tokens.items()))
