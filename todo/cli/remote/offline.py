"""`todo ls --offline`: the view of the copy that `todo sync` made, found here as the API would find it."""

import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from todo.cli.errors import CommandError, UsageError
from todo.cli.remote.connection import account, errors_in_one_line, opened
from todo.cli.remote.dates import clock_of, day_of, is_overdue, local_now
from todo.cli.remote.known import state_file
from todo.cli.remote.views import View

if TYPE_CHECKING:
    from todo.client import Task

_URGENCY = {"low": 1, "medium": 2, "high": 3, "urgent": 4}
_KEYS: dict[str, Callable[["Task"], Any]] = {
    "created": lambda task: task.created_at,
    "updated": lambda task: task.updated_at,
    "title": lambda task: task.title.lower(),
    "position": lambda task: (task.position, task.id),
    "due_date": lambda task: _moment(task) if task.due_date else None,
    "priority": lambda task: _URGENCY.get(task.priority or ""),
}
"""What tasks are sorted by; those without come last, in both directions."""


def copied_tasks(view: View) -> "list[Task]":
    """The tasks of the view. Raises CommandError where there is no copy, UsageError for the trash."""
    if view.name == "trash":
        raise UsageError("--trash: the copy has no trash; leave --offline out")
    now = local_now()
    found = [task for task in _copy() if _is_in(task, view, now)]
    order = view.order() or "position"
    if order.removeprefix("-") == "relevance":
        order = "-updated"
    key = _KEYS[order.removeprefix("-")]
    with_key = sorted((task for task in found if key(task) is not None), key=key, reverse=order.startswith("-"))
    return [*with_key, *(task for task in found if key(task) is None)][: view.limit]


def _copy() -> "list[Task]":
    from todo.client import LocalCopy

    file, chosen = state_file("copy"), account()
    if not file.exists():
        raise CommandError(f"there is no copy of the tasks at {chosen.url} yet: `todo sync` makes one")
    with errors_in_one_line(chosen), opened(chosen) as client, LocalCopy(client, file) as copy:
        return [*copy.tasks()]


def _is_in(task: "Task", view: View, now: datetime) -> bool:
    if view.name != "all" and task.completed != (view.name == "done"):
        return False
    if view.priority and (task.priority or "none") not in view.priority.lower().split(","):
        return False
    tags = {tag.lower() for tag in task.tags}
    if not all(tag.lower() in tags for tag in view.tags):
        return False
    return _has_words(task, view.search or "") and _is_due(task, view, now)


def _is_due(task: "Task", view: View, now: datetime) -> bool:
    wanted = "today or before" if view.is_today else view.due
    if wanted is None or not task.due_date:
        return wanted in {None, "none"}
    due = clock_of(task.due_date, task.time_zone)
    day, today = day_of(due), now.date()
    match wanted:
        case "today or before":
            return day <= today
        case "overdue":
            return not task.completed and is_overdue(due, now)
        case "today":
            return day == today
        case "week":
            return today <= day < today + timedelta(days=7)
        case "none":
            return False
    return day == date.fromisoformat(wanted)


def _has_words(task: "Task", search: str) -> bool:
    """As the API searches: all words, in any order, the last one as a beginning, without case and accents."""
    *whole, last = _words(search) or [""]
    words = _words(f"{task.title} {task.description or ''}")
    return all(word in words for word in whole) and any(word.startswith(last) for word in words or [""])


def _words(text: str) -> list[str]:
    plain = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    return "".join(each if each.isalnum() else " " for each in plain.casefold()).split()


def _moment(task: "Task") -> datetime:
    due = clock_of(task.due_date or "", task.time_zone)
    return due if isinstance(due, datetime) else datetime.combine(due, time())
