"""`todo backup` and `todo restore-backup`: of a whole database, or of one user of a server."""

import os
from pathlib import Path
from typing import Annotated

import typer

from todo.cli.errors import CommandError


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file where it exists.")] = False,
) -> None:
    """Write the whole database, or one user's tasks, to a file.

    With TODO_URL it is all tasks of one user of that server, else the local database, also while it is served.
    """
    if os.environ.get("TODO_URL"):
        from todo.cli.remote.files import backup_user

        backup_user(file, force=force)
    else:
        from todo.cli.server.backup import backup_database

        backup_database(file, force=force)


def restore_backup(file: Annotated[Path, typer.Argument(help="A file that `todo backup` wrote.")]) -> None:
    """Read what `todo backup` wrote.

    A whole database goes into an empty one; the tasks of one user are imported over HTTP.
    """
    if _is_of_one_user(file):
        from todo.cli.remote.files import restore_user

        restore_user(file)
    elif os.environ.get("TODO_URL"):
        raise CommandError(
            f"{file} is a backup of a whole database, which cannot be sent to TODO_URL: unset it, and set DATA_DIR or"
            " DATABASE_URL to where it is to be restored"
        )
    else:
        from todo.cli.server.backup import restore_database

        restore_database(file)


def _is_of_one_user(file: Path) -> bool:
    """Whether the file is JSON. What is neither is left to PostgreSQL's tools, which say what is wrong with it."""
    try:
        with file.open("rb") as opened:
            head = opened.read(64)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
