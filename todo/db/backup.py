"""A whole database as one file, and back, with PostgreSQL's own programs.

The dump is of one snapshot, which is also counted; so a backup is checked while the server writes on.
"""

import importlib.util
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import IsolationLevel, sql

from todo.db import migrate
from todo.db.embedded.programs import binaries, reason
from todo.db.guard import LOG_ROLE
from todo.settings import CannotStart

TABLES = """
select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and not c.relispartition
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
 order by 1, 2
"""

COMPARABLE = """
select set_config(name, value, true) from (values
    ('row_security', 'off'), ('statement_timeout', '0'), ('idle_in_transaction_session_timeout', '0'),
    ('timezone', 'UTC'), ('datestyle', 'ISO, YMD'), ('bytea_output', 'hex')) as settings (name, value)
"""
"""For a transaction that reads whole tables. A policy that would hide rows is an error, and not a smaller table."""


class Contents(NamedTuple):
    """What a table holds: the number of its rows, and the sum of their hashes."""

    rows: int
    hash: int


class BackupError(CannotStart):
    """The backup cannot be made, checked or restored; the message is one line."""


def dump(url: str, file: Path) -> dict[str, Contents]:
    """Write the database to the file, which exists and is private; what the dump holds, by table.

    Raises BackupError, and psycopg's errors.
    """
    with psycopg.connect(url, prepare_threshold=None, application_name="todo backup") as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        found = contents(connection)
        if "public.alembic_version" not in found:
            raise BackupError("the database has no tables of todo: there is nothing to back up")
        [[snapshot]] = connection.execute("select pg_export_snapshot()").fetchall()
        _run("pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={file}", connection=connection)
        return found


def contents(connection: psycopg.Connection[Any]) -> dict[str, Contents]:
    """What each table holds, in one transaction. Raises BackupError where the login does not see every row."""
    connection.execute(COMPARABLE)
    found = {}
    for schema, name in connection.execute(TABLES).fetchall():
        query = "select count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) from {} t"
        try:
            [row] = connection.execute(sql.SQL(query).format(sql.Identifier(schema, name))).fetchall()
        except psycopg.errors.InsufficientPrivilege:
            raise BackupError(
                f"row-level security hides rows of {name} from this login: set DIRECT_DATABASE_URL to the URL of one "
                "that is a superuser or has BYPASSRLS"
            ) from None
        found[f"{schema}.{name}"] = Contents(row[0], int(row[1]))
    return found


def restore(url: str, file: Path) -> None:
    """Fill an empty database with a dump, as its owner, or change nothing. Raises BackupError, and psycopg's errors."""
    _require_empty(url)
    _make_roles(url)
    with psycopg.connect(url, prepare_threshold=None, autocommit=True, application_name="todo restore") as connection:
        name = connection.info.dbname
        options = ("--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={name}")
        _run("pg_restore", *options, str(file), connection=connection)
        with connection.transaction():
            for schema, function in _functions_of_the_log(file):
                for statement in (
                    "grant create on schema {schema} to {role}",
                    f"alter function {{schema}}.{function} owner to {{role}}",
                    "revoke create on schema {schema} from {role}",
                ):
                    names = {"schema": sql.Identifier(schema), "role": sql.Identifier(LOG_ROLE)}
                    connection.execute(sql.SQL(statement).format(**names))  # type: ignore[arg-type] # its text is ours, or pg_dump's


@contextmanager
def scratch_database(url: str) -> Iterator[str]:
    """The URL of a new database on the same server, which is dropped at the end."""
    name = f"todo_check_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _require_empty(url: str) -> None:
    with psycopg.connect(url, prepare_threshold=None) as connection:
        migrate.require_utf8(connection.info.parameter_status("server_encoding"))
        found = connection.execute(TABLES).fetchall()
    if found:
        raise BackupError(
            f"the database is not empty, it has the table {found[0][1]}: restore into a new one "
            "(DATABASE_URL, or a new folder as DATA_DIR)"
        )


def _make_roles(url: str) -> None:
    """The roles that a dump does not contain: migrations make them, and leave them when they are undone."""
    migrate.upgrade(url)
    migrate.downgrade(url, "base")
    with psycopg.connect(url, prepare_threshold=None) as connection:
        connection.execute("drop table alembic_version")


def _functions_of_the_log(file: Path) -> list[tuple[str, str]]:
    """Schema and signature of the functions in the dump that belong to the log's role."""
    entries = _run("pg_restore", "--list", str(file)).splitlines()
    functions = [entry.split(" FUNCTION ", 1)[1] for entry in entries if " FUNCTION " in entry]
    owned = [entry.removesuffix(f" {LOG_ROLE}") for entry in functions if entry.endswith(f" {LOG_ROLE}")]
    return [(schema, signature) for schema, _, signature in (entry.partition(" ") for entry in owned)]


def _run(program: str, *arguments: str, connection: psycopg.Connection[Any] | None = None) -> str:
    """Run a program to its end, on the same database as the connection; what it printed. Raises BackupError.

    It gets the connection's parameters, the password among them, by its environment, which nobody else can read.
    """
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    if connection is not None:
        for option in connection.pgconn.info:
            if option.envvar and option.val and option.keyword not in {b"service", b"servicefile"}:
                variables[option.envvar.decode()] = option.val.decode()
        if connection.pgconn.ssl_in_use:
            variables["LD_PRELOAD"] = _libpq_with_tls()
    done = subprocess.run(  # noqa: S603 # PostgreSQL's own programs
        [str(binaries() / program), *arguments],
        env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise BackupError(f"{program}: {reason(done.stderr)}")
    return done.stdout


def _libpq_with_tls() -> str:
    """The libpq that psycopg brings: that of PostgreSQL's programs was built without TLS."""
    package = importlib.util.find_spec("psycopg_binary")
    if package is not None and package.origin is not None:
        for library in Path(package.origin).parent.with_name("psycopg_binary.libs").glob("libpq-*.so*"):
            return str(library)
    raise BackupError("a database over TLS is backed up with the libpq of psycopg[binary] on Linux, which is missing")
