"""The rows of a file as tasks to create: validated like those of the API, with the times of the past."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec
from pydantic import AwareDatetime, ValidationError
from sqlmodel import Field

from todo.formats import Row
from todo.problems import Invalid
from todo.tasks.fields import WRITABLE
from todo.tasks.shapes import NewTask
from todo.tasks.tables import TRASH_KEPT

KEYS = UUID("6f2f3f0a-9b0e-5f0c-8d4e-2b7a1c9e5d31")
"""The namespace of the ids that are made of keys (RFC 9562 §5.5). Another one would import every file again."""

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)

LONGEST_IN_TRASH = TRASH_KEPT - timedelta(days=7)
"""What was deleted before counts as deleted then, so that it is not purged within a week of its import."""

TIMES = ("created_at", "completed_at", "deleted_at")


class _Imported(NewTask):
    """A task of a file."""

    created_at: AwareDatetime | None = Field(None)
    completed_at: AwareDatetime | None = Field(None)
    deleted_at: AwareDatetime | None = Field(None)


class Problem(msgspec.Struct, frozen=True):
    """What is lost of a row, or keeps it from being imported, as it is encoded."""

    line: int
    message: str


@dataclass(slots=True)
class Item:
    """A row of a file: the task to create, in JSON's values, or the errors that keep it from being imported."""

    line: int
    values: dict[str, Any] | None
    position: str | None = None
    problems: tuple[str, ...] = ()
    errors: tuple[dict[str, Any], ...] = ()
    """As a 422 has them."""


def item_of(row: Row, format: str, user_id: str, now: datetime) -> Item:
    """The item of a row that was read at `now`, in a file of this format of this user."""
    if row.task is None:
        return _refused(row, [{"loc": (), "msg": row.error or "cannot be imported", "type": "value_error"}])
    given = row.task
    if given.get("id") is None and row.key is not None:
        given = given | {"id": uuid5(KEYS, f"{user_id}\n{format}\n{row.key}")}
    try:
        task = _Imported.model_validate(given)
    except ValidationError as error:
        return _refused(row, error.errors(include_url=False))
    if task.id is None:
        return _refused(row, [{"loc": ("id",), "msg": "is missing", "type": "missing"}])
    problems = row.problems
    values: dict[str, Any] = {name: getattr(task, name) for name in WRITABLE}
    values |= {"id": task.id, "tags": task.tags or []}
    for name in TIMES:
        moment: datetime | None = getattr(task, name)
        if moment is not None:
            bounded = min(max(moment, EARLIEST), now)
            if bounded != moment:
                problems = (*problems, f"{name}: is put into the years from 1970 to now")
            if name == "deleted_at":
                bounded = max(bounded, now - LONGEST_IN_TRASH)
            values[name] = bounded.astimezone(UTC)
    return Item(row.line, values, given.get("position"), problems)


def _refused(row: Row, errors: list[Any]) -> Item:
    kept = Invalid.of({**each, "loc": ("body", row.line, *each["loc"])} for each in errors).members["errors"]
    return Item(row.line, None, None, row.problems, tuple(kept))


def said(error: dict[str, Any]) -> str:
    """An error of a row as a sentence."""
    place = ".".join(str(part) for part in error["loc"][2:] if not isinstance(part, int))
    return f"{place}: {error['msg']}" if place else str(error["msg"])
