"""`todo backup` and `todo restore-backup`: a whole database as one file, and back."""

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from todo.cli.new_file import new_file
from todo.cli.server.progress import Advance, steps
from todo.cli.server.run import errors_as_one_line, where, with_database
from todo.settings import CannotStart, Settings


def backup_database(file: Path, *, force: bool) -> None:
    """Write the whole database to a file, also while it is served, and check the file by restoring it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what it began is deleted on the way out
    with errors_as_one_line(), steps() as shown:
        from todo.db import backup as backups
        from todo.db.embedded.server import superuser
        from todo.db.url import database_url

        settings = Settings.from_environment()
        embedded = settings.database_url is None
        with new_file(file, force=force) as part, database_url(settings, make=False) as url:
            source = superuser(url) if embedded else settings.direct_database_url or url
            with shown.file(f"dumping the database to {part.name}", part):
                dumped = backups.dump(source, part)
            rows = sum(each.rows for each in dumped.values())
            label = f"restoring {part.name} into a scratch database, to check it"
            with shown.rows(label, rows) as advance, _scratch_server(url if embedded else None) as scratch:
                _check(scratch, part, dumped, advance)
        shown.say(f"{file}: from {where(settings)}: {len(dumped)} tables, {rows} rows, {file.stat().st_size} bytes")


def restore_database(file: Path) -> None:
    """Fill an empty database with a backup, bring its schema up to date, and check it."""
    with errors_as_one_line(), steps() as shown:
        from todo.db import backup as backups
        from todo.db import migrate
        from todo.db.guard import check_database
        from todo.db.url import database_url

        settings = Settings.from_environment()
        if not os.access(file, os.R_OK):
            raise CannotStart(f"{file} cannot be read")
        with database_url(settings) as url:
            owner = settings.direct_database_url or url
            with shown.rows(f"restoring {file}") as advance:
                backups.restore(owner, file, advance)
            shown.say("bringing the schema up to date, and checking it")
            migrate.upgrade(owner)
            with_database(url, settings, check_database)
        shown.say(f"restored into {where(settings)}")


@contextmanager
def _scratch_server(url: str | None) -> Iterator[str]:
    """The URL of an embedded PostgreSQL: the running one, or one of its own for as long as the block."""
    from todo.db.embedded import server

    if url is not None:
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="todo-backup-") as folder, server.running(Path(folder)) as url:
        yield url


def _check(server: str, file: Path, dumped: object, advance: Advance) -> None:
    """Raise CannotStart unless a restored database holds what was dumped."""
    import psycopg

    from todo.db import backup as backups
    from todo.db.embedded.server import superuser

    with backups.scratch_database(server) as scratch:
        backups.restore(scratch, file, advance)
        with psycopg.connect(superuser(scratch)) as connection:
            restored = backups.contents(connection)
    if restored != dumped:
        raise CannotStart("the restored database differs from the one that was dumped: the backup was not kept")
