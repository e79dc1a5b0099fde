# Written by bin/unasync.py (make client) from ../asynchronous/tasks.py: edit that.
"""Tasks: the list, one task, many at once, tags."""

from collections.abc import Iterable, Iterator, Mapping
from types import NoneType
from typing import Any, Literal, Unpack, overload
from uuid import UUID

from todo.client.answers import decoded, next_page
from todo.client.models import BatchResult, QuickTask, Summary, TagCount, Task
from todo.client.parameters import Filters, NewTask, TaskEdit, checked, given, query
from todo.client.synchronous.requests import Requests

Id = str | UUID


def _if_match(revision: int | None) -> dict[str, str]:
    return {} if revision is None else {"If-Match": f'"{revision}"'}


class Tasks(Requests):
    """What a user does with tasks. Every method raises ApiError and ConnectionFailed."""

    def list_tasks(self, *, page_size: int = 1000, **filters: Unpack[Filters]) -> Iterator[Task]:
        """All tasks that the filters find, newest first unless `sort` says otherwise, read in pages as needed.

        Tasks that come and go meanwhile neither hide nor repeat others, as long as these stay as they are.
        """
        zone = given(time_zone=self._time_zone)
        params: list[tuple[str, str]] | None = query({"limit": page_size, **zone, **checked(filters, Filters)})
        tasks = self._home("tasks")
        while params is not None:
            response = self._send("GET", tasks, params=params)
            for task in decoded(response, list[Task]):
                yield task
            params = next_page(response)

    def task(self, id: Id) -> Task:
        """One task. Raises NotFound, also where it is in the trash."""
        return self._answer("GET", self._home("tasks", id), Task)

    def create(self, title: str, *, key: str | None = None, **fields: Unpack[NewTask]) -> Task:
        """Create a task. The `id` may be chosen: Conflict where another task has it."""
        body = {"title": title, **checked(fields, NewTask)}
        return self._write("POST", self._home("tasks"), Task, json=body, key=key)

    @overload
    def quick_add(
        self, text: str, *, time_zone: str | None = None, dry_run: Literal[False] = False, key: str | None = None
    ) -> Task: ...
    @overload
    def quick_add(
        self, text: str, *, time_zone: str | None = None, dry_run: Literal[True], key: str | None = None
    ) -> QuickTask: ...
    @overload
    def quick_add(
        self, text: str, *, time_zone: str | None = None, dry_run: bool, key: str | None = None
    ) -> Task | QuickTask: ...
    def quick_add(
        self, text: str, *, time_zone: str | None = None, dry_run: bool = False, key: str | None = None
    ) -> Task | QuickTask:
        """Create a task from a line such as "Pay rent tomorrow 9am #home !high every month".

        With `dry_run` only say what was understood.
        """
        body = {"text": text, **given(time_zone=time_zone or self._time_zone)}
        path = self._home("tasks", "quick")
        if dry_run:
            return self._answer("POST", path, QuickTask, params={"dry_run": True}, json=body)
        return self._write("POST", path, Task, json=body, key=key)

    def update(
        self, id: Id, *, if_match: int | None = None, key: str | None = None, **fields: Unpack[TaskEdit]
    ) -> Task:
        """Change the fields that are named; None clears one.

        With `if_match` only while the task has this revision: else PreconditionFailed, whose `current` is the task.
        """
        changed, headers = checked(fields, TaskEdit), _if_match(if_match)
        path = self._home("tasks", id)
        return self._write("PATCH", path, Task, json=changed, headers=headers, params=self._zone(), key=key)

    def complete(
        self, id: Id, completed: bool | None = None, *, if_match: int | None = None, key: str | None = None
    ) -> Task:
        """Set whether the task is done, or toggle it. A task that repeats makes the next one."""
        return self._write(
            "PATCH",
            self._home("tasks", id, "complete"),
            Task,
            json=given(completed=completed),
            headers=_if_match(if_match),
            params=self._zone(),
            key=key,
        )

    def delete(self, id: Id, permanent: bool = False, *, if_match: int | None = None, key: str | None = None) -> None:
        """Move a task to the trash, from which `restore` takes it for 30 days; or erase it, and its history."""
        params = {"permanent": True} if permanent else None
        headers = _if_match(if_match)
        self._write("DELETE", self._home("tasks", id), NoneType, params=params, headers=headers, key=key)

    def restore(self, id: Id, *, if_match: int | None = None, key: str | None = None) -> Task:
        """Take a task out of the trash."""
        path = self._home("tasks", id, "restore")
        return self._write("POST", path, Task, headers=_if_match(if_match), key=key)

    def move(self, id: Id, after: Id | None = None, *, if_match: int | None = None, key: str | None = None) -> Task:
        """Move a task in the user's own order: right behind another, or to the front."""
        body = {"after": None if after is None else str(after)}
        path = self._home("tasks", id, "move")
        return self._write("POST", path, Task, json=body, headers=_if_match(if_match), key=key)

    def batch(
        self, operations: Iterable[Mapping[str, Any]], dry_run: bool = False, *, key: str | None = None
    ) -> BatchResult:
        """Do up to 100 operations, all or none of them; with `dry_run` only say what would become of each.

        An operation is `{"op": "create", "task": {…}}`; `update` has `id` and `task`, `complete` `id` and perhaps
        `completed`, `move` `id` and `after`, `delete` and `restore` `id`. Raises Invalid: its `errors` name those that
        cannot be done by their index, as `("body", "operations", 3, …)`.
        """
        params = {**self._zone(), **({"dry_run": True} if dry_run else {})}
        body, path = {"operations": [*operations]}, self._home("tasks", "batch")
        return self._write("POST", path, BatchResult, json=body, params=params, key=key)

    def tags(self) -> list[TagCount]:
        """The tags of all tasks outside the trash, the most used first, at most 1,000."""
        return self._answer("GET", self._home("tags"), list[TagCount])

    def rename_tag(self, old: str, new: str) -> list[TagCount]:
        """Rename a tag in all tasks; one `undo` takes it back. Returns the tags as they are now."""
        return self._rename(old, new)

    def remove_tag(self, tag: str) -> list[TagCount]:
        """Remove a tag from all tasks; one `undo` takes it back. Returns the tags as they are now."""
        return self._rename(tag, None)

    def _rename(self, old: str, new: str | None) -> list[TagCount]:
        body = {"rename": {old: new}}
        return self._write("PATCH", self._home("tags"), list[TagCount], json=body)

    def summary(self, *, time_zone: str | None = None) -> Summary:
        """Count the tasks by status, due date and tag, and those completed on each of the last 90 days."""
        params = given(time_zone=time_zone or self._time_zone)
        return self._answer("GET", self._home("summary"), Summary, params=params)

    def _zone(self) -> dict[str, Any]:
        return given(time_zone=self._time_zone)
