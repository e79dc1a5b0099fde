"""Recurrences as people write them."""

import re
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from todo.tasks.quick_add.dates import Day, month_and_day, next_annual, next_month_day, next_weekday
from todo.tasks.quick_add.names import COUNT, ORDINAL, WEEKDAY, WEEKDAYS
from todo.tasks.quick_add.names import count as count_of
from todo.tasks.quick_add.names import ordinal as ordinal_of

Frequency = Literal["daily", "weekly", "monthly", "yearly"]

_UNITS: dict[str, Frequency] = {"day": "daily", "week": "weekly", "month": "monthly", "year": "yearly"}
_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_MONDAY_TO_FRIDAY = (0, 1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """How often a task comes again. `annual`, a month and day, is the first date of a yearly one."""

    frequency: Frequency
    interval: int = 1
    weekdays: tuple[int, ...] = ()
    month_day: int | None = None
    annual: tuple[int, int] | None = None
    from_completion: bool = False

    @property
    def rule(self) -> str:
        """A word where one says it all, else an RRULE (RFC 5545 §3.3.10)."""
        parts = [f"FREQ={self.frequency.upper()}"]
        if self.interval > 1:
            parts.append(f"INTERVAL={self.interval}")
        if self.weekdays:
            parts.append("BYDAY=" + ",".join(_CODES[weekday] for weekday in self.weekdays))
        if self.month_day:
            parts.append(f"BYMONTHDAY={self.month_day}")
        return ";".join(parts) if len(parts) > 1 else self.frequency

    def first(self, earliest: date) -> date:
        """The first day from `earliest` on that fits."""
        if self.weekdays:
            return next_weekday(earliest, self.weekdays)
        if self.month_day:
            return next_month_day(earliest, self.month_day)
        if self.annual:
            return next_annual(earliest, *self.annual)
        return earliest

    def on(self, day: Day) -> "Recurrence | None":
        """The two as one recurrence, if it says no day and the date nothing else: "weekly" and "monday"; else None."""
        if self.weekdays or self.month_day:
            return None
        if self.frequency == "weekly" and day.weekday is not None:
            return replace(self, weekdays=(day.weekday,))
        if self.frequency == "monthly" and day.month_day is not None:
            return replace(self, month_day=day.month_day)
        return None


_LIST = rf"(?:{WEEKDAY})(?:(?: and)? (?:{WEEKDAY})){{0,6}}"
_EVERY = re.compile(r"(?:on |due )?every(?P<from_completion>!?) (?P<rest>.+)")
_UNIT = re.compile(
    rf"(?:(?P<count>other|{COUNT}) )?"
    rf"(?:(?P<unit>day|week|month|year)s?|weeks? on (?P<weekdays>{_LIST})|months? on (?:the )?(?P<month_day>{ORDINAL}))"
)
_WEEKDAYS = re.compile(rf"(?P<other>other )?(?P<weekdays>{_LIST})")


def read(phrase: str) -> Recurrence | None:
    """The recurrence that a whole phrase (lower case, single spaces, no commas) names, or None.

    ImpossibleError for every 0 days and every 30 February.
    """
    if phrase == "annually":
        return Recurrence("yearly")
    if word := next((each for each in _UNITS.values() if each == phrase), None):
        return Recurrence(word)
    match = _EVERY.fullmatch(phrase)
    found = match and _every(match["rest"])
    return found and replace(found, from_completion=match["from_completion"] == "!")  # type: ignore[index] # it matched


def _every(rest: str) -> Recurrence | None:
    if rest == "weekday":
        return Recurrence("weekly", weekdays=_MONDAY_TO_FRIDAY)
    if match := _UNIT.fullmatch(rest):
        interval = {None: 1, "other": 2}.get(match["count"]) or count_of(match["count"])
        if match["weekdays"]:
            return Recurrence("weekly", interval, weekdays=_weekdays(match["weekdays"]))
        if match["month_day"]:
            return Recurrence("monthly", interval, month_day=ordinal_of(match["month_day"]))
        return Recurrence(_UNITS[match["unit"]], interval)
    if match := _WEEKDAYS.fullmatch(rest):
        return Recurrence("weekly", 2 if match["other"] else 1, weekdays=_weekdays(match["weekdays"]))
    if re.fullmatch(ORDINAL, rest):
        return Recurrence("monthly", month_day=ordinal_of(rest))
    if annual := month_and_day(rest):
        return Recurrence("yearly", annual=annual)
    return None


def _weekdays(names: str) -> tuple[int, ...]:
    return tuple(sorted({WEEKDAYS[name] for name in names.split() if name != "and"}))
