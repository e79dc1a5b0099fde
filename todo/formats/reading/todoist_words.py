"""The dates that somebody typed into Todoist, in English; only what is certain without knowing the day of typing."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time

from todo.formats.dates import moment

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = {"mon": "MO", "tue": "TU", "wed": "WE", "thu": "TH", "fri": "FR", "sat": "SA", "sun": "SU"}
UNITS = {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY", "year": "YEARLY"}
NUMBERS = {"other": 2, "second": 2, "third": 3, "fourth": 4, "first": 1, "last": -1, "two": 2, "three": 3}

_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DAY_FIRST = re.compile(rf"(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?{_MONTH},? (\d{{4}})")
_MONTH_FIRST = re.compile(rf"{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})")
_TIME = re.compile(r"(?:^|[ ,])(?:at |@ ?)?(?:(\d{1,2}):(\d\d)(?: ?(am|pm))?|(\d{1,2}) ?(am|pm)|(noon)|(midnight))$")
_WEEKDAY = r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}"
_WEEKDAYS = re.compile(rf"{_WEEKDAY}(?:(?:, ?| and |, and | & ){_WEEKDAY})*")
_NTH_WEEKDAY = re.compile(
    rf"(first|second|third|fourth|last|[1-5](?:st|nd|rd|th)) ({_WEEKDAY})(?: of (?:the|each|every) month)?"
)
_MONTH_DAY = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th)(?: of (?:the|each|every) month)?|last day(?: of (?:the|each|every) month)?"
)
_EVERY_N = re.compile(r"(?:(\d{1,3}|other|two|three|second|third) )?(day|week|month|year|quarter)s?")
_ONE_WORD = {
    "daily": "day",
    "weekly": "week",
    "monthly": "month",
    "yearly": "year",
    "annually": "year",
    "quarterly": "quarter",
}


@dataclass(frozen=True, slots=True)
class Words:
    due: date | None = None
    rule: str = ""
    from_completion: bool = False
    lost: str = ""
    """Why the words must be kept as they are; empty if they say no more than the rest."""


def understood(text: str, language: str) -> Words:
    """A day, a local time, or a rule. `text` is as typed; all languages may write `2026-10-05`."""
    words = " ".join(text.lower().split())
    if len(words) > 200:
        return Words(lost="the date is longer than 200 characters and is not understood")
    if (found := moment(words.upper())) is not None:
        return Words(found)
    if language.lower() != "en":
        return Words(lost="the date is not in English and is not understood")
    if every := re.match(r"(every!?|ev!?|after) ?|(?=(?:daily|weekly|monthly|yearly|annually|quarterly)\b)", words):
        completion = every[0].strip() in ("every!", "ev!", "after")
        return _repeating(words[every.end() :], from_completion=completion)
    due = _due(words)
    return Words(due) if due else Words(lost="the date is not understood without the day on which it was typed")


def _repeating(words: str, *, from_completion: bool) -> Words:
    words, start = _split(words, r" (?:starting(?: on| from)?|from) ")
    words, end = _split(words, r" (?:until|ending(?: on)?) ")
    if end is None:  # the end may stand behind the start
        start, end = _split(start or "", r" (?:until|ending(?: on)?) ")
    words, at = _time_at_end(words)
    rule = _rule(words)
    if not rule:
        return Words(lost="the repetition is not understood")
    lost = ""
    first, last = _due(start) if start else None, _due(end) if end else None
    if first and at and not isinstance(first, datetime):
        first, at = datetime.combine(first, at), None
    if last:
        rule += f";UNTIL={last:%Y%m%d}"
    if (start and not first) or (end and not last):
        lost = "the beginning or the end of the repetition is not understood"
    elif at:
        lost = "the day of the first date is not known, and so its time is not kept"
    return Words(first, rule, from_completion, lost)


def _split(words: str, pattern: str) -> tuple[str, str | None]:
    parts = re.split(pattern, words, maxsplit=1)
    return (parts[0], parts[1]) if len(parts) == 2 else (words, None)


def _rule(words: str) -> str:
    words = _ONE_WORD.get(words, words)
    if words in ("weekday", "workday", "week day", "work day"):
        return "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
    if words == "weekend":
        return "FREQ=WEEKLY;BYDAY=SA,SU"
    if found := _EVERY_N.fullmatch(words):
        count = int(found[1]) if found[1] and found[1].isdigit() else NUMBERS.get(found[1] or "", 1)
        count *= 3 if found[2] == "quarter" else 1
        return f"FREQ={UNITS.get(found[2], 'MONTHLY')}" + (f";INTERVAL={count}" if count != 1 else "")
    if _WEEKDAYS.fullmatch(words):
        return "FREQ=WEEKLY;BYDAY=" + ",".join(WEEKDAYS[day[:3]] for day in re.findall(_WEEKDAY, words))
    if found := _NTH_WEEKDAY.fullmatch(words):
        nth = NUMBERS[found[1]] if found[1] in NUMBERS else int(found[1][0])
        return f"FREQ=MONTHLY;BYDAY={nth}{WEEKDAYS[found[2][:3]]}"
    if found := _MONTH_DAY.fullmatch(words):
        return f"FREQ=MONTHLY;BYMONTHDAY={int(found[1]) if found[1] else -1}"
    return ""


def _due(words: str) -> date | None:
    """A day with its year, perhaps with a time."""
    if (found := moment(words.upper())) is not None:
        return found
    words, at = _time_at_end(words)
    numbers: tuple[str, str, str] | None = None
    if match := _DAY_FIRST.fullmatch(words):
        numbers = (match[3], match[2], match[1])
    elif match := _MONTH_FIRST.fullmatch(words):
        numbers = (match[3], match[1], match[2])
    try:
        if numbers is None:
            day = date.fromisoformat(words)
        else:
            day = date(int(numbers[0]), MONTHS.index(numbers[1]) + 1, int(numbers[2]))
    except ValueError:
        return None
    return datetime.combine(day, at) if at else day


def _time_at_end(words: str) -> tuple[str, time | None]:
    """`9am`, `at 9:30 pm`, `@ 18:00`, `noon`."""
    found = _TIME.search(words)
    if not found:
        return words, None
    hour, minute = int(found[1] or found[4] or 0), int(found[2] or 0)
    half = found[3] or found[5]
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0) if 1 <= hour <= 12 else 99
    hour = 12 if found[6] else hour
    if hour > 23 or minute > 59:
        return words, None
    return words[: found.start()].rstrip(" ,"), time(hour, minute)
