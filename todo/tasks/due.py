"""When tasks are due, as somebody in a time zone reads it: conditions on `due_date`, all in SQL.

A day, and a local time without a zone of its own, mean the same reading of the clock everywhere. A local time with a
zone, and an instant, are moments, which the clock in the parameter `time_zone` reads. Beside each exact condition
stands a range of `due_at`, which holds those readings as if the clock were in UTC, so that its index serves.
"""

from typing import Any

from sqlalchemy import ColumnElement, DateTime, Text, and_, bindparam, case, func, literal_column, or_, select
from sqlmodel import col

from todo.tasks.tables import Task

_Bound = Any  # ColumnElement, which a column of SQLModel is to SQLAlchemy, and not to mypy

_zone = bindparam("time_zone", type_=Text)
_utc: _Bound = literal_column("'UTC'")
_MARGIN: _Bound = literal_column("interval '16 hours'")
"""More than any zone has ever been from UTC in the years of due dates."""

_due_at: _Bound = col(Task.due_at)
_is_day = func.length(col(Task.due_date)) == literal_column("10")
_is_reading = or_(
    _is_day, and_(col(Task.time_zone).is_(None), col(Task.due_date).op("!~")(literal_column("'(Z|[+-]..:..)$'")))
)
_shown: _Bound = func.timezone(case((_is_reading, _utc), else_=_zone), _due_at)
"""What the clock there shows when the task is due: a timestamp without a time zone."""


def once(value: _Bound) -> _Bound:
    """In a subquery, which is evaluated once and not for every row."""
    return select(value).scalar_subquery()


_now_there = func.timezone(_zone, func.now())
TODAY: _Bound = func.date_trunc(literal_column("'day'"), _now_there)
"""The beginning of the day there."""


def _days(count: int) -> ColumnElement[bool]:
    """Due from today through `count` days."""
    end = TODAY.op("+")(literal_column(f"interval '{count} days'"))
    return and_(
        _due_at >= once(func.timezone(_utc, TODAY).op("-")(_MARGIN)),
        _due_at < once(func.timezone(_utc, end).op("+")(_MARGIN)),
        _shown >= once(TODAY),
        _shown < once(end),
    )


_past = case(
    (_is_day, _shown < once(TODAY)),
    (_is_reading, _shown < once(_now_there)),
    else_=_due_at < once(func.now()),
)
OVERDUE: ColumnElement[bool] = and_(~col(Task.completed), _due_at < once(func.now().op("+")(_MARGIN)), _past)
DUE_TODAY = _days(1)
DUE_WEEK = _days(7)
DUE_NONE: ColumnElement[bool] = _due_at.is_(None)


def bound(name: str, *, before: bool, instant: bool) -> ColumnElement[bool]:
    """Due before the parameter `name`, or not before it: a local time there, or an instant."""
    given: _Bound = bindparam(name, type_=DateTime(timezone=instant))
    moment, reading = (given, func.timezone(_zone, given)) if instant else (func.timezone(_zone, given), given)
    coarse = given if instant else func.timezone(_utc, given)
    if before:
        exact = case((_is_reading, _shown < once(reading)), else_=_due_at < once(moment))
        return and_(_due_at < once(coarse.op("+")(_MARGIN)), exact)
    exact = case((_is_reading, _shown >= once(reading)), else_=_due_at >= once(moment))
    return and_(_due_at >= once(coarse.op("-")(_MARGIN)), exact)
