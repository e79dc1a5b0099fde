"""Processes in a PID namespace of their own, as every container has one."""

import os
import shutil
import subprocess
from typing import Any

UNSHARE = [
    shutil.which("unshare") or "unshare",
    *("--pid", "--ipc", "--uts", "--mount", "--fork", "--mount-proc", "--kill-child"),
]


def missing() -> str | None:
    """Why there can be no such processes here, or None."""
    try:
        done = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "needs unshare (util-linux)"
    return f"no namespaces can be made here: {done.stderr.strip()}" if done.returncode or os.geteuid() else None


def in_another_container(*command: str, **options: Any) -> subprocess.Popen[str]:
    """Start a command in namespaces of its own. Killing the process ends everything in them."""
    return subprocess.Popen([*UNSHARE, *command], text=True, **options)
