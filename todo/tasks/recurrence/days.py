"""The days of a series, found and counted without visiting those before.

Days of a rule lie in periods: days, weeks, months or years, of which every INTERVALth from the first one on is used.
Which days of a period they are depends only on its length and its first weekday, so there are at most 28 kinds of
periods, and days are counted by counting kinds.
"""

from collections.abc import Iterator
from datetime import date
from functools import cache, lru_cache
from itertools import pairwise

from todo.tasks.recurrence.rules import Frequency, Rule
from todo.values import FIRST_YEAR, LAST_YEAR

FIRST_DAY, LAST_DAY = date(FIRST_YEAR - 1, 12, 1), date(LAST_YEAR + 1, 1, 31)
"""A due date may be in the year before or after in its time zone."""

SHORTEST: dict[Frequency, int] = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 28, "YEARLY": 365}
KINDS: dict[Frequency, int] = {"DAILY": 7, "WEEKLY": 7, "MONTHLY": 28, "YEARLY": 14}
REPEATED_AFTER: dict[Frequency, int] = {"DAILY": 7, "WEEKLY": 1}
"""Periods after which their kinds repeat."""


def days_from(start: date, rule: Rule, anchor: date) -> Iterator[tuple[int, date]]:
    """Days of the series from `start` on, in order, each with its index in the series; the anchor's is 0.

    The anchor always belongs to it, the others are those of the rule after it. It ends with the dates that are served.
    """
    if start <= anchor:
        yield 0, anchor
    rule = rule.counted_from(anchor)
    first, last = _period(rule.frequency, anchor), _period(rule.frequency, LAST_DAY)
    passed = max(0, (_period(rule.frequency, start) - first) // rule.interval)
    index = _count(rule, first, passed) - sum(day <= anchor for day in _days(rule, first))
    for period in range(first + passed * rule.interval, last + 1, rule.interval):
        for day in _days(rule, period):
            index += 1
            if day > anchor and day >= start:
                yield index, day


def _count(rule: Rule, first: int, periods: int) -> int:
    """The number of the rule's days in so many periods, from the first one on."""
    begin = first - _period(rule.frequency, FIRST_DAY)
    kinds = _kinds(rule.frequency)[begin : begin + periods * rule.interval : rule.interval]
    return sum(
        kinds.count(kind)
        * len(_offsets(rule.weekdays, rule.month_days, SHORTEST[rule.frequency] + kind // 7, kind % 7))
        for kind in range(KINDS[rule.frequency])
    )


def _days(rule: Rule, period: int) -> list[date]:
    begin = _begin(rule.frequency, period)
    length = _begin(rule.frequency, period + 1) - begin
    offsets = _offsets(rule.weekdays, rule.month_days, length, (begin - 1) % 7)
    return [date.fromordinal(begin + offset) for offset in offsets]


@lru_cache(maxsize=1024)
def _offsets(
    weekdays: tuple[tuple[int, int], ...], month_days: tuple[int, ...], length: int, first_weekday: int
) -> tuple[int, ...]:
    """The rule's days in a period of so many days that begins with this weekday, counted from 0."""
    if not weekdays and not month_days:
        return tuple(range(length))
    found = {min(day, length) - 1 if day > 0 else length + day for day in month_days if day >= -length}
    for nth, weekday in weekdays:
        every = range((weekday - first_weekday) % 7, length, 7)
        if not nth:
            found.update(every)
        elif abs(nth) <= len(every):
            found.add(every[nth - 1 if nth > 0 else nth])
    return tuple(sorted(found))


@cache
def _kinds(frequency: Frequency) -> bytes:
    """The kind of every period from FIRST_DAY to LAST_DAY: 7 × (days more than the shortest) + its first weekday."""
    first, last = _period(frequency, FIRST_DAY), _period(frequency, LAST_DAY)
    once = REPEATED_AFTER.get(frequency, last - first + 1)
    begins = [_begin(frequency, period) for period in range(first, first + once + 1)]
    kinds = [7 * (end - begin - SHORTEST[frequency]) + (begin - 1) % 7 for begin, end in pairwise(begins)]
    return bytes(kinds) * (1 + (last - first) // once)


def _period(frequency: Frequency, day: date) -> int:
    """The number of the period of a day. Weeks begin on Monday."""
    match frequency:
        case "DAILY":
            return day.toordinal()
        case "WEEKLY":
            return (day.toordinal() - 1) // 7
        case "MONTHLY":
            return 12 * day.year + day.month - 1
        case "YEARLY":
            return day.year


def _begin(frequency: Frequency, period: int) -> int:
    """The ordinal of a period's first day."""
    match frequency:
        case "DAILY":
            return period
        case "WEEKLY":
            return 7 * period + 1
        case "MONTHLY":
            return date(period // 12, period % 12 + 1, 1).toordinal()
        case "YEARLY":
            return date(period, 1, 1).toordinal()
