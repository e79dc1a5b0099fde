"""The command line. Heavy imports stand inside the commands, so that `todo --help` is quick."""

import gc
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from todo.cli import accounts, schema
from todo.cli.opening import one_line_for_what_can_be_mended, with_database
from todo.settings import CannotStart, Settings

if TYPE_CHECKING:
    from todo.database import Database

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The backend of a Todo application.",
)
app.add_typer(schema.db, name="db")
app.add_typer(accounts.user, name="user")
app.add_typer(accounts.keys, name="keys")


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on [HOST].")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on [PORT].")] = None,
    workers: Annotated[int | None, typer.Option(help="How many processes serve [WORKERS].")] = None,
    migrate: Annotated[bool, typer.Option("--migrate", help="Bring a given database up to date first.")] = False,
    accept_issuer: Annotated[
        bool, typer.Option("--accept-issuer", help="Serve although the users came from another issuer.")
    ] = False,
) -> None:
    """Serve the API. Without DATABASE_URL a PostgreSQL starts by itself, and is migrated."""
    for ends in (signal.SIGTERM, signal.SIGHUP):  # so that what is open is closed on the way out
        signal.signal(ends, lambda *_: sys.exit(0))
    with one_line_for_what_can_be_mended():
        settings = Settings.from_environment(host=host, port=port, workers=workers)
        gc.disable()  # nothing of what is imported goes again; `from_environment` switches it on
        import logging.config

        import uvicorn

        from todo.database import described
        from todo.deployment import database_url
        from todo.migrate import current, head, upgrade
        from todo.observe import log, log_configuration
        from todo.protocol import IDLE, Protocol

        configuration = log_configuration(settings.log_level)
        logging.config.dictConfig(configuration)
        with database_url(settings) as url:
            server = _reach(url, settings)
            if (migrate or settings.database_url is None) and current(url) != head():
                upgrade(settings.direct_database_url or url)
            _guard(url, settings, accept_issuer=accept_issuer)
            log.info("database: %s, %s", described(url), server)
            if settings.database_url is None:
                log.info("it started by itself; its data is in %s", settings.folder)
            log.info("the API: http://%s:%d, described at /docs", settings.host, settings.port)
            if settings.workers > 1:  # then this process only watches the others
                gc.enable()
            uvicorn.run(
                "todo.app:from_environment",
                factory=True,
                host=settings.host,
                port=settings.port,
                workers=settings.workers,
                log_config=configuration,
                http=Protocol,
                ws="none",
                proxy_headers=bool(settings.trusted_proxies),
                forwarded_allow_ips=settings.trusted_networks,
                access_log=False,
                server_header=False,
                timeout_keep_alive=IDLE,
                timeout_graceful_shutdown=10,
                timeout_worker_healthcheck=10,  # a busy worker is not a dead one; signals wait for it too
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


def _guard(url: str, settings: Settings, *, accept_issuer: bool) -> None:
    from todo.accounts.actions import settle_issuer
    from todo.accounts.issuers import issuer_for
    from todo.health import guard

    async def try_the_walls(database: "Database") -> None:
        await guard(database)
        issuer = await issuer_for(settings, database)
        await settle_issuer(database, issuer.name, accept=accept_issuer)

    with_database(url, settings, try_the_walls)


@app.command()
def sweep() -> None:
    """Remove what is kept no longer: old changes, answers kept for retries, ended sessions, old trash."""
    with one_line_for_what_can_be_mended():
        from todo.deployment import database_url
        from todo.health import guard
        from todo.sweep import sweep as sweep_all

        async def guarded(database: "Database") -> dict[str, int] | None:
            await guard(database)
            return await sweep_all(database)

        settings = Settings.from_environment()
        with database_url(settings) as url:
            swept = with_database(url, settings, guarded)
        if swept is None:
            raise CannotStart("a server is sweeping at this moment: nothing is left to do")
        for kind, count in swept.items():
            typer.echo(f"{kind}\t{count}")


@app.command()
def openapi() -> None:
    """Print the OpenAPI document as YAML."""
    from todo.app import create_app
    from todo.openapi import as_yaml

    print(as_yaml(create_app(Settings())), end="")  # noqa: T201 # the document is the output
