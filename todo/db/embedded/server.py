"""The embedded PostgreSQL: a real server in a folder, shared by every process that asks for it.

The binaries come as a wheel (the `embedded` extra); its start and stop are coordinated by the kernel's file locks
alone, since a lock is released however a process ends:

- `gate` is held, exclusively, while a process starts or stops the server;
- `users` is held, shared, by each process for as long as it uses the server. A process that stops using
  it and then gets it exclusively was the last, and stops the server;
- `postmaster.lock` is held by PostgreSQL itself, for as long as one of its processes lives (`postmaster.py`).

It listens on a socket in a folder that only its owner can enter, never on the network.
"""

import fcntl
import logging
import os
import pwd
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from todo.db.embedded.environment import without_libpq_variables
from todo.db.embedded.errors import EmbeddedError
from todo.db.embedded.folder import DataFolder
from todo.db.embedded.os_user import run
from todo.db.embedded.postmaster import Postmaster
from todo.db.embedded.programs import MAJOR, Programs, reason
from todo.db.embedded.programs import binaries as binaries  # for those who need another program
from todo.settings import CannotStart

log = logging.getLogger("todo")

OWNER = "todo"
SUPERUSER = "postgres"
START_TIMEOUT = 60.0
STOP_TIMEOUT = 30
CHECK_INTERVAL = 0.5  # seconds
STILL_USED = "processes of PostgreSQL, perhaps in another container, still use it"


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """The URL of the server in `folder`, which runs at least as long as the block.

    Starts it where it does not run, restarts it when it dies, and stops it at the end where no other process uses it.
    libpq's environment variables are unset meanwhile. Raises EmbeddedError. Blocks: call it from a thread when an
    event loop runs.
    """
    with without_libpq_variables():
        server = _Server(folder)
        with server.folder.open("users") as users:
            server.begin(users)
            done = threading.Event()
            keeper = threading.Thread(target=server.keep, args=[done], daemon=True)
            keeper.start()
            try:
                yield server.url(OWNER, OWNER)
            finally:
                done.set()
                keeper.join()
                server.end(users)


def superuser(url: str) -> str:
    """The URL of the same database for the cluster's superuser, whom no policy hides rows from."""
    return url.replace(f"//{OWNER}@", f"//{SUPERUSER}@", 1)


