"""Repeating tasks: from a rule, and the due date of one occurrence, the next one. Pure, and bounded in time.

A rule is expanded in local time, so that clocks which change move no hour. Days that a month does not have become its
last one, where RFC 5545 would leave the month out, and are counted from the first date again: 31 January, 28 February,
31 March. So too for 29 February every year, and for BYMONTHDAY=29 to 31; a negative BYMONTHDAY that a month does not
have is left out of it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal
from uuid import UUID, uuid5

from todo.tasks.recurrence.days import days_from
from todo.tasks.recurrence.dues import Due, resolved, zone_named
from todo.tasks.recurrence.rules import Rule, normalised, parse
from todo.values import FIRST_YEAR, LAST_YEAR

__all__ = ["Mode", "Occurrence", "following", "normalised", "occurrence_id"]

Mode = Literal["due", "completion"]

_MARGIN = timedelta(days=2)
"""A local time that the clock skips may be a day later, where a zone left a day out."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    due: str
    """`2027-03-01`, a local time `2027-03-01T09:00`, or an instant with `Z` or an offset; with seconds or without."""
    number: int
    """In its series, from 1; occurrences that were skipped count too."""


def following(
    rule: str, mode: Mode, *, anchor: Occurrence, current: Occurrence, time_zone: str | None, now: datetime
) -> Occurrence | None:
    """The occurrence that follows `current`, in the form of its due date; None at the end of the series, or after 2200.

    `anchor` is the occurrence that the series is counted from, and always belongs to it: the one whose due date the
    user last set. `now` is aware. Local time is that of `time_zone`, otherwise of the anchor's own offset, and for
    dates and local times UTC.

    Mode `due`: the first of the series that is after `current` and in the future; those in between were missed, and
    are counted. Mode `completion`: the next of a series that begins on the day of `now`, at the anchor's time.
    Raises ValueError for a rule, a due date or a time zone that cannot be read.
    """
    parsed, first, last = parse(rule), Due.parse(anchor.due), Due.parse(current.due)
    if first.form != last.form:
        raise ValueError("must have the form of the due date that the series is counted from")
    named = zone_named(time_zone) if time_zone else None
    zone: tzinfo = named or first.offset or UTC
    if not FIRST_YEAR <= now.year <= LAST_YEAR:
        return None
    today, begin = now.astimezone(zone).date(), first.seen_in(zone)
    if mode == "completion":
        begin = datetime.combine(today, begin.time())
        start = today + timedelta(days=1)
    else:
        start = max(last.seen_in(zone).date(), today) - _MARGIN
    for index, day in days_from(start, parsed, begin.date()):
        local = datetime.combine(day, begin.time())
        instant = resolved(local, zone)
        if mode == "due" and not (
            last.is_before(local, instant) and (day > today if last.form == "date" else instant > now)
        ):
            continue
        number = current.number + 1 if mode == "completion" else anchor.number + index
        due = last.moved_to(local, instant, named)
        floating = last.form == "date" or (last.form == "local" and named is None)
        ended = int(due[:4]) > LAST_YEAR or _is_past_the_end(parsed, number, local, None if floating else instant)
        return None if ended else Occurrence(due, number)
    return None


def _is_past_the_end(rule: Rule, number: int, local: datetime, instant: datetime | None) -> bool:
    """Dates, and times without a zone, have no instant and are compared with UNTIL as it is written."""
    if rule.count is not None:
        return number > rule.count
    if not isinstance(rule.until, datetime):
        return rule.until is not None and local.date() > rule.until
    if instant is not None and rule.until.tzinfo is not None:
        return instant > rule.until
    return local > rule.until.replace(tzinfo=None)


def occurrence_id(before: UUID, due: str) -> UUID:
    """The same for the same occurrence, so that two devices that complete a task make one."""
    return uuid5(before, due)
