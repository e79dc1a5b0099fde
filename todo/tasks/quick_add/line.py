"""A task read from one line of text: the title, and what the tokens at its end say together."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from todo.tasks.quick_add.dates import Day
from todo.tasks.quick_add.recurrence import Recurrence
from todo.tasks.quick_add.signs import Priority
from todo.tasks.quick_add.times import Clock
from todo.tasks.quick_add.tokens import Line, Token, read, unique_tags
from todo.values import FIRST_YEAR, LAST_YEAR

Found = TypeVar("Found", Day, Clock, Recurrence, Priority)


@dataclass(frozen=True, slots=True)
class QuickAdd:
    """The fields of a task to create, and the pieces of the text that they were read from, in order.

    `due_date` is a date, or with a time a local date-time without seconds: "2027-03-01", "2027-03-01T09:00".
    `recurrence` is daily, weekly, monthly, yearly or an RRULE; `recurrence_from` is "completion" or None.
    """

    title: str
    due_date: str | None = None
    priority: str | None = None
    tags: tuple[str, ...] = ()
    recurrence: str | None = None
    recurrence_from: str | None = None
    recognised: tuple[str, ...] = ()


def parse(text: str, now: datetime) -> QuickAdd:
    """The task that a line of text describes. `now` is the date and time on the person's own clock.

    Never raises. Where nothing would be left for the title, nothing is understood and the whole text is the title.
    """
    if not FIRST_YEAR <= now.year <= LAST_YEAR:
        return QuickAdd(text.strip())
    line = read(text, now.date())
    title = _title(text, line)
    day, clock, recurrence = _only(Day, line), _only(Clock, line), _only(Recurrence, line)
    if day and recurrence and (both := recurrence.on(day)):
        day, recurrence = None, both
    due = _due(day, recurrence, clock, now)
    if not title or (due and due.year > LAST_YEAR):
        return QuickAdd(text.strip())
    priority = _only(Priority, line)
    return QuickAdd(
        title,
        due.isoformat() + (f"T{clock.time:%H:%M}" if clock else "") if due else None,
        priority.name if priority else None,
        unique_tags(line.tokens),
        recurrence.rule if recurrence else None,
        "completion" if recurrence and recurrence.from_completion else None,
        tuple(_piece(text, line, token) for token in line.tokens),
    )


def _only(kind: type[Found], line: Line) -> Found | None:
    """What the one token of a kind means."""
    return next((token.meaning for token in line.tokens if isinstance(token.meaning, kind)), None)


def _due(day: Day | None, recurrence: Recurrence | None, clock: Clock | None, now: datetime) -> date | None:
    """The date that is written; else the first that the recurrence and the time allow, from now on."""
    if day:
        return day.day
    has_passed = clock is not None and clock.time < now.time()
    earliest = now.date() + timedelta(days=has_passed)
    if recurrence:
        return recurrence.first(earliest)
    return earliest if clock else None


def _title(text: str, line: Line) -> str:
    """What stands before the tokens as it is written, without the backslashes of an escaped token."""
    words = line.words[: line.tokens[0].first] if line.tokens else line.words
    if not words:
        return ""
    kept, start = [], words[0].start
    if line.escaped:
        for word in line.words[line.escaped.first : line.escaped.end]:
            if word.escaped:
                kept.append(text[start : word.start])
                start = word.start + 1
    return "".join(kept) + text[start : words[-1].end]


def _piece(text: str, line: Line, token: Token) -> str:
    piece = text[line.words[token.first].start : line.words[token.end - 1].end]
    return piece if token.end == len(line.words) else piece.removesuffix(",")
