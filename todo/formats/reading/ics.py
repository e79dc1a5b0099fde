"""iCalendar files (RFC 5545): the tasks (VTODO) of their calendars. Events are skipped and counted."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import BinaryIO

from todo.formats.dates import zone_named
from todo.formats.draft import Draft
from todo.formats.durations import duration, plus
from todo.formats.ics_components import Component, components
from todo.formats.keys import Keys
from todo.formats.reading.ics_times import Zones, instant_of, moment_of
from todo.formats.row import Row, Unreadable
from todo.formats.writing.ics import PRODID


@dataclass(slots=True)
class _Calendar:
    """What stands around the tasks, which may stand behind them."""

    zones: Zones = field(default_factory=Zones)
    skipped: dict[str, int] = field(default_factory=dict)
    zone: str | None = None
    is_ours: bool = False
    tasks: int = 0


def rows(file: BinaryIO, *, time_zone: str | None) -> Iterator[Row]:
    calendar = _around(file)
    others = ", ".join(f"{count:,} {name[:50]}" for name, count in calendar.skipped.items())
    notes = [f"the file also has what is no task and is skipped: {others}"] if others else []
    if not calendar.tasks:
        raise Unreadable(1, "the file has no tasks (VTODO)" + (f": only {others}" if others else ""))
    keys = Keys()
    for component in components(file, frozenset({"VTODO"})):
        if component.name != "VTODO":
            continue
        row = _Task(component, calendar, time_zone).row(keys)
        if notes:
            row.problems += tuple(notes)
            notes = []
        yield row


def _around(file: BinaryIO) -> _Calendar:
    found = _Calendar()
    for component in components(file, frozenset({"VTIMEZONE"}), found.skipped):
        if component.name == "VTIMEZONE":
            found.zones.add(component)
        elif component.name == "VCALENDAR":
            found.is_ours |= component.text("PRODID") == PRODID
            found.zone = found.zone or zone_named(component.text("X-WR-TIMEZONE"))
    found.tasks = found.skipped.pop("VTODO", 0)
    return found


class _Task:
    def __init__(self, component: Component, calendar: _Calendar, time_zone: str | None) -> None:
        self.todo, self.calendar = component, calendar
        self.draft = Draft(component.line, time_zone or calendar.zone)

    def row(self, keys: Keys) -> Row:
        draft, todo = self.draft, self.todo
        if todo.broken:
            return Row(todo.line, error=f"line {todo.broken} of the task is no property of iCalendar")
        draft.title(todo.text("SUMMARY"))
        draft.description(todo.text("DESCRIPTION"))
        for each in todo.all("CATEGORIES"):
            for tag in each.texts():
                draft.tag(tag)
        for name, label in (("LOCATION", "Location"), ("URL", "URL")):
            if text := todo.text(name).strip():
                draft.keep(label, text, f"there are no fields for {name}")
        if todo.all("ATTACH"):
            draft.problem("its attachments are not imported")
        if any(each.param("RELTYPE").upper() in ("", "PARENT") for each in todo.all("RELATED-TO")):
            draft.problem("it is a subtask, which there are none of here; it is a task of its own")
        self._priority()
        self._status()
        due = self._due()
        if zone := todo.text("X-TODO-TIME-ZONE"):
            draft.time_zone(zone)
            draft.task["time_zone"] = draft.zone_name
        self._recurrence()
        self._alarms(due)
        draft.moment("created_at", instant_of(todo.first("CREATED")))
        occurrence = todo.first("RECURRENCE-ID")
        if occurrence:
            draft.problem("it is one occurrence of a series; it is a task of its own")
        uid = todo.text("UID")
        identity = (
            (uid, occurrence.value if occurrence else "") if uid else (todo.text("SUMMARY"), todo.text("CREATED"))
        )
        return draft.row(keys.of(*identity))

    def _priority(self) -> None:
        """From 1 to 9, of which 1 is urgent in our own files only, since others write 1 for high."""
        value = self.todo.text("PRIORITY").strip() or "0"
        number = int(value) if value.isascii() and value.isdigit() and len(value) < 3 else -1
        if not 0 <= number <= 9:
            self.draft.problem("PRIORITY is not 0 to 9; the task has none")
        if self.calendar.is_ours and number == 1:
            self.draft.task["priority"] = "urgent"
        elif number > 0:
            self.draft.task["priority"] = "high" if number < 5 else "medium" if number == 5 else "low"

    def _status(self) -> None:
        status = self.todo.text("STATUS").strip().upper()
        completed = self.todo.first("COMPLETED")
        done = status == "COMPLETED" or (
            not status and (completed is not None or self.todo.text("PERCENT-COMPLETE").strip() == "100")
        )
        if status == "CANCELLED":
            self.draft.problem("it was cancelled (STATUS:CANCELLED); it is completed here")
        self.draft.task["completed"] = done or status == "CANCELLED"
        if self.draft.task["completed"]:
            self.draft.moment("completed_at", instant_of(completed))

    def _due(self) -> date | None:
        due = self._moment("DUE")
        self.draft.due(due)
        start = self.todo.first("DTSTART")
        if start and due and start.value != (self.todo.first("DUE") or start).value:
            self.draft.keep("Start", start.value, "there are no start dates besides due dates")
        elif start and due is None:
            length = duration(self.todo.text("DURATION"))
            begin = self._moment("DTSTART")
            if length is not None and isinstance(begin, datetime):
                due = plus(begin, length)  # RFC 5545 §3.8.2.5
                self.draft.due(due)
            if due is None:
                self.draft.keep("Start", start.value, "there are no start dates")
        return due

    def _moment(self, name: str) -> date | datetime | None:
        """With the zone of its clock as the task's."""
        found = self.todo.first(name)
        if found is None:
            return None
        when, zone, problem = moment_of(found, self.calendar.zones)
        if problem:
            self.draft.problem(problem)
        if when is None:
            self.draft.keep(name, found.value, f"{name} is not a time that is understood")
        if zone:
            self.draft.time_zone(zone)
        return when

    def _recurrence(self) -> None:
        rules = self.todo.all("RRULE")
        others = [each.value for name in ("RDATE", "EXDATE", "EXRULE") for each in self.todo.all(name)]
        if len(rules) == 1:
            by_completion = self.todo.text("X-TODO-RECURRENCE-FROM").strip().lower() == "completion"
            rule = "\n".join([rules[0].value, *(f"EXDATE:{each}" for each in others)])
            self.draft.recurs(rule, from_completion=by_completion)
        elif rules or others:
            text = "; ".join([each.value for each in rules] + others)
            self.draft.keep("Repeats", text, "several rules (RRULE, RDATE) are not supported")

    def _alarms(self, due: date | None) -> None:
        """The first whose instant can be computed; relative ones count from when it is due or starts."""
        alarms = [trigger for alarm in self.todo.inner if (trigger := alarm.first("TRIGGER"))]
        for number, trigger in enumerate(alarms):
            when, _, _ = moment_of(trigger, self.calendar.zones)
            delta = duration(trigger.value)
            if not isinstance(when, datetime) and delta is not None:
                begin = due
                if trigger.param("RELATED").upper() != "END" and self.todo.first("DTSTART"):
                    begin = moment_of(self.todo.first("DTSTART"), self.calendar.zones)[0] or due
                if begin is not None and not isinstance(begin, datetime):
                    begin = datetime(begin.year, begin.month, begin.day)  # noqa: DTZ001 # on the task's clock
                if begin is not None and 1900 < begin.year < 2200:
                    when = begin + delta
            if isinstance(when, datetime) and "remind_at" not in self.draft.task:
                self.draft.remind(when)
            elif number:
                self.draft.keep("Reminder", trigger.value, "a task has one reminder, the first")
            else:
                self.draft.keep("Reminder", trigger.value, "the time of the reminder cannot be computed")
