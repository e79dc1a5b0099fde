"""Microsoft To Do, as Graph answers it: tasks alone, under `value`, or in their lists."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from todo.formats.dates import instant, moment, zone_named
from todo.formats.draft import Draft
from todo.formats.html_text import text_of
from todo.formats.json_items import Item, items
from todo.formats.keys import Keys
from todo.formats.reading.members import as_dict, as_list, as_text
from todo.formats.row import Row, Unreadable

LISTS = frozenset({"value", "lists", "tasks"})
IMPORTANCE = {"high": "high", "low": "low"}
OPEN = {"inprogress": "in progress", "waitingonothers": "waiting on others", "deferred": "deferred"}
"""Statuses of open tasks that there are none of here."""

WEEKDAYS = {
    "monday": "MO",
    "tuesday": "TU",
    "wednesday": "WE",
    "thursday": "TH",
    "friday": "FR",
    "saturday": "SA",
    "sunday": "SU",
}
INDEXES = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}


def rows(file: BinaryIO, *, time_zone: str | None) -> Iterator[Row]:
    names = _names(file)
    keys = Keys()
    for item in items(file, LISTS):
        if _is_task(item) or not isinstance(item.value, dict):
            yield _row(item, names, keys, time_zone)


def _is_task(item: Item) -> bool:
    """Not a list, nor the object around tasks or lists."""
    return isinstance(item.value, dict) and not item.is_parent and "displayName" not in item.value and bool(item.value)


def _names(file: BinaryIO) -> dict[int, str]:
    """The lists' by their number; a name may stand behind the tasks of its list."""
    found: dict[int, str] = {}
    seen = False
    for item in items(file, LISTS):
        seen = seen or item.is_parent or bool(item.path) or _is_ours(item)
        if isinstance(item.value, dict) and item.is_parent:
            found[item.number] = as_text(item.value.get("displayName"))[:200]
    if not seen:
        raise Unreadable(1, "this is no JSON of Microsoft To Do: there are no tasks alone, in `value` or in `tasks`")
    return found


def _is_ours(item: Item) -> bool:
    return isinstance(item.value, dict) and bool({"title", "importance", "status"} & item.value.keys())


def _row(item: Item, names: dict[int, str], keys: Keys, time_zone: str | None) -> Row:
    task = item.value
    if not isinstance(task, dict):
        return Row(item.line, error=f"{item.place}must be an object, a task")
    draft = Draft(item.line, time_zone, item.place)
    draft.title(as_text(task.get("title")))
    body = as_dict(task.get("body"))
    content = as_text(body.get("content"))
    draft.description((text_of(content) if body.get("contentType") == "html" else content).strip())
    draft.description(_checklist(task))
    for tag in (*map(as_text, as_list(task.get("categories"))), *(names.get(each.number, "") for each in item.parents)):
        draft.tag(tag)
    for link in map(as_dict, as_list(task.get("linkedResources"))):
        draft.description(" ".join(as_text(link.get(name)) for name in ("displayName", "webUrl")).strip())
    if task.get("hasAttachments") is True or task.get("attachments"):
        draft.problem("its attachments are not imported")
    draft.task["priority"] = IMPORTANCE.get(as_text(task.get("importance")))
    _status(draft, task)
    _when(draft, task)
    draft.moment("created_at", instant(task.get("createdDateTime")))
    return draft.row(keys.of(as_text(task.get("id")) or task))


def _checklist(task: dict[str, Any]) -> str:
    steps = map(as_dict, as_list(task.get("checklistItems")))
    return "\n".join(
        f"- [{'x' if step.get('isChecked') is True else ' '}] {as_text(step.get('displayName'))}" for step in steps
    )


def _status(draft: Draft, task: dict[str, Any]) -> None:
    status = as_text(task.get("status")).lower()
    draft.task["completed"] = status == "completed"
    if status in OPEN:
        draft.problem(f"its status is {OPEN[status]}; it is open here")
    if draft.task["completed"]:
        draft.moment("completed_at", _instant(task.get("completedDateTime")))


def _instant(value: Any) -> datetime | None:
    """`{dateTime, timeZone}`; a zone that is unknown is taken for UTC."""
    found = moment(as_dict(value).get("dateTime"))
    if not isinstance(found, datetime):
        return None
    if found.tzinfo:
        return found
    zone = zone_named(as_text(as_dict(value).get("timeZone")))
    return found.replace(tzinfo=ZoneInfo(zone) if zone else UTC)


def _when(draft: Draft, task: dict[str, Any]) -> None:
    due = _day(draft, task.get("dueDateTime"))
    draft.due(due)
    start = _instant(task.get("startDateTime"))
    if start and start.date() != due:
        draft.keep("Start", start.date().isoformat(), "there are no start dates besides due dates")
    if task.get("isReminderOn") is not False:
        draft.remind(_instant(task.get("reminderDateTime")))
    if isinstance(task.get("recurrence"), dict):
        rule = _rule(task["recurrence"])
        if rule:
            draft.recurs(rule)
        else:
            draft.problem("it repeats by a rule that is not understood; it is one task here")


def _day(draft: Draft, value: Any) -> date | None:
    """The day that is meant: mostly written as its midnight in UTC, by some clients as the local one's."""
    when = _instant(value)
    if when is None:
        if as_dict(value).get("dateTime"):
            draft.keep("Due", as_text(as_dict(value)["dateTime"]), "the due date is not understood")
        return None
    if (when.hour, when.minute) == (0, 0) or not 1900 < when.year < 2200:
        return when.date()
    if draft.zone is not None:
        return when.astimezone(draft.zone).date()
    draft.problem("the due date is no midnight, and which day it is depends on the time zone; import with time_zone")
    return when.date() + timedelta(days=1 if when.hour >= 12 else 0)


def _rule(recurrence: dict[str, Any]) -> str:
    """As an RRULE; empty if it cannot be read."""
    pattern, bounds = as_dict(recurrence.get("pattern")), as_dict(recurrence.get("range"))
    kind = as_text(pattern.get("type")).lower()
    days = ",".join(WEEKDAYS.get(as_text(day).lower(), "?") for day in as_list(pattern.get("daysOfWeek")))
    index = INDEXES.get(as_text(pattern.get("index")).lower(), 1)
    month, month_day = as_text(pattern.get("month")), as_text(pattern.get("dayOfMonth"))
    parts = {
        "daily": "FREQ=DAILY",
        "weekly": "FREQ=WEEKLY" + (f";BYDAY={days}" if days else ""),
        "absolutemonthly": f"FREQ=MONTHLY;BYMONTHDAY={month_day}",
        "relativemonthly": f"FREQ=MONTHLY;BYDAY={days};BYSETPOS={index}",
        "absoluteyearly": f"FREQ=YEARLY;BYMONTH={month};BYMONTHDAY={month_day}",
        "relativeyearly": f"FREQ=YEARLY;BYMONTH={month};BYDAY={days};BYSETPOS={index}",
    }.get(kind, "")
    if not parts:
        return ""
    interval = as_text(pattern.get("interval"))
    parts += f";INTERVAL={interval}" if interval not in ("", "0", "1") else ""
    if as_text(pattern.get("firstDayOfWeek")):
        parts += f";WKST={WEEKDAYS.get(as_text(pattern['firstDayOfWeek']).lower(), 'MO')}"
    end = moment(bounds.get("endDate"))
    if as_text(bounds.get("type")) == "endDate" and end:
        parts += f";UNTIL={end:%Y%m%d}"
    elif as_text(bounds.get("type")) == "numbered":
        parts += f";COUNT={as_text(bounds.get('numberOfOccurrences'))}"
    return parts
