"""Memory is flat: of each task that was read there stays no more than its key, so that 100,000 fit in 30 MB."""

import io
import json
import tracemalloc
from collections.abc import Callable

import pytest

from todo.formats import Written, read, write

FEW, MANY = 500, 4_500  # tasks
EACH = 200
"""Bytes that stay of each task."""
TITLE = "Water the ferns in the hall and in the kitchen, number"


def _json(number: int) -> str:
    return json.dumps({"title": f"{TITLE} {number}", "id": f"019ac8f6-5c00-7000-8000-{number:012}", "tags": ["home"]})


def _microsoft(number: int) -> str:
    due = {"dateTime": "2026-10-05T00:00:00.0000000", "timeZone": "UTC"}
    return json.dumps({"id": str(number), "title": f"{TITLE} {number}", "importance": "high", "dueDateTime": due})


def _todoist_json(number: int) -> str:
    return json.dumps({"id": str(number), "content": f"{TITLE} {number}", "project_id": "1", "labels": ["home"]})


def _google(number: int) -> str:
    return json.dumps({"id": str(number), "title": f"{TITLE} {number}", "status": "needsAction"})


def _vtodo(number: int) -> str:
    return f"BEGIN:VTODO\r\nUID:{number}\r\nSUMMARY:{TITLE} {number}\r\nDUE;VALUE=DATE:20261005\r\nEND:VTODO\r\n"


FORMATS: dict[str, tuple[str, str, Callable[[int], str], str, str]] = {
    "json": ("json", '{"format": "todo", "version": 1, "tasks": [', _json, ",\n", "]}"),
    "array on one line": ("json", "[", _json, ",", "]"),
    "microsoft": ("microsoft", '{"value": [', _microsoft, ",\n", "]}"),
    "todoist json": ("todoist", '{"items": [', _todoist_json, ",\n", "]}"),
    "google": ("google", '{"items": [{"title": "Home", "items": [', _google, ",\n", "]}]}"),
    "todoist csv": ("todoist", "TYPE,CONTENT\r\n", lambda number: f"task,{TITLE} {number} @home", "\r\n", ""),
    "ticktick": ("ticktick", "List Name,Title\r\n", lambda number: f'Home,"{TITLE} {number}"', "\r\n", ""),
    "todotxt": ("todotxt", "", lambda number: f"(A) {TITLE} {number} @home", "\n", ""),
    "ics": ("ics", "BEGIN:VCALENDAR\r\n", _vtodo, "", "END:VCALENDAR\r\n"),
}


def large(format: str, tasks: int) -> bytes:
    _, head, task, between, end = FORMATS[format]
    return f"{head}{between.join(map(task, range(tasks)))}{end}".encode()


def peak_of(run: Callable[[], int]) -> tuple[int, int]:
    tracemalloc.start()
    try:
        return run(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def peak_of_reading(format: str, tasks: int) -> int:
    file = io.BytesIO(large(format, tasks))
    rows = read(FORMATS[format][0], file)
    count, peak = peak_of(lambda: sum(1 for row in rows if row.task and not row.problems))
    assert count == tasks
    return peak


@pytest.mark.parametrize("format", FORMATS)
def test_reading_takes_flat_memory(format: str) -> None:
    peak_of_reading(format, FEW)  # what is loaded and cached once
    few, many = peak_of_reading(format, FEW), peak_of_reading(format, MANY)
    assert many - few < EACH * (MANY - FEW)
    assert many + EACH * (100_000 - MANY) < 30_000_000


@pytest.mark.parametrize("format", ["json", "csv", "ics", "todotxt", "markdown"])
def test_writing_takes_flat_memory(format: Written) -> None:
    def peak_of_writing(tasks: int) -> int:
        some = ({"id": str(number), "title": TITLE, "completed": number % 2 == 0} for number in range(tasks))
        size, peak = peak_of(lambda: sum(map(len, write(format, some))))
        assert size > tasks * len(TITLE)
        return peak

    few, many = peak_of_writing(FEW), peak_of_writing(3 * MANY)  # of Markdown more than is held in memory
    assert many - few < 1_500_000


def test_the_limit_is_less_than_the_tasks_themselves_would_take() -> None:
    content = large("todotxt", MANY)
    _, peak = peak_of(lambda: len([*read("todotxt", io.BytesIO(content))]))
    assert peak > 2 * EACH * MANY
