"""The database, as this deployment reaches it."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from todo.db import logins, migrate
from todo.db.database import Database
from todo.db.guard import check_database
from todo.db.url import described
from todo.doctor import pooler
from todo.doctor.finding import Finding, ok, problem, warning
from todo.problems import Problem
from todo.settings import CannotStart, Settings

TIMEOUT_MS = 5000
"""Milliseconds that a question of a check may take in the database."""

CLOCK = 2.0
"""Seconds by which the clocks may differ without a warning."""

LOGIN = "select rolsuper, rolbypassrls from pg_roles where rolname = session_user"
LIMITS = """
select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
       (select count(*) from pg_stat_activity where backend_type = 'client backend')
"""


def check(url: str, settings: Settings) -> Iterator[Finding]:
    """Whether it can be reached, is safe and up to date, and how many connections it has."""
    before = time.monotonic()
    try:
        connection = psycopg.connect(
            url, connect_timeout=settings.connect_timeout, prepare_threshold=None, autocommit=True
        )
    except psycopg.Error as error:
        yield unreachable("database", described(url), error)
        return
    with connection:
        took = (time.monotonic() - before) * 1000
        version = connection.info.server_version
        yield ok("database", f"{described(url)}: connected in {took:.0f} ms")
        yield _version(version)
        yield _transport(connection, url)
        yield _encoding(connection)
        with connection.transaction():
            connection.execute("select set_config('statement_timeout', %s, true)", [str(TIMEOUT_MS)])
            yield _login(connection, embedded=settings.database_url is None)
            yield _clock(connection, settings.jwt_leeway)
            other = logins.warning_of(connection) if _has_roles(connection) else None
            yield warning("logins", *_split(other)) if other else ok("logins", "no other login can work as ours")
            max_connections, now = connection.execute(LIMITS).fetchone() or (0, 0)
    kind = pooler.Pooling.NONE
    for finding in (found := pooler.Check(url, settings)).run():
        kind = found.kind
        yield finding
    yield _connections(settings, kind, max_connections, now)
    yield from _direct(url, settings, kind)
    yield from _schema(url, settings)


def unreachable(topic: str, place: str, error: psycopg.Error) -> Finding:
    """A connection that failed; libpq's messages do not contain the password."""
    reason = " ".join(str(error).split())
    if "password authentication failed" in reason or "SASL" in reason:
        advice = "check login and password; special characters of the password are percent-encoded in the URL"
    elif "certificate" in reason or "SSL" in reason:
        advice = "check sslmode and sslrootcert; sslrootcert=system trusts the certificates of this machine"
    else:
        advice = "check the host, the port, the network between, and that PostgreSQL runs"
    return problem(topic, f"{place} cannot be reached: {reason}", advice)


def _version(version: int) -> Finding:
    name = f"PostgreSQL {version // 10000}.{version % 10000}"
    return ok("version", name) if version >= 150000 else problem("version", name, "use PostgreSQL 15 or newer")


def _transport(connection: psycopg.Connection[Any], url: str) -> Finding:
    given = conninfo_to_dict(url)
    if connection.pgconn.ssl_in_use:
        mode = str(given.get("sslmode", "prefer"))
        if mode == "verify-full":
            return ok("tls", "to the database, with its certificate verified (sslmode=verify-full)")
        if given.get("channel_binding") == "require":
            return ok("tls", "to the database, with channel binding, which a server without the password's hash fails")
        return warning(
            "tls",
            f"to the database with sslmode={mode}: another server in its place would not be noticed",
            "sslmode=verify-full&sslrootcert=system in the URL (or the provider's certificate as sslrootcert)",
        )
    host = connection.info.hostaddr or connection.info.host
    if host.startswith(("/", "127.")) or host in {"", "::1", "localhost"}:
        return ok("tls", "none is needed: the database is on this machine")
    return warning("tls", "the connection to the database is not encrypted", "sslmode=verify-full in the URL")


def _encoding(connection: psycopg.Connection[Any]) -> Finding:
    encoding = connection.info.parameter_status("server_encoding")
    try:
        migrate.require_utf8(encoding)
    except CannotStart as error:
        return problem("encoding", *_split(str(error)))
    return ok("encoding", str(encoding))


