"""Texts of tasks in files, for an editor, and for what could not be sent yet. They are their owner's alone."""

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from todo.cli.errors import CommandError
from todo.cli.remote.folders import private, state_folder


def new(id: str, text: str) -> Path:
    """A new file with the text, in the private folder `drafts`."""
    folder = private(state_folder() / "drafts")
    try:
        descriptor, name = tempfile.mkstemp(prefix=f"{id[-12:]}-", suffix=".txt", dir=folder)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise CommandError(f"{folder} cannot be written to: {error.strerror}") from error
    return Path(name)


def edited(file: Path) -> str:
    """Open the file in the user's editor, and read it when that is closed. Raises CommandError where it fails."""
    command = _editor()
    try:
        status = subprocess.run([*command, str(file)], check=False).returncode  # noqa: S603 # the user chose it
    except OSError as error:
        raise CommandError(f"the editor {command[0]} cannot be started: {error.strerror}: set EDITOR") from error
    if status != 0:
        raise CommandError(f"the editor ended with status {status}, so nothing was sent")
    return file.read_text(encoding="utf-8")


def _editor() -> list[str]:
    """$VISUAL, $EDITOR, or one that is there."""
    given = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if given:
        return shlex.split(given)
    found = next(filter(None, map(shutil.which, ("nano", "vi", "notepad"))), None)
    if found is None:
        raise CommandError("there is no editor: set EDITOR, or use the options, as `todo edit --help` says")
    return [found]
