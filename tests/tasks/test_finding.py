"""The plans of found lists: by an index where there is one, and nothing is read that the caller has already."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.conftest import scratch_database
from todo.db import migrate
from todo.tasks.filters import Filter
from todo.tasks.finding import Begin, page_statement
from todo.tasks.lists import START


@pytest.fixture(scope="module")
def planned_url(database_url: str, server_url: str) -> Iterator[str]:
    """A database of its own, since plans follow what else is in the table; the shared one has created the roles.

    Of the 5,000 tasks of each of two users every second is due, on a day of its own.
    """
    assert database_url
    with scratch_database(server_url) as url:
        migrate.upgrade(url)
        with psycopg.connect(url, autocommit=True) as connection:
            for table in ("users", "tasks"):
                connection.execute(f"alter table {table} no force row level security".encode())
            connection.execute("insert into users (id) values ('plan'), ('other')")
            connection.execute(
                "insert into tasks (user_id, id, title, due_date) select id, gen_random_uuid(), 'x',"
                " case when n % 2 = 0 then to_char(now() + (n - 2500) * interval '1 day', 'YYYY-MM-DD') end"
                " from users, generate_series(1, 5000) n"
            )
            connection.execute("vacuum analyze users, tasks")
        yield url


def plan(url: str, listed: Filter, sort: str, begin: Begin = Begin.START, **values: Any) -> str:
    """The generic plan, executed."""
    statement = page_statement(listed.conditions, sort, begin)
    with psycopg.connect(url) as connection:
        params = {"user_id": "plan", "skip": 0, "limit": 5, "cached": "{}", **listed.values, **values}
        found = statement.query(params | {"after_at": START.created_at, "after_id": START.id}).values
        connection.execute("set local plan_cache_mode = force_generic_plan")
        connection.execute(b"prepare page as " + statement.sql)
        execute = sql.SQL("explain (analyze) execute page ({})").format(sql.SQL(", ").join(map(sql.Literal, found)))
        lines = connection.execute(execute).fetchall()
        connection.rollback()
        connection.execute("deallocate all")
    return "\n".join(line for (line,) in lines)


@pytest.mark.parametrize(
    ("listed", "sort", "begin", "index"),
    [
        (Filter(), "due_date", Begin.START, "ix_tasks_due"),
        (Filter(), "-due_date", Begin.START, "ix_tasks_due"),
        (Filter(), "due_date", Begin.AFTER, "ix_tasks_due"),
        (Filter(), "-due_date", Begin.AFTER, "ix_tasks_due"),
        (Filter(), "position", Begin.START, "ix_tasks_position"),
        (Filter(), "position", Begin.AFTER, "ix_tasks_position"),
        (Filter(), "created", Begin.START, "ix_tasks_list"),
        (Filter(due="today"), "-created", Begin.START, "ix_tasks_due"),
        (Filter(due="week"), "due_date", Begin.START, "ix_tasks_due"),
    ],
)
def test_a_list_reads_a_short_range_of_its_index(
    planned_url: str, listed: Filter, sort: str, begin: Begin, index: str
) -> None:
    key = "V" if sort == "position" else START.created_at.replace(year=2027)

    text = plan(planned_url, listed, sort, begin, after_key=key)

    assert f"using {index}" in text or f"Bitmap Index Scan on {index}" in text
    assert "Seq Scan on tasks" not in text


@pytest.mark.parametrize("sort", ["-created", "due_date", "title"])
def test_nothing_is_read_of_a_list_that_the_caller_has(planned_url: str, sort: str) -> None:
    text = plan(planned_url, Filter(tags=("home",)), sort, cached="{5000}")

    scans = [line for line in text.splitlines() if " on tasks" in line]
    assert scans
    assert all("never executed" in line for line in scans)
