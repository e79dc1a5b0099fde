"""Reading files in tests."""

import io
from pathlib import Path
from typing import Any

from todo.formats import Row, read
from todo.tasks.shapes import NewTask

FILES = Path(__file__).parent / "files"


def rows_of(format: str, content: bytes | str, **options: Any) -> list[Row]:
    """The rows of a file, each of which the API would take or the reader refuse."""
    content = content.encode() if isinstance(content, str) else content
    return [checked(row) for row in read(format, io.BytesIO(content), **options)]


def rows_of_file(name: str, **options: Any) -> dict[str, Row]:
    """By title; of equal titles, the first."""
    found: dict[str, Row] = {}
    for row in rows_of("auto", (FILES / name).read_bytes(), name=name, **options):
        found.setdefault(row.task["title"] if row.task else "", row)
    return found


def tasks_of(format: str, content: bytes | str, **options: Any) -> list[dict[str, Any]]:
    """The tasks; a test that has errors fails."""
    rows = rows_of(format, content, **options)
    assert [row.error for row in rows if row.error] == []
    return [row.task for row in rows if row.task]


def checked(row: Row) -> Row:
    assert (row.task is None) == (row.error is not None)
    assert row.line >= 0
    if row.task is not None:
        NewTask.model_validate(row.task)
        assert (row.key is None) == ("id" in row.task)
        assert len(row.problems) <= 30
    return row


def told(row: Row) -> str:
    return "\n".join(row.problems)
