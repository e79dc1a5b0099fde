"""Tasks as the events of a calendar (RFC 5545 §3.6.1), for calendars that show no to-dos."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event

LENGTH = timedelta(minutes=15)
"""Of an event of a task that is due at a time: calendars hardly show one that takes none."""

PRIORITIES = {"urgent": 1, "high": 3, "medium": 5, "low": 9}
"""RFC 5545 §3.8.1.9: 1 to 4 are high, 5 is medium, 6 to 9 are low."""


def events(tasks: Iterable[Mapping[str, Any]], name: str) -> bytes:
    """A calendar of events, one for each task, which all have a due date. A day makes an event of the whole day."""
    calendar = Calendar()
    calendar.add("prodid", "-//todo//calendar feed//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    for task in tasks:
        calendar.add_component(_event(task))
    return bytes(calendar.to_ical())


def _event(task: Mapping[str, Any]) -> Event:
    event, start = Event(), _start(task["due_date"], task["time_zone"])
    event.add("uid", task["id"])
    event.add("dtstamp", datetime.fromisoformat(task["updated_at"]))
    event.add("summary", task["title"])
    event.add("dtstart", start)
    event.add("duration", LENGTH if isinstance(start, datetime) else timedelta(days=1))
    event.add("transp", "TRANSPARENT")  # a task that is due blocks no time
    if task["description"]:
        event.add("description", task["description"])
    if task["priority"]:
        event.add("priority", PRIORITIES[task["priority"]])
    if task["tags"]:
        event.add("categories", task["tags"])
    if task["remind_at"]:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", task["title"])
        moment = datetime.fromisoformat(task["remind_at"]).astimezone(UTC)
        alarm.add("trigger", moment, parameters={"VALUE": "DATE-TIME"})
        event.add_component(alarm)
    return event


def _start(due: str, time_zone: str | None) -> date | datetime:
    """A day, a local time without a zone ("floating"), or an instant in UTC, which needs no definition of a zone."""
    if len(due) == len("2027-03-01"):
        return date.fromisoformat(due)
    moment = datetime.fromisoformat(due)
    if moment.tzinfo is None and time_zone is not None:
        moment = moment.replace(tzinfo=ZoneInfo(time_zone))
    return moment.astimezone(UTC) if moment.tzinfo is not None else moment
