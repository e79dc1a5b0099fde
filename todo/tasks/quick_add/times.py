"""Times of day as people write them."""

import re
from dataclasses import dataclass
from datetime import time

from todo.tasks.quick_add.names import ImpossibleError


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day. With `needs_day` it is one only beside a date or a recurrence."""

    time: time
    needs_day: bool = False


_PREFIX = r"(?P<prefix>(?:due )?(?:at |by )?)"
_NAMED = re.compile(rf"{_PREFIX}(?P<name>noon|midnight)")
_TWELVE = re.compile(rf"{_PREFIX}(?P<hour>[0-9]{{1,2}})(?::(?P<minute>[0-9]{{2}}))? ?(?P<half>a|p)(?:m|\.m\.)")
_TWENTY_FOUR = re.compile(rf"{_PREFIX}(?P<hour>[0-9]{{1,2}}):(?P<minute>[0-9]{{2}})")
_HOUR = re.compile(r"(?:due )?at (?P<hour>[0-9]{1,2})")


def read(phrase: str) -> Clock | None:
    """The time that a whole phrase (lower case, single spaces) names, or None. ImpossibleError for 13pm and "at 5"."""
    if match := _NAMED.fullmatch(phrase):
        return Clock(time(12 if match["name"] == "noon" else 0), needs_day=not match["prefix"])
    if match := _TWELVE.fullmatch(phrase):
        hour, minute = int(match["hour"]), int(match["minute"] or 0)
        if not (1 <= hour <= 12 and minute <= 59):
            raise ImpossibleError
        return Clock(time(hour % 12 + (12 if match["half"] == "p" else 0), minute))
    if match := _TWENTY_FOUR.fullmatch(phrase):
        hour, minute = int(match["hour"]), int(match["minute"])
        if hour <= 23 and minute <= 59 and not _ambiguous(match["hour"]):
            return Clock(time(hour, minute))
        if match["prefix"]:
            raise ImpossibleError
        return None  # a score, a ratio, a verse
    if match := _HOUR.fullmatch(phrase):
        hour = int(match["hour"])
        if _ambiguous(match["hour"]):
            raise ImpossibleError
        return Clock(time(hour), needs_day=hour > 12) if 7 <= hour <= 23 else None
    return None


def _ambiguous(hour: str) -> bool:
    """Whether it may as well be in the afternoon: 1 to 6, without am, pm or a leading zero."""
    return hour in {"1", "2", "3", "4", "5", "6"}
