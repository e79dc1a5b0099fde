"""Which database this deployment works on."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.conninfo import conninfo_to_dict

from todo.settings import Settings


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """The URL of the database that is set, or of the embedded PostgreSQL, which runs for as long as the block.

    Raises CannotStart. Blocks for as long as a start takes.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    from todo.db.embedded import server

    with server.running(settings.folder) as url:
        yield url


def described(url: str) -> str:
    """The URL as it may be shown: host, port, database and login, never a password."""
    parts = conninfo_to_dict(url)
    place = f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}"
    return f"{parts.get('dbname', 'the default database')} at {place} as {parts.get('user', 'the current user')}"
