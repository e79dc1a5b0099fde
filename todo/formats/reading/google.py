"""Google Tasks, as Takeout has it: `Tasks/Tasks.json`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, BinaryIO

from todo.formats.dates import in_zone, instant, moment
from todo.formats.draft import Draft
from todo.formats.json_items import Item, items
from todo.formats.keys import Keys
from todo.formats.reading.members import as_dict, as_list, as_text
from todo.formats.row import Row, Unreadable

LISTS = frozenset({"items", "recurrences"})
LIST, TASK, RECURRENCE = ("items",), ("items", "items"), ("items", "recurrences")
UNITS = {"daily": "DAILY", "weekly": "WEEKLY", "monthly": "MONTHLY", "yearly": "YEARLY"}
MAX_RULES = 10_000


@dataclass(slots=True)
class _Around:
    """The names of lists by their line and number, and the rules by their id."""

    names: dict[tuple[int, int], str] = field(default_factory=dict)
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    next_open: dict[str, tuple[str, int]] = field(default_factory=dict)
    """For each rule the due date and the number of its next open occurrence."""


def rows(file: BinaryIO, *, time_zone: str | None) -> Iterator[Row]:
    """Of the open occurrences of a repeating task only the next, with the rule; the completed ones without it."""
    around = _around(file)
    keys = Keys()
    for item in items(file, LISTS):
        if item.path == TASK or (item.path == LIST and _is_task(item)):
            row = _row(item, around, keys, time_zone)
            if row:
                yield row


def _is_task(item: Item) -> bool:
    """A list of tasks alone, as the API answers it, has no lists around them."""
    return not item.is_parent and isinstance(item.value, dict) and "status" in item.value


def _around(file: BinaryIO) -> _Around:
    found = _Around()
    is_known = False
    for item in items(file, LISTS):
        if item.path == () and item.is_parent:
            is_known = True
        if not isinstance(item.value, dict):
            continue
        rule = as_text(item.value.get("task_recurrence_id"))
        if item.path == LIST and item.is_parent:
            found.names[item.line, item.number] = as_text(item.value.get("title"))[:200]
        elif item.path == RECURRENCE:
            recurrence = as_text(item.value.get("id") or item.value.get("task_recurrence_id"))
            if len(found.rules) < MAX_RULES:
                found.rules[recurrence] = item.value
        elif rule and not _is_done(item.value) and len(found.next_open) < MAX_RULES:
            when = str(_due(item.value, None) or "9999")
            found.next_open[rule] = min(found.next_open.get(rule, ("~", 0)), (when, item.number))
    if not is_known:
        raise Unreadable(1, "this is no file of Google Tasks: there are no lists in `items`")
    return found


def _is_done(task: dict[str, Any]) -> bool:
    return task.get("status") == "completed" or bool(task.get("completed"))


def _row(item: Item, around: _Around, keys: Keys, time_zone: str | None) -> Row | None:
    task = item.value
    if not isinstance(task, dict):
        return Row(item.line, error=f"{item.place}must be an object, a task")
    if task.get("deleted") is True:
        return None
    draft = Draft(item.line, time_zone, item.place)
    draft.title(as_text(task.get("title")))
    draft.description(as_text(task.get("notes")))
    for link in map(as_dict, as_list(task.get("links"))):
        draft.description(" ".join(as_text(link.get(name)) for name in ("description", "link")).strip())
    if item.path == TASK:
        parent = item.parents[-1]
        draft.tag(around.names.get((parent.line, parent.number), ""))
    if task.get("parent"):
        draft.problem("it is a subtask, which there are none of here; it is a task of its own")
    draft.task["completed"] = _is_done(task)
    due = _due(task, draft)
    if isinstance(due, datetime) and due.tzinfo and draft.zone_name:
        due = in_zone(due, draft.zone_name)
    draft.due(due)
    if draft.task["completed"]:
        draft.moment("completed_at", instant(task.get("completed")))
    draft.moment("created_at", instant(task.get("created")))
    key = keys.of(as_text(task.get("id")) or task)
    rule = as_text(task.get("task_recurrence_id"))
    if rule and not draft.task["completed"]:
        if around.next_open.get(rule, ("", item.number))[1] != item.number:
            return None
        key = keys.of("series", rule)  # which is what the task stands for; the next export has another occurrence
        _repeat(draft, around.rules.get(rule))
    return draft.row(key)


def _due(task: dict[str, Any], draft: Draft | None) -> date | None:
    """A day, written as midnight in UTC; or the time of day in `scheduled_time`."""
    scheduled = task.get("scheduled_time")
    if isinstance(scheduled, str):
        scheduled = _printed(scheduled)
    times = [each for each in as_list(scheduled) if isinstance(each, dict)]
    current = next((each for each in times if each.get("current") in (True, "true", "True")), None)
    start = moment((current or {}).get("start"))
    if start is not None:
        return start
    due = moment(task.get("due"))
    if draft and task.get("due") and due is None:
        draft.keep("Due", as_text(task["due"]), "the due date is not understood")
    return due.date() if isinstance(due, datetime) else due


def _printed(text: str) -> list[dict[str, Any]]:
    """A list of `{'current': True, 'start': '2026-10-05T09:00:00Z'}` that was printed into a string."""
    times = []
    for part in re.findall(r"\{[^{}]{0,500}\}", text[:10_000]):
        start = re.search(r"'start': '([^']{1,50})'", part)
        times.append({"current": "'current': True" in part, "start": start[1] if start else None})
    return times


def _repeat(draft: Draft, recurrence: dict[str, Any] | None) -> None:
    schedule = as_dict((recurrence or {}).get("schedule"))
    rule = _rule(schedule) if schedule else ""
    if recurrence is None or recurrence.get("stopped") is True:
        draft.problem(
            "it repeats by a rule that has ended" if recurrence else "it repeats by a rule that is not in the file"
        )
    elif not rule:
        draft.problem("it repeats by a rule that is not understood; it is one task here")
    else:
        draft.recurs(rule)


def _rule(schedule: dict[str, Any]) -> str:
    interval = as_dict(schedule.get("interval"))
    unit = as_text(schedule.get("interval")) or next(
        (each for each in UNITS if each in schedule or each in interval), ""
    )
    frequency = UNITS.get(unit.lower())
    if not frequency:
        return ""
    details = as_dict(schedule.get(unit.lower()) or interval.get(unit.lower()))
    rule = f"FREQ={frequency}"
    multiplier = as_text(schedule.get("interval_multiplier") or interval.get("interval_multiplier"))
    if multiplier not in ("", "0", "1"):
        rule += f";INTERVAL={multiplier}"
    days = details.get("day_of_week")
    names = [as_text(day)[:2].upper() for day in (days if isinstance(days, list) else [days] if days else [])]
    if names and frequency == "WEEKLY":
        rule += ";BYDAY=" + ",".join(names)
    end = as_dict(schedule.get("end_condition"))
    last = moment(end.get("end_date") or end.get("until"))
    if last is not None:
        rule += f";UNTIL={last:%Y%m%d}"
    elif count := as_text(end.get("count") or end.get("occurrences")):
        rule += f";COUNT={count}"
    return rule
