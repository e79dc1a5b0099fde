"""`todo serve`."""

import gc
import os
import secrets
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from todo import __version__
from todo.cli.server.run import errors_as_one_line, with_database

if TYPE_CHECKING:
    from socket import socket

    from todo.db.database import Database
    from todo.settings import Settings


def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on [HOST].")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on [PORT].")] = None,
    root_path: Annotated[
        str | None, typer.Option(help="The path under which a proxy publishes the server [ROOT_PATH].")
    ] = None,
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
        from todo.mcp.installed import MISSING, is_installed
        from todo.settings import CannotStart, Settings

        if not hangup_is_ignored():
            signal.signal(signal.SIGHUP, lambda *_: sys.exit(0))
        settings = Settings.from_environment(host=host, port=port, root_path=root_path, workers=workers)
        if settings.mcp and not is_installed():
            raise CannotStart(f"MCP: {MISSING}")
        if settings.log_key is None:
            os.environ["LOG_KEY"] = secrets.token_hex(16)  # the same for all workers
        os.environ["ROOT_PATH"] = settings.root_path or ""  # for `from_environment`, which makes the application
        gc.disable()  # imported code stays for good; `from_environment` enables it
        import logging.config

        from todo.db.migrate import current, head, upgrade
        from todo.db.url import database_url, described
        from todo.http.listen import addresses, bind
        from todo.http.metrics_server import serving_metrics
        from todo.logs import log_configuration

        configuration = log_configuration(settings.log_level, settings.log_format)
        logging.config.dictConfig(configuration)
        log = logging.getLogger("todo")
        sockets = bind(settings.host, settings.port)
        with database_url(settings) as url:
            server = _connect(url, settings)
            if (migrate or settings.database_url is None) and current(url) != head():
                upgrade(settings.direct_database_url or url)
            _check(url, settings, accept_issuer=accept_issuer)
            log.info("database: %s, %s", described(url), server)
            if settings.database_url is None:
                log.info("it is embedded; its data is in %s", settings.folder)
            for line in settings.cors_origins.described():
                log.info("CORS_ORIGINS: %s", line)
            for warning in _warnings(url, settings):
                log.warning("%s", warning)
            log.info("the API: %s, described at %s/docs", " and ".join(urls := addresses(sockets)), urls[0])
            with serving_metrics(settings, __version__) as metrics_url:
                if metrics_url:
                    log.info("metrics: %s", metrics_url)
                _run(settings, configuration, sockets)


def _run(settings: "Settings", log_configuration: dict[str, Any], sockets: "list[socket]") -> None:
    """Serve until a signal. `uvicorn.run` would make one socket of its own, of one kind. Raises CannotStart."""
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    from todo.http.connection import KEEP_ALIVE, ClientConnection
    from todo.http.listen import BACKLOG, listen

    config = uvicorn.Config(
        "todo.app:from_environment",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        backlog=BACKLOG,
        log_config=log_configuration,
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
    listen(sockets)
    if settings.workers > 1:
        gc.enable()  # this process only supervises
        Multiprocess(config, sockets=sockets).run()
        return
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run(sockets=sockets)
    if not server.started:
        raise typer.Exit(3)


def _connect(url: str, settings: "Settings") -> str:
    """The version of the server at `url`. Raises psycopg's OperationalError, or CannotStart for an old PostgreSQL."""
    import psycopg

    from todo.db.migrate import require_utf8
    from todo.settings import CannotStart

    with psycopg.connect(url, connect_timeout=settings.connect_timeout) as connection:
        version = connection.info.server_version
        if version < 150000:
            raise CannotStart(f"the database is PostgreSQL {version // 10000}; 15 or newer is needed")
        require_utf8(connection.info.parameter_status("server_encoding"))
        secure = " over TLS" if connection.pgconn.ssl_in_use else ""
        return f"PostgreSQL {version // 10000}.{version % 10000}{secure}"


def _warnings(url: str, settings: "Settings") -> list[str]:
    """What an operator should know before the API is open, a line each."""
    import psycopg

    from todo.auth import issuers
    from todo.db import logins
    from todo.http import traces

    with psycopg.connect(url, connect_timeout=settings.connect_timeout, prepare_threshold=None) as connection:
        found = [issuers.warning_of(settings), logins.warning_of(connection), traces.warning_of(os.environ)]
    return [warning for warning in found if warning]


def _check(url: str, settings: "Settings", *, accept_issuer: bool) -> None:
    """Raise CannotStart unless the database is right for this build and this issuer."""
    from todo.accounts.actions import record_issuer
    from todo.auth.issuers import BUILT_IN, external_issuer
    from todo.db.guard import check_database

    async def check(database: "Database") -> None:
        await check_database(database)
        issuer = external_issuer(settings)
        await record_issuer(database, issuer.name if issuer else BUILT_IN, accept=accept_issuer)

    with_database(url, settings, check)
