"""What the methods of a client take by name, as the API names it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypedDict
from uuid import UUID

Due = str | date | datetime
Query = list[tuple[str, str]]


class TaskFields(TypedDict, total=False):
    """The fields of a task that a client writes; None clears one."""

    description: str | None
    completed: bool
    due_date: Due | None
    time_zone: str | None
    priority: str | None
    tags: Sequence[str] | None
    recurrence: str | None
    recurrence_from: str | None
    remind_at: str | datetime | None


class NewTask(TaskFields, total=False):
    """A new task, whose `id` may be chosen."""

    id: str | UUID | None


class TaskEdit(TaskFields, total=False):
    """What to change of a task."""

    title: str


class Filters(TypedDict, total=False):
    """What the list is searched for, and its order (docs/reference/api.md, Finding tasks)."""

    search: str | None
    status: str | None
    completed: bool | None
    priority: str | Sequence[str] | None
    tag: str | Sequence[str] | None
    due: str | None
    due_before: Due | None
    due_after: Due | None
    reminders_from: str | datetime | None
    reminders_to: str | datetime | None
    time_zone: str | None
    sort: str | None


def checked(values: Mapping[str, Any], names: type) -> Mapping[str, Any]:
    """The values. Raises TypeError for one that `names` has not: the server ignores names that it does not know."""
    if unknown := values.keys() - names.__annotations__.keys():
        raise TypeError(f"no field or filter is named {', '.join(sorted(unknown))}")
    return values


def query(values: Mapping[str, Any]) -> Query:
    """Query parameters: None is left out, and a list repeats its name."""
    return [(name, _text(each)) for name, value in values.items() for each in _each(value)]


def _each(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list | tuple | set | frozenset) else (value,)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)  # a datetime is a date


def given(**values: Any) -> dict[str, Any]:
    """Without those that are None."""
    return {name: value for name, value in values.items() if value is not None}
