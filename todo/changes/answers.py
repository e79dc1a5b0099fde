"""How changes are answered."""

from datetime import UTC, datetime
from typing import Any

from todo.changes.actions import CHANGE
from todo.encoding import encode
from todo.flights import Row
from todo.openapi import NULL
from todo.tasks import answers as tasks
from todo.tasks.models import FIELDS

EXAMPLE = {
    "revision": 42,
    "task_id": tasks.EXAMPLE["id"],
    "kind": "update",
    "at": tasks.DONE["updated_at"],
    "via": "session",
    "undoes": NULL,
    "task": tasks.DONE,
}
PAST = EXAMPLE | {"before": {"completed": False}}

_TASK = slice(len(CHANGE), len(CHANGE) + len(FIELDS) + 1)
_TITLE = len(CHANGE) + FIELDS.index("title")


def shown(row: Row) -> dict[str, Any]:
    """A change as the API shows it; what is purged has no title any more."""
    return {
        **dict(zip(CHANGE, row, strict=False)),
        "task": tasks.shown(row[_TASK]) if row[_TITLE] is not None else None,
    }


def past(row: Row) -> dict[str, Any]:
    """A change as a task's history shows it."""
    before = row[-1]
    if before and before.get("deleted_at"):  # as the database writes a time in JSON
        before = before | {"deleted_at": datetime.fromisoformat(before["deleted_at"]).astimezone(UTC)}
    return shown(row) | {"before": before}


def event(row: Row) -> bytes:
    """The data of a server-sent event."""
    return encode(shown(row))
