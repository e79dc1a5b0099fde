"""The machine: which core runs what, and what a process used of it, as the kernel accounts for it."""

import os
import platform
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
APP = frozenset(CORES[:1])
"""The core of the measured server."""
REST = frozenset(CORES[1:2]) or APP
"""The core of the load generator and PostgreSQL, so that they do not compete with the measured server."""


def pin(pid: int, cores: frozenset[int]) -> None:
    """Keep the process, and the processes that it will start, on these cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, cores)


def cpu(process: psutil.Process) -> float:
    """Seconds of CPU that the process and its descendants have used, those that have ended included."""
    descendants = process.children(recursive=True)
    times = process.cpu_times()
    ended = float(times.children_user + times.children_system)
    return ended + sum(_own(each.pid) for each in (process, *descendants))


def _own(pid: int) -> float:
    """Of all threads, those that have ended included: to the nanosecond on Linux, else in clock ticks."""
    if sys.platform == "linux":
        with suppress(OSError):
            return time.clock_gettime((~pid << 3) | 2)  # what clock_getcpuclockid(3) gives for a process
    with suppress(psutil.NoSuchProcess):
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)
    return 0.0


def memory(process: psutil.Process) -> float:
    """MB of resident memory of the process and its descendants now."""
    resident = 0
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            resident += each.memory_info().rss
    return resident / 1e6


def peak_memory(process: psutil.Process) -> float:
    """Peak MB of resident memory of the largest of these processes: the worker, where there is one."""
    peak = 0
    for each in (process, *process.children(recursive=True)):
        with suppress(OSError, StopIteration):
            lines = Path(f"/proc/{each.pid}/status").read_text().splitlines()
            peak = max(peak, next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")))
    return peak * 1024 / 1e6


def described() -> dict[str, Any]:
    """The machine of this run, for the report."""
    model = platform.processor() or platform.machine()
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return {
        "cores": len(CORES),
        "processor": model,
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "pinned": len(CORES) > 1 and hasattr(os, "sched_setaffinity"),
    }
