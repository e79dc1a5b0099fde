# Written by bin/unasync.py (make client) from ../asynchronous/pages.py: edit that.
"""One page of a list at a time, for callers that keep the place themselves."""

from typing import Unpack
from uuid import UUID

from todo.client.answers import decoded, next_page
from todo.client.models import HistoryPage, PastChange, Task, TaskPage
from todo.client.parameters import Filters, checked, given, query
from todo.client.synchronous.requests import Requests


class Pages(Requests):
    """Lists in pages. Every method raises ApiError and ConnectionFailed."""

    def task_page(self, *, limit: int = 100, cursor: str | None = None, **filters: Unpack[Filters]) -> TaskPage:
        """One page of the list, and the `cursor` of the next one, which is asked for with the same filters."""
        zone = given(time_zone=self._time_zone)
        params = query({"limit": limit, "cursor": cursor, **zone, **checked(filters, Filters)})
        response = self._send("GET", self._home("tasks"), params=params)
        following = dict(next_page(response) or [])
        return TaskPage(tasks=tuple(decoded(response, list[Task])), cursor=following.get("cursor"))

    def history_page(self, id: str | UUID, *, limit: int = 100, before: int | None = None) -> HistoryPage:
        """One page of a task's changes, newest first, and the revision `before` which the next one begins."""
        params = query({"limit": limit, "before": before})
        response = self._send("GET", self._home("tasks", id, "history"), params=params)
        following = dict(next_page(response) or [])
        changes = tuple(decoded(response, list[PastChange]))
        return HistoryPage(changes=changes, before=int(following["before"]) if "before" in following else None)
