"""Where the command line keeps its files: the login, the copy of the tasks, texts that were not sent yet."""

import os
from pathlib import Path

from todo.cli.errors import CommandError


def config_folder() -> Path:
    """`TODO_CONFIG`, else the platform's folder for configuration."""
    if given := os.environ.get("TODO_CONFIG"):
        return Path(given)
    import platformdirs

    return platformdirs.user_config_path("todo", appauthor=False)


def state_folder() -> Path:
    """Also `TODO_CONFIG`, else the platform's folder for what programs remember; private, and made where missing."""
    if given := os.environ.get("TODO_CONFIG"):
        return private(Path(given))
    import platformdirs

    return private(platformdirs.user_state_path("todo", appauthor=False) / "command-line")


def private(folder: Path) -> Path:
    """The folder, which is made where missing, for its owner alone. Raises CommandError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"{folder} cannot be made: {error.strerror} (TODO_CONFIG names another folder)") from error
    return folder
