"""The numbers of several processes, in a private folder of shared memory: each process writes a file of its own.

A process locks its file for as long as it lives, so that a reader knows which numbers are of one that has ended: its
counters stay, its gauges do not. kill -9 loses what was counted since the last copy, a second at most.
"""

import fcntl
import json
import mmap
import os
import struct
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from todo.metrics.counts import CAPACITY, WIDTHS, Counts, Key
from todo.metrics.names import ALL

FOLDER = "TODO_METRICS_FOLDER"
"""The environment variable by which the workers of `todo serve` know the folder."""

NAMES_AT = 8  # behind the length of the names
VALUES_AT = 512 * 1024
SIZE = VALUES_AT + 8 * CAPACITY
METRICS = {metric.name: metric for metric in ALL}

Numbers = dict[Key, list[float]]


@contextmanager
def folder() -> Iterator[Path]:
    """A private folder, in memory where the system has it (/dev/shm), that is removed at the end of the block."""
    memory = "/dev/shm"  # noqa: S108 # mkdtemp makes a folder in it that is ours alone
    place = memory if os.access(memory, os.W_OK | os.X_OK) else None
    with tempfile.TemporaryDirectory(prefix="todo-metrics-", dir=place, ignore_cleanup_errors=True) as path:
        yield Path(path)


class SharedFile:
    """The file of this process."""

    def __init__(self, folder: Path, counts: Counts) -> None:
        self._counts = counts
        self._named = 0
        """How many keys were written, and their bytes."""
        self._names = b""
        descriptor, self._path = tempfile.mkstemp(dir=folder, prefix=f"{os.getpid()}-", suffix=".new")
        self._descriptor = descriptor
        os.ftruncate(descriptor, SIZE)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        self._memory = mmap.mmap(descriptor, SIZE)
        Path(self._path).rename(Path(self._path).with_suffix(".numbers"))  # locked before anybody sees it

    def publish(self) -> None:
        """Copy the numbers: some 30 µs."""
        counts, memory = self._counts, self._memory
        memory[VALUES_AT : VALUES_AT + 8 * len(counts.values)] = array("d", counts.values).tobytes()
        if self._named < len(counts.keys):
            added = b"".join(json.dumps(key).encode() + b"\n" for key in counts.keys[self._named :])
            end = NAMES_AT + len(self._names) + len(added)
            if end <= VALUES_AT:
                memory[end - len(added) : end] = added
                self._names += added
                memory[:NAMES_AT] = struct.pack("=Q", len(self._names))
            self._named = len(counts.keys)

    def close(self) -> None:
        """Copy the numbers for the last time; the lock ends."""
        self.publish()
        self._memory.close()
        os.close(self._descriptor)


def read(path: Path) -> tuple[Numbers, bool]:
    """The numbers in a file, and whether its process has ended."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            ended = True
        except BlockingIOError:
            ended = False
        data = file.read()
    numbers: Numbers = {}
    [length] = struct.unpack_from("=Q", data)
    values = array("d", data[VALUES_AT:])
    at = 1
    for line in data[NAMES_AT : NAMES_AT + length].splitlines():
        name, *labels = json.loads(line)
        width = WIDTHS[METRICS[name].kind]
        numbers[(name, *labels)] = values[at : at + width].tolist()
        at += width
    return numbers, ended
