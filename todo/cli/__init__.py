"""The command line. Heavy imports stand inside the commands, so that `todo --help` is quick."""

import gc
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from todo.cli import db, users
from todo.cli.backup import backup, restore_backup
from todo.cli.run import errors_as_one_line, with_database
from todo.settings import CannotStart, Settings

if TYPE_CHECKING:
    from todo.db.database import Database

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The backend of a Todo application.",
)
app.add_typer(db.db, name="db")
app.add_typer(users.user, name="user")
app.add_typer(users.keys, name="keys")
app.command()(backup)
app.command()(restore_backup)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on [HOST].")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on [PORT].")] = None,
    workers: Annotated[int | None, typer.Option(help="How many processes serve [WORKERS].")] = None,
    migrate: Annotated[bool, typer.Option("--migrate", help="Bring a given database up to date first.")] = False,
    accept_issuer: Annotated[
        bool, typer.Option("--accept-issuer", help="Serve although the user ids were issued by another issuer.")
    ] = False,
) -> None:
    """Serve the API. Without DATABASE_URL the embedded PostgreSQL starts, and is migrated."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that open resources are closed on the way out
    with errors_as_one_line():
        from todo.http.shutdown import hangup_is_ignored

        if not hangup_is_ignored():
            signal.signal(signal.SIGHUP, lambda *_: sys.exit(0))
        settings = Settings.from_environment(host=host, port=port, workers=workers)
        gc.disable()  # imported code stays for good; `from_environment` enables it
        import logging.config

        import uvicorn

        from todo.db.migrate import current, head, upgrade
        from todo.db.url import database_url, described
        from todo.http.connection import KEEP_ALIVE, ClientConnection
        from todo.logs import log_configuration

        configuration = log_configuration(settings.log_level)
        logging.config.dictConfig(configuration)
        log = logging.getLogger("todo")
        with database_url(settings) as url:
            server = _connect(url, settings)
            if (migrate or settings.database_url is None) and current(url) != head():
                upgrade(settings.direct_database_url or url)
            _check(url, settings, accept_issuer=accept_issuer)
            log.info("database: %s, %s", described(url), server)
            if settings.database_url is None:
                log.info("it is embedded; its data is in %s", settings.folder)
            log.info("the API: http://%s:%d, described at /docs", settings.host, settings.port)
            if settings.workers > 1:  # then this process only supervises
                gc.enable()
            uvicorn.run(
                "todo.app:from_environment",
                factory=True,
                host=settings.host,
                port=settings.port,
                workers=settings.workers,
                log_config=configuration,
                http=ClientConnection,
                ws="none",
                proxy_headers=bool(settings.trusted_proxies),
                forwarded_allow_ips=settings.trusted_networks,
                access_log=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE,
                timeout_graceful_shutdown=10,
                timeout_worker_healthcheck=10,  # a busy worker is not dead; signals wait for it too
            )


def _connect(url: str, settings: Settings) -> str:
    """The version of the server at `url`. Raises psycopg's OperationalError, or CannotStart for an old PostgreSQL."""
    import psycopg

    from todo.db.migrate import require_utf8

    with psycopg.connect(url, connect_timeout=settings.connect_timeout) as connection:
        version = connection.info.server_version
        if version < 150000:
            raise CannotStart(f"the database is PostgreSQL {version // 10000}; 15 or newer is needed")
        require_utf8(connection.info.parameter_status("server_encoding"))
        secure = " over TLS" if connection.pgconn.ssl_in_use else ""
        return f"PostgreSQL {version // 10000}.{version % 10000}{secure}"


def _check(url: str, settings: Settings, *, accept_issuer: bool) -> None:
    """Raise CannotStart unless the database is right for this build and this issuer."""
    from todo.accounts.actions import record_issuer
    from todo.accounts.issuer import built_in_issuer
    from todo.auth.issuers import external_issuer
    from todo.db.guard import check_database

    async def check(database: "Database") -> None:
        await check_database(database)
        issuer = external_issuer(settings) or await built_in_issuer(database, settings.access_token_lifetime)
        await record_issuer(database, issuer.name, accept=accept_issuer)

    with_database(url, settings, check)


@app.command()
def sweep() -> None:
    """Delete what has expired: old changes, answers stored for retries, ended sessions, old trash."""
    with errors_as_one_line():
        from todo.db.guard import check_database
        from todo.db.url import database_url
        from todo.retention import delete_expired

        async def checked(database: "Database") -> dict[str, int] | None:
            await check_database(database)
            return await delete_expired(database)

        settings = Settings.from_environment()
        with database_url(settings) as url:
            deleted = with_database(url, settings, checked)
        if deleted is None:
            raise CannotStart("a server deletes expired rows at this moment: nothing was done")
        for kind, count in deleted.items():
            typer.echo(f"{kind}\t{count}")


@app.command()
def openapi() -> None:
    """Print the OpenAPI document as YAML."""
    with errors_as_one_line():
        from todo.api.openapi.document import as_yaml
        from todo.app import create_app

        print(as_yaml(create_app(Settings.from_environment())), end="")  # noqa: T201 # the document is the output
