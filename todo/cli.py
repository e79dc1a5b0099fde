"""The command line: `todo serve`, `todo db …`, `todo openapi`. Heavy imports stand inside the commands."""

import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from pydantic import SecretStr

from todo.settings import CannotStart, Settings

if TYPE_CHECKING:
    from todo.database import Database

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
db = typer.Typer(no_args_is_help=True, help="The database's schema.")
app.add_typer(db, name="db")
user = typer.Typer(no_args_is_help=True, help="Built-in accounts, for the administrator.")
app.add_typer(user, name="user")
keys = typer.Typer(no_args_is_help=True, help="The keys that sign access tokens.")
app.add_typer(keys, name="keys")


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
    accept_issuer: Annotated[
        bool, typer.Option("--accept-issuer", help="Serve although the users came from another issuer.")
    ] = False,
) -> None:
    """Serve the API. Without DATABASE_URL a PostgreSQL starts by itself, and is migrated."""
    for ends in (signal.SIGTERM, signal.SIGHUP):  # so that what is open is closed on the way out
        signal.signal(ends, lambda *_: sys.exit(0))
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
            _guard(url, settings, accept_issuer=accept_issuer)
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
                proxy_headers=bool(settings.trusted_proxies),
                forwarded_allow_ips=list(settings.trusted_proxies),
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


def _guard(url: str, settings: Settings, *, accept_issuer: bool) -> None:
    from todo.accounts.actions import settle_issuer
    from todo.accounts.issuers import issuer_for
    from todo.database import Database
    from todo.health import guard

    async def try_the_walls(database: Database) -> None:
        await guard(database)
        issuer = await issuer_for(settings, database)
        await settle_issuer(database, issuer.name, accept=accept_issuer)

    _with_database(url, settings, try_the_walls)


def _with_database(url: str, settings: Settings, work: Callable[["Database"], Awaitable[T]]) -> T:
    """Do the work with an open database. A problem that a client would be told is told here."""
    import asyncio

    from todo.database import Database
    from todo.problems import Problem

    async def opened() -> T:
        async with Database(url, settings) as database:
            return await work(database)

    try:
        return asyncio.run(opened())
    except Problem as problem:
        raise CannotStart(problem.detail) from None


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


def _for_accounts(work: Callable[["Database"], Awaitable[T]]) -> T:
    """Do the work on the database of this deployment, whose schema must be known and whose accounts must be ours."""
    from todo.deployment import database_url
    from todo.health import guard

    async def guarded(database: "Database") -> T:
        await guard(database)
        return await work(database)

    settings = Settings.from_environment()
    if settings.foreign_issuer:
        raise CannotStart("accounts live with the issuer that JWT_JWKS_URL or JWT_SECRET names")
    with database_url(settings) as url:
        return _with_database(url, settings, guarded)


def _new_password() -> str:
    """A password that may be set, from the prompt, or from standard input when that is no terminal."""
    from pydantic import TypeAdapter, ValidationError

    from todo.accounts.shapes import NewPassword
    from todo.problems import Invalid

    if sys.stdin.isatty():
        given = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        given = sys.stdin.readline().rstrip("\n")
    try:
        return TypeAdapter[SecretStr](NewPassword).validate_python(given).get_secret_value()
    except ValidationError as error:
        raise CannotStart(f"the password: {Invalid.of(error.errors()).detail}") from None


@user.command("add")
def user_add(email: Annotated[str, typer.Argument(help="The e-mail address.")]) -> None:
    """Make an account. The password is asked for, or read from standard input."""
    with _one_line_for_what_can_be_mended():
        from pydantic import EmailStr, TypeAdapter, ValidationError

        from todo.accounts import actions
        from todo.accounts.passwords import Passwords

        try:
            address = TypeAdapter[str](EmailStr).validate_python(email)
        except ValidationError:
            raise CannotStart("that is not an e-mail address") from None
        password = _new_password()
        made = _for_accounts(lambda database: actions.sign_up(database, Passwords(), address, password))
        typer.echo(made[0])


@user.command("list")
def user_list() -> None:
    """List all users: id, e-mail and when they came, separated by tabs."""
    with _one_line_for_what_can_be_mended():
        from todo.accounts import actions

        for row in _for_accounts(actions.everybody):
            typer.echo("\t".join(str(value or "") for value in row))


@user.command("passwd")
def user_passwd(email: Annotated[str, typer.Argument(help="The e-mail address.")]) -> None:
    """Set somebody's password, which ends all their sessions."""
    with _one_line_for_what_can_be_mended():
        from todo.accounts import actions
        from todo.accounts.passwords import Passwords

        password = _new_password()

        async def set_password(database: "Database") -> None:
            user_id = (await actions.of_email(database, email))[0]
            await actions.set_password(database, Passwords(), user_id, password)

        _for_accounts(set_password)


@user.command("delete")
def user_delete(
    email: Annotated[str, typer.Argument(help="The e-mail address.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete an account and everything of theirs."""
    with _one_line_for_what_can_be_mended():
        from todo.accounts import actions

        if not yes:
            typer.confirm(f"Delete {email} and all their tasks?", abort=True)

        async def delete(database: "Database") -> None:
            await actions.delete_account(database, (await actions.of_email(database, email))[0])

        _for_accounts(delete)


@keys.command("rotate")
def keys_rotate() -> None:
    """Sign with a new key from now on. The old one stays published while its tokens live."""
    with _one_line_for_what_can_be_mended():
        from todo.accounts.keys import rotate

        lifetime = Settings.from_environment().access_token_lifetime
        typer.echo(_for_accounts(lambda database: rotate(database, lifetime)))


@app.command()
def openapi() -> None:
    """Print the OpenAPI document as YAML."""
    from todo.app import create_app
    from todo.openapi import as_yaml

    print(as_yaml(create_app(Settings())), end="")  # noqa: T201 # the document is the output
