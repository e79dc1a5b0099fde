"""The server process of a data folder, and the lock that says whether there is one.

A process id says nothing in another PID namespace, as every container has its own. A file lock does: it is the file's,
for all containers of a machine. The postmaster inherits the open file with the lock, and each of its children from it.
So the lock is held exactly as long as a process that uses the shared memory lives, however it ends.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from todo.db.embedded.folder import DataFolder

if TYPE_CHECKING:
    import psutil


class Postmaster:
    """The postmaster of a data folder."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self.pid_file = folder.data / "postmaster.pid"

    @contextmanager
    def lock(self) -> Iterator[int | None]:
        """The descriptor of the lock, for a new postmaster to inherit; None while a process of one lives."""
        with self._folder.open("postmaster.lock") as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield descriptor  # it is closed, and not unlocked: the postmaster holds the same lock

    def remove_lock_files(self) -> None:
        """Remove what PostgreSQL would refuse to start for where another process has the number of a dead one."""
        self.pid_file.unlink(missing_ok=True)
        (self._folder.sockets() / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def process(self) -> "psutil.Process | None":
        """The process that serves this folder, where it is one of this PID namespace."""
        import psutil

        with suppress(FileNotFoundError, ProcessLookupError, ValueError, IndexError, psutil.NoSuchProcess):
            process = psutil.Process(int(self.pid_file.read_text().splitlines()[0]))
            if process.status() != psutil.STATUS_ZOMBIE and self._serves(process):
                return process
        return None

    def _serves(self, process: "psutil.Process") -> bool:
        """Whether it works in the data folder, by whatever path it knows it."""
        import psutil

        in_proc = Path(f"/proc/{process.pid}/cwd")
        try:
            place = in_proc if Path("/proc/self").exists() else Path(process.cwd())
            return place.samefile(self._folder.data)
        except (PermissionError, psutil.AccessDenied):  # it is another user's, and root of a container may not look
            return process.name() == "postgres"
