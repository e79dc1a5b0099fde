"""Our own JSON (docs/reference/export-format.md): the document, an array of tasks as the API lists them, or lines."""

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from todo.formats.draft import Draft, instant
from todo.formats.json_items import Item, items
from todo.formats.keys import Keys
from todo.formats.recurrence import adapted
from todo.formats.row import Row, Unreadable
from todo.values import DueDate, Instant, Moment, TimeZone

LISTS = frozenset({"tasks", "trash"})
VERSION = 1
Reader = Callable[[Any], Any]

_due, _zone, _instant, _moment = (TypeAdapter(each).validate_python for each in (DueDate, TimeZone, Instant, Moment))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise TypeError
    return [_text(each) for each in value]


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _word(*words: str) -> Reader:
    return lambda value: words[words.index(value)]


def _rule(value: Any) -> str:
    rule, lost = adapted(_text(value))
    if rule is None or lost:
        raise ValueError
    return rule


def _at(read: Reader) -> Reader:
    return lambda value: instant(read(value))


FIELDS: dict[str, tuple[Reader, str]] = {
    "title": (_text, "must be text"),
    "description": (_text, "must be text or null"),
    "tags": (_texts, "must be an array of texts"),
    "completed": (_flag, "must be true or false"),
    "due_date": (_due, "must be such as 2027-03-01, 2027-03-01T09:00 or 2027-03-01T09:00:00Z"),
    "time_zone": (_zone, "must be the name of a time zone, such as Europe/Berlin"),
    "priority": (_word("low", "medium", "high", "urgent"), "must be low, medium, high, urgent or null"),
    "recurrence": (_rule, "must be daily, weekly, monthly, yearly or an RRULE that the API takes"),
    "recurrence_from": (_word("due", "completion"), "must be due, completion or null"),
    "remind_at": (_at(_instant), "must be such as 2027-03-01T07:30:00Z"),
    "id": (lambda value: str(UUID(_text(value))), "must be a UUID"),
    "position": (_text, "must be text"),
    "created_at": (_at(_moment), "must be such as 2027-03-01T07:30:00Z"),
    "completed_at": (_at(_moment), "must be such as 2027-03-01T07:30:00Z"),
    "deleted_at": (_at(_moment), "must be such as 2027-03-01T07:30:00Z"),
}
"""How each is read, and what it must be. Longer texts than the API takes are put within its bounds by `Draft`."""


def rows(file: BinaryIO, *, time_zone: str | None) -> Iterator[Row]:
    """The tasks outside the trash and those in it, in the order of the file."""
    del time_zone  # the file has each task's own
    checked = False
    keys = Keys()
    for item in items(file, LISTS):
        if not checked and item.parents:
            checked = _check(item.parents[0], file)
        if item.path or not _is_document(item):
            yield _row(item, keys)
        elif not checked:
            checked = _check(item, file)


def _is_document(item: Item) -> bool:
    return item.is_parent or (isinstance(item.value, dict) and "format" in item.value)


def _check(document: Item, file: BinaryIO) -> bool:
    """That it is ours, of the version that is read; these members may stand behind the tasks."""
    found = document.value
    if "version" not in found or "format" not in found:
        place = file.tell()
        found = next((each.value for each in items(file, LISTS) if not each.path and _is_document(each)), {})
        file.seek(place)
    if found.get("format") != "todo":
        raise Unreadable(document.line, "this is no export of todo: its `format` must be `todo`")
    if found.get("version") != VERSION:
        raise Unreadable(document.line, f"this version of the format is not read: its `version` must be {VERSION}")
    return True


def _row(item: Item, keys: Keys) -> Row:
    task = item.value
    if not isinstance(task, dict):
        return Row(item.line, error=f"{item.place}must be an object with the fields of a task")
    draft = Draft(item.line, None, item.place)
    for name, (read, message) in FIELDS.items():
        value = task.get(name)
        if value is None:
            continue
        try:
            draft.task[name] = read(value)
        except (ValidationError, ValueError, TypeError):
            return Row(item.line, error=f"{item.place}{name}: {message}")
    title, description, tags = (draft.task.pop(name, None) for name in ("title", "description", "tags"))
    draft.title(title or "")
    draft.description(description or "")
    for tag in tags or ():
        draft.tag(tag)
    key = None if "id" in draft.task else keys.of(*(task.get(name) for name in ("title", "description", "created_at")))
    return draft.row(key)
