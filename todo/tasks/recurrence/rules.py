"""Rules: `daily`, `weekly`, `monthly`, `yearly`, or a subset of RRULE (RFC 5545 §3.3.10), read and written in one form.

A message never repeats the input, and goes on after the name of the field.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Literal, Self

from todo.values import FIRST_YEAR, LAST_YEAR

Frequency = Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]
FREQUENCIES: tuple[Frequency, ...] = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
PARTS = ("FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "COUNT", "UNTIL")

MAX_LENGTH = 200  # characters
MAX_INTERVAL = 1000
MAX_COUNT = 10_000

_UNTIL = re.compile(r"([0-9]{4})(-?)([0-9]{2})\2([0-9]{2})(?:T([0-9]{2})(:?)([0-9]{2})\6([0-9]{2})(Z?))?")
_WEEKDAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_NUMBER = re.compile(r"[+-]?[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, read. Without `weekdays` and `month_days`, both come from the date that a series is counted from."""

    frequency: Frequency
    interval: int = 1
    weekdays: tuple[tuple[int, int], ...] = ()
    """(n, weekday): the nth in the month, from its end if negative, 0 for every one; Monday is 0."""
    month_days: tuple[int, ...] = ()
    """1 to 31, or -1 to -31 from the month's end."""
    count: int | None = None
    """Of all occurrences, the first included."""
    until: date | datetime | None = None
    """The last possible one, itself included: a day, a local time, or a time in UTC."""

    def __str__(self) -> str:
        parts = [f"FREQ={self.frequency}"]
        if self.interval > 1:
            parts.append(f"INTERVAL={self.interval}")
        if self.weekdays:
            parts.append("BYDAY=" + ",".join(f"{nth or ''}{WEEKDAYS[day]}" for nth, day in self.weekdays))
        if self.month_days:
            parts.append("BYMONTHDAY=" + ",".join(map(str, self.month_days)))
        if self.count:
            parts.append(f"COUNT={self.count}")
        if isinstance(self.until, datetime):
            parts.append(f"UNTIL={self.until:%Y%m%dT%H%M%S}" + ("Z" if self.until.tzinfo else ""))
        elif self.until:
            parts.append(f"UNTIL={self.until:%Y%m%d}")
        return ";".join(parts)

    def counted_from(self, day: date) -> Self:
        """The same rule with the days that it leaves to the first one. A year is then twelve months."""
        if self.weekdays or self.month_days or self.frequency == "DAILY":
            return self
        if self.frequency == "WEEKLY":
            return replace(self, weekdays=((0, day.weekday()),))
        interval = self.interval * (12 if self.frequency == "YEARLY" else 1)
        return replace(self, frequency="MONTHLY", interval=interval, month_days=(day.day,))


def normalised(text: str) -> str | None:
    """The rule in one form, or None for `none`: a word in lower case, or an RRULE with its parts in a fixed order.

    INTERVAL=1 is left out, lists are sorted and without duplicates. Raises ValueError, saying what is wrong.
    """
    rule = text.strip()
    if rule.lower() == "none":
        return None
    parsed = parse(rule)
    return rule.lower() if rule.upper() in FREQUENCIES else str(parsed)


@lru_cache(maxsize=1024)
def parse(text: str) -> Rule:
    """A rule, normalised or not. Raises ValueError, saying what is wrong."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"must not be longer than {MAX_LENGTH} characters")
    rule = text.strip().upper().removeprefix("RRULE:")
    if not text.isascii() or ("=" not in rule and rule not in FREQUENCIES):
        raise ValueError(
            "must be none, daily, weekly, monthly, yearly, or an RRULE such as FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR"
        )
    parts: dict[str, str] = {}
    for part in rule.split(";") if "=" in rule else [f"FREQ={rule}"]:
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in PARTS:
            raise ValueError(
                f"must have no other parts than {', '.join(PARTS)}, each as NAME=value, with ; between them"
            )
        if name in parts:
            raise ValueError(f"must have {name} only once")
        parts[name] = value
    return _checked(parts)


def _checked(parts: dict[str, str]) -> Rule:
    frequency = next((each for each in FREQUENCIES if each == parts.get("FREQ")), None)
    if frequency is None:
        raise ValueError(f"must have a FREQ, one of {', '.join(FREQUENCIES)}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("must not have both COUNT and UNTIL")
    if "BYDAY" in parts and "BYMONTHDAY" in parts:
        raise ValueError("must not have both BYDAY and BYMONTHDAY")
    if "BYMONTHDAY" in parts and frequency != "MONTHLY":
        raise ValueError("must have BYMONTHDAY only with FREQ=MONTHLY")
    interval = _number(parts, "INTERVAL", MAX_INTERVAL) or 1
    weekdays = _weekdays(parts["BYDAY"], frequency) if "BYDAY" in parts else ()
    if frequency == "DAILY" and weekdays and interval % 7 == 0:
        raise ValueError(
            "must not have BYDAY with FREQ=DAILY and whole weeks as the INTERVAL, which never reach another weekday:"
            " use FREQ=WEEKLY"
        )
    return Rule(
        frequency,
        interval,
        weekdays,
        _month_days(parts["BYMONTHDAY"]) if "BYMONTHDAY" in parts else (),
        _number(parts, "COUNT", MAX_COUNT),
        _until(parts["UNTIL"]) if "UNTIL" in parts else None,
    )


def _number(parts: dict[str, str], name: str, highest: int) -> int | None:
    if name not in parts:
        return None
    if not _NUMBER.fullmatch(parts[name]) or not 1 <= int(parts[name]) <= highest:
        raise ValueError(f"must have as {name} a number from 1 to {highest}")
    return int(parts[name])


def _weekdays(text: str, frequency: Frequency) -> tuple[tuple[int, int], ...]:
    found = [_WEEKDAY.fullmatch(each.strip()) for each in text.split(",")]
    numbers = [int(each[1]) for each in found if each and each[1]]
    if None in found or any(not 1 <= abs(number) <= 5 for number in numbers):
        raise ValueError(
            f"must have as BYDAY a list of {', '.join(WEEKDAYS)}, with FREQ=MONTHLY also such as 1MO to 5MO or -1FR"
        )
    if numbers and frequency != "MONTHLY":
        raise ValueError("must have numbers in BYDAY, such as 1MO, only with FREQ=MONTHLY")
    every = {(int(each[1] or 0), WEEKDAYS.index(each[2])) for each in found if each}
    return tuple(sorted(every, key=lambda each: (each[0] < 0, each)))


def _month_days(text: str) -> tuple[int, ...]:
    found = [each.strip() for each in text.split(",")]
    if not all(_NUMBER.fullmatch(each) and 1 <= abs(int(each)) <= 31 for each in found):
        raise ValueError("must have as BYMONTHDAY a list of days from 1 to 31, or from the month's end from -1 to -31")
    return tuple(sorted({int(each) for each in found}, key=lambda day: (day < 0, day)))


def _until(text: str) -> date | datetime:
    found = _UNTIL.fullmatch(text)
    year, _, month, day, hour, _, minute, second, zulu = found.groups("00") if found else ["00"] * 9
    try:
        moment = datetime.fromisoformat(f"{year}-{month}-{day}T{hour}:{minute}:{second}")
    except ValueError:
        moment = None
    if moment is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(
            "must have as UNTIL a date such as 20271231, or a time such as 20271231T235959Z, in the years"
            f" {FIRST_YEAR} to {LAST_YEAR}"
        )
    if "T" not in text:
        return moment.date()
    return moment.replace(tzinfo=UTC if zulu else None)
