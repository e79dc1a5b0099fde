"""Repeating tasks: completing one makes the next occurrence, taking that back takes an untouched next one back.

The id of the next task follows from the user, the task before it and the date, so that however often, and from
wherever, a task is completed, there is one next task. What a task knows of its series is in its column `series`: `id`,
the `anchor` from which it is counted with its `anchor_number`, its own `number`, and once it is done the id of the
`next` one. The first task of a series has none until it is done: its id is that of the series.
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import msgspec
from psycopg.errors import UniqueViolation
from sqlalchemy import Text, bindparam, cast, delete, func, insert, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col

from todo.db.statement import Statement
from todo.db.transaction import Transaction
from todo.problems import InsufficientScope, Interrupted
from todo.tasks.fields import WRITABLE
from todo.tasks.patches import json, patched
from todo.tasks.recurrence import Mode, Occurrence, following, occurrence_id
from todo.tasks.recurrence.dues import Due
from todo.tasks.refusals import REFUSED, meaning
from todo.tasks.rows import COLUMNS, COLUMNS_WITH_TRASH, TaskRow, TrashedTaskRow, task_or_none
from todo.tasks.tables import LOGGED, Task
from todo.values import FIRST_YEAR, LAST_YEAR, time_zones

COPIED = ("title", "description", "time_zone", "priority", "tags", "recurrence", "recurrence_from")
"""What an occurrence has of the one before it."""

_mine = col(Task.user_id) == bindparam("user_id")
_this = _mine & (col(Task.id) == bindparam("id"))


class Held(NamedTuple):
    """A task whose row is locked, with what it knows of its series."""

    task: TrashedTaskRow
    series: dict[str, Any] | None

    @property
    def in_trash(self) -> bool:
        return isinstance(self.task.deleted_at, datetime)


_itself = select(cast(col(Task.series)["next"].astext, Task.__table__.c.id.type)).where(_this).scalar_subquery()  # type: ignore[attr-defined] # SQLModel sets it


def _held(*columns: Any) -> Held:
    task = task_or_none(*columns[:-1])
    assert task is not None  # every task has a title
    return Held(task, columns[-1])


LOCK = Statement.of(
    select(*COLUMNS_WITH_TRASH, col(Task.series))
    .where(_mine, or_(col(Task.id) == bindparam("id"), col(Task.id) == _itself))
    .order_by(col(Task.id))
    .with_for_update(key_share=True),
    row=_held,
)
"""The task, and the one that it made, in the order in which every writer locks tasks."""

APPLY = Statement.of(
    update(Task).where(_this).values(**patched((*LOGGED, "deleted_at"))).returning(*COLUMNS), row=TaskRow
)

_new = ("user_id", "id", *WRITABLE, "series")
_fields = func.jsonb_populate_record(literal_column("null::tasks"), cast(bindparam("fields", type_=Text), JSONB))
_record = _fields.table_valued(*_new, name="record")
MAKE = Statement.of(
    insert(Task).from_select(
        [*_new], select(*(_record.c[name] for name in _new)).where(~select(col(Task.id)).where(_this).exists())
    )
)
"""The next task, where there is none with its id: ON CONFLICT would log a creation that is none."""
RESTORE_NEXT = Statement.of(update(Task).where(_this, col(Task.deleted_at).is_not(None)).values(deleted_at=None))
TAKE_BACK = Statement.of(
    delete(Task).where(
        _this, col(Task.deleted_at).is_(None), col(Task.updated_at) == col(Task.created_at), ~col(Task.completed)
    )
)
"""Of what was made by a completion and never touched, nothing is lost: it is purged, so that it can be made again."""
TRASH_NEXT = Statement.of(
    update(Task)
    .where(_this, col(Task.deleted_at).is_(None), col(Task.updated_at) == col(Task.created_at), ~col(Task.completed))
    .values(deleted_at=func.clock_timestamp())
)
"""The same by an agent, which purges nothing: completing the task again restores it."""


async def held(transaction: Transaction, id: UUID | None) -> Held | None:
    """The task with its row locked, or None where there is none."""
    locked = await transaction.fetch(LOCK, id=id)
    return next((each for each in locked if each.task.id == id), None)


async def apply(transaction: Transaction, held: Held, patch: dict[str, Any], time_zone: str | None) -> TaskRow:
    """Set the columns that `patch` names, as JSON has them, and make the next occurrence or take it back.

    `time_zone` is the clock of the person, for a task that has none. Raises TooManyTasks, UserGone,
    UnknownTimeZone or Interrupted.
    """
    before: dict[str, Any] = msgspec.to_builtins({name: getattr(held.task, name) for name in WRITABLE})
    now = before | {name: value for name, value in patch.items() if name in before}
    if now["completed"] != before["completed"]:
        if not now["completed"]:
            if held.series and "next" in held.series:
                transaction.set_completes(on=True)
                take_back = TRASH_NEXT if transaction.of_agent else TAKE_BACK
                transaction.queue(take_back, id=UUID(held.series["next"]))
        elif now["recurrence"] is not None:
            series = patch.get("series") or _series(held, before, now)
            made = _next_task(held.task, now, series, time_zone)
            if made is not None:
                transaction.set_completes(on=True)
                transaction.queue(RESTORE_NEXT, id=made["id"])
                transaction.queue(MAKE, id=made["id"], fields=json(made))
                patch = patch | {"series": series | {"next": made["id"]}}
    try:
        transaction.set_completes(on=False)
        [task] = await transaction.fetch(APPLY, id=held.task.id, patch=json(patch))
    except UniqueViolation:
        if transaction.one_tag:
            raise InsufficientScope(
                "The next task of this series has lost the tag of this token: the user has to complete this one."
            ) from None
        raise Interrupted("The next task was made just now; nothing was changed. Try again.", undone=True) from None
    except REFUSED as error:
        raise meaning(error) from None
    return task


def _series(held: Held, before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """What the task knows of its series, as the trigger has it after an edit of the due date or the rule."""
    first = {"id": held.task.id, "anchor": before["due_date"], "anchor_number": 1, "number": 1}
    series = {**(held.series or first)}
    if now["recurrence"] != before["recurrence"]:
        return series | {"anchor": now["due_date"], "anchor_number": 1, "number": 1}
    if (now["due_date"], now["time_zone"]) != (before["due_date"], before["time_zone"]):
        return series | {"anchor": now["due_date"], "anchor_number": series["number"]}
    return series


def _next_task(
    task: TaskRow, fields: dict[str, Any], series: dict[str, Any], time_zone: str | None
) -> dict[str, Any] | None:
    """The columns of the next task, or None at the end of the series."""
    moment = datetime.now(UTC)
    due, zone = fields["due_date"], fields["time_zone"]
    if zone not in time_zones():  # none, or one that is no longer known
        zone = None
    if zone is None and (due is None or Due.parse(due).form != "instant"):
        zone = time_zone
    if due is None:
        due = moment.astimezone(ZoneInfo(zone or "UTC")).date().isoformat()
    if series["anchor"] is None:
        series |= {"anchor": due, "anchor_number": series["number"]}
    current = Occurrence(due, series["number"])
    anchor = Occurrence(series["anchor"], series["anchor_number"])
    mode: Mode = "completion" if fields["recurrence_from"] == "completion" else "due"
    occurrence = following(fields["recurrence"], mode, anchor=anchor, current=current, time_zone=zone, now=moment)
    if occurrence is None:
        return None
    return {
        **{name: fields[name] for name in COPIED},
        "id": occurrence_id(uuid5(task.id, task.user_id), occurrence.due),
        "user_id": task.user_id,
        "completed": False,
        "due_date": occurrence.due,
        "remind_at": _moved(fields["remind_at"], due, occurrence.due, zone),
        "series": {name: value for name, value in series.items() if name != "next"} | {"number": occurrence.number},
    }


def _moved(remind_at: str | None, due: str, following: str, zone: str | None) -> str | None:
    """The reminder as long before the next due date as it was before this one, in local time; None beyond its years."""
    if remind_at is None:
        return None
    clock = ZoneInfo(zone or "UTC")
    reminded = datetime.fromisoformat(remind_at).astimezone(clock).replace(tzinfo=None)
    try:
        moved = reminded + (Due.parse(following).seen_in(clock) - Due.parse(due).seen_in(clock))
    except OverflowError:
        return None
    if not FIRST_YEAR < moved.year < LAST_YEAR:
        return None
    return moved.replace(tzinfo=clock).astimezone(UTC).isoformat()
