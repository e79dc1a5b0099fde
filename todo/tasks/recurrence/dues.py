"""Due dates in their three forms (RFC 5545 §3.3.4, §3.3.5): a date, a local time, and an instant."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Literal, Self
from zoneinfo import ZoneInfo

from todo.values import FIRST_YEAR, LAST_YEAR

_DUE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_DATE, _MINUTES, _SECONDS = 10, 16, 19  # characters of a due date without its offset


@dataclass(frozen=True, slots=True)
class Due:
    local: datetime
    """As it is written, without an offset; a date at midnight."""
    offset: timezone | None
    """Of an instant."""
    suffix: str
    """How the offset is written."""
    length: int
    """Of the text without its offset, in characters: to the minute, the second or some digits of it."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError for what is none of the three forms, or outside of the years 1900 to 2200."""
        found = _DUE.fullmatch(text)
        try:
            moment = datetime.fromisoformat(text) if found else None
        except ValueError:
            moment = None
        if not found or not moment or not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise ValueError(
                "must be a date such as 2027-03-01, a local time such as 2027-03-01T09:00, or an instant such as"
                f" 2027-03-01T09:00:00Z, in the years {FIRST_YEAR} to {LAST_YEAR}"
            )
        offset, suffix = moment.utcoffset(), found[1] or ""
        at = None if offset is None else timezone(offset)
        return cls(moment.replace(tzinfo=None), at, suffix, len(text) - len(suffix))

    def seen_in(self, zone: tzinfo) -> datetime:
        """The local time of an instant in a zone; of the other forms, what is written."""
        return self.local if self.offset is None else _local(self.local.replace(tzinfo=self.offset), zone)

    def is_before(self, local: datetime, instant: datetime) -> bool:
        """Whether this is before another due date of the same form."""
        if self.offset is not None:
            return self.local.replace(tzinfo=self.offset) < instant
        return self.local < local

    @property
    def form(self) -> Literal["date", "local", "instant"]:
        if self.offset is not None:
            return "instant"
        return "date" if self.length == _DATE else "local"

    def moved_to(self, local: datetime, instant: datetime, zone: tzinfo | None) -> str:
        """Another due date, written as this one; an instant that is not in UTC with the offset of the zone, if any."""
        offset, suffix = self.offset, self.suffix
        if offset is not None:
            if zone is not None and suffix != "Z":
                offset = timezone(_whole_minutes(instant.astimezone(zone).utcoffset() or timedelta()))
                suffix = _written(offset)
            local = _local(instant, offset)
        text = local.isoformat(timespec="microseconds")
        if self.length == _DATE:
            return text[:_DATE]
        needed = len(text.rstrip("0")) if local.microsecond else _SECONDS if local.second else _MINUTES
        return text[: max(self.length, needed)] + suffix


def resolved(local: datetime, zone: tzinfo) -> datetime:
    """The instant of a local time, in UTC (RFC 5545 §3.3.5).

    The first of two; a time that the clock skips is taken as if the clock had not changed yet, so by as much later.
    """
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def zone_named(name: str) -> ZoneInfo:
    """Raises ValueError for a name that the database of time zones does not have."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be the name of a time zone, such as Europe/Berlin") from None


def _local(instant: datetime, zone: tzinfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def _whole_minutes(offset: timedelta) -> timedelta:
    """Before time zones were agreed upon, offsets had seconds, which RFC 3339 cannot write."""
    return timedelta(minutes=offset // timedelta(minutes=1))


def _written(offset: timezone) -> str:
    return datetime(2000, 1, 1, tzinfo=offset).isoformat()[-6:]
