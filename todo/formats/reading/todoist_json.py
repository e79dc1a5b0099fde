"""Todoist's JSON: pages of its REST API, a dump of its sync API, or an array of tasks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from todo.formats.dates import in_zone, instant, moment, zone_named
from todo.formats.draft import Draft
from todo.formats.json_items import Item, items
from todo.formats.keys import Keys
from todo.formats.reading.members import as_list, as_text
from todo.formats.reading.todoist_csv import apply
from todo.formats.reading.todoist_words import Words, understood
from todo.formats.row import Row, Unreadable

LISTS = frozenset({"results", "items", "tasks", "projects", "sections", "notes", "comments"})
TASKS = ("results", "items", "tasks")
PRIORITIES = {4: "urgent", 3: "high", 2: "medium", 1: None}
"""4 is the highest in the API; in files it is 1."""

MAX_COMMENTS = 8_388_608
"""Characters of comments that are held until their tasks come."""


@dataclass(slots=True)
class _Around:
    """What stands around the tasks, anywhere in the file."""

    projects: dict[str, str] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)
    comments: dict[str, list[str]] = field(default_factory=dict)
    too_many_comments: bool = False


def rows(file: BinaryIO, *, time_zone: str | None) -> Iterator[Row]:
    around = _around(file)
    keys = Keys()
    seen = False
    for item in items(file, LISTS):
        kind = item.path[-1] if item.path else ""
        if kind in TASKS or (not kind and not item.is_parent):
            seen = True
            yield from _row(item, around, keys, time_zone)
        elif item.is_parent:
            seen = True
    if not seen:
        raise Unreadable(1, "this is no JSON of Todoist: there are no tasks in `results` or `items`")


def _around(file: BinaryIO) -> _Around:
    found = _Around()
    size = 0
    for item in items(file, LISTS):
        value = item.value
        if not item.path or not isinstance(value, dict):
            continue
        thing = as_text(value.get("id"))
        if item.path[-1] == "projects":
            found.projects[thing] = as_text(value.get("name"))[:200]
        elif item.path[-1] == "sections":
            found.sections[thing] = as_text(value.get("name"))[:200]
        elif item.path[-1] in ("notes", "comments") and not value.get("is_deleted"):
            text = as_text(value.get("content"))
            size += len(text)
            found.too_many_comments |= size > MAX_COMMENTS
            if size <= MAX_COMMENTS:
                found.comments.setdefault(as_text(value.get("item_id") or value.get("task_id")), []).append(text)
    return found


def _row(item: Item, around: _Around, keys: Keys, time_zone: str | None) -> Iterator[Row]:
    task = item.value
    if not isinstance(task, dict):
        yield Row(item.line, error=f"{item.place}must be an object, a task")
        return
    if task.get("is_deleted") is True:
        return
    draft = Draft(item.line, time_zone, item.place)
    task_id = as_text(task.get("id"))
    draft.title(as_text(task.get("content")))
    draft.description(as_text(task.get("description")))
    for comment in around.comments.pop(task_id, ()):
        draft.description(f"Comment: {comment}")
    if around.too_many_comments:
        draft.problem("the file has more than 8 MB of comments; some of them are not imported")
    for tag in (*map(as_text, as_list(task.get("labels"))), around.projects.get(as_text(task.get("project_id")), "")):
        draft.tag(tag)
    if section := around.sections.get(as_text(task.get("section_id"))):
        draft.tag(section)
        draft.problem("its section is kept as a tag")
    if task.get("parent_id"):
        draft.problem("it is a subtask, which there are none of here; it is a task of its own")
    priority = task.get("priority")
    draft.task["priority"] = PRIORITIES.get(priority) if isinstance(priority, int) else None
    draft.task["completed"] = any(task.get(name) is True for name in ("checked", "is_completed"))
    _when(draft, task)
    draft.moment("created_at", instant(task.get("added_at") or task.get("created_at")))
    if completed := instant(task.get("completed_at")):
        draft.task["completed"] = True
        draft.moment("completed_at", completed)
    yield draft.row(keys.of(task_id or task))


def _when(draft: Draft, task: dict[str, Any]) -> None:
    due = task.get("due")
    if isinstance(due, dict):
        zone = as_text(due.get("timezone"))
        draft.time_zone(zone)
        date = moment(due.get("datetime")) or moment(due.get("date"))
        if isinstance(date, datetime) and date.tzinfo and (known := zone_named(zone) if zone else None):
            date = in_zone(date, known)
        draft.due(date)
        words = as_text(due.get("string"))
        if due.get("is_recurring"):
            found = understood(words, as_text(due.get("lang")) or "en")
            lost = "" if found.rule else found.lost or "the repetition is not understood"
            apply(draft, Words(None, found.rule, found.from_completion, lost), words)
        elif not date and words:
            draft.keep("Date", words, "the date is not understood")
    deadline = task.get("deadline")
    text = as_text(deadline.get("date")) if isinstance(deadline, dict) else ""
    if text and "due_date" not in draft.task and moment(text):
        draft.due(moment(text))
        draft.problem("the deadline is the due date, since there is no other")
    elif text:
        draft.keep("Deadline", text, "there are no deadlines besides due dates")
