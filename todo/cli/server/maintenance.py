"""`todo sweep` and `todo openapi`."""

from typing import TYPE_CHECKING

import typer

from todo.cli.server.run import errors_as_one_line, with_database

if TYPE_CHECKING:
    from todo.db.database import Database


def sweep() -> None:
    """Delete expired data.

    That is old changes, answers stored for retries, ended sessions, and old trash.
    """
    with errors_as_one_line():
        from todo.db.guard import check_database
        from todo.db.url import database_url
        from todo.retention import delete_expired
        from todo.settings import CannotStart, Settings

        async def checked(database: "Database") -> dict[str, int] | None:
            await check_database(database)
            return await delete_expired(database)

        settings = Settings.from_environment()
        with database_url(settings, make=False) as url:
            deleted = with_database(url, settings, checked)
        if deleted is None:
            raise CannotStart("a server deletes expired rows at this moment: nothing was done")
        for kind, count in deleted.items():
            typer.echo(f"{kind}\t{count}")


def openapi() -> None:
    """Print the OpenAPI document as YAML."""
    with errors_as_one_line():
        from todo.api.openapi.document import as_yaml
        from todo.app import create_app
        from todo.settings import Settings

        print(as_yaml(create_app(Settings.from_environment())), end="")  # noqa: T201 # the document is the output
