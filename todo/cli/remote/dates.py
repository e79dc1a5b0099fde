"""Due dates and moments, as this machine's clock and its user see them."""

import re
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from todo.cli.errors import UsageError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DAY, LOCAL_TIME = 10, 16
"""Characters of a day, and of a local time to the minute."""
_SPAN = re.compile(r"(\d{1,4})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?")


def local_now() -> datetime:
    """The reading of this machine's clock."""
    return datetime.now().astimezone().replace(tzinfo=None)


def clock_of(due_date: str, time_zone: str | None) -> datetime | date:
    """A due date on this machine's clock: a day stays a day, a local time without a zone stays what it says."""
    if len(due_date) == DAY:
        return date.fromisoformat(due_date)
    moment = datetime.fromisoformat(due_date)
    if moment.tzinfo is None:
        zone = _zone(time_zone)
        if zone is None:
            return moment
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone().replace(tzinfo=None)


def _zone(name: str | None) -> "ZoneInfo | None":
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name) if name else None
    except (KeyError, OSError, ValueError):  # this machine does not know it
        return None


def day_of(due: datetime | date) -> date:
    return due.date() if isinstance(due, datetime) else due


def is_overdue(due: datetime | date, now: datetime) -> bool:
    return due < now if isinstance(due, datetime) else due < now.date()


def in_words(due: datetime | date, now: datetime) -> str:
    """Such as "today", "tomorrow 09:00", "Fri 14:30" within the week, else the date."""
    day = day_of(due)
    distance = (day - now.date()).days
    words = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get(distance)
    said = words or (f"{day:%a}" if 1 < distance < 7 else day.isoformat())
    if isinstance(due, datetime) and (-7 < distance < 7 or due.time() != time()):
        return f"{said} {due:%H:%M}"
    return said


def as_iso(text: str) -> str | None:
    """A day, local time or instant in the form of the API, where `text` is one. Raises UsageError for 30 February."""
    text = text.strip().upper()
    if not _ISO.fullmatch(text):
        return None
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text}: {error}") from None
    return text.replace(" ", "T")


def moment(text: str, option: str, *, ago: bool = False) -> datetime:
    """An instant from a date or time on this machine's clock, or from a span such as 90d: from now on, or `ago`.

    Raises UsageError, which names the option.
    """
    if span := _SPAN.fullmatch(text.strip().lower()):
        length = timedelta(**{_UNITS[span[2]]: int(span[1])})
        now = datetime.now().astimezone()
        return now - length if ago else now + length
    iso = as_iso(text)
    try:
        if iso is not None:
            return datetime.fromisoformat(iso).astimezone()
    except (OverflowError, ValueError):  # near the ends of the calendar
        pass
    raise UsageError(f"{option}: a date, such as 2027-03-01, or a span, such as 2h, 90d or 4w")


def next_day(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
