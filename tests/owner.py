"""Ways around the walls, for tests that must see or set what nobody may."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg


@contextmanager
def as_owner(url: str, *tables: str) -> Iterator[psycopg.Connection[Any]]:
    """A transaction of the owner of the tables, for whom row-level security is not forced on `tables` meanwhile."""
    tables = tables or ("users", "tasks", "changes", "idempotency")
    with psycopg.connect(url) as connection:
        for table in tables:
            connection.execute(f"alter table {table} no force row level security".encode())
        yield connection
        for table in tables:
            connection.execute(f"alter table {table} force row level security".encode())
