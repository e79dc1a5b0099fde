"""`todo db …`: the schema of the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from todo.cli.opening import one_line_for_what_can_be_mended
from todo.settings import Settings

db = typer.Typer(no_args_is_help=True, help="The database's schema.")


@db.command("upgrade")
def db_upgrade(
    revision: Annotated[str, typer.Argument(help="How far.")] = "head",
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL instead of running it.")] = False,
) -> None:
    """Bring the schema up to date, once however many do it at the same time."""
    with one_line_for_what_can_be_mended():
        from todo import migrate

        if sql:
            migrate.print_upgrade()
            return
        with _schema_url() as url:
            migrate.upgrade(url, revision)


@db.command("downgrade")
def db_downgrade(
    revision: Annotated[str, typer.Argument(help="A revision; -1 is one step, base is all.")],
) -> None:
    """Take migrations back. What they made is dropped."""
    with one_line_for_what_can_be_mended(), _schema_url() as url:
        from todo import migrate

        migrate.downgrade(url, revision)


@db.command("check")
def db_check() -> None:
    """Say whether the migrations make what the models say."""
    with one_line_for_what_can_be_mended(), _schema_url() as url:
        from todo import migrate

        migrate.check(url)


@db.command("revision")
def db_revision(name: Annotated[str, typer.Argument(help="What it is about: words_with_underscores.")]) -> None:
    """Write a new migration from what the models say and the database does not."""
    with one_line_for_what_can_be_mended(), _schema_url() as url:
        from todo import migrate

        migrate.revise(url, name)


@contextmanager
def _schema_url() -> Iterator[str]:
    from todo.deployment import database_url

    settings = Settings.from_environment()
    with database_url(settings) as url:
        yield settings.direct_database_url or url
