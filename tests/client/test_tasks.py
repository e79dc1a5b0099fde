"""What a user does with tasks."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any, get_type_hints
from uuid import uuid4

import pytest

from tests.client.proxy import Proxy
from todo.client import ApiError, Conflict, Invalid, NotFound, PreconditionFailed, QuickTask, Task
from todo.client.parameters import Filters, NewTask, TaskEdit

pytestmark = pytest.mark.slow

MANY = 2_500


async def found(client: Any, **filters: Any) -> list[str]:
    return [task.title async for task in client.list_tasks(**filters)]


async def test_a_name_that_is_none_is_no_field_and_no_filter(ada: Any) -> None:
    task = await ada.create("Milk")
    for call in (found(ada, tagg="x"), ada.create("x", prioritty="high"), ada.update(task.id, prioritty="high")):
        with pytest.raises(TypeError, match="no field or filter is named"):
            await call
    assert await found(ada) == ["Milk"]


async def test_a_task_is_made_changed_and_deleted(ada: Any) -> None:
    task = await ada.create(
        "Water the ferns",
        description="in the hall",
        due_date=date(2027, 3, 1),
        priority="high",
        tags=["home"],
        remind_at=datetime(2027, 3, 1, 7, 30, tzinfo=UTC),
        id=uuid4(),
    )
    assert (task.title, task.due_date, task.priority, task.tags) == ("Water the ferns", "2027-03-01", "high", ("home",))
    assert task.remind_at == datetime(2027, 3, 1, 7, 30, tzinfo=UTC)
    assert await ada.task(task.id) == task

    edited = await ada.update(task.id, title="Water all ferns", description=None, if_match=task.revision)
    assert (edited.title, edited.description, edited.tags) == ("Water all ferns", None, ("home",))
    assert (await ada.complete(task.id)).completed
    assert (await ada.complete(task.id, True)).completed
    assert not (await ada.complete(task.id, False)).completed

    await ada.delete(task.id)
    with pytest.raises(NotFound, match="404 Not Found: "):
        await ada.task(task.id)
    assert [each.id async for each in ada.list_tasks(status="deleted")] == [task.id]
    assert (await ada.restore(task.id)).deleted_at is None
    await ada.delete(task.id, permanent=True)
    assert await found(ada, status="deleted") == []


async def test_the_errors_say_what_is_wrong(ada: Any) -> None:
    task = await ada.create("Water the ferns")

    with pytest.raises(PreconditionFailed) as outdated:
        await ada.update(task.id, title="x", if_match=task.revision + 1)
    with pytest.raises(Invalid) as invalid:
        await ada.update(task.id, priority="very")
    with pytest.raises(Conflict) as conflict:
        await ada.create("Another", id=task.id)

    assert outdated.value.current == task
    assert (outdated.value.status, outdated.value.type, outdated.value.title) == (
        412,
        "about:blank",
        "Precondition Failed",
    )
    assert [error.loc for error in invalid.value.errors] == [("body", "priority")]
    assert str(invalid.value).startswith("422 Unprocessable Content: priority: ")
    assert conflict.value.detail in str(conflict.value)


async def test_thousands_of_tasks_come_in_pages(ada: Any, opened: Callable[..., Any], proxy: Proxy) -> None:
    for first in range(0, MANY, 100):
        operations = [{"op": "create", "task": {"title": f"task {n}"}} for n in range(first, first + 100)]
        await ada.batch(operations)
    client = opened(proxy.url, (await ada.create_token("proxy")).token)
    proxy.plan = ["pass", "pass", "lose"]

    tasks: list[Task] = [task async for task in client.list_tasks()]

    assert len({task.id for task in tasks}) == MANY
    assert all(a.created_at >= b.created_at for a, b in pairwise(tasks))
    assert sum(head.startswith(b"GET ") and b"/tasks?" in head for head in proxy.requests) == 4
    assert len([task async for task in ada.list_tasks(page_size=999, sort="title")]) == MANY


async def test_the_list_is_filtered(ada: Any) -> None:
    await ada.create("Water the ferns", tags=["home", "Garden"], priority="high", due_date="2027-03-01")
    await ada.create("Pay rent", tags=["home"], completed=True)
    await ada.create("Read")

    assert await found(ada) == ["Read", "Pay rent", "Water the ferns"]
    assert await found(ada, tag=["home", "garden"]) == ["Water the ferns"]
    assert await found(ada, completed=True) == ["Pay rent"]
    assert await found(ada, priority=["high", "low"]) == ["Water the ferns"]
    assert await found(ada, search="fern") == ["Water the ferns"]
    assert await found(ada, due_after=date(2027, 1, 1), due_before=date(2028, 1, 1)) == ["Water the ferns"]
    assert await found(ada, sort="title", completed=None) == ["Pay rent", "Read", "Water the ferns"]
    with pytest.raises(Invalid, match="priority"):
        await found(ada, priority="wrong")


async def test_a_line_of_text_is_understood(ada: Any, opened: Callable[..., Any], url: str) -> None:
    dry = await ada.quick_add(
        "Pay rent 2027-03-01 9am #home !high every month", dry_run=True, time_zone="Europe/Berlin"
    )
    assert isinstance(dry, QuickTask)
    assert (dry.title, dry.due_date, dry.time_zone, dry.tags) == (
        "Pay rent",
        "2027-03-01T09:00",
        "Europe/Berlin",
        ("home",),
    )
    assert await found(ada) == []

    zoned = opened(url, (await ada.create_token("zone")).token, time_zone="Europe/Berlin")
    task = await zoned.quick_add("Pay rent 2027-03-01 9am")
    assert isinstance(task, Task)
    assert task.time_zone == "Europe/Berlin"


async def test_many_at_once(ada: Any) -> None:
    one, two = await ada.create("one"), await ada.create("two")
    operations = [
        {"op": "complete", "id": one.id},
        {"op": "update", "id": two.id, "task": {"title": "zwei"}},
        {"op": "create", "task": {"title": "three"}},
    ]
    dry = await ada.batch(operations, dry_run=True)
    assert [result.status for result in dry.results] == [200, 200, 201]
    assert await found(ada) == ["two", "one"]

    done = await ada.batch(operations)
    assert await found(ada) == ["three", "zwei", "one"]
    await ada.undo(done.revision)
    assert await found(ada) == ["two", "one"]

    with pytest.raises(Invalid) as raised:
        await ada.batch([{"op": "delete", "id": one.id}, {"op": "delete", "id": str(uuid4())}])
    assert [error.loc[:3] for error in raised.value.errors] == [("body", "operations", 1)]


async def test_the_users_own_order(ada: Any) -> None:
    one, two, three = [await ada.create(title) for title in ("one", "two", "three")]
    await ada.move(one.id, three.id)
    await ada.move(two.id)

    assert await found(ada, sort="position") == ["two", "three", "one"]


async def test_tags(ada: Any) -> None:
    await ada.create("one", tags=["a/b", "home"])
    await ada.create("two", tags=["home"])

    assert [(each.tag, each.count) for each in await ada.tags()] == [("home", 2), ("a/b", 1)]
    assert [each.tag for each in await ada.rename_tag("home", "house")] == ["house", "a/b"]
    assert [each.tag for each in await ada.remove_tag("a/b")] == ["house"]


async def test_history_undo_and_changes(ada: Any) -> None:
    task = await ada.create("one")
    edit = await ada.update(task.id, title="two")

    undone = await ada.undo(edit.revision)

    assert undone.undoes == edit.revision
    assert [(change.revision, change.before) async for change in ada.history(task.id)][1] == (2, {"title": "one"})
    assert [change.revision async for change in ada.changes()] == [1, 2, 3]
    assert [change.revision async for change in ada.changes(1)] == [2, 3]
    assert [change.revision async for change in ada.changes(compact=True)] == [3]


async def test_a_long_history_comes_in_pages(ada: Any) -> None:
    task = await ada.create("0")
    for first in range(0, 300, 100):
        await ada.batch([{"op": "update", "id": task.id, "task": {"title": str(first + n)}} for n in range(1, 101)])

    assert [change.revision async for change in ada.history(task.id)] == [*range(301, 0, -1)]


async def test_the_summary(ada: Any) -> None:
    await ada.create("one", tags=["home"], completed=True)
    await ada.create("two")

    summary = await ada.summary(time_zone="Asia/Tokyo")

    assert (summary.total, summary.status.pending, summary.status.completed) == (2, 1, 1)
    assert [(each.tag, each.count) for each in summary.tags] == [("home", 1)]
    assert len(summary.completed_per_day) == 90
    assert summary.completed_per_day[-1].count == 1


async def test_an_id_cannot_name_another_path(opened: Callable[..., Any], proxy: Proxy) -> None:
    client = opened(proxy.url, "token", user_id="../me?x=/")
    for name in ("../changes", "?x", "a#b", "%2e%2e"):
        with pytest.raises(ApiError):
            await client.task(name)
    lines = [head.split(b"\r\n")[0] for head in proxy.requests]
    assert [line.count(b"/") for line in lines] == [5, 5, 5, 5]
    assert not any(b"?" in line or b"#" in line for line in lines)


def test_every_field_and_filter_of_the_api_may_be_named() -> None:
    from tests.conftest import settings_for
    from todo.app import create_app

    document = create_app(settings_for("postgresql://localhost/none")).openapi()
    shapes = document["components"]["schemas"]
    operation = document["paths"]["/api/{user_id}/tasks"]["get"]
    parameters = {each["name"] for each in operation["parameters"] if each["in"] == "query"}
    paging = {"limit", "cursor", "page", "offset", "skip"}
    synonyms = {"q", "status_filter", "is_completed", "tags", "sort_by", "sort_order", "order"}

    assert set(get_type_hints(NewTask)) | {"title"} == set(shapes["NewTask"]["properties"])
    assert set(get_type_hints(TaskEdit)) == set(shapes["TaskEdit"]["properties"])
    assert set(get_type_hints(Filters)) == parameters - paging - synonyms
