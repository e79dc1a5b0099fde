"""Which database this deployment works on."""

from collections.abc import Iterator
from contextlib import contextmanager

from todo.settings import Settings


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """The URL of the database that is set, or that of the PostgreSQL that starts by itself and runs meanwhile.

    Raises CannotStart. Blocks for as long as a start takes.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    from todo import embedded

    with embedded.running(settings.folder) as url:
        yield url
