"""A summary of a user's tasks: how many there are of each kind, and how many were completed on each day."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Query
from psycopg.errors import InvalidParameterValue
from pydantic import BaseModel, Field
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    DateTime,
    Integer,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlmodel import col
from starlette.responses import Response

from todo.api.dependencies import UserDatabase
from todo.api.openapi.vocabulary import ANY, answers, shows
from todo.api.route import OwnerRoute
from todo.db.database import ScopedDatabase
from todo.db.statement import Statement
from todo.http.json import encode
from todo.http.responses import private_json
from todo.problems import Invalid
from todo.tasks import due
from todo.tasks.errors import UnknownTimeZone
from todo.tasks.tables import Task
from todo.values import TimeZone

DAYS = 90
MAX_SUMMARY_TAGS = 100


class StatusCounts(BaseModel):
    """How many tasks there are; those in the trash are `deleted`, whether completed or not."""

    pending: int = Field(description="Not completed.")
    completed: int = Field(description="Completed.")
    deleted: int = Field(description="In the trash.")


class DueCounts(BaseModel):
    """Of the pending tasks. One may count twice: what is due earlier today is overdue, and today is in the week."""

    overdue: int = Field(description="As `due=overdue` finds.")
    today: int = Field(description="Of the pending tasks, as `due=today` finds.")
    week: int = Field(description="As `due=week` finds.")
    none: int = Field(description="Without a due date.")


class TagCount(BaseModel):
    """A tag, and how many tasks outside the trash have it, without regard to case."""

    tag: str = Field(description="In one of its spellings.")
    count: int = Field(description="Tasks outside the trash.")


class DayCount(BaseModel):
    """A day, and how many tasks were completed on it, and still are."""

    date: dt.date = Field(description="In the time zone.")
    count: int = Field(description="Tasks outside the trash.")


class Summary(BaseModel):
    """A user's tasks in numbers."""

    total: int = Field(description="Tasks outside the trash.")
    status: StatusCounts = Field(description="By status.")
    due: DueCounts = Field(description="By due date.")
    tags: list[TagCount] = Field(description="The 100 that are used most, the most used first.")
    completed_per_day: list[DayCount] = Field(description="The last 90 days in the time zone, the oldest first.")


_zone = bindparam("time_zone", type_=Text)
_live = col(Task.deleted_at).is_(None)
_pending = and_(_live, ~col(Task.completed))
_today = cast(due.TODAY, Date)


def _count(*conditions: Any) -> Any:
    return func.count().filter(and_(*conditions))


_counts = (
    select(
        _count(_pending).label("pending"),
        _count(_live, col(Task.completed)).label("completed"),
        _count(~_live).label("deleted"),
        _count(_pending, due.OVERDUE).label("overdue"),
        _count(_pending, due.DUE_TODAY).label("today"),
        _count(_pending, due.DUE_WEEK).label("week"),
        _count(_pending, due.DUE_NONE).label("none"),
    )
    .where(col(Task.user_id) == bindparam("user_id"))
    .subquery("counts")
)
_each = (
    select(func.unnest(col(Task.tags), type_=Text).label("tag"))
    .where(col(Task.user_id) == bindparam("user_id"), _live, col(Task.tags) != cast("{}", ARRAY(Text)))
    .subquery("each")
)
_spelling = func.min(_each.c.tag.collate("C"))
_used = (
    select(_spelling.label("tag"), func.count().label("count"))
    .group_by(func.lower(_each.c.tag))
    .order_by(func.count().desc(), _spelling)
    .limit(literal_column(str(MAX_SUMMARY_TAGS)))
    .subquery("used")
)
_tags = select(
    func.array_agg(aggregate_order_by(_used.c.tag, _used.c.count.desc(), _used.c.tag)).label("names"),
    func.array_agg(aggregate_order_by(_used.c.count, _used.c.count.desc(), _used.c.tag)).label("counts"),
).subquery("tags")
_first = _today.op("-")(literal_column(str(DAYS - 1)))
_day = cast(func.timezone(_zone, col(Task.completed_at)), Date)
_done = (
    select(_day.label("day"), func.count().label("count"))
    .where(
        col(Task.user_id) == bindparam("user_id"),
        _live,
        col(Task.completed_at) >= due.once(func.timezone(_zone, cast(_first, DateTime))),
    )
    .group_by(_day)
    .subquery("done")
)
_back = select(
    func.generate_series(literal_column("0"), literal_column(str(DAYS - 1)), type_=Integer).label("back")
).subquery("back")
_days = (
    select(
        func.min(_first).label("first"),
        func.array_agg(
            aggregate_order_by(func.coalesce(_done.c.count, literal_column("0")), _back.c.back), type_=ARRAY(BigInteger)
        ).label("counts"),
    )
    .select_from(_back.outerjoin(_done, _done.c.day == _first.op("+")(_back.c.back)))
    .subquery("days")
)

SUMMARY = Statement.of(
    select(*_counts.c, *_tags.c, *_days.c).select_from(_counts.join(_tags, true()).join(_days, true())),
    read_only=True,
)
"""All in one snapshot."""

ZONE_PARAMETER = Query(
    description="Whose days and whose now are meant: a name of the IANA database; UTC by default.",
    examples=["Europe/Berlin"],
)
EXAMPLE = {
    "total": 3,
    "status": {"pending": 2, "completed": 1, "deleted": 0},
    "due": {"overdue": 0, "today": 1, "week": 1, "none": 1},
    "tags": [{"tag": "home", "count": 2}],
    "completed_per_day": [{"date": "2027-02-28", "count": 0}, {"date": "2027-03-01", "count": 1}],
}

router = APIRouter(prefix="/api/{user_id}/summary", tags=["tasks"], route_class=OwnerRoute, responses={**ANY})


async def summarise(db: ScopedDatabase, time_zone: str) -> Summary:
    """The user's tasks in numbers, with days as they are in this time zone. Raises UnknownTimeZone."""
    try:
        [row] = await db.run(SUMMARY, time_zone=time_zone)
    except InvalidParameterValue:
        raise UnknownTimeZone("query") from None
    pending, completed, deleted, overdue, today, week, none, names, counts, first, per_day = row
    return Summary(
        total=pending + completed,
        status=StatusCounts(pending=pending, completed=completed, deleted=deleted),
        due=DueCounts(overdue=overdue, today=today, week=week, none=none),
        tags=[TagCount(tag=tag, count=count) for tag, count in zip(names or (), counts or (), strict=True)],
        completed_per_day=[DayCount(date=first + dt.timedelta(at), count=count) for at, count in enumerate(per_day)],
    )


@router.get("", response_model=Summary, responses={200: shows(EXAMPLE, "The numbers."), **answers(Invalid)})
async def summary(db: UserDatabase, time_zone: Annotated[TimeZone, ZONE_PARAMETER] = "UTC") -> Response:
    """Count the user's tasks.

    By status, by due date and by tag, and how many were completed on each of the last 90 days.
    """
    return private_json(encode((await summarise(db, time_zone)).model_dump()))