class _Server:
    def __init__(self, folder: Path) -> None:
        installed = binaries()
        self.folder = DataFolder(folder)
        self.data = self.folder.data
        self.log = self.folder.log
        self.postmaster = Postmaster(self.folder)
        self.programs = Programs(installed, self.folder.path / "programs", self.folder.user)

    @contextmanager
    def gate(self) -> Iterator[None]:
        with self.folder.open("gate") as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield

    def begin(self, users: int) -> None:
        """Start the server where it does not run, and use it from now on."""
        with self.gate():
            fcntl.flock(users, fcntl.LOCK_SH)
            try:
                self.start()
            except BaseException:
                fcntl.flock(users, fcntl.LOCK_UN)  # before the last user looks whether it is the last
                raise

    def end(self, users: int) -> None:
        """Use it no longer, and stop it where nobody else does."""
        with self.gate():
            fcntl.flock(users, fcntl.LOCK_UN)
            with suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.stop()

    def url(self, user: str, database: str) -> str:
        return f"postgresql://{user}@/{database}?host={quote(str(self.folder.sockets()), safe='')}"

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
            self._refuse_another_container()
            try:
                return self._make_owner()
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise EmbeddedError(f"PostgreSQL started and does not respond: {error}") from error
                time.sleep(0.3)

    def keep(self, done: threading.Event) -> None:
        """Restart the server whenever it is gone, until `done`."""
        said = ""
        while not done.wait(CHECK_INTERVAL):
            try:
                if self.postmaster.process() is not None:
                    continue
                with self.gate():
                    if self.postmaster.process() is None and not done.is_set():  # and no other process was quicker
                        log.warning("PostgreSQL is gone and is restarted")
                        self._launch()
                        said = ""
            except (CannotStart, OSError) as error:
                if str(error) != said:
                    log.warning("PostgreSQL does not start: %s", error)
                said = str(error)

    def stop(self) -> None:
        """Stop the server, waiting for its last checkpoint. A process id of somebody else is left alone."""
        if self.postmaster.process() is not None:
            self.programs.run("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-t", str(STOP_TIMEOUT))

    def _initialise(self) -> None:
        """A new cluster, made beside its place and moved there whole, so that a crash leaves no half of one."""
        user = self.folder.user.pw_uid if self.folder.user else os.geteuid()
        try:
            pwd.getpwuid(user)
        except KeyError:
            raise EmbeddedError(
                f"PostgreSQL needs a name for the user id {user} to make its data: add one to /etc/passwd, "
                "start as a user who has a name, or set DATABASE_URL"
            ) from None
        fresh = self.folder.path / "postgres.new"
        run("rm", "-rf", str(fresh))
        fresh.mkdir(mode=0o700)
        self.folder.give_to_user(fresh)
        made = self.programs.run(
            "initdb", "-D", str(fresh), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8",
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions",
        )  # fmt: skip
        if made.returncode:
            raise EmbeddedError(f"initdb failed: {reason(made.stderr)}")
        with (fresh / "postgresql.auto.conf").open("a") as configuration:
            configuration.write("listen_addresses = ''\nunix_socket_permissions = 0700\nmax_connections = 200\n")
        fresh.rename(self.data)

    def _launch(self) -> None:
        """Start the postmaster in a session of its own, and wait until it answers.

        Tried again while another postmaster is stopping or starting, and while a killed one's children live.
        """
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            with self.postmaster.lock() as lock:
                error = STILL_USED if lock is None else self._try_to_launch(lock)
            if error is None:
                return
            self._refuse_another_container()
            if self._responds():
                return
            passing = lock is None or self.postmaster.process() or "lock file" in error or "shared memory" in error
            if time.monotonic() > deadline or not passing:
                raise EmbeddedError(f"PostgreSQL does not start in {self.data}: {error}")
            time.sleep(0.3)

    def _try_to_launch(self, lock: int) -> str | None:
        """Start the postmaster, which inherits the lock; None when it answers, else why it does not.

        With the lock held here, lock files are a dead one's, or of the folder that this is a copy of, but for a visible
        process of an older build, which has no lock. pg_ctl hands its paths to a shell: it works in the data folder,
        and names only what is there.
        """
        if self.postmaster.process() is None:
            self.postmaster.remove_lock_files()
        self.folder.make_private()
        if not self.log.exists():
            self.log.touch(mode=0o600)
            self.folder.give_to_user(self.log)
        before = self.log.stat().st_size
        sockets = self.folder.sockets()
        place = "." if sockets == self.data else f"'{sockets}'"
        started = self.programs.run(
            "pg_ctl", "start", "-D", ".", "-l", f"../{self.log.name}", "-w", "-t", "60", "-s", "-o", f"-k {place}",
            folder=self.data, keep_open=[lock],
        )  # fmt: skip
        if started.returncode == 0:
            return None
        with self.log.open(errors="replace") as written:
            written.seek(before)
            return reason(written.read() or started.stderr)

    def _make_owner(self) -> None:
        """The login that everything uses: it owns the database, may make roles, and is no superuser."""
        with psycopg.connect(self.url(SUPERUSER, "template1"), autocommit=True) as connection:
            name = sql.Identifier(OWNER)
            if not connection.execute("select 1 from pg_roles where rolname = %s", [OWNER]).fetchone():
                connection.execute(sql.SQL("create role {} login createrole createdb").format(name))
            if not connection.execute("select 1 from pg_database where datname = %s", [OWNER]).fetchone():
                connection.execute(sql.SQL("create database {} owner {}").format(name, name))

    def _responds(self) -> bool:
        if not self.postmaster.pid_file.exists():
            return False
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(self.url(SUPERUSER, "template1"), connect_timeout=5),
        ):
            return True
        return False

    def _refuse_another_container(self) -> None:
        """Raise EmbeddedError when a server runs that is no process of ours: we could neither watch nor restart it."""
        if self.postmaster.process() is None and self._responds() and self.postmaster.process() is None:
            raise EmbeddedError(
                f"DATA_DIR {self.folder.path} is in use by a server in another container: run this inside that "
                "container, stop it first, or set DATA_DIR to another folder"
            )
