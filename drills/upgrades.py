"""Upgrades during writes: what each migration locks, how long it delays a write, and whether a write is lost.

`python -m drills.upgrades dump <revision>` writes the dump that a new migration needs (drills/dumps.py).
"""

import os
import random
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg

from drills.dumps import write
from drills.figures import Figures
from tests.conftest import scratch_database
from tests.support.processes import TODO
from tests.support.sql_conditions import as_table_owner
from todo.db import migrate
from todo.db.embedded import server as embedded

PEOPLE = 1_000
WRITERS = 4

STALL = 2.0
"""Seconds that a write may be delayed: half a second in which a migration may wait for its lock with all writers behind
it, the time that it holds the lock, and the noise of a busy machine. Clients and pools give up after five."""

HELD = 0.5
"""Seconds for which a lock that blocks writers may be held: only catalogue changes happen meanwhile."""

BLOCKING = ("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
"""Locks that block an INSERT or UPDATE (ROW EXCLUSIVE)."""

AWAITED = 1.0
"""Seconds for which a migration may wait for such a lock, with all writers queued behind it: 0.5, and noise."""

NAMES = "select oid::regclass::text from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace"

FILL = """
INSERT INTO users (id, email)
SELECT 'user-' || n, 'user-' || n || '@example.com' FROM generate_series(0, %(people)s - 1) n;
INSERT INTO tasks (user_id, id, title, completed, completed_at, created_at, updated_at, deleted_at, fingerprint{more})
SELECT 'user-' || n %% %(people)s, ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'task ' || n,
       n %% 3 = 0, CASE WHEN n %% 3 = 0 THEN now() END, now() - n * interval '1 ms', now(),
       CASE WHEN n %% 50 = 0 THEN now() END, task_fingerprint('task ' || n, NULL, n %% 3 = 0){values}
  FROM generate_series(0, %(tasks)s - 1) n
"""


def task_id(number: int) -> UUID:
    """The id of the task with this number, as FILL gives it."""
    return UUID(f"00000000-0000-4000-8000-{number:012x}")


@dataclass
class Writer:
    """A client that writes in small transactions, as requests do, and records what was acknowledged."""

    url: str
    number: int
    tasks: int
    people: int
    titles: dict[UUID, str | None] = field(default_factory=dict)
    """The title of each task that was written, or None for one that was deleted."""
    added: int = 0
    writes: int = 0
    longest: float = 0.0
    failures: list[str] = field(default_factory=list)

    def work(self, stop: threading.Event) -> None:
        """Write until `stop` is set."""
        try:
            with psycopg.connect(self.url, autocommit=True, application_name="writer") as connection:
                while not stop.is_set():
                    began = time.perf_counter()
                    self._write(connection)
                    self.longest = max(self.longest, time.perf_counter() - began)
                    self.writes += 1
                    time.sleep(0.002)
        except psycopg.Error as error:
            self.failures.append(f"a write failed: {error}")

    def _write(self, connection: psycopg.Connection[Any]) -> None:
        number = random.randrange(self.tasks // WRITERS) * WRITERS + self.number  # a task that no other writer uses
        user, task, title = f"user-{number % self.people}", task_id(number), f"written {uuid4()}"
        kind = random.random()
        with connection.transaction():
            connection.execute(
                "select set_config('role', 'todo_app', true), set_config('app.user_id', %s, true)", [user]
            )
            if kind < 0.3:
                task = uuid4()
                connection.execute("insert into tasks (user_id, id, title) values (%s, %s, %s)", [user, task, title])
            elif kind < 0.9:
                query = "update tasks set title = %s, completed = not completed where user_id = %s and id = %s"
                found = connection.execute(query, [title, user, task]).rowcount
            else:
                found = connection.execute("delete from tasks where user_id = %s and id = %s", [user, task]).rowcount
        if kind < 0.3:
            self.titles[task] = title
            self.added += 1
        elif found:
            self.titles[task] = title if kind < 0.9 else None
            self.added -= kind >= 0.9
        elif self.titles.get(task, "there") is not None:
            self.failures.append(f"the task {task} was not found")


class Watch:
    """Samples the locks on every table, every few milliseconds."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.held: dict[tuple[str, str], float] = defaultdict(float)
        """Seconds for which it was held without a break, at most, by table and lock."""
        self.awaited = 0.0
        self.samples = 0

    def look(self, stop: threading.Event) -> None:
        """Sample the locks until `stop` is set."""
        query = (
            "select relation::regclass::text, mode, granted, pid from pg_locks"
            " where locktype = 'relation' and relation = any(%s::regclass[]) and mode = any(%s)"
        )
        began: dict[tuple[str, str, bool, int], float] = {}
        with psycopg.connect(self._url, autocommit=True) as connection:
            tables = [name for (name,) in connection.execute(NAMES)]
            while not stop.is_set():
                self.samples += 1
                now = time.perf_counter()
                seen = set(connection.execute(query, [tables, list(BLOCKING)]).fetchall())
                began = {each: began.get(each, now) for each in seen}
                for (table, mode, granted, _), since in began.items():
                    if granted:
                        self.held[table, mode] = max(self.held[table, mode], now - since)
                    else:
                        self.awaited = max(self.awaited, now - since)
                time.sleep(0.003)


def read_all(connection: psycopg.Connection[Any]) -> None:
    """Take the locks of a client that reads all tables, until the transaction ends."""
    names = ", ".join(name for (name,) in connection.execute(NAMES))
    connection.execute(f"lock table {names} in access share mode".encode())


def report(url: str, stop: threading.Event) -> None:
    """Read all tables in long transactions: a migration that waits for them makes the writers wait too."""
    with psycopg.connect(url, autocommit=True) as connection:
        while not stop.wait(0.5):
            with connection.transaction():
                read_all(connection)
                connection.execute("select count(*) from tasks")
                stop.wait(1.5)


def populate(url: str, tasks: int, people: int) -> None:
    """Insert that many tasks, with the triggers off."""
    known = migrate.revisions()
    current = known.index(migrate.current(url) or "")
    logged, positioned = (current >= known.index(each) for each in ("2026_11_24_changes", "2026_11_28_task_fields"))
    more, values = (", revision", ", 1") if logged else ("", "")
    if positioned:
        more, values = f"{more}, position", f"{values}, lpad(to_hex(n), 12, '0') || 'V'"
    with as_table_owner(url, "users", "tasks") as connection:
        connection.execute("alter table tasks disable trigger user")
        for statement in FILL.format(more=more, values=values).split(";"):
            connection.execute(statement.encode(), {"tasks": tasks, "people": people})
        connection.execute("alter table tasks enable trigger user")
        if logged:
            connection.execute(
                "update users set revision = 1, task_count = (select count(*) from tasks where user_id = users.id)"
            )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze users, tasks")


def lost(url: str, writers: list[Writer], tasks: int) -> list[str]:
    """Acknowledged writes that are not there."""
    faults = [failure for writer in writers for failure in writer.failures]
    with as_table_owner(url, "users", "tasks") as connection:
        for writer in writers:
            query = "select id, title from tasks where id = any(%s)"
            titles = dict.fromkeys(writer.titles) | dict(connection.execute(query, [list(writer.titles)]).fetchall())
            faults += [f"a task is {titles[task]!r}" for task, title in writer.titles.items() if titles[task] != title]
        row = connection.execute("select count(*) from tasks").fetchone()
        expected = tasks + sum(writer.added for writer in writers)
        if row != (expected,):
            faults.append(f"{row} tasks where {expected} are acknowledged")
    return faults


def miscounted(url: str, first: int = 2) -> list[str]:
    """Users whose counts and revisions do not agree with their tasks and their log, which begins at `first`."""
    query = """
        select users.id from users
          left join (select user_id, count(*) as tasks, max(revision) as latest, max(updated_at) as last
                       from tasks group by user_id) as had on had.user_id = users.id
          left join (select user_id, count(*) as logged, min(revision) as first, max(revision) as latest
                       from changes group by user_id) as log on log.user_id = users.id
         where task_count is distinct from coalesce(had.tasks, 0)
            or revision is distinct from coalesce(log.latest, (coalesce(had.tasks, 0) > 0)::int)
            or revision < had.latest or changed_at < had.last
            or log.first <> %(first)s or log.latest <> log.logged + log.first - 1
    """
    with as_table_owner(url) as connection:
        return [
            f"the counts or revisions of {user} are wrong"
            for (user,) in connection.execute(query, {"first": first}).fetchall()
        ]


def step(server: str, revision: str, tasks: int, figures: Figures, people: int = PEOPLE) -> None:
    """Upgrade one step to `revision` during writes, and measure their delays."""
    known = migrate.revisions()
    with scratch_database(server) as url:
        migrate.upgrade(url, known[known.index(revision) - 1])
        populate(url, tasks, people)
        writers, watch = [Writer(url, number, tasks, people) for number in range(WRITERS)], Watch(url)
        stop = threading.Event()
        work: list[Callable[[threading.Event], None]] = [
            *(writer.work for writer in writers),
            watch.look,
            partial(report, url),
        ]
        threads = [threading.Thread(target=each, args=[stop]) for each in work]
        for thread in threads:
            thread.start()
        try:
            time.sleep(0.5)
            began = time.perf_counter()
            done = subprocess.run(
                [TODO, "db", "upgrade", revision],
                env=os.environ | {"DATABASE_URL": url},
                capture_output=True,
                text=True,
                check=False,
            )
            seconds_taken = time.perf_counter() - began
            time.sleep(0.5)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        figures.report(f"{revision}: tasks", tasks)
        figures.report(f"{revision}: concurrent writes", sum(writer.writes for writer in writers))
        figures.report(f"{revision}: seconds of the migration", f"{seconds_taken:.2f}")
        for (table, mode), seconds in sorted(watch.held.items()):
            figures.check(f"{revision}: {mode} on {table} held, s", round(seconds, 3), most=HELD)
        figures.check(f"{revision}: samples of the locks", watch.samples, least=20)
        figures.check(f"{revision}: wait for such a lock, s", round(watch.awaited, 3), most=AWAITED)
        figures.check(f"{revision}: longest delay of a write, s", round(max(w.longest for w in writers), 3), most=STALL)
        figures.expect_none(f"{revision}: failed upgrades", [done.stderr] if done.returncode else [])
        figures.expect_none(f"{revision}: lost writes", lost(url, writers, tasks))
        if known.index(revision) >= known.index("2026_11_24_changes"):
            figures.expect_none(f"{revision}: wrong counts or revisions", miscounted(url))


def run(folder: Path, *, long: bool) -> Figures:
    """Every migration, on 100,000 tasks or, when long, on a million."""
    figures = Figures("upgrades")
    with embedded.running(folder) as server:
        for _, revision in pairwise(migrate.revisions()):
            step(server, revision, 1_000_000 if long else 100_000, figures)
    return figures


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["dump", *names] if names:
            for name in names:
                write(name)
        case _:
            sys.exit("python -m drills.upgrades dump <revision> …")
