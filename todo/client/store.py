"""The file of a local copy: an SQLite database, and what may be read of it.

    owner(url, user_id, revision)     one row: whose tasks, and the revision that the copy has; NULL until it has all
    tasks(id, created_at, json)       tasks outside the trash, as the API shows them

Each method is one transaction at most, so another process sees the copy before or after it, and a process that is
killed leaves it as it was. What two processes have read from the server is written once: a writer says from which
revision it started, and what it brings is dropped where that is no longer the copy's.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from todo.client.errors import LocalCopyError

APPLICATION_ID = 0x746F646F
"""Marks the file as ours (SQLite's own field for this)."""
VERSION = 1
MAGIC = b"SQLite format 3\0"
"""What its files begin with."""
BUSY = 30.0
"""Seconds to wait for another process that writes."""
ROWS = 500
"""Tasks that are read at a time."""

SCHEMA = """
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS owner (
        url TEXT, user_id TEXT, revision INTEGER, only_one INTEGER PRIMARY KEY CHECK (only_one = 1)
    );
    INSERT INTO owner VALUES (NULL, NULL, NULL, 1) ON CONFLICT DO NOTHING;
    CREATE TABLE IF NOT EXISTS tasks (id TEXT PRIMARY KEY, created_at TEXT NOT NULL, json TEXT NOT NULL);
    PRAGMA application_id = 0x746F646F;
    PRAGMA user_version = 1;
    COMMIT;
"""


class _Task(msgspec.Struct, frozen=True):
    id: str
    created_at: str
    deleted_at: str | None = None


class RawChange(msgspec.Struct, frozen=True):
    """A change whose task is left as it came, fields unknown to this version included."""

    revision: int
    task_id: str
    task: msgspec.Raw


class Store:
    """An open file. May be used by several threads."""

    def __init__(self, path: Path) -> None:
        """Open or make the file, readable for its owner alone. Raises LocalCopyError for one of another kind."""
        self._path = path
        self._lock = threading.Lock()
        try:
            with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "rb") as file:
                if file.read(len(MAGIC)) not in {b"", MAGIC}:  # SQLite writes over some that are short
                    raise LocalCopyError(f"{path} is no local copy of tasks: name another file.")
            self._database = self._connect()
        except OSError as error:
            raise LocalCopyError(f"The local copy cannot be opened: {error}") from None
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._database.close()
            raise LocalCopyError(f"{path} is no local copy of tasks ({error}): name another file.") from None

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=BUSY, isolation_level=None, check_same_thread=False)

    def _prepare(self) -> None:
        with self._lock:
            [application_id] = self._database.execute("PRAGMA application_id").fetchone()
            [version] = self._database.execute("PRAGMA user_version").fetchone()
            [tables] = self._database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            if application_id != APPLICATION_ID and tables:
                raise sqlite3.DatabaseError("it is another program's database")
            if version > VERSION:
                raise sqlite3.DatabaseError("a newer version of this program made it")
            self._database.execute("PRAGMA journal_mode = WAL")  # so that reading does not block writing
            if version < VERSION:
                self._database.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._database.execute("BEGIN IMMEDIATE")
                yield self._database
                self._database.execute("COMMIT")
            except sqlite3.Error as error:
                raise LocalCopyError(f"{self._path} cannot be written: {error}") from None
            finally:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")

    def claim(self, url: str, user_id: str) -> None:
        """Keep the tasks of this user of this server. Raises LocalCopyError where it keeps those of another."""
        with self._transaction() as database:
            database.execute("UPDATE owner SET url = ?, user_id = ? WHERE user_id IS NULL", (url, user_id))
            if database.execute("SELECT url, user_id FROM owner").fetchone() != (url, user_id):
                raise LocalCopyError(f"{self._path} is the copy of another user or server: name another file.")

    def revision(self) -> int | None:
        """The revision that the copy has; None where the list has to be read."""
        with self._lock:
            revision: int | None = self._database.execute("SELECT revision FROM owner").fetchone()[0]
        return revision

    def tasks(self) -> Iterator[bytes]:
        """The tasks as JSON, newest first, as they are now, whatever is written meanwhile."""
        with contextlib.closing(self._connect()) as snapshot:
            rows = snapshot.execute("SELECT json FROM tasks ORDER BY created_at DESC, id DESC")
            while some := rows.fetchmany(ROWS):
                for (text,) in some:
                    yield text.encode()

    def forget(self, since: int) -> None:
        """Have the list read again, where the copy still has this revision. Its tasks are kept until then."""
        with self._transaction() as database:
            database.execute("UPDATE owner SET revision = NULL WHERE revision = ?", (since,))

    def begin_list(self) -> None:
        """Begin to collect a list, apart from the copy."""
        with self._lock:
            self._database.execute("DROP TABLE IF EXISTS temp.incoming")
            self._database.execute("CREATE TEMP TABLE incoming (id TEXT PRIMARY KEY, created_at TEXT, json TEXT)")

    def collect(self, tasks: Iterable[msgspec.Raw]) -> None:
        """Add a page to the list."""
        with self._transaction() as database:
            database.executemany("INSERT OR REPLACE INTO temp.incoming VALUES (?, ?, ?)", map(_row, tasks))

    def end_list(self, revision: int) -> None:
        """Replace the copy by the list, unless another process has done so."""
        with self._transaction() as database:
            if database.execute("UPDATE owner SET revision = ? WHERE revision IS NULL", (revision,)).rowcount:
                database.execute("DELETE FROM tasks")
                database.execute("INSERT INTO tasks SELECT * FROM temp.incoming")
            database.execute("DROP TABLE temp.incoming")

    def apply(self, since: int, changes: Iterable[RawChange], revision: int) -> bool:
        """Bring the copy from one revision to another. False where it has another one than `since`."""
        with self._transaction() as database:
            moved = database.execute("UPDATE owner SET revision = ? WHERE revision = ?", (revision, since)).rowcount
            for change in changes if moved else ():
                if bytes(change.task) == b"null" or msgspec.json.decode(change.task, type=_Task).deleted_at:
                    database.execute("DELETE FROM tasks WHERE id = ?", (change.task_id,))
                else:
                    database.execute("INSERT OR REPLACE INTO tasks VALUES (?, ?, ?)", _row(change.task))
        return bool(moved)


def _row(task: msgspec.Raw) -> tuple[str, str, str]:
    known = msgspec.json.decode(task, type=_Task)
    return known.id, known.created_at, bytes(task).decode()
