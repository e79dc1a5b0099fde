"""How tasks are answered: their bytes, their headers, and what the API's description shows of them."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from todo import etags
from todo.encoding import encode
from todo.flights import Row
from todo.openapi import NULL
from todo.tasks.models import FIELDS, REVISION

WITH_DELETED_AT = (*FIELDS, "deleted_at")

_Task = msgspec.defstruct("_Task", FIELDS, gc=False)
_TrashedTask = msgspec.defstruct("_TrashedTask", WITH_DELETED_AT, gc=False)
"""What a row is written as: faster than a dict, with the same fields."""

PRIVATE = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
"""What every answer under a user's path carries."""

EXAMPLE = {
    "id": "01930d2c-6f6a-7d2e-9c1b-3f1f5b7a9d10",
    "user_id": "5f0c7f8e-4d3f-4b59-9c39-0d3f6a1f2b77",
    "title": "Water the ferns",
    "description": "The ones in the hall too",
    "completed": False,
    "completed_at": NULL,
    "created_at": "2026-11-22T08:30:00.000000Z",
    "updated_at": "2026-11-22T08:30:00.000000Z",
    "revision": 41,
}
DONE = EXAMPLE | {
    "completed": True,
    "completed_at": "2026-11-22T09:15:30.250000Z",
    "updated_at": "2026-11-22T09:15:30.250000Z",
    "revision": 42,
}

ETAG = "The task's revision, for If-Match and If-None-Match."


def shown(row: Row) -> dict[str, Any]:
    """A task that may be in the trash, of a row with `deleted_at` behind the fields: where it is set, it is shown."""
    task = dict(zip(WITH_DELETED_AT, row, strict=True))
    if task["deleted_at"] is None:
        del task["deleted_at"]
    return task


def as_array(rows: Iterable[Row], *, in_trash: bool = False) -> bytes:
    """The tasks as a JSON array. What stands in a row behind the fields is left out."""
    shape, width = (_TrashedTask, len(WITH_DELETED_AT)) if in_trash else (_Task, len(FIELDS))
    return encode([shape(*row[:width]) for row in rows])


def as_object(row: Row) -> bytes:
    """The task as a JSON object."""
    return encode(_Task(*row))


def one(row: Row, status: int = 200, **headers: str) -> Response:
    """One task, with its ETag."""
    return as_json(as_object(row), status, ETag=etags.strong(row[REVISION]), **headers)


class _Json(Response):
    """JSON with its headers as they go out, where Starlette would make them of a dictionary and look for some."""

    def __init__(self, content: bytes, status: int, headers: Mapping[str, str]) -> None:
        self.body = content
        self.status_code = status
        self.background = None
        self.raw_headers = [
            *_PRIVATE_JSON,
            (b"content-length", b"%d" % len(content)),
            *[(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        ]


_PRIVATE_JSON = [(b"content-type", b"application/json")]
_PRIVATE_JSON += [(name.lower().encode(), value.encode()) for name, value in PRIVATE.items()]


def as_json(content: bytes, status: int = 200, **headers: str) -> Response:
    """What is nobody else's business."""
    return _Json(content, status, headers)


def not_modified(etag: str) -> Response:
    """What the caller has is what there is (RFC 9110 §15.4.5)."""
    return Response(status_code=304, headers=PRIVATE | {"ETag": etag})
