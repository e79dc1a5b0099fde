"""`todo backup` and `todo restore-backup`: a whole database as one file, and back."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from todo.cli.run import errors_as_one_line, with_database
from todo.settings import CannotStart, Settings


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file where it exists.")] = False,
) -> None:
    """Write the whole database to a file, also while it is served, and check the file by restoring it."""
    with errors_as_one_line():
        from todo.db import backup as backups
        from todo.db.embedded.server import superuser
        from todo.db.url import database_url

        settings = Settings.from_environment()
        embedded = settings.database_url is None
        with _new_file(file, force=force) as part, database_url(settings) as url:
            _say(f"dumping the database to {part.name}")
            source = superuser(url) if embedded else settings.direct_database_url or url
            dumped = backups.dump(source, part)
            _say(f"restoring {part.name} into a scratch database, to check it")
            with _scratch_server(url if embedded else None) as scratch:
                _check(scratch, part, dumped)
        rows = sum(each.rows for each in dumped.values())
        _say(f"{file}: {len(dumped)} tables, {rows} rows, {file.stat().st_size} bytes")


def restore_backup(file: Annotated[Path, typer.Argument(help="A file that `todo backup` wrote.")]) -> None:
    """Fill an empty database with a backup, bring its schema up to date, and check it."""
    with errors_as_one_line():
        from todo.db import backup as backups
        from todo.db import migrate
        from todo.db.guard import check_database
        from todo.db.url import database_url

        settings = Settings.from_environment()
        if not os.access(file, os.R_OK):
            raise CannotStart(f"{file} cannot be read")
        with database_url(settings) as url:
            owner = settings.direct_database_url or url
            _say(f"restoring {file}")
            backups.restore(owner, file)
            _say("bringing the schema up to date, and checking it")
            migrate.upgrade(owner)
            with_database(url, settings, check_database)
        _say("restored")


def _say(progress: str) -> None:
    typer.echo(progress, err=True)


@contextmanager
def _new_file(file: Path, *, force: bool) -> Iterator[Path]:
    """A private file beside the one that is wanted, which takes its place when the block succeeds."""
    part = file.with_name(f"{file.name}.part")
    try:
        if file.exists() and not force:
            raise CannotStart(f"{file} exists: name another file, or add --force")
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        part.chmod(0o600)
        try:
            yield part
            _sync(part)
            if file.exists() and not force:
                raise CannotStart(f"{file} was made meanwhile: name another file, or add --force")
            part.replace(file)
            _sync(file.absolute().parent)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise CannotStart(f"{file} cannot be written: {error.strerror}") from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _scratch_server(url: str | None) -> Iterator[str]:
    """The URL of an embedded PostgreSQL: the running one, or one of its own for as long as the block."""
    from todo.db.embedded import server

    if url is not None:
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="todo-backup-") as folder, server.running(Path(folder)) as url:
        yield url


def _check(server: str, file: Path, dumped: object) -> None:
    """Raise CannotStart unless a restored database holds what was dumped."""
    import psycopg

    from todo.db import backup as backups
    from todo.db.embedded.server import superuser

    with backups.scratch_database(server) as scratch:
        backups.restore(scratch, file)
        with psycopg.connect(superuser(scratch)) as connection:
            restored = backups.contents(connection)
    if restored != dumped:
        raise CannotStart("the restored database differs from the one that was dumped: the backup was not kept")
