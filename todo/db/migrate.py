"""Bring a database to the schema this build needs, and check whether it has it.

Alembic is imported where a migration runs: a server whose database is up to date starts without it.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from todo.settings import CannotStart

if TYPE_CHECKING:
    from alembic.config import Config

log = logging.getLogger("todo")

FOLDER = Path(__file__).parent.parent / "migrations"

TELL_INTERVAL = 10.0  # seconds between two lines about a wait for another migration

MIGRATION_LOCK = 0x746F646F
"""The advisory lock that a migration holds: "todo"."""


class SchemaError(CannotStart):
    """The database's schema is not the one this build needs; the message says what to type."""


@cache
def revisions() -> tuple[str, ...]:
    """Every revision this build knows, oldest first: their files carry their dates and their names."""
    return tuple(sorted(path.stem.replace("-", "_") for path in (FOLDER / "versions").glob("*.py")))


def head() -> str:
    """The revision this build needs."""
    return revisions()[-1]


def current(url: str) -> str | None:
    """The revision that the database has, or None where it has no tables yet. Raises psycopg's errors."""
    with psycopg.connect(url, prepare_threshold=None) as connection:
        try:
            row = connection.execute("select version_num from alembic_version").fetchone()
        except psycopg.errors.UndefinedTable:
            return None
        return row[0] if row else None


def require(found: str | None) -> None:
    """Raise SchemaError unless `found`, the database's revision, is the one this build needs."""
    if found == head():
        return
    if found is None:
        raise SchemaError("the database has no tables yet: run `todo db upgrade`, or `todo serve --migrate`")
    if found in revisions():
        raise SchemaError(f"the database is at {found} and needs {head()}: run `todo db upgrade`")
    raise SchemaError(f"the database is at {found}, which this build does not know: run a newer build of todo")


def require_utf8(encoding: str | None) -> None:
    """Raise CannotStart unless the database can store every text that the API accepts."""
    if encoding != "UTF8":
        raise CannotStart(
            f"the database has the encoding {encoding} and needs UTF8: "
            "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and use that one"
        )


def upgrade(url: str, revision: str = "head") -> None:
    """Migrate up to `revision`, once even where several processes do it at the same time. Raises psycopg's errors."""
    from alembic import command

    _run(url, lambda config: command.upgrade(config, revision))


def downgrade(url: str, revision: str) -> None:
    """Migrate down to `revision` (`-1` for one step, `base` for nothing left)."""
    from alembic import command

    _run(url, lambda config: command.downgrade(config, revision))


def print_upgrade() -> None:
    """Print the SQL of a whole upgrade, for an administrator who runs it by hand."""
    from alembic import command

    command.upgrade(_config(), "head", sql=True)


def check(url: str) -> None:
    """Raise SchemaError when the models say something else than the migrations."""
    from alembic import command

    _run(url, command.check)


def revise(url: str, name: str) -> None:
    """Write a new migration, named with letters and underscores, from what the models say and the database does not."""
    from alembic import command

    rev_id = f"{datetime.now(UTC):%Y_%m_%d}_{name}"
    _run(url, lambda config: command.revision(config, name, autogenerate=True, rev_id=rev_id))


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("file_template", "%%(year)d-%%(month).2d-%%(day).2d_%%(slug)s")
    config.set_main_option("path_separator", "os")
    config.set_main_option("timezone", "UTC")
    return config


def _run(url: str, run: Callable[["Config"], Any]) -> None:
    from alembic.util import CommandError
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import NullPool

    # libpq reads the URL, so every parameter that a provider puts into it means what it should.
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(url, prepare_threshold=None, application_name="todo migrate"),
        poolclass=NullPool,
    )
    config = _config()
    try:
        with _locked(url), engine.connect() as connection:
            config.attributes["connection"] = connection
            run(config)
    except CommandError as error:
        raise SchemaError(str(error)) from None
    except DBAPIError as error:
        raise error.orig or error from None  # psycopg's own words, without SQLAlchemy's around them


@contextmanager
def _locked(url: str) -> Iterator[None]:
    """Wait until no other process migrates, and keep others out until the block ends.

    A transaction of its own holds the lock, so it works through a pooler too, and is released however the process
    ends. The lock is tried again and again: a process that waited for it inside a statement would be waited for in
    turn by an index that is built concurrently.
    """
    # Without parameters it is a simple query, which leaves no snapshot behind that the index would wait for either.
    no_timeout = "set_config('idle_in_transaction_session_timeout', '0', true)"
    ask = f"select pg_try_advisory_xact_lock({MIGRATION_LOCK}), {no_timeout}"
    with psycopg.connect(url, prepare_threshold=None, application_name="todo migrate: lock") as connection:
        told_at = time.monotonic()
        require_utf8(connection.info.parameter_status("server_encoding"))
        while not (connection.execute(ask.encode()).fetchone() or [False])[0]:
            connection.rollback()
            if time.monotonic() > told_at + TELL_INTERVAL:
                told_at = time.monotonic()
                log.warning("waiting for another process that migrates this database (application_name: todo migrate)")
            time.sleep(0.1)
        yield
