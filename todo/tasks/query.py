"""The query of the list: its parameters, by all the names that front ends send them, as one Listing."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, get_args
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import Depends, Query
from starlette.types import Scope

from todo.problems import Invalid
from todo.tasks.cursors import Cursor
from todo.tasks.fields import MAX_TAGS, Tag
from todo.tasks.filters import Due, Filter
from todo.tasks.lists import Listing
from todo.tasks.query_types import Direction, Flag, Priorities, Sort, TagsBetweenCommas
from todo.tasks.search import Words
from todo.tasks.shapes import Status
from todo.tasks.sorting import NEWEST_FIRST
from todo.values import DueDate, Instant, TimeZone, folded

MAX_OFFSET = 10_000
NUMBERED_LIMIT = 50
"""The size of a page that is asked for by its number, or by how many come before it."""

PLACE = {"limit", "cursor", "page", "offset", "skip"}
"""Parameters that say where a page is."""
LIMIT_ALONE = re.compile(b"limit=[0-9]+")
MAX_TARGET = 8000
"""Characters of a path and query; the server refuses more than 8 KiB."""


NOTHING_ELSE = (None,) * 22
"""The other parameters of a request that names a status and a limit at most, which is what most requests do."""
PLAIN: dict[str, Listing] = {status: Listing(Filter(status), NEWEST_FIRST) for status in get_args(Status)}


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a request asks of the list."""

    listing: Listing
    limit: int | None
    after: Cursor | None


async def _list_query(
    status: Annotated[Status, Query(description="Which tasks; `deleted` for those in the trash.")] = "all",
    limit: Annotated[int | None, Query(ge=1, le=1000, description="The size of a page; without it all come.")] = None,
    cursor: Annotated[str | None, Query(description="Where the page starts: taken from a `Link` header.")] = None,
    search: Annotated[
        Words | None,
        Query(
            description="Words that title or description have, without regard to case and accents, the last one as a "
            "prefix. The best match comes first, unless `sort` says otherwise.",
            examples=["water fer"],
        ),
    ] = None,
    completed: Annotated[Flag | None, Query(description="Only tasks that are done, or are not.")] = None,
    priority: Annotated[
        Priorities | None,
        Query(
            description="Tasks with one of these priorities, between commas; `none` for those without.",
            openapi_examples={"high,medium": {"value": ["high", "medium"]}},
        ),
    ] = None,
    tag: Annotated[
        list[Tag] | None,
        Query(
            description="A tag that the tasks have, without regard to case; repeated, all of them.",
            openapi_examples={"home": {"value": ["home"]}},
        ),
    ] = None,
    due: Annotated[
        Due | None,
        Query(
            description="`overdue`: not completed, and due before now, or on a day before today; `today`; `week`: from "
            "today through the six days after; `none`: without a due date."
        ),
    ] = None,
    time_zone: Annotated[
        TimeZone | None,
        Query(
            description="Where `today` and `now` are meant, and days and local times in `due_before` and `due_after`: "
            "a name of the IANA database; UTC by default.",
            examples=["Europe/Berlin"],
        ),
    ] = None,
    due_before: Annotated[
        DueDate | None,
        Query(
            description="Due before this day, local time or instant; a day is its beginning.", examples=["2027-03-02"]
        ),
    ] = None,
    due_after: Annotated[
        DueDate | None, Query(description="Due at this day, local time or instant, or later.", examples=["2027-03-01"])
    ] = None,
    reminders_from: Annotated[
        Instant | None,
        Query(description="With a reminder at this instant or later.", examples=["2027-03-01T00:00:00Z"]),
    ] = None,
    reminders_to: Annotated[
        Instant | None, Query(description="With a reminder before this instant.", examples=["2027-03-02T00:00:00Z"])
    ] = None,
    sort: Annotated[
        Sort | None,
        Query(
            description="The order, ascending, or with `-` descending; `-created` by default. `-priority`: the most "
            "urgent first; tasks without a value come last either way. `relevance`, with `search`: the best first.",
            examples=["-priority", "due_date"],
        ),
    ] = None,
    offset: Annotated[
        int | None,
        Query(
            ge=0,
            le=MAX_OFFSET,
            description=f"How many tasks to leave out; `limit` is {NUMBERED_LIMIT} then by default. Slower than the "
            "cursor of the `Link` header, and tasks that come and go meanwhile shift the pages.",
        ),
    ] = None,
    page: Annotated[
        int | None,
        Query(
            ge=1,
            le=MAX_OFFSET + 1,
            description="The number of the page, from 1. As for `offset`.",
        ),
    ] = None,
    q: Annotated[Words | None, Query(description="The same as `search`.", examples=["fern"])] = None,
    is_completed: Annotated[Flag | None, Query(description="The same as `completed`.")] = None,
    status_filter: Annotated[Status | None, Query(description="The same as `status`.")] = None,
    tags: Annotated[
        TagsBetweenCommas | None,
        Query(
            description="The same as `tag`, with commas between several.",
            openapi_examples={"home,garden": {"value": ["home,garden"]}},
        ),
    ] = None,
    sort_by: Annotated[Sort | None, Query(description="The same as `sort`.", examples=["title"])] = None,
    sort_order: Annotated[Direction | None, Query(description="The direction of `sort`.")] = None,
    order: Annotated[Direction | None, Query(description="The same as `sort_order`.")] = None,
    skip: Annotated[int | None, Query(ge=0, le=MAX_OFFSET, description="The same as `offset`.")] = None,
) -> ListQuery:
    filters = (search, completed, priority, tag, due, time_zone, due_before, due_after, reminders_from, reminders_to)
    aliases = (q, is_completed, status_filter, tags, sort_by, sort_order, order, skip)
    if (cursor, sort, offset, page, *filters, *aliases) == NOTHING_ELSE:
        return ListQuery(PLAIN[status], limit, None)
    if status == "all" and status_filter is not None:
        status = status_filter
    _same(status=status, status_filter=status_filter)
    done = _same(completed=completed, is_completed=is_completed)
    if done is not None:
        _same(status={"completed": True, "pending": False}.get(status), completed=done)
        status = status if status == "deleted" else "completed" if done else "pending"
    words = _same(search=search or None, q=q or None)
    numbered = _offset(limit, cursor, page=page, offset=_same(offset=offset, skip=skip))
    listing = Listing(
        Filter(
            status,
            search=words,
            priorities=tuple({None if name == "none" else name: None for name in priority or ()}),
            tags=_all_tags([*(tag or ()), *(tags or ())]),
            due=due,
            due_before=datetime.fromisoformat(due_before) if due_before else None,
            due_after=datetime.fromisoformat(due_after) if due_after else None,
            reminders_from=reminders_from,
            reminders_to=reminders_to,
            time_zone=time_zone or "UTC",
            completed=done if status == "deleted" else None,
        ),
        _order(
            _same(sort=sort, sort_by=sort_by), _same(sort_order=sort_order, order=order), searched=words is not None
        ),
        numbered or 0,
    )
    if limit is None and numbered is not None:
        limit = NUMBERED_LIMIT
    return ListQuery(listing, limit, _cursor(cursor, listing.sort))


