"""The machine and the settings: what can be known without a database."""

import os
import platform
import pwd
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from todo.doctor.finding import Finding, ok, problem, warning
from todo.settings import CannotStart, Settings

OTHER_FILES = 100
"""What a worker has open besides its connections to clients and to the database."""

GRACE = 10
"""Seconds that running requests have after SHUTDOWN_DELAY."""

LOW, TOO_LOW = 2 * 1024**3, 200 * 1024**2
"""Bytes of free space: fewer are a warning, or a problem."""

DUMP = b"PGDMP"
"""The first bytes of a file of pg_dump's custom format, which `todo backup` writes."""


def check(settings: Settings, *, grace: float | None, backups: Path | None, max_age: float) -> Iterator[Finding]:
    """Python, limits of the process, settings that do not fit together, the data folder, backups.

    `grace`: seconds between the signal to stop and the kill; `max_age`: of the newest backup, in hours.
    """
    yield ok("python", f"{platform.python_implementation()} {platform.python_version()} on {platform.platform()}")
    yield from _open_files(settings)
    yield from _fit(settings)
    yield from _shutdown(settings, grace)
    if settings.database_url is None:
        yield from _folder(settings)
    if backups is not None:
        yield _age_of_backups(backups, max_age)


def _open_files(settings: Settings) -> Iterator[Finding]:
    if sys.platform == "win32":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)  # the server raises the soft limit to it
    needed = settings.max_connections + settings.pool_size + OTHER_FILES
    if hard == resource.RLIM_INFINITY or hard >= needed:
        limit = "without limit" if hard == resource.RLIM_INFINITY else str(hard)
        yield ok("open files", f"{limit}; a worker with MAX_CONNECTIONS={settings.max_connections} needs {needed}")
        return
    served = max(1, hard - settings.pool_size - OTHER_FILES)
    yield warning(
        "open files",
        f"a process may open {hard} files, so a worker serves {served} connections, "
        f"not MAX_CONNECTIONS={settings.max_connections}",
        f"raise the limit to {needed} (LimitNOFILE= of systemd, ulimit -n), or lower MAX_CONNECTIONS",
    )


def _fit(settings: Settings) -> Iterator[Finding]:
    """Settings that are each valid, and do not fit together or to this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = []
    if settings.workers > 2 * cores:
        found.append(
            warning(
                "workers",
                f"WORKERS={settings.workers} on {cores} cores",
                f"{cores} workers use all cores; more only take memory and database connections",
            )
        )
    if settings.workers > 1 and settings.rate_limit != "off" and settings.rate_limit_store is None:
        found.append(
            warning(
                "rate limits",
                f"each of {settings.workers} workers counts for itself: a user may send up to {settings.workers} "
                f"times {settings.rate_limit}, and as many more passwords may be tried",
                "set RATE_LIMIT_STORE to a Redis (extra `redis`), or divide RATE_LIMIT by the number of workers",
            )
        )
    if settings.rate_limit == "off":
        found.append(
            warning(
                "rate limits",
                "RATE_LIMIT=off: passwords may be tried without a limit",
                "unset it, unless something in front of the server limits sign-ins",
            )
        )
    loopback = settings.host in {"127.0.0.1", "::1", "localhost"}
    if not loopback and not settings.trusted_proxies:
        found.append(
            warning(
                "proxies",
                f"HOST={settings.host} and no TRUSTED_PROXIES: behind a proxy all clients would have its address, "
                "share its rate limits, and get cookies that are not Secure",
                "set TRUSTED_PROXIES to the proxy's address or network; without a proxy this is right",
            )
        )
    if settings.mcp and settings.public_url is None and not loopback:
        found.append(
            warning(
                "mcp",
                "MCP=on and no PUBLIC_URL: clients are told whatever host a request names, and any host is answered",
                "set PUBLIC_URL to the address that people use, such as https://todo.example.com",
            )
        )
    if not found:
        found.append(ok("settings", f"WORKERS={settings.workers}, RATE_LIMIT={settings.rate_limit}: they fit"))
    yield from found


def _shutdown(settings: Settings, grace: float | None) -> Iterator[Finding]:
    needed = settings.shutdown_delay + GRACE
    if grace is None:
        yield ok("shutdown", f"a stop takes up to {needed:g} s (SHUTDOWN_DELAY + {GRACE}): allow it more than that")
    elif grace <= needed:
        yield problem(
            "shutdown",
            f"the process is killed after {grace:g} s, and a stop takes up to {needed:g} s (SHUTDOWN_DELAY + {GRACE})",
            "raise terminationGracePeriodSeconds, TimeoutStopSec or stop_grace_period, or lower SHUTDOWN_DELAY",
        )
    else:
        yield ok("shutdown", f"a stop takes up to {needed:g} s, and {grace:g} s are allowed")


def _folder(settings: Settings) -> Iterator[Finding]:
    """The folder of the embedded PostgreSQL."""
    try:
        folder = settings.folder
    except CannotStart as error:
        yield problem("data folder", str(error), "set DATA_DIR, or DATABASE_URL")
        return
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(existing).free
    space = f"{free / 1024**3:.1f} GiB free for {folder}"
    if free < TOO_LOW:
        yield problem("disk", space, "free some space: PostgreSQL stops when it cannot write")
    elif free < LOW:
        yield warning("disk", space, "free some space, or move DATA_DIR to a larger disk")
    else:
        yield ok("disk", space)
    data = folder / "postgres"
    try:
        owner = data.stat().st_uid if data.exists() else None
    except PermissionError:
        owner = folder.stat().st_uid
    if owner is None:
        yield ok("data folder", f"{folder} has no database yet; `todo serve` makes it")
    elif os.geteuid() in {0, owner}:
        yield ok("data folder", f"{folder} belongs to {_name(owner)}")
    else:
        yield problem(
            "data folder",
            f"{folder} belongs to {_name(owner)}, and this is {_name(os.geteuid())}",
            f"run todo as {_name(owner)}, or give the whole folder to another user while no server uses it",
        )


def _name(uid: int) -> str:
    try:
        return f"the user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"the user id {uid}"


def _age_of_backups(folder: Path, max_age: float) -> Finding:
    advice = "run `todo backup` from a timer: deploy/systemd/todo-backup.timer"
    try:
        newest = max(
            (file for file in folder.iterdir() if _is_dump(file)), key=lambda f: f.stat().st_mtime, default=None
        )
    except OSError as error:
        return problem("backups", f"{folder} cannot be read: {error.strerror}", advice)
    if newest is None:
        return problem("backups", f"{folder} contains no backup", advice)
    hours = (time.time() - newest.stat().st_mtime) / 3600
    message = f"the newest, {newest.name}, is {hours:.1f} hours old"
    return problem("backups", message, advice) if hours > max_age else ok("backups", message)


def _is_dump(file: Path) -> bool:
    if not file.is_file():
        return False
    try:
        with file.open("rb") as opened:
            return opened.read(len(DUMP)) == DUMP
    except PermissionError:
        return False
