"""A new file that is whole or absent, and readable by its owner alone."""

import glob
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from todo.cli.errors import CommandError

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # Windows has none


@contextmanager
def new_file(file: Path, *, force: bool) -> Iterator[Path]:
    """A private file beside the wanted one, which takes its place when the block succeeds. Raises CommandError."""
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        if file.exists() and not force:
            raise CommandError(f"{file} exists: name another file, or add --force")
        _delete_left_parts(file)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o600))
        try:
            with _locked(part):
                yield part
            _sync(part)
            if file.exists() and not force:
                raise CommandError(f"{file} was made meanwhile: name another file, or add --force")
            part.replace(file)
            _sync(file.absolute().parent)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}") from error


def _delete_left_parts(file: Path) -> None:
    """Delete what killed processes left of the same file: nobody has its lock."""
    for part in file.parent.glob(f"{glob.escape(file.name)}.*.part"):
        with suppress(OSError), _locked(part) as free:
            if free:
                part.unlink()


@contextmanager
def _locked(part: Path) -> Iterator[bool]:
    """Have the lock of a file while the block runs; False where another process has it, or there are no locks."""
    if sys.platform == "win32":
        yield False
        return
    import fcntl

    descriptor = os.open(part, os.O_WRONLY | _NO_LINK)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = True
        except OSError:
            free = False
        yield free
    finally:
        os.close(descriptor)


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # Windows opens no folders
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
