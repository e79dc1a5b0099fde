"""Dates as people write them, and the next day of a kind."""

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from todo.tasks.quick_add.names import ALSO_WORDS, COUNT, MONTH, MONTHS, ORDINAL, WEEKDAY, WEEKDAYS, ImpossibleError
from todo.tasks.quick_add.names import count as count_of
from todo.tasks.quick_add.names import ordinal as ordinal_of
from todo.values import FIRST_YEAR, LAST_YEAR

"""As for every `due_date`."""


@dataclass(frozen=True, slots=True)
class Day:
    """A date. `weekday` and `month_day` are set when the text says no more than that: "monday", "on the 15th"."""

    day: date
    weekday: int | None = None
    month_day: int | None = None


def read(phrase: str, today: date) -> Day | None:
    """The date that a whole phrase (lower case, single spaces, no commas) names, or None if it has no form of a date.

    ImpossibleError when there is no such date, when it is before today, or after LAST_YEAR.
    """
    for form, reader in _FORMS:
        if match := form.fullmatch(phrase):
            found = reader(match, today)
            if found and not (today <= found.day and found.day.year <= LAST_YEAR):
                raise ImpossibleError
            return found
    return None


def month_and_day(phrase: str) -> tuple[int, int] | None:
    """The month and day of "3 march" or "march 3rd"; None for anything else. ImpossibleError for 30 February."""
    for form in _MONTH_DAYS:
        match = form.fullmatch(phrase)
        if match and not (match["weekday"] or match["year"] or match["prefix"]):
            return _month_and_day(match)
    return None


def next_weekday(earliest: date, weekdays: tuple[int, ...]) -> date:
    """The first day from `earliest` on that is one of the weekdays."""
    return earliest + timedelta(min((weekday - earliest.weekday()) % 7 for weekday in weekdays))


def next_month_day(earliest: date, day: int) -> date:
    """The first day from `earliest` on that has this number in its month."""
    month = earliest.replace(day=1)
    while day > _length(month.year, month.month) or month.replace(day=day) < earliest:
        month = _months_later(month, 1)
    return month.replace(day=day)


def next_annual(earliest: date, month: int, day: int) -> date:
    """The first day from `earliest` on that is this day of this month; 29 February exists in leap years only."""
    year = earliest.year
    while day > _length(year, month) or date(year, month, day) < earliest:
        year += 1
    return date(year, month, day)


def _length(year: int, month: int) -> int:
    return monthrange(year, month)[1]


def _months_later(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day if it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, _length(year, month + 1)))


def _monday_of_next_week(today: date) -> date:
    return today + timedelta(7 - today.weekday())


def _named(match: re.Match[str], today: date) -> Day:
    days = {"today": 0, "tonight": 0, "tomorrow": 1, "tmrw": 1, "tmr": 1}
    return Day(today + timedelta(days.get(match["name"], 2)))


def _next(match: re.Match[str], today: date) -> Day:
    if match["unit"] == "week":
        return Day(_monday_of_next_week(today))
    return Day(_months_later(today.replace(day=1), 1))


def _in(match: re.Match[str], today: date) -> Day:
    count = 1 if match["count"] == "a" else count_of(match["count"])
    match match["unit"]:
        case "day":
            return Day(today + timedelta(count))
        case "week":
            return Day(today + timedelta(count * 7))
        case "month":
            return Day(_months_later(today, count))
        case _:
            return Day(_months_later(today, count * 12))


def _weekday(match: re.Match[str], today: date) -> Day | None:
    weekday = WEEKDAYS[match["weekday"]]
    match match["which"]:
        case "next":
            return Day(_monday_of_next_week(today) + timedelta(weekday))
        case "this":
            return Day(next_weekday(today, (weekday,)))
    if match["weekday"] in ALSO_WORDS and not match["prefix"]:
        return None
    return Day(next_weekday(today + timedelta(1), (weekday,)), weekday=weekday)


def _iso(match: re.Match[str], _today: date) -> Day:
    return Day(_date(int(match["year"]), int(match["month"]), int(match["day"])))


def _month_day(match: re.Match[str], today: date) -> Day:
    month, day = _month_and_day(match)
    found = _date(int(match["year"]), month, day) if match["year"] else next_annual(today, month, day)
    if match["weekday"] and WEEKDAYS[match["weekday"]] != found.weekday():
        raise ImpossibleError
    return Day(found)


def _month_and_day(match: re.Match[str]) -> tuple[int, int]:
    month, day = MONTHS[match["month"]], ordinal_of(match["day"])
    if day > _length(2000, month):  # a leap year
        raise ImpossibleError
    return month, day


def _ordinal(match: re.Match[str], today: date) -> Day | None:
    day = ordinal_of(match["day"])
    return Day(next_month_day(today, day), month_day=day) if match["prefix"] else None


def _refused(_match: re.Match[str], _today: date) -> Day:
    raise ImpossibleError


def _date(year: int, month: int, day: int) -> date:
    if not (FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12 and 1 <= day <= _length(year, month)):
        raise ImpossibleError
    return date(year, month, day)


# "on" belongs to a day that is named by the calendar; in "Log on tomorrow" it belongs to the title.
_DUE, _BY, _ON = (rf"(?P<prefix>(?:due )?{word})" for word in ("", "(?:by )?", "(?:on |by )?"))
_DAY = rf"(?P<day>[0-9]{{1,2}}|{ORDINAL})"
_BEFORE = rf"{_ON}(?:(?P<weekday>{WEEKDAY}) )?(?:the )?"
_AFTER = "(?: (?P<year>[0-9]{4}))?"
_MONTH_DAYS = (
    re.compile(rf"{_BEFORE}(?P<month>{MONTH}) (?:the )?{_DAY}{_AFTER}"),
    re.compile(rf"{_BEFORE}{_DAY} (?:of )?(?P<month>{MONTH}){_AFTER}"),
)
# The (or every) first Monday is not served, and Black Friday is a name.
_NTH = rf"{ORDINAL}|first|second|third|fourth|fifth|last"
_PART_OF_MORE = rf"(?:every!? )?(?:{_NTH}|black|good|cyber|ash|easter|palm|super)"

_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], Day | None]], ...] = (
    (re.compile(rf"{_BY}(?P<name>today|tonight|tomorrow|tmrw|tmr|(?:the )?day after tomorrow)"), _named),
    (re.compile(rf"{_BY}next (?P<unit>week|month)"), _next),
    (re.compile(rf"{_DUE}in (?P<count>a|{COUNT}) (?P<unit>day|week|month|year)s?"), _in),
    (re.compile(rf"{_ON}(?:(?P<which>next|this) )?(?P<weekday>{WEEKDAY})"), _weekday),
    (re.compile(rf"{_ON}(?P<year>[0-9]{{4}})-(?P<month>[0-9]{{2}})-(?P<day>[0-9]{{2}})"), _iso),
    *((form, _month_day) for form in _MONTH_DAYS),
    (re.compile(rf"{_ON}(?:the )?(?P<day>{ORDINAL})"), _ordinal),
    (re.compile(rf"{_PART_OF_MORE} (?:{WEEKDAY})"), _refused),
)
