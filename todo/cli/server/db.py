"""`todo db …`: the schema of the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from todo.cli.server.run import errors_as_one_line

db = typer.Typer(no_args_is_help=True, help="The database's schema.")


@db.command("upgrade")
def db_upgrade(
    revision: Annotated[str, typer.Argument(help="The revision to migrate to.")] = "head",
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL instead of running it.")] = False,
) -> None:
    """Bring the schema up to date, once even where several processes do it at the same time."""
    with errors_as_one_line():
        from todo.db import migrate

        if sql:
            migrate.print_upgrade()
            return
        with _schema_url() as url:
            migrate.upgrade(url, revision)


@db.command("downgrade")
def db_downgrade(
    revision: Annotated[str, typer.Argument(help="A revision; -1 is one step, base is all.")],
) -> None:
    """Undo migrations. The tables and columns that they made are dropped."""
    with errors_as_one_line(), _schema_url() as url:
        from todo.db import migrate

        migrate.downgrade(url, revision)


@db.command("check")
def db_check() -> None:
    """Check that the migrations make the tables that the classes describe."""
    with errors_as_one_line(), _schema_url() as url:
        from todo.db import migrate

        migrate.check(url)


@db.command("revision")
def db_revision(name: Annotated[str, typer.Argument(help="What it is about: words_with_underscores.")]) -> None:
    """Write a new migration from the difference between the classes and the database."""
    with errors_as_one_line(), _schema_url() as url:
        from todo.db import migrate

        migrate.revise(url, name)


@contextmanager
def _schema_url() -> Iterator[str]:
    from todo.db.url import database_url
    from todo.settings import Settings

    settings = Settings.from_environment()
    with database_url(settings) as url:
        yield settings.direct_database_url or url