ListQueryParams = Annotated[ListQuery, Depends(_list_query)]


def next_page(scope: Scope, cursor: Cursor, limit: int) -> str:
    """The path and query of the next page: the same request, from the cursor on."""
    if LIMIT_ALONE.fullmatch(scope["query_string"]):
        return f"{quote(scope['path'])}?limit={limit}&cursor={cursor}"
    given = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    kept = [(name, value) for name, value in given if name not in PLACE]
    following = f"{quote(scope['path'])}?{urlencode([*kept, ('limit', limit), ('cursor', cursor)])}"
    if len(following) > MAX_TARGET:
        raise Invalid.at("query", msg="is too long to be repeated with a cursor: send fewer tags or words")
    return following


def _same(**values: Any) -> Any:
    """The one value of parameters that mean the same, of which some may be None. Raises Invalid where they differ."""
    given = [(name, value) for name, value in values.items() if value is not None]
    for name, value in given[1:]:
        if value != given[0][1]:
            raise Invalid.at("query", name, msg=f"contradicts {given[0][0]}: send one of the two")
    return given[0][1] if given else None


def _all_tags(tags: list[str]) -> tuple[str, ...]:
    distinct = {folded(tag): tag for tag in tags}
    if len(distinct) > MAX_TAGS:
        raise Invalid.at("query", "tag", msg=f"a task may have {MAX_TAGS} tags, so more find nothing")
    return tuple(distinct.values())


def _offset(limit: int | None, cursor: str | None, *, page: int | None, offset: int | None) -> int | None:
    """How many tasks to leave out, or None where the request does not count."""
    if page is not None:
        before = (page - 1) * (limit or NUMBERED_LIMIT)
        if before > MAX_OFFSET:
            raise Invalid.at(
                *("query", "page"),
                msg=f"begins behind {MAX_OFFSET} tasks: follow the Link header to the next page instead",
            )
        offset = _same(offset=offset, page=before)
    if offset is not None and cursor is not None:
        name = "offset" if page is None else "page"
        raise Invalid.at("query", name, msg="cannot come with a cursor, which says where the page starts")
    return offset


def _order(sort: str | None, direction: str | None, *, searched: bool) -> str:
    if sort is None:
        sort = "relevance" if searched else NEWEST_FIRST if direction != "asc" else "created"
    elif direction is not None and sort.startswith("-") and direction == "asc":
        raise Invalid.at("query", "sort", msg="has - for descending, and the direction is asc: send one of the two")
    elif direction == "desc" and not sort.startswith("-"):
        sort = f"-{sort}"
    if sort.removeprefix("-") == "relevance":
        if not searched:
            raise Invalid.at("query", "sort", msg="by relevance needs a search")
        return "relevance"
    return sort


def _cursor(text: str | None, sort: str) -> Cursor | None:
    if text is None:
        return None
    try:
        cursor = Cursor.parse(text)
    except ValueError:
        cursor = None
    if cursor is None or cursor.sort != sort:
        raise Invalid.at(
            "query",
            "cursor",
            msg="not a cursor of this list in this order: take it from a Link header of the same query",
        ) from None
    return cursor
