"""Which tasks a list shows: the conditions, each with a name, and their values.

A list's statement is made for a set of names; the values are its parameters.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ARRAY, Boolean, ColumnElement, DateTime, Text, and_, any_, bindparam, cast, func, or_, select
from sqlmodel import col

from todo.db.statement import text_array
from todo.tasks import due
from todo.tasks.search import MATCHES
from todo.tasks.shapes import Status
from todo.tasks.tables import Task

Due = Literal["overdue", "today", "week", "none"]

_priorities = col(Task.priority) == any_(bindparam("priorities", type_=ARRAY(Text)))
_lower_tags: Any = cast(func.lower(cast(col(Task.tags), Text)), ARRAY(Text))
_wanted_tags = select(cast(func.lower(bindparam("tags", type_=Text)), ARRAY(Text))).scalar_subquery()
"""Folded by the database as those of the tasks are: what case is depends on its locale."""

CONDITIONS: dict[str, ColumnElement[bool]] = {
    "live": col(Task.deleted_at).is_(None),
    "deleted": col(Task.deleted_at).is_not(None),
    "completed": col(Task.completed) == bindparam("completed", type_=Boolean),
    "search": MATCHES,
    "priorities": _priorities,
    "priorities_or_none": or_(col(Task.priority).is_(None), _priorities),
    "tags": and_(col(Task.tags) != cast("{}", ARRAY(Text)), _lower_tags.op("@>")(_wanted_tags)),
    "due_overdue": due.OVERDUE,
    "due_today": due.DUE_TODAY,
    "due_week": due.DUE_WEEK,
    "due_none": due.DUE_NONE,
    "due_before": due.bound("due_before", before=True, instant=False),
    "due_before_instant": due.bound("due_before", before=True, instant=True),
    "due_after": due.bound("due_after", before=False, instant=False),
    "due_after_instant": due.bound("due_after", before=False, instant=True),
    "reminders_from": col(Task.remind_at) >= bindparam("reminders_from", type_=DateTime(timezone=True)),
    "reminders_to": col(Task.remind_at) < bindparam("reminders_to", type_=DateTime(timezone=True)),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What the tasks of a list have in common. None and empty ones are no condition."""

    status: Status = "all"
    search: str | None = None
    priorities: tuple[str | None, ...] = ()
    """Any of them; None for tasks without one."""
    tags: tuple[str, ...] = ()
    """All of them, without regard to case."""
    due: Due | None = None
    due_before: datetime | None = None
    """An instant, or where it has no zone, a local time in `time_zone`; so is the next."""
    due_after: datetime | None = None
    reminders_from: datetime | None = None
    reminders_to: datetime | None = None
    time_zone: str = "UTC"
    completed: bool | None = None
    """Together with `status`, of which only `all` and `deleted` leave it open."""

    @property
    def by_status_alone(self) -> bool:
        return self == Filter(self.status, time_zone=self.time_zone)

    @property
    def by_clock(self) -> bool:
        """Whether the tasks that it shows change as time goes by."""
        return self.due in {"overdue", "today", "week"}

    @property
    def is_completed(self) -> bool | None:
        return {"completed": True, "pending": False}.get(self.status, self.completed)

    @property
    def conditions(self) -> tuple[str, ...]:
        """The names of its conditions, always in the same order."""
        given = {
            "deleted" if self.status == "deleted" else "live": True,
            "completed": self.is_completed is not None,
            "search": self.search,
            "priorities_or_none" if None in self.priorities else "priorities": self.priorities,
            "tags": self.tags,
            f"due_{self.due}": self.due,
            _by_kind("due_before", self.due_before): self.due_before,
            _by_kind("due_after", self.due_after): self.due_after,
            "reminders_from": self.reminders_from,
            "reminders_to": self.reminders_to,
        }
        return tuple(name for name, value in given.items() if value)

    @property
    def values(self) -> dict[str, Any]:
        """The values of all parameters that the conditions may have."""
        return {
            "completed": self.is_completed,
            "search": self.search,
            "priorities": text_array(name for name in self.priorities if name is not None),
            "tags": text_array(self.tags),
            "due_before": self.due_before,
            "due_after": self.due_after,
            "reminders_from": self.reminders_from,
            "reminders_to": self.reminders_to,
            "time_zone": self.time_zone,
        }


def _by_kind(name: str, moment: datetime | None) -> str:
    return f"{name}_instant" if moment is not None and moment.tzinfo else name
