"""Days, local times and instants as files write them."""

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from todo.values import time_zones

_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d{1,12})?(Z|z|[+-]\d\d:?\d\d)?)?", re.ASCII
)  # ISO 8601, with any number of decimals


def moment(text: object) -> date | datetime | None:
    """A day, a local time (naive) or an instant (aware), without fractions of seconds; None for anything else."""
    found = _MOMENT.fullmatch(text.strip()) if isinstance(text, str) and len(text) < 60 else None
    if not found:
        return None
    try:
        if found[2] is None:
            return date.fromisoformat(found[1])
        return datetime.fromisoformat(f"{found[1]}T{found[2]}{(found[3] or '').upper()}")
    except ValueError:
        return None


def instant(text: object) -> datetime | None:
    """With an offset; a local time is taken for UTC, and a day for its beginning there."""
    found = moment(text)
    if found is None:
        return None
    if not isinstance(found, datetime):
        return datetime(found.year, found.month, found.day, tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def in_zone(when: datetime, name: str | None) -> datetime:
    """On the clock of a zone, without an offset; as it is if there is none, or the date would leave the range."""
    if not name or not 1 < when.year < 9999:
        return when.replace(tzinfo=None)
    return when.astimezone(ZoneInfo(name)).replace(tzinfo=None)


def zone_named(name: str) -> str | None:
    """The IANA name of a zone that has one, or a name of Windows, or an IANA name behind a vendor's path."""
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON  # loaded when a file is read

    name = name.strip()
    if name in time_zones():
        return name
    if name in WINDOWS_TO_OLSON:
        return WINDOWS_TO_OLSON[name]
    parts = name.strip("/").split("/")
    return next((tail for at in range(1, len(parts)) if (tail := "/".join(parts[at:])) in time_zones()), None)
