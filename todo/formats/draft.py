"""A task as it is read: put within the bounds of the API, with a note of everything that does not fit."""

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from todo.formats.dates import in_zone, zone_named
from todo.formats.recurrence import adapted
from todo.formats.row import Row
from todo.values import FIRST_YEAR, LAST_YEAR, MADE_OF_MARKS, MAX_MARKS, folded

TITLE_LENGTH, DESCRIPTION_LENGTH, TAG_LENGTH, MAX_TAGS = 255, 10_000, 50, 20
MOST_TAGS = 1000
"""Tags of a task that are looked at; those that it cannot have go to the description."""
MAX_PROBLEMS = 20
"""Of one task."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BREAKS = re.compile(r"[\t\n]+")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Draft:
    """Collects the fields of one task; `row` gives them within bounds. What is kept as text goes to the description."""

    def __init__(self, line: int, time_zone: str | None = None, place: str = "") -> None:
        self.line = line
        self._place = place
        self.problems: list[str] = []
        self.task: dict[str, Any] = {}
        self.kept: list[str] = []
        """Lines for the end of the description."""
        self.error: str | None = None
        self._zone = time_zone
        self._due: date | None = None
        self._title = ""
        self._parts: list[str] = []
        self._size = 0
        self._tags: dict[str, str] = {}
        """By what they are folded to."""

    def problem(self, message: str) -> None:
        if len(self.problems) < MAX_PROBLEMS and message not in self.problems:
            self.problems.append(message)

    def keep(self, name: str, text: str, why: str) -> None:
        """As a line of the description, since no field holds it."""
        self.kept.append(f"{name}: {text}")
        self.problem(f"{why}; what the file says is kept in the description")

    def title(self, text: str) -> None:
        self._title = _BREAKS.sub(" ", self._clean(text, "title")).strip()

    def description(self, text: str) -> None:
        """Another part of it, behind the others. Of what is far too long only the length is kept."""
        before = self._size
        self._size += len(text) + len("\n\n") * bool(self._parts)
        if before <= 2 * DESCRIPTION_LENGTH and (text := self._clean(text[: 4 * DESCRIPTION_LENGTH], "description")):
            self._parts.append(text)

    def tag(self, text: str) -> None:
        text = _BREAKS.sub(" ", self._clean(text, "tags")).strip()
        if text and len(self._tags) < MOST_TAGS:
            self._tags.setdefault(folded(text), text)

    def time_zone(self, name: str | None) -> None:
        """The zone of the task's clock; that of the whole file stays where this one is unknown."""
        found = zone_named(name) if name else None
        self._zone = found or self._zone
        if name and name.strip() and not found:
            self.problem(
                "its time zone is not in the IANA database" + (f"; {self._zone} is taken" if self._zone else "")
            )

    @property
    def zone_name(self) -> str | None:
        return self._zone

    @property
    def zone(self) -> ZoneInfo | None:
        return ZoneInfo(self._zone) if self._zone else None

    def due(self, due: date | datetime | None) -> None:
        """A day, a local time on the clock of the task's zone (naive), or an instant."""
        if due is None:
            return
        if not FIRST_YEAR < due.year < LAST_YEAR:
            self.keep("Due", due.isoformat(), f"the due date is not in the years {FIRST_YEAR} to {LAST_YEAR}")
            return
        if isinstance(due, datetime) and due.tzinfo is None and self._zone:
            self.task["time_zone"] = self._zone
        self._due = due
        if not isinstance(due, datetime):
            self.task["due_date"] = due.isoformat()
        elif due.tzinfo is None:
            self.task["due_date"] = due.isoformat(timespec="minutes" if due.second == 0 else "seconds")
        else:
            self.task["due_date"] = instant(due)

    def remind(self, moment: datetime | None) -> None:
        """At an instant, or at a local time on the task's clock."""
        if moment is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=self.zone) if self.zone else None
            if moment is None:
                self.problem("the reminder is a local time and the time zone is unknown; import with time_zone")
        if moment is not None and not FIRST_YEAR < moment.year < LAST_YEAR:
            self.problem(f"the reminder is not in the years {FIRST_YEAR} to {LAST_YEAR}")
        elif moment is not None:
            self.task["remind_at"] = instant(moment)

    def recurs(self, rule: str, *, from_completion: bool = False) -> None:
        """An RRULE or a word; kept as text where the API cannot repeat so."""
        day = in_zone(self._due, self._zone) if isinstance(self._due, datetime) and self._due.tzinfo else self._due
        found, lost = adapted(rule, day)
        if found is None:
            self.keep("Repeats", " ".join(rule.split()), f"the task cannot repeat so, {lost}")
            return
        if lost:
            self.keep("Repeats", " ".join(rule.split()), f"the task repeats without {lost}")
        self.task["recurrence"] = found
        if from_completion:
            self.task["recurrence_from"] = "completion"
        if self._zone:
            self.task["time_zone"] = self._zone

    def moment(self, name: str, value: date | datetime | None) -> None:
        """`created_at`, `completed_at` or `deleted_at`; a day is its beginning in the task's zone."""
        if value is None:
            return
        if not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 # its zone follows
        if value.tzinfo is None:
            value = value.replace(tzinfo=self.zone or UTC)
        if 1970 < value.year < 9998:
            self.task[name] = instant(value)

    def row(self, key: str | None = None) -> Row:
        """With the whole title and the tags that do not fit in the description."""
        head = self._fitting_title()
        if self.error or not self._title:
            return Row(self.line, error=self._place + (self.error or "the task has no title"))
        tags = self._fitting_tags()
        text = "\n\n".join(part for part in (head, *self._parts, "\n".join(self.kept)) if part)
        text = self._clean(text, "description")
        if len(text) > DESCRIPTION_LENGTH:
            size = max(len(text), self._size)
            self.problem(f"the description has {size:,} characters; the first {DESCRIPTION_LENGTH:,} are kept")
            text = text[:DESCRIPTION_LENGTH]
        self.task |= {"title": self._title, "description": text or None, "tags": tags}
        self.task.setdefault("completed", False)
        return Row(self.line, self.task, key, tuple(self._place + problem for problem in self.problems))

    def _fitting_title(self) -> str:
        if not self._title and (description := "\n".join(self._parts).strip()):
            self._title = description.split("\n")[0].strip()
            self.problem("the task has no title; it is the first line of the description")
        if len(self._title) <= TITLE_LENGTH:
            return ""
        whole, self._title = self._title, self._title[: TITLE_LENGTH - 1].rstrip() + "…"
        self.problem(
            f"the title has {len(whole):,} characters, more than {TITLE_LENGTH}; it is whole in the description"
        )
        return whole

    def _fitting_tags(self) -> list[str]:
        tags = [*self._tags.values()]
        fitting = [tag for tag in tags if len(tag) <= TAG_LENGTH]
        lost = [tag for tag in tags if len(tag) > TAG_LENGTH] + fitting[MAX_TAGS:]
        if lost:
            why = f"a task may have {MAX_TAGS} tags of {TAG_LENGTH} characters, and {len(lost)} do not fit"
            self.keep("Tags", ", ".join(lost), why)
        return fitting[:MAX_TAGS]

    def _clean(self, text: str, name: str) -> str:
        """NFC, without control characters, lone surrogates and endless marks, which the API refuses."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        cleaned = _CONTROL.sub("", text)
        if len(cleaned) < len(text):
            self.problem(f"control characters were removed from the {name}")
        if cleaned.isascii():
            return cleaned
        if _SURROGATE.search(cleaned):
            self.error = "the text is not UTF-8; save the file as UTF-8 and import it again"
            return ""
        kept = _without_endless_marks(cleaned)
        if len(kept) < len(cleaned):
            self.problem(f"more than {MAX_MARKS} combining marks in a row were removed from the {name}")
        return unicodedata.normalize("NFC", kept)


def _without_endless_marks(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) or char in MADE_OF_MARKS else 0
        if marks <= MAX_MARKS:
            kept.append(char)
    return "".join(kept)


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC."""
    text = moment.astimezone(UTC).isoformat(timespec="auto" if moment.microsecond else "seconds")
    return text.removesuffix("+00:00") + "Z"
