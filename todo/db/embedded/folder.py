"""The folder of an embedded PostgreSQL: whose it is, who can enter it, and where its socket lies."""

import hashlib
import os
import pwd
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from todo.db.embedded.errors import EmbeddedError
from todo.db.embedded.os_user import can_enter, name_of, system_user

SYSTEM_USER = "todo-postgres"
OURS = ("users", "gate", "postmaster.lock")
"""Files that our processes open; the rest is PostgreSQL's."""
POSTGRES = ("postgres", "postgres.new", "postgres.log")


class DataFolder:
    """DATA_DIR. When root starts the server, PostgreSQL works in it as SYSTEM_USER, which then is `user`.

    Nothing is made or changed before it is known that the folder is ours. Raises EmbeddedError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path = path.resolve()  # a process that has another path for it finds the same socket
        self.data = path / "postgres"
        self.log = path / "postgres.log"
        self.user: pwd.struct_passwd | None = None
        try:
            self._check_owner()
            if os.geteuid() == 0:
                self.user = system_user(SYSTEM_USER)
                self._check_owner()
            self._make()
        except OSError as error:
            raise EmbeddedError(f"DATA_DIR {path} cannot be used: {error.strerror}") from error

    @contextmanager
    def open(self, name: str) -> Iterator[int]:
        """The descriptor of a file for locks, made where it is missing."""
        try:
            descriptor = os.open(self.path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EmbeddedError(f"DATA_DIR {self.path} cannot be written: {error.strerror}") from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def give_to_user(self, path: Path) -> None:
        """Make it belong to whom PostgreSQL runs as."""
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def make_private(self) -> None:
        """Take from others what a volume's group was given, with which PostgreSQL would not start."""
        mode = stat.S_IMODE(self.data.stat().st_mode)
        if mode & (stat.S_IWGRP | stat.S_IRWXO):
            self.data.chmod(0o700)

    def sockets(self) -> Path:
        """The folder of the socket: the data folder, or one in the temporary folder where that path is too long."""
        longest = 103 - len("/.s.PGSQL.5432")  # macOS has room for 103 bytes, Linux for 107
        if len(os.fsencode(self.data)) <= longest and not set(str(self.data)) & set(",'\"$`\\"):
            return self.data
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"todo-{digest}"
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            self.give_to_user(folder)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != (self.user.pw_uid if self.user else os.geteuid()):
            raise EmbeddedError(f"{folder} belongs to another user: set DATA_DIR to a shorter path")
        return folder

    def _check_owner(self) -> None:
        """Refuse a folder in which another user has worked: files of ours would lock that user out."""
        for name in (*POSTGRES, *OURS):
            with suppress(FileNotFoundError):
                owner = (self.path / name).lstat().st_uid
                if not self._may_belong(name, owner):
                    raise EmbeddedError(self._another_owner(self.path / name, owner))

    def _may_belong(self, name: str, owner: int) -> bool:
        us = os.geteuid()
        if us != 0:
            return owner == us
        try:
            postgres = owner == pwd.getpwnam(SYSTEM_USER).pw_uid
        except KeyError:  # in a new container it has to be made, and gets the number that it had in the one before
            postgres = name_of(owner).isdigit()
        return postgres or (owner == 0 and name != "postgres")

    def _another_owner(self, path: Path, owner: int) -> str:
        said = f"DATA_DIR {self.path} is used by the user {name_of(owner)}, whose {path.name} it contains: "
        if os.geteuid() != 0:
            return said + f"start as {name_of(owner)}, or set DATA_DIR to another folder"
        instead = f"chown -R {SYSTEM_USER} {path}" if path == self.data else "set DATA_DIR to another folder"
        return said + (f"start as {name_of(owner)}, or {instead}" if owner else instead)

    def _make(self) -> None:
        if self.user is None:
            return self.path.mkdir(parents=True, exist_ok=True)
        for folder in [each for each in (*reversed(self.path.parents), self.path) if not each.exists()]:
            folder.mkdir(exist_ok=True)
            folder.chmod(0o711)  # whatever the umask is: these are new, and ours
        if can_enter(self.path, self.user):
            return None
        closed = next(each for each in (*reversed(self.path.parents), self.path) if not can_enter(each, self.user))
        if closed != self.path or self.path.stat().st_uid != 0:
            raise EmbeddedError(
                f"PostgreSQL runs as the user {SYSTEM_USER}, who cannot enter {closed}: set DATA_DIR to a folder that "
                f"it can enter, such as /var/lib/todo, or chmod o+x {closed}"
            )
        self.path.chmod(stat.S_IMODE(self.path.stat().st_mode) | stat.S_IXOTH)
        return None
