"""The machine: which core does what, and what a process took of it, by the kernel's own accounting."""

import os
import platform
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
APP = frozenset(CORES[:1])
"""Where the measured server runs."""
REST = frozenset(CORES[1:2]) or APP
"""Where the load generator and PostgreSQL run, so that they take nothing from what is measured."""


def pin(pid: int, cores: frozenset[int]) -> None:
    """Keep the process, and what it will start, on these cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, cores)


def cpu(process: psutil.Process) -> float:
    """Seconds of CPU that the process and all below it took until now, what has ended there included."""
    below = process.children(recursive=True)
    taken = process.cpu_times()
    ended = float(taken.children_user + taken.children_system)
    return ended + sum(_own(each.pid) for each in (process, *below))


def _own(pid: int) -> float:
    """To the nanosecond where the kernel keeps `schedstat` of a single thread, else in its ticks."""
    with suppress(OSError, psutil.NoSuchProcess):
        if len(list(Path(f"/proc/{pid}/task").iterdir())) == 1:
            return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    with suppress(psutil.NoSuchProcess):  # threads that have ended count too
        taken = psutil.Process(pid).cpu_times()
        return float(taken.user + taken.system)
    return 0.0


def memory(process: psutil.Process) -> float:
    """MB that the process and all below it hold now."""
    held = 0
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            held += each.memory_info().rss
    return held / 1e6


def peak_memory(process: psutil.Process) -> float:
    """MB that the largest process of these ever held: the worker, where there is one."""
    peak = 0
    for each in (process, *process.children(recursive=True)):
        with suppress(OSError, StopIteration):
            lines = Path(f"/proc/{each.pid}/status").read_text().splitlines()
            peak = max(peak, next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")))
    return peak * 1024 / 1e6


def described() -> dict[str, Any]:
    """What this is measured on."""
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