def _login(connection: psycopg.Connection[Any], *, embedded: bool) -> Finding:
    row = connection.execute(LOGIN).fetchone()
    rights = [name for name, has in zip(("SUPERUSER", "BYPASSRLS"), row or (), strict=False) if has]
    if not rights or embedded:
        return ok(
            "login", "no superuser, and behind row-level security" if not rights else "of the embedded PostgreSQL"
        )
    return warning(
        "login",
        f"it has {' and '.join(rights)}: requests work as a role without them, but who gets this URL reads all",
        "serve with a login that has neither (GRANT todo_app, todo_accounts TO it), and keep this one as "
        "DIRECT_DATABASE_URL for migrations",
    )


def _clock(connection: psycopg.Connection[Any], leeway: float) -> Finding:
    before = time.time()
    [[theirs]] = connection.execute("select extract(epoch from clock_timestamp())::float8").fetchall()
    after = time.time()
    difference = max(before - theirs, theirs - after, 0.0)
    message = f"this machine's and the database's differ by {difference:.1f} s"
    advice = "let both synchronise their clocks (NTP)"
    if difference > leeway:
        return problem("clock", f"{message}, more than JWT_LEEWAY allows: tokens are refused", advice)
    return warning("clock", message, advice) if difference > CLOCK else ok("clock", message)


def _has_roles(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("select count(*) from pg_roles where rolname in ('todo_app', 'todo_accounts')").fetchone()
    return row == (2,)


def _connections(settings: Settings, kind: pooler.Pooling, available: int, now: int) -> Finding:
    wanted = settings.workers * settings.pool_size
    needs = f"WORKERS × POOL_SIZE = {wanted}"
    if kind is not pooler.Pooling.NONE:
        return ok("connections", f"{needs}, which the pooler shares among its own")
    if wanted + 3 > available:
        return problem(
            "connections",
            f"{needs}, and the database allows {available} (now {now} are open)",
            "lower POOL_SIZE or WORKERS, raise max_connections, or put a pooler in between; three are kept free "
            "for migrations and commands",
        )
    return ok("connections", f"{needs} of {available} that the database allows (now {now} are open)")


def _direct(url: str, settings: Settings, kind: pooler.Pooling) -> Iterator[Finding]:
    direct = settings.direct_database_url
    if direct is None:
        if kind is pooler.Pooling.TRANSACTION:
            yield warning(
                "direct url",
                "migrations and backups would go through the pooler",
                "set DIRECT_DATABASE_URL to the URL without the pooler",
            )
        return
    query = "select pg_postmaster_start_time(), current_database()"
    try:
        with (
            psycopg.connect(direct, connect_timeout=settings.connect_timeout, prepare_threshold=None) as one,
            psycopg.connect(url, connect_timeout=settings.connect_timeout, prepare_threshold=None) as other,
        ):
            same = one.execute(query).fetchone() == other.execute(query).fetchone()
            pooled = pooler.is_pooled(one)
    except psycopg.Error as error:
        yield unreachable("direct url", described(direct), error)
        return
    if not same:
        yield problem("direct url", "it is another database than DATABASE_URL", "set both to the same database")
    elif pooled:
        yield warning("direct url", "it leads through a pooler too", "set it to the URL without the pooler")
    else:
        yield ok("direct url", "the same database, without a pooler")


def _schema(url: str, settings: Settings) -> Iterator[Finding]:
    """Migrations, row-level security and the log, as the start-up check sees them."""
    try:
        migrate.require(migrate.current(url))
    except CannotStart as error:
        yield problem("migrations", *_split(str(error)))
        return
    except psycopg.Error as error:
        yield problem("migrations", f"cannot be read: {' '.join(str(error).split())}", "GRANT the login what it needs")
        return
    yield ok("migrations", f"the database is at {migrate.head()}, as this build needs")

    async def checked() -> None:
        async with Database(url, settings) as database:
            await check_database(database)

    try:
        asyncio.run(checked())
    except CannotStart as error:
        yield problem("row-level security", *_split(str(error)))
    except Problem as failed:
        yield problem("row-level security", failed.detail, "see the checks above")
    else:
        yield ok("row-level security", "holds for the role that serves requests, and the log writes as its own role")


def _split(message: str) -> tuple[str, str]:
    """A message of ours, and the advice behind its last colon."""
    what, _, advice = message.partition(": ")
    return what, advice or "see docs/how-to/deployment.md"
