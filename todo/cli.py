"""The command line: `todo serve`, `todo db …`, `todo openapi`. Heavy imports stand inside the commands."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from todo.settings import CannotStart, Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
db = typer.Typer(no_args_is_help=True, help="The database's schema.")
app.add_typer(db, name="db")


@contextmanager
def _one_line_for_what_can_be_mended() -> Iterator[None]:
    """What the person who runs this can mend is said in one line, with exit status 1; a bug keeps its traceback."""
    import psycopg

    try:
        yield
    except CannotStart as error:
        _fail(str(error))
    except psycopg.Error as error:
        _fail("the database: " + str(error).strip().splitlines()[0])


def _fail(message: str) -> None:
    print(f"todo: {message}", file=sys.stderr)  # noqa: T201 # this is where the command line speaks
    raise typer.Exit(1)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on [HOST].")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on [PORT].")] = None,
    workers: Annotated[int | None, typer.Option(help="How many processes serve [WORKERS].")] = None,
    migrate: Annotated[bool, typer.Option("--migrate", help="Bring a given database up to date first.")] = False,
) -> None:
    """Serve the API. Without DATABASE_URL a PostgreSQL starts by itself, and is migrated."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that what is open is closed on the way out
    with _one_line_for_what_can_be_mended():
        settings = Settings.from_environment(host=host, port=port, workers=workers)
        import logging.config

        import uvicorn

        from todo.database import described
        from todo.deployment import database_url
        from todo.migrate import current, head, upgrade
        from todo.observe import log, log_configuration
        from todo.protocol import Protocol

        configuration = log_configuration(settings.log_level)
        logging.config.dictConfig(configuration)
        with database_url(settings) as url:
            server = _reach(url, settings)
            if (migrate or settings.database_url is None) and current(url) != head():
                upgrade(settings.direct_database_url or url)
            _guard(url, settings)
            log.info("database: %s, %s", described(url), server)
            if settings.database_url is None:
                log.info("it started by itself; its data is in %s", settings.folder)
            log.info("the API: http://%s:%d, described at /docs", settings.host, settings.port)
            uvicorn.run(
                "todo.app:from_environment",
                factory=True,
                host=settings.host,
                port=settings.port,
                workers=settings.workers,
                log_config=configuration,
                http=Protocol,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=10,
            )


def _reach(url: str, settings: Settings) -> str:
    """What answers at `url`. Raises psycopg's OperationalError, or CannotStart for a PostgreSQL that is too old."""
    import psycopg

    with psycopg.connect(url, connect_timeout=settings.connect_timeout) as connection:
        version = connection.info.server_version
        if version < 150000:
            raise CannotStart(f"the database is PostgreSQL {version // 10000}; 15 or newer is needed")
        secure = " over TLS" if connection.pgconn.ssl_in_use else ""
        return f"PostgreSQL {version // 10000}.{version % 10000}{secure}"


def _guard(url: str, settings: Settings) -> None:
    import asyncio

    from todo.database import Database
    from todo.health import guard
    from todo.problems import Unavailable

    async def try_the_walls() -> None:
        async with Database(url, settings) as database:
            await guard(database)

    try:
        asyncio.run(try_the_walls())
    except Unavailable as error:
        raise CannotStart(error.detail) from None


@db.command("upgrade")
def db_upgrade(
    revision: Annotated[str, typer.Argument(help="How far.")] = "head",
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL instead of running it.")] = False,
) -> None:
    """Bring the schema up to date, once however many do it at the same time."""
    with _one_line_for_what_can_be_mended():
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
    with _one_line_for_what_can_be_mended(), _schema_url() as url:
        from todo import migrate

        migrate.downgrade(url, revision)


@db.command("check")
def db_check() -> None:
    """Say whether the migrations make what the models say."""
    with _one_line_for_what_can_be_mended(), _schema_url() as url:
        from todo import migrate

        migrate.check(url)


@db.command("revision")
def db_revision(name: Annotated[str, typer.Argument(help="What it is about: words_with_underscores.")]) -> None:
    """Write a new migration from what the models say and the database does not."""
    with _one_line_for_what_can_be_mended(), _schema_url() as url:
        from todo import migrate

        migrate.revise(url, name)


@contextmanager
def _schema_url() -> Iterator[str]:
    from todo.deployment import database_url

    settings = Settings.from_environment()
    with database_url(settings) as url:
        yield settings.direct_database_url or url


@app.command()
def openapi() -> None:
    """Print the OpenAPI document as YAML."""
    from todo.app import create_app
    from todo.openapi import as_yaml

    print(as_yaml(create_app(Settings())), end="")  # noqa: T201 # the document is the output
