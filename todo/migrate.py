"""Bring a database to the schema this build needs, and tell whether it has it."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, cast

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

FOLDER = Path(__file__).parent / "migrations"


class SchemaError(Exception):
    """The database's schema is not the one this build needs; the message says what to type."""


def upgrade(url: str, revision: str = "head") -> None:
    """Migrate up to `revision`, once however many do it at the same time. Raises psycopg's errors."""
    _with_connection(url, lambda config: command.upgrade(config, revision))


def downgrade(url: str, revision: str) -> None:
    """Migrate down to `revision` (`-1` for one step, `base` for nothing left)."""
    _with_connection(url, lambda config: command.downgrade(config, revision))


def print_upgrade() -> None:
    """Print the SQL of a whole upgrade, for an administrator who runs it by hand."""
    command.upgrade(_config(), "head", sql=True)


def check(url: str) -> None:
    """Raise alembic's CommandError when the models say something else than the migrations."""
    _with_connection(url, command.check)


def revise(url: str, message: str) -> None:
    """Write a new migration from what the models say and the database does not."""
    _with_connection(url, lambda config: command.revision(config, message, autogenerate=True))


@cache
def head() -> str:
    """The revision this build needs."""
    return cast("str", ScriptDirectory.from_config(_config()).get_current_head())


def require(found: str | None) -> None:
    """Raise SchemaError unless `found`, the database's revision, is the one this build needs."""
    if found == head():
        return
    if found is None:
        raise SchemaError("the database has no tables yet: run `todo db upgrade`, or `todo serve --migrate`")
    if _known(found):
        raise SchemaError(f"the database is at {found} and needs {head()}: run `todo db upgrade`")
    raise SchemaError(f"the database is at {found}, which this build does not know: run a newer build of todo")


def _known(revision: str) -> bool:
    return any(revision == script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("file_template", "%%(year)d-%%(month).2d-%%(day).2d_%%(slug)s")
    config.set_main_option("path_separator", "os")
    return config


def _with_connection(url: str, run: Callable[[Config], Any]) -> None:
    # libpq reads the URL, so every parameter that a provider puts into it means what it should.
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(url, prepare_threshold=None, application_name="todo migrate"),
        poolclass=NullPool,
    )
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        run(config)
