"""TickTick's CSV backup."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO

from todo.formats.csv_records import named, records
from todo.formats.dates import in_zone, instant
from todo.formats.draft import Draft
from todo.formats.durations import duration, plus
from todo.formats.keys import Keys
from todo.formats.row import Row, Unreadable

PRIORITIES = {"5": "high", "3": "medium", "1": "low", "0": None, "": None}
DONE = {"1", "2"}
"""The legend says 1 completed and 2 archived; real files have 2 for completed."""

WILL_NOT_DO = "-1"
MAX_PREAMBLE = 50
"""Records before the header."""


def rows(file: BinaryIO, *, time_zone: str | None) -> Iterator[Row]:
    source = records(file)
    header: list[str] = []
    for count, (line, record) in enumerate(source):
        if {"list name", "title"} <= {column.strip().lower() for column in record}:
            header = record
            break
        if count >= MAX_PREAMBLE:
            raise Unreadable(line, "this is no backup of TickTick: there is no row with List Name and Title")
    if not header:
        raise Unreadable(1, "this is no backup of TickTick: there is no row with List Name and Title")
    keys = Keys()
    for line, record in source:
        yield _row(line, named(header, record), keys, time_zone)


def _row(line: int, row: dict[str, str], keys: Keys, time_zone: str | None) -> Row:
    draft = Draft(line, time_zone)
    draft.time_zone(row.get("timezone"))
    draft.title(row.get("title", ""))
    checklist = row.get("is check list", "").strip().upper() == "Y"
    draft.description(_lines(row.get("content", "")) if checklist else row.get("content", ""))
    for tag in (*row.get("tags", "").split(","), row.get("list name", ""), row.get("folder name", "")):
        draft.tag(tag)
    if column := row.get("column name", "").strip():
        draft.tag(column)
        draft.problem("its column is kept as a tag")
    if row.get("parentid", "").strip():
        draft.problem("it is a subtask, which there are none of here; it is a task of its own")
    if row.get("kind", "").strip().upper() == "NOTE":
        draft.problem("it is a note, which there are none of here; it is a task")
    priority = row.get("priority", "").strip()
    if priority not in PRIORITIES:
        draft.problem("Priority is not 0, 1, 3 or 5; the task has none")
    draft.task["priority"] = PRIORITIES.get(priority)
    _status(draft, row)
    due = _when(draft, row)
    if rule := row.get("repeat", "").strip():
        draft.recurs(rule)
    _reminders(draft, row.get("reminder", ""), due)
    draft.moment("created_at", instant(row.get("created time")))
    task_id = row.get("taskid", "").strip()
    # ids are row numbers of the backup in some versions, and so no key alone
    return draft.row(keys.of(task_id, row.get("title"), row.get("created time"), row.get("list name")))


def _lines(content: str) -> str:
    """A checklist: `▫` is open, `▪` is done, in lines of their own or, in old backups, in one."""
    lines = re.sub(r"[ \t]*([▫▪])[ \t]*", r"\n\1 ", content.replace("\r\n", "\n")).replace("\r", "\n").split("\n")
    kept = [line.replace("▫ ", "- [ ] ").replace("▪ ", "- [x] ") for line in lines if line.strip()]
    return "\n".join(kept)


def _status(draft: Draft, row: dict[str, str]) -> None:
    status = row.get("status", "").strip()
    completed = instant(row.get("completed time"))
    if status == WILL_NOT_DO:
        draft.problem('its status is "won\'t do"; it is completed here')
    elif status not in DONE and status not in ("0", ""):
        draft.problem("Status is not understood; the task is open")
    draft.task["completed"] = status in DONE or status == WILL_NOT_DO
    if draft.task["completed"]:
        draft.moment("completed_at", completed)


def _when(draft: Draft, row: dict[str, str]) -> datetime | None:
    """The instant that reminders count from: when it is due, or the beginning of that day in its zone."""
    start, end = instant(row.get("start date")), instant(row.get("due date"))
    due = end or start
    for name in ("start date", "due date"):
        if row.get(name, "").strip() and instant(row[name]) is None:
            draft.keep(name.title(), row[name].strip(), f"{name.title()} is not a time that is understood")
    if due is None:
        return None
    if end is None:
        draft.problem("only a start date is given; it is the due date")
    elif start and start != end:
        draft.keep("Start", _shown(start, draft, row), "there are no start dates besides due dates")
    if _is_yes(row, "is all day"):
        if draft.zone_name is None:
            draft.problem("it is for a whole day in an unknown time zone; the day is that of UTC")
        draft.due(in_zone(due, draft.zone_name).date())
    elif _is_yes(row, "is floating"):
        draft.due(in_zone(due, draft.zone_name))
        draft.task.pop("time_zone", None)  # the same reading of the clock everywhere
    else:
        draft.due(in_zone(due, draft.zone_name) if draft.zone_name else due)
    return due


def _shown(when: datetime, draft: Draft, row: dict[str, str]) -> str:
    local = in_zone(when, draft.zone_name)
    return local.date().isoformat() if _is_yes(row, "is all day") else local.isoformat(" ", "minutes")


def _is_yes(row: dict[str, str], name: str) -> bool:
    return row.get(name, "").strip().lower() in ("true", "1", "y")


def _reminders(draft: Draft, text: str, due: datetime | None) -> None:
    """Such as `-PT30M`, from the time at which it is due; of several, the first."""
    every = [part.strip().removeprefix("TRIGGER:") for part in re.split(r"[,\n]", text) if part.strip()]
    if not every:
        return
    delta = duration(every[0])
    remind_at = plus(due, delta) if delta is not None and due is not None else None
    if remind_at is None:
        draft.keep("Reminder", ", ".join(every), "the reminder is not understood")
        return
    draft.remind(remind_at)
    if len(every) > 1:
        draft.keep("Reminders", ", ".join(every), "a task has one reminder, the first")
