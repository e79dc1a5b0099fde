"""System calls of a running server, counted by strace. Not counted are those in which it waits."""

import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench import machine

WAITING = ("epoll_wait", "epoll_pwait", "futex")
"""Left out: the event loop's wait for events, and threads that wait for each other."""

ATTACH_TIMEOUT = 10.0  # seconds

LINE = re.compile(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?([a-z]\w*)")
"""A line of strace's summary: % of the time, seconds, µs per call, calls, errors (or blank), name."""


@dataclass(frozen=True)
class Counts:
    """System calls per request, in total and by name."""

    requests: int
    total: float
    calls: dict[str, float]

    @classmethod
    def of(cls, calls: Mapping[str, int], requests: int) -> "Counts":
        """The `calls` of a server that has answered so many requests."""
        counted = {
            name: count for name, count in sorted(calls.items(), key=lambda item: -item[1]) if name not in WAITING
        }
        number = max(1, requests)
        each = {name: round(count / number, 3) for name, count in counted.items()}
        return cls(requests, round(sum(counted.values()) / number, 2), each)


class CannotAttach(Exception):  # noqa: N818 # the name says what happened
    """strace cannot attach to a process; the message says why."""


def missing() -> str | None:
    """Why system calls cannot be counted here, or None."""
    if shutil.which("strace") is None:
        return "strace is not installed (apt-get install strace)"
    with subprocess.Popen(["sleep", "60"]) as sleeping:
        try:
            with counted(psutil.Process(sleeping.pid)):
                pass
        except CannotAttach as error:
            return str(error)
        finally:
            sleeping.kill()
    return None


@contextmanager
def counted(process: psutil.Process) -> Iterator[Counter[str]]:
    """Counts by name, filled when the block ends, of the system calls of a process and its descendants meanwhile.

    Raises CannotAttach.
    """
    calls = Counter[str]()
    pids = [process.pid, *(each.pid for each in process.children(recursive=True))]
    with tempfile.TemporaryDirectory() as folder:
        summary = Path(folder) / "summary"
        command = ["strace", "-f", "-c", "-o", str(summary), *(f"--attach={pid}" for pid in pids)]
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: machine.pin(0, machine.APP),
        ) as strace:  # fmt: skip
            try:
                _wait_until_attached(strace, pids)
                yield calls
            finally:
                strace.send_signal(signal.SIGINT)  # it detaches, and writes its summary
                strace.communicate()
        calls.update(parsed(summary.read_text()))


def parsed(summary: str) -> dict[str, int]:
    """Calls by name in strace's summary."""
    found = (LINE.fullmatch(line) for line in summary.splitlines())
    return {match[2]: int(match[1]) for match in found if match and match[2] != "total"}


def _wait_until_attached(strace: subprocess.Popen[str], pids: list[int]) -> None:
    deadline = time.monotonic() + ATTACH_TIMEOUT
    while not all(_is_traced(pid) for pid in pids):
        if strace.poll() is not None:
            assert strace.stderr
            raise CannotAttach((strace.stderr.read().strip().splitlines() or ["strace ended"])[-1])
        if time.monotonic() > deadline:
            raise CannotAttach("strace does not attach")
        time.sleep(0.01)


def _is_traced(pid: int) -> bool:
    """Whether every thread of the process is traced, or has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        statuses = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/status")]
        return all("TracerPid:\t0\n" not in status for status in statuses)
    return False
