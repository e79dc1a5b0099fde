"""Tools that read."""

import base64
import binascii
from typing import Any
from urllib.parse import parse_qsl, urlencode

from todo.client import AsyncClient
from todo.client.parameters import Filters, query
from todo.mcp.answers import ROWS, Answer, change_data, present, task_data, tasks_data
from todo.mcp.arguments import Find, HistoryOf, ListTasks, OneTask, SearchTasks, SummaryOf
from todo.mcp.errors import Refused

BAD_CURSOR = "This is no cursor of this tool: begin again without one."
_SINGLE = {*Filters.__annotations__} - {"tag", "priority"}


async def list_tasks(client: AsyncClient, arguments: ListTasks) -> Answer:
    """Tasks that filters find, in an order."""
    names = ("status", "tag", "priority", "due", "due_before", "due_after", "time_zone", "sort")
    return await _page(client, arguments, arguments.given(*names))


async def search_tasks(client: AsyncClient, arguments: SearchTasks) -> Answer:
    """Tasks that have words, the best first."""
    filters = arguments.given("status", "tag", "priority")
    if arguments.query:
        filters["search"] = arguments.query
    return await _page(client, arguments, filters)


async def get_task(client: AsyncClient, arguments: OneTask) -> Answer:
    """One task, all of it."""
    task = await client.task(arguments.id)
    return Answer("One task.", {"task": task_data(task)})


async def history(client: AsyncClient, arguments: HistoryOf) -> Answer:
    """The changes of one task."""
    cursor = arguments.cursor
    if cursor is not None and not (cursor.isdecimal() and 0 < len(cursor) < 16 and int(cursor)):
        raise Refused(BAD_CURSOR)
    page = await client.history_page(arguments.id, limit=arguments.limit, before=int(cursor) if cursor else None)
    following = None if page.before is None else str(page.before)
    data = {"changes": [change_data(each) for each in page.changes], **present(cursor=following)}
    return Answer(_counted(len(page.changes), "change", more=following is not None), data)


async def summary(client: AsyncClient, arguments: SummaryOf) -> Answer:
    """The tasks in numbers."""
    found = await client.summary(time_zone=arguments.time_zone)
    data = {
        "total": found.total,
        "pending": found.status.pending,
        "completed": found.status.completed,
        "in_trash": found.status.deleted,
        "overdue": found.due.overdue,
        "due_today": found.due.today,
        "due_this_week": found.due.week,
        "without_due_date": found.due.none,
        "tags": [{"tag": each.tag, "count": each.count} for each in found.tags[:ROWS]],
        "completed_per_day": [
            {"date": each.date.isoformat(), "count": each.count} for each in found.completed_per_day if each.count
        ],
    }
    return Answer("The tasks in numbers.", data)


async def _page(client: AsyncClient, arguments: Find, filters: dict[str, Any]) -> Answer:
    """A page of the list. A cursor holds the filters that it goes on with, so that none can be forgotten."""
    cursor = None
    if arguments.cursor is not None:
        asked = {name for name in filters if name in arguments.model_fields_set or name == "search"}
        held, cursor = _opened(arguments.cursor)
        if any(query({name: filters[name]}) != query({name: held.get(name)}) for name in asked):
            raise Refused("The cursor belongs to a call with other filters: give it with the same ones, or alone.")
        filters = held
    page = await client.task_page(limit=arguments.limit, cursor=cursor, **filters)
    following = None if page.cursor is None else _closed(filters, page.cursor)
    data = {"tasks": tasks_data(page.tasks), **present(cursor=following)}
    return Answer(_counted(len(page.tasks), "task", more=following is not None), data)


def _closed(filters: dict[str, Any], cursor: str) -> str:
    text = urlencode([*query(filters), ("cursor", cursor)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _opened(text: str) -> tuple[dict[str, Any], str]:
    """The filters and the API's cursor. Raises Refused for what `_closed` has not made."""
    try:
        pairs = parse_qsl(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode(), max_num_fields=100)
    except (ValueError, binascii.Error):
        raise Refused(BAD_CURSOR) from None
    held: dict[str, Any] = {}
    cursor = None
    for name, value in pairs:
        if name == "cursor":
            cursor = value
        elif name in {"tag", "priority"}:
            held.setdefault(name, []).append(value)
        elif name in _SINGLE:
            held[name] = value
        else:
            raise Refused(BAD_CURSOR)
    if not cursor:
        raise Refused(BAD_CURSOR)
    return held, cursor


def _counted(count: int, noun: str, *, more: bool) -> str:
    rest = ", and there are more: call again with the cursor" if more else ""
    return f"{count} {noun}{'' if count == 1 else 's'}{rest}."
