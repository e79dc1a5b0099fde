"""Durations (RFC 5545 §3.3.6)."""

import re
from datetime import datetime, timedelta

_DURATION = re.compile(
    r"([+-]?)P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?", re.ASCII
)


def duration(text: str) -> timedelta | None:
    """`-PT30M`, `P1DT9H`; None for anything else."""
    found = _DURATION.fullmatch(text.strip().upper())
    if not found or text.strip().upper().endswith(("P", "T")):
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if found[1] == "-" else length


def plus(moment: datetime, length: timedelta) -> datetime | None:
    """None where the sum is after the year 9999 or before the year 1."""
    try:
        return moment + length
    except OverflowError:
        return None
