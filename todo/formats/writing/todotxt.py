"""todo.txt: a task on each line. Descriptions, times of day, reminders and some rules have no place in it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

PRIORITIES = {"urgent": "A", "high": "B", "medium": "C", "low": "D"}
UNITS = {"DAILY": "d", "WEEKLY": "w", "MONTHLY": "m", "YEARLY": "y"}

_RULE = re.compile(r"FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(?:;INTERVAL=(\d+))?")


def pieces(tasks: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    for task in tasks:
        yield (" ".join(_words(task)) + "\n").encode()


def _words(task: Mapping[str, Any]) -> Iterator[str]:
    created, letter = (task.get("created_at") or "")[:10], PRIORITIES.get(task.get("priority") or "")
    if task.get("completed"):
        completed = (task.get("completed_at") or task.get("created_at") or "")[:10]
        yield "x"
        if completed:
            yield completed
    elif letter:
        yield f"({letter})"
    if created:
        yield created
    yield task["title"]
    for tag in task.get("tags") or ():
        yield "@" + re.sub(r"[\s%]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), tag)
    if task.get("due_date"):
        yield f"due:{task['due_date'][:10]}"
    if rule := _recurrence(task):
        yield rule
    if letter and task.get("completed"):
        yield f"pri:{letter}"


def _recurrence(task: Mapping[str, Any]) -> str:
    """`rec:+2w`; empty for a rule that cannot be written so."""
    rule = task.get("recurrence") or ""
    found = _RULE.fullmatch(rule if "=" in rule else f"FREQ={rule.upper()}")
    if not found:
        return ""
    return f"rec:{'' if task.get('recurrence_from') == 'completion' else '+'}{found[2] or 1}{UNITS[found[1]]}"
