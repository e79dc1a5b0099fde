"""Helpers that bypass row-level security or the owner conditions, for tests that must read or write any row."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from types import ModuleType
from typing import Any

import psycopg
from psycopg import sql

from todo.api.idempotency import database as idempotency
from todo.changes import actions as changes
from todo.changes import agents, pages
from todo.db.statement import Statement
from todo.tasks import actions as tasks
from todo.tasks import batch, lists, moves, refusals, repeating, summary, tags
from todo.transfer import exports, feeds, imports

UNOWNED = {
    "alembic_version": "the schema's own number",
    "deployment": "which issuer signs the tokens of all users",
    "oauth_clients": "apps that may ask any user for access, which requests cannot read",
    "signing_keys": "the server's own keys, which requests cannot read",
}
"""Tables whose rows belong to no user."""

OWNED_BY = {"users": "id = %(id)s", "departed": "user_hash = sha256(convert_to(%(id)s, 'UTF8'))"}
"""The condition on the user of a row, for tables without a column `user_id`."""


@contextmanager
def as_table_owner(url: str, *tables: str) -> Iterator[psycopg.Connection[Any]]:
    """A transaction of the owner of the tables, in which row-level security is not forced on `tables`."""
    tables = tables or ("users", "tasks", "changes", "idempotency")
    with psycopg.connect(url) as connection:
        for table in tables:
            connection.execute(f"alter table {table} no force row level security".encode())
        yield connection
        for table in tables:
            connection.execute(f"alter table {table} force row level security".encode())


@cache
def owned_tables(url: str) -> dict[str, str]:
    """Each table whose rows belong to users, found in the catalog, with the condition for the rows of user `%(id)s`.

    Fails for a table whose rows name no user in a known way.
    """
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "select relname, exists (select from pg_attribute where attrelid = c.oid and attname = 'user_id')"
            " from pg_class c where relkind in ('r', 'p') and not relispartition"
            " and relnamespace = current_schema()::regnamespace order by 1"
        ).fetchall()
    unknown = {table for table, named in found if not (named or table in OWNED_BY or table in UNOWNED)}
    assert not unknown, f"which user do the rows of {unknown} belong to? Give them a user_id, or name them above"
    return {table: OWNED_BY.get(table, "user_id = %(id)s") for table, _ in found if table not in UNOWNED}


def everything(url: str, user_id: str) -> dict[str, list[str]]:
    """Every row of a user in every table as text, with the transaction that wrote it, so that any write is detected.

    Of API tokens and feeds without when they were used last, which their own use writes.
    """
    tables = owned_tables(url)
    written = "xmin || ' ' || t::text"
    shown = dict.fromkeys(("api_tokens", "feeds"), "(to_jsonb(t) - 'last_used_at')::text")
    rows: dict[str, list[str]] = {table: [] for table in tables}
    queries = [
        sql.SQL("select {}, " + shown.get(table, written) + " from {} t where " + condition).format(
            table, sql.Identifier(table)
        )
        for table, condition in tables.items()
    ]
    with psycopg.connect(url) as connection:
        unforced = [
            sql.SQL("alter table {} no force row level security").format(sql.Identifier(table)) for table in tables
        ]
        connection.execute(sql.SQL("; ").join(unforced))
        found = connection.execute(sql.SQL(" union all ").join(queries) + sql.SQL(" order by 2"), {"id": user_id})
        for table, text in found.fetchall():
            rows[table].append(text)
        connection.rollback()
    return rows


OWNER_CONDITION = (
    r"(?:(?:tasks|anchor|changes|later|undone|made|idempotency|feeds)\.user_id|users\.id) = (\${place}(?:::\w+)?)(?!\d)"
)
STATEMENTS: list[tuple[ModuleType, str]] = [
    *((lists, f"{size}PAGE{kind}") for size in ("", "LARGE_") for kind in ("", "_BY_COMPLETION", "_OF_TRASH")),
    *(
        (tasks, name)
        for name in (
            *("READ", "EDIT", "EDIT_COMPLETED", "COMPLETE", "DELETE", "PURGE", "RESTORE"),
            "CREATED_BEFORE",
        )
    ),
    (refusals, "CURRENT"),
    *((repeating, name) for name in ("LOCK", "APPLY", "MAKE", "RESTORE_NEXT", "TAKE_BACK", "TRASH_NEXT")),
    *((moves, name) for name in ("AROUND", "MOVE", "PRECEDING", "FOLLOWING", "LOCK_TASKS", "SPREAD")),
    *((batch, name) for name in ("LOCK_NAMED", "REVISION")),
    *((tags, name) for name in ("LIST", "LOCK_TAGGED", "RETAG")),
    (lists, "page_statement"),
    (summary, "SUMMARY"),
    *((pages, name) for name in ("SINCE", "SINCE_COMPACT", "HISTORY", "EXISTS")),
    *((changes, name) for name in ("REVISION", "LOCK_TASKS", "LOG_FROM_THERE", "UNDO", "NEWEST")),
    *((changes, name) for name in ("BATCH", "CONFLICT", "LAST", "MADE_BY", "NAMED")),
    *((agents, name) for name in ("AGENTS", "CHANGES", "RECENT", "LOCK", "LOG", "BATCH", "UNDO", "REVISION")),
    *((imports, name) for name in ("PRESENT", "TASK_COUNT")),
    *((feeds, name) for name in ("LIST", "REVOKE")),
    (exports, "USER"),
    *((idempotency, name) for name in ("FIND", "LOCK_TASK")),
]
"""The statements about tasks that have a condition on the owner, and the function that makes those of other lists."""


def without_owner(statement: Statement[Any]) -> Statement[Any]:
    """The statement without its condition on the owner."""
    condition = OWNER_CONDITION.replace("{place}", str(statement.names.index("user_id") + 1))
    text, count = re.subn(condition.encode(), rb"\1 is not null", statement.sql)
    assert count, statement.sql
    return replace(statement, sql=text)


def _made_without_owner(make: Callable[..., Statement[Any]]) -> Callable[..., Statement[Any]]:
    return lambda *args, **options: without_owner(make(*args, **options))


@contextmanager
def conditions_removed(statements: list[tuple[ModuleType, str]] = STATEMENTS) -> Iterator[None]:
    """In the block these statements have no condition on the owner, so that only row-level security isolates users."""
    kept = [(module, name, getattr(module, name)) for module, name in statements]
    for module, name, statement in kept:
        setattr(module, name, _made_without_owner(statement) if callable(statement) else without_owner(statement))
    try:
        yield
    finally:
        for module, name, statement in kept:
            setattr(module, name, statement)
