"""The time zone of this machine, as the API wants it: a name of the IANA database."""

import os
import re
from datetime import datetime, timedelta
from pathlib import Path

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9+_-]*(/[A-Za-z0-9+_-]+)*")


def machine_time_zone() -> str | None:
    """From $TZ, else from the system's files, else by its offset of now; None where that is no whole hour."""
    if given := os.environ.get("TZ", "").removeprefix(":"):
        return _known(given.partition("zoneinfo/")[2] or given) or _by_offset()
    return _of_system() or _by_offset()


def _of_system() -> str | None:
    try:
        name = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
        return _known(name) or _known(Path("/etc/timezone").read_text(encoding="utf-8").strip())
    except OSError:
        return None


def _known(name: str) -> str | None:
    from zoneinfo import ZoneInfo

    name = name.removeprefix("posix/").removeprefix("right/")
    try:
        return ZoneInfo(name).key if _NAME.fullmatch(name) else None
    except (KeyError, OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError
        return None


def _by_offset() -> str | None:
    """Such as Etc/GMT-2, which is two hours east of Greenwich: POSIX counts west."""
    offset = datetime.now().astimezone().utcoffset() or timedelta()
    hours, rest = divmod(offset, timedelta(hours=1))
    return None if rest else f"Etc/GMT{-hours:+d}" if hours else "Etc/UTC"
