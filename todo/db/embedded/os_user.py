"""An operating-system user for PostgreSQL, which refuses to run as root."""

import fcntl
import os
import pwd
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from todo.settings import CannotStart


def system_user(name: str) -> pwd.struct_passwd:
    """The operating-system user with this name, made where there is none. Raises CannotStart.

    Two `useradd` at once both succeed, and the second replaces the first one's number: so one after the other.
    """
    folder = os.open("/etc", os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with suppress(KeyError):
            return pwd.getpwnam(name)
        run("useradd", "--system", "--no-create-home", "--shell", "/bin/sh", name)
        return pwd.getpwnam(name)
    except KeyError:
        raise CannotStart(
            f"PostgreSQL does not run as root, and the user {name} for it could not be made: "
            "start as an ordinary user, or set DATABASE_URL"
        ) from None
    finally:
        os.close(folder)


def name_of(uid: int) -> str:
    """The user's name, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def can_enter(path: Path, user: pwd.struct_passwd) -> bool:
    """Whether the user may enter this folder, or run this program. The kernel is asked: it knows more than modes."""
    return run("test", "-x", str(path), user=user).returncode == 0


def run(
    *command: str, user: pwd.struct_passwd | None = None, folder: Path = Path("/"), keep_open: Sequence[int] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, in a session of its own; its output is in `stderr`.

    It inherits the descriptors in `keep_open`, as do the processes that it leaves behind.
    """
    with tempfile.TemporaryFile("w+") as output:  # a pipe would stay open as long as the postmaster lives
        done = subprocess.run(  # noqa: S603 # fixed programs of our own choosing
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            cwd=folder,
            pass_fds=keep_open,
            start_new_session=True,
            check=False,
        )
        output.seek(0)
        return subprocess.CompletedProcess(command, done.returncode, "", output.read())
