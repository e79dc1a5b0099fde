"""Our own JSON, version 1 (docs/reference/export-format.md, contracts/export.schema.json)."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

FIELDS = (
    "title",
    "description",
    "completed",
    "due_date",
    "time_zone",
    "priority",
    "tags",
    "recurrence",
    "recurrence_from",
    "remind_at",
    "id",
    "completed_at",
    "created_at",
    "updated_at",
)
"""Of a task, in the order in which they are written."""

Task = Mapping[str, Any]


def pieces(
    tasks: Iterable[Task], trash: Iterable[Task], user: Mapping[str, Any] | None, exported_at: str | None
) -> Iterator[bytes]:
    head: dict[str, Any] = {"format": "todo", "version": 1, "exported_at": exported_at}
    if user is not None:
        head["user"] = dict(user)
    yield _json(head)[:-1]
    for name, some, fields in (("tasks", tasks, FIELDS), ("trash", trash, (*FIELDS, "deleted_at"))):
        yield f',\n"{name}": ['.encode()
        before = b"\n"
        for task in some:
            yield before + _json({field: task[field] for field in fields if field in task})
            before = b",\n"
        yield b"\n]"
    yield b"\n}\n"


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
