"""iCalendar (RFC 5545): a VTODO for each task, and the VTIMEZONEs that they need, each before its first task."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from icalendar import Timezone
from icalendar.parser import Contentline

PRODID = "-//todo//todo export//EN"
PRIORITIES = {"urgent": 1, "high": 3, "medium": 5, "low": 9}

_ESCAPED = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": None})
_INSTANT = re.compile(r"(?:Z|[+-]\d\d:\d\d)$")


def pieces(tasks: Iterable[Mapping[str, Any]], name: str, stamp: str) -> Iterator[bytes]:
    """`stamp` is the time of writing (RFC 3339), for tasks that have no `updated_at`."""
    yield _lines(
        "BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODID}", "CALSCALE:GREGORIAN", f"X-WR-CALNAME:{_text(name)}"
    )
    written: set[str] = set()
    for task in tasks:
        zone = task.get("time_zone")
        if zone and zone not in written and _is_local(task.get("due_date")):
            written.add(zone)
            yield _zone(zone)
        yield _lines(*_todo(task, stamp))
    yield _lines("END:VCALENDAR")


def _todo(task: Mapping[str, Any], stamp: str) -> Iterator[str]:
    yield "BEGIN:VTODO"
    yield f"UID:{task['id']}"
    yield f"DTSTAMP:{_utc(task.get('updated_at') or stamp)}"
    for name, at in (("CREATED", task.get("created_at")), ("LAST-MODIFIED", task.get("updated_at"))):
        if at:
            yield f"{name}:{_utc(at)}"
    yield f"SUMMARY:{_text(task['title'])}"
    if task.get("description"):
        yield f"DESCRIPTION:{_text(task['description'])}"
    if task.get("priority"):
        yield f"PRIORITY:{PRIORITIES[task['priority']]}"
    if task.get("tags"):
        yield "CATEGORIES:" + ",".join(map(_text, task["tags"]))
    yield from _dates(task)
    if task.get("completed"):
        yield from ("STATUS:COMPLETED", "PERCENT-COMPLETE:100")
        if task.get("completed_at"):
            yield f"COMPLETED:{_utc(task['completed_at'])}"
    else:
        yield "STATUS:NEEDS-ACTION"
    if task.get("remind_at"):
        yield from ("BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{_text(task['title'])}")
        yield from (f"TRIGGER;VALUE=DATE-TIME:{_utc(task['remind_at'])}", "END:VALARM")
    yield "END:VTODO"


def _dates(task: Mapping[str, Any]) -> Iterator[str]:
    due, zone, rule = task.get("due_date"), task.get("time_zone"), task.get("recurrence")
    if due:
        value = _due(due, zone)
        if rule:
            yield f"DTSTART{value}"  # which a rule needs (RFC 5545 §3.8.2.4)
        yield f"DUE{value}"
    if rule:
        yield f"RRULE:{rule if '=' in rule else f'FREQ={rule.upper()}'}"
    if task.get("recurrence_from") == "completion":
        yield "X-TODO-RECURRENCE-FROM:completion"
    if zone and not _is_local(due):
        yield f"X-TODO-TIME-ZONE:{zone}"


def _is_local(due: str | None) -> bool:
    return due is not None and "T" in due and not _INSTANT.search(due)


def _due(due: str, zone: str | None) -> str:
    """The parameters and the value: a day, an instant in UTC, or a local time, in its zone if it has one."""
    if "T" not in due:
        return f";VALUE=DATE:{due.replace('-', '')}"
    if not _is_local(due):
        return f":{_utc(due)}"
    return (f";TZID={zone}" if zone else "") + f":{datetime.fromisoformat(due):%Y%m%dT%H%M%S}"


def _utc(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y%m%dT%H%M%SZ}"


@lru_cache(maxsize=64)
def _zone(name: str) -> bytes:
    return bytes(Timezone.from_tzid(name).to_ical())


def _text(text: str) -> str:
    return text.translate(_ESCAPED)


def _lines(*lines: str) -> bytes:
    """Folded at 75 octets."""
    return b"".join(Contentline(line).to_ical() + b"\r\n" for line in lines)  # type: ignore[no-untyped-call] # theirs
