"""Ways around the walls, for tests that must see or set what nobody may."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from types import ModuleType
from typing import Any

import psycopg
from psycopg import sql

from todo.api.idempotency import database as idempotency
from todo.changes import actions as changes
from todo.db.statement import Statement
from todo.tasks import actions as tasks
from todo.tasks import lists

UNOWNED = {
    "alembic_version": "the schema's own number",
    "deployment": "which issuer vouches for all users",
    "signing_keys": "those of the server, which requests cannot read",
}
"""Tables whose rows are of no user."""

OWNED_BY = {"users": "id = %(id)s", "departed": "user_hash = sha256(convert_to(%(id)s, 'UTF8'))"}
"""How rows name their user where it is not by `user_id`."""


@contextmanager
def as_table_owner(url: str, *tables: str) -> Iterator[psycopg.Connection[Any]]:
    """A transaction of the owner of the tables, for whom row-level security is not forced on `tables` meanwhile."""
    tables = tables or ("users", "tasks", "changes", "idempotency")
    with psycopg.connect(url) as connection:
        for table in tables:
            connection.execute(f"alter table {table} no force row level security".encode())
        yield connection
        for table in tables:
            connection.execute(f"alter table {table} force row level security".encode())


@cache
def owned_tables(url: str) -> dict[str, str]:
    """Each table whose rows are somebody's, found in the catalog, and the condition that they are `%(id)s`'s.

    Fails for a table of which it cannot be told.
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
    """Every row of a user in every table as its bytes, with the transaction that wrote it: any write shows."""
    tables = owned_tables(url)
    rows: dict[str, list[str]] = {table: [] for table in tables}
    theirs = [
        sql.SQL("select {}, xmin || ' ' || t::text from {} t where " + condition).format(table, sql.Identifier(table))
        for table, condition in tables.items()
    ]
    with psycopg.connect(url) as connection:
        free = [sql.SQL("alter table {} no force row level security").format(sql.Identifier(table)) for table in tables]
        connection.execute(sql.SQL("; ").join(free))
        found = connection.execute(sql.SQL(" union all ").join(theirs) + sql.SQL(" order by 2"), {"id": user_id})
        for table, text in found.fetchall():
            rows[table].append(text)
        connection.rollback()
    return rows


OWNER_CONDITION = r"(?:(?:tasks|changes|later|idempotency)\.user_id|users\.id) = (\${place}(?:::\w+)?)(?!\d)"
STATEMENTS: list[tuple[ModuleType, str]] = [
    *((lists, name) for name in ("PAGE", "PAGE_OF_TRASH")),
    *(
        (tasks, name)
        for name in ("READ", "EDIT", "COMPLETE", "DELETE", "PURGE", "RESTORE", "CREATED_BEFORE", "CURRENT")
    ),
    *((changes, name) for name in ("SINCE", "SINCE_COMPACT", "HISTORY", "EXISTS", "REVISION")),
    *((changes, name) for name in ("LOCK_TASK", "LOG_FROM_THERE", "UNDO", "NEWEST")),
    *((idempotency, name) for name in ("FIND", "LOCK_TASK")),
]
"""The statements about tasks that name their owner."""


def without_owner(statement: Statement[Any]) -> Statement[Any]:
    """The statement with the application's own condition on the owner taken out."""
    condition = OWNER_CONDITION.replace("{place}", str(statement.names.index("user_id") + 1))
    text, count = re.subn(condition.encode(), rb"\1 is not null", statement.sql)
    assert count, statement.sql
    return replace(statement, sql=text)


@contextmanager
def conditions_removed(statements: list[tuple[ModuleType, str]] = STATEMENTS) -> Iterator[None]:
    """Meanwhile these statements of this process name no owner, so that row-level security alone holds."""
    kept = [(module, name, getattr(module, name)) for module, name in statements]
    for module, name, statement in kept:
        setattr(module, name, without_owner(statement))
    try:
        yield
    finally:
        for module, name, statement in kept:
            setattr(module, name, statement)
