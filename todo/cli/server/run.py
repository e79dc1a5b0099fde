"""What commands share: the database that they work on, and how errors are printed."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import typer

if TYPE_CHECKING:
    from todo.db.database import Database
    from todo.settings import Settings

T = TypeVar("T")


@contextmanager
def errors_as_one_line() -> Iterator[None]:
    """Print an error that a person can correct in one line, with exit status 1; a bug keeps its traceback."""
    import psycopg

    from todo.settings import CannotStart

    try:
        yield
    except CannotStart as error:
        _fail(str(error))
    except psycopg.Error as error:
        _fail("the database: " + str(error).strip().splitlines()[0])


def _fail(message: str) -> None:
    print(f"todo: {message}", file=sys.stderr)  # noqa: T201 # the command line prints
    raise typer.Exit(1)


def with_database(url: str, settings: "Settings", work: Callable[["Database"], Awaitable[T]]) -> T:
    """Do the work with an open database. A Problem becomes a CannotStart."""
    import asyncio

    from todo.db.database import Database
    from todo.problems import Problem
    from todo.settings import CannotStart

    async def opened() -> T:
        async with Database(url, settings) as database:
            return await work(database)

    try:
        return asyncio.run(opened())
    except Problem as problem:
        raise CannotStart(problem.detail) from None


def for_accounts(work: Callable[["Database"], Awaitable[T]]) -> T:
    """Do the work on the database of this deployment, which must have built-in accounts."""
    from todo.db.guard import check_database
    from todo.db.url import database_url
    from todo.settings import CannotStart, Settings

    async def checked(database: "Database") -> T:
        await check_database(database)
        return await work(database)

    settings = Settings.from_environment()
    if settings.external_issuer:
        raise CannotStart("accounts are kept by the external issuer that JWT_JWKS_URL or JWT_SECRET names")
    with database_url(settings, make=False) as url:
        return with_database(url, settings, checked)


def where(settings: "Settings") -> str:
    """The database that a command works on, as it may be shown."""
    from todo.db.url import described

    return str(settings.folder) if settings.database_url is None else described(settings.database_url)
