"""The login that is kept: the URL of a server, the user, and the tokens. Its file is its owner's alone."""

import json
import os
import stat
from dataclasses import asdict, dataclass, field
from pathlib import Path

from todo.cli.errors import CommandError
from todo.cli.new_file import new_file
from todo.cli.remote.folders import config_folder, private

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # Windows has none


@dataclass(frozen=True)
class Login:
    """`token` is an access token where there is a refresh token, else an API token."""

    url: str
    user_id: str
    email: str | None
    token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)


def path() -> Path:
    return config_folder() / "login.json"


def load() -> Login | None:
    """The kept login. Raises CommandError where the file cannot be trusted or read."""
    file = path()
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | _NO_LINK), encoding="utf-8") as opened:
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise CommandError(f"{file} is no file: remove it, and run `todo login`")
            if os.name != "nt" and (status.st_uid != os.getuid() or status.st_mode & 0o077):
                raise CommandError(f"{file} can be read by others: run `chmod 600` on it, or `todo login` again")
            return Login(**json.load(opened))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError):
        raise CommandError(f"{file} is damaged: run `todo login` again") from None


def save(login: Login) -> None:
    """Keep it in place of another one, at once or not at all."""
    private(config_folder())
    with new_file(path(), force=True) as part:
        part.write_text(json.dumps(asdict(login)), encoding="utf-8")


def forget() -> None:
    path().unlink(missing_ok=True)
