"""The first pass of an import: the file is read and validated, and its tasks go to a second file, in pieces.

It runs in a thread, some rows at a time, so that the server goes on answering, and an import whose client is gone
ends. What it keeps of each task is its id, and its position where the file has positions.
"""

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, BinaryIO, Self

import msgspec

from todo import formats
from todo.formats import Row
from todo.tasks.errors import TooManyTasks
from todo.transfer.errors import RowsRefused, UnknownFormat
from todo.transfer.rows import Item, Problem, item_of, said

HEAD = 64 * 1024  # bytes by which a format is known
STEP = 200  # rows that are read without looking whether the import is still wanted
CHUNK_ROWS, CHUNK_BYTES = 1000, 1024 * 1024  # of the tasks that one statement creates, approximately
MAX_PROBLEMS = 1000
IN_MEMORY = 1024 * 1024  # bytes

_encode = msgspec.json.Encoder().encode


@dataclass
class Import:
    """A file that is read: its tasks in chunks, and what was found. Close it: `with`."""

    format: str
    user_id: str
    max_tasks: int
    partial: bool
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    read: int = 0
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    tasks: int = 0
    """How many are to be created."""
    repeated: int = 0
    """Rows with the id of one before them."""
    refused: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)
    positions: list[str] | None = field(default_factory=list)
    """Of each task, as long as all have one."""

    def __post_init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 # closed by __exit__
        self._ids: set[bytes] = set()
        self._chunk: list[bytes] = []
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def take(self, rows: Iterator[Row]) -> bool:
        """Read some rows; whether there were any. Raises TooManyTasks."""
        some = list(islice(rows, STEP))
        for row in some:
            self._add(item_of(row, self.format, self.user_id, self.now))
        return bool(some)

    def end(self) -> None:
        """All rows are read. Raises RowsRefused unless those that can be imported are to be."""
        self._write()
        self._ids.clear()
        if self.refused and not self.partial:
            raise RowsRefused(self.errors, self.refused)

    def chunks(self) -> Iterator[list[Any]]:
        """The tasks in JSON's values, in the order of the file, some at a time."""
        self._file.seek(0)
        for line in self._file:
            yield msgspec.json.decode(line)

    def _add(self, item: Item) -> None:
        self.read += 1
        for message in (*item.problems, *map(said, item.errors)):
            self.problem_count += 1
            if len(self.problems) < MAX_PROBLEMS:
                self.problems.append(Problem(item.line, message))
        if item.values is None:
            self.refused += 1
            self.errors += item.errors[: MAX_PROBLEMS - len(self.errors)]
            return
        key = item.values["id"].bytes
        if key in self._ids:
            self.repeated += 1
            return
        self._ids.add(key)
        self.tasks += 1
        if self.tasks > self.max_tasks:
            raise TooManyTasks(f"a user may have {self.max_tasks} tasks")
        if item.position is None:
            self.positions = None
        elif self.positions is not None:
            self.positions.append(item.position)
        self._chunk.append(_encode(item.values))
        self._size += len(self._chunk[-1])
        if len(self._chunk) >= CHUNK_ROWS or self._size >= CHUNK_BYTES:
            self._write()

    def _write(self) -> None:
        if self._chunk:
            self._file.write(b"[" + b",".join(self._chunk) + b"]\n")
        self._chunk, self._size = [], 0


def format_of(file: BinaryIO, named: str, name: str | None) -> str:
    """The format of the file: the one that is named, unless that is `auto`. Raises UnknownFormat."""
    if named != "auto":
        return named
    file.seek(0)
    found = formats.detect(file.read(HEAD), name)
    if found is None:
        raise UnknownFormat
    return found


async def read(file: BinaryIO, found: Import, *, name: str | None, time_zone: str | None) -> None:
    """Read all rows of the file. Raises RowsRefused or TooManyTasks."""
    rows = formats.read(found.format, file, name=name, time_zone=time_zone)
    while await asyncio.to_thread(found.take, rows):
        pass
    await asyncio.to_thread(found.end)
