"""Which database this deployment works on."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.conninfo import conninfo_to_dict

from todo.settings import CannotStart, Settings


def is_absent(settings: Settings) -> bool:
    """Whether the embedded PostgreSQL is to be used and has no database yet.

    Raises CannotStart without a folder. False where another user's folder hides it: its start says what is wrong.
    """
    try:
        return settings.database_url is None and not (settings.folder / "postgres").exists()
    except PermissionError:
        return False


@contextmanager
def database_url(settings: Settings, *, make: bool = True) -> Iterator[str]:
    """The URL of the database that is set, or of the embedded PostgreSQL, which runs for as long as the block.

    Raises CannotStart, without `make` also where there is no database yet. Blocks for as long as a start takes.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    if not make and is_absent(settings):
        raise CannotStart(f"{settings.folder} has no database: set DATA_DIR or DATABASE_URL to where it is")
    from todo.db.embedded import server

    with server.running(settings.folder) as url:
        yield url


def described(url: str) -> str:
    """The URL as it may be shown: host, port, database and login, never a password."""
    parts = conninfo_to_dict(url)
    place = f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}"
    return f"{parts.get('dbname', 'the default database')} at {place} as {parts.get('user', 'the current user')}"
