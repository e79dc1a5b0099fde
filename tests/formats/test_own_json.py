"""Our own JSON: read as written, by every version of the program."""

import io
import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # it has no types here
import pytest

from tests.formats.reading import FILES, rows_of, tasks_of
from todo.formats import read, write

ID = "019ac8f6-5c00-7000-8000-00000000000{}"
KEPT = sorted((FILES / "kept").iterdir())


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_every_file_that_was_ever_exported_imports(path: Path) -> None:
    """A file stays in this folder for ever; a new version of the format adds one."""
    rows = rows_of("auto", path.read_bytes(), name=path.name)
    assert len(rows) >= 3
    assert [row for row in rows if row.error or row.problems] == []


def test_all_fields_of_version_1() -> None:
    ferns, size, bank, cactus = tasks_of("json", (FILES / "kept/ours-v1.json").read_bytes())
    assert ferns == {
        "title": "Water the ferns",
        "description": "The ones in the hall too\n\n- daily in summer\t(not the cactus)",
        "completed": False,
        "due_date": "2027-03-01T09:00",
        "time_zone": "Europe/Berlin",
        "priority": "high",
        "tags": ["home", "garden"],
        "recurrence": "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR",
        "recurrence_from": "due",
        "remind_at": "2027-03-01T07:30:00Z",
        "id": ID.format(1),
        "created_at": "2026-11-22T08:30:00.123456Z",
    }
    assert (size["title"], size["completed_at"]) == ("Größe: 漢字 🌿 é", "2026-11-27T17:30:00Z")
    assert (bank["due_date"], bank["recurrence"]) == ("2027-01-15T14:00:00+05:30", "monthly")
    assert cactus["deleted_at"] == "2026-11-21T10:00:00Z"
    assert "deleted_at" not in bank


def task(number: int, **fields: Any) -> dict[str, Any]:
    return {"title": f"task {number}", "id": ID.format(number), **fields}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("shape", ["document", "version behind", "array", "lines"])
def test_shapes_and_encodings(encoding: str, line_end: str, shape: str) -> None:
    some = [task(1), task(2, title="Größe")]
    text = {
        "document": json.dumps({"format": "todo", "version": 1, "tasks": some}, indent=1),
        "version behind": json.dumps({"tasks": some, "version": 1, "format": "todo"}, indent=1, ensure_ascii=False),
        "array": json.dumps(some, ensure_ascii=False),
        "lines": "\n".join(map(json.dumps, some)) + "\n",
    }[shape]
    rows = rows_of("auto", text.replace("\n", line_end).encode(encoding))
    assert [(row.task or {})["title"] for row in rows] == ["task 1", "Größe"]
    if shape == "lines":
        assert [row.line for row in rows] == [1, 2]


def test_an_error_names_the_line_or_else_the_item() -> None:
    lines = json.dumps([task(1), task(2, completed="yes"), 5, [6]], indent=1)
    found = {row.line: row.error for row in rows_of("json", lines) if row.error}
    assert found[lines[: lines.index("task 2")].count("\n")] == "completed: must be true or false"
    assert list(found.values())[1:] == ["must be an object with the fields of a task"] * 2
    assert [row.error for row in rows_of("json", json.dumps(json.loads(lines)))][1:3] == [
        "item 2: completed: must be true or false",
        "item 3: must be an object with the fields of a task",
    ]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"title": None}, "the task has no title"),
        ({"title": 5}, "title: must be text"),
        ({"due_date": "2027-02-30"}, "due_date: must be such as"),
        ({"time_zone": "Mars/Olympus"}, "time_zone: must be"),
        ({"priority": "huge"}, "priority: must be"),
        ({"tags": "home"}, "tags: must be"),
        ({"recurrence": "FREQ=HOURLY"}, "recurrence: must be"),
        ({"recurrence_from": "birth"}, "recurrence_from: must be"),
        ({"remind_at": "2027-01-01T09:00"}, "remind_at: must be"),
        ({"id": "1"}, "id: must be a UUID"),
        ({"created_at": 5}, "created_at: must be"),
    ],
)
def test_what_is_wrong_is_an_error_of_its_task(fields: dict[str, Any], message: str) -> None:
    first, second = rows_of("json", json.dumps([task(1, **fields), task(2)]))
    assert (first.error or "").startswith(message)
    assert second.task


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file ends in the middle of the JSON"),
        ("[", "the file ends in the middle of the JSON"),
        ("[1,]", "this is not JSON"),
        ("[" + "1" * 5000 + "]", "this is not JSON"),
        ('{"format": "todo", "version": 2, "tasks": []}', "its `version` must be 1"),
        ('{"tasks": [{"title": "x"}], "version": 2, "format": "todo"}', "its `version` must be 1"),
        ('{"format": "other", "version": 1, "tasks": []}', "its `format` must be `todo`"),
        ("[" * 101 + "]" * 101, "nested deeper than 100 levels"),
        ('[{"title": "' + "x" * 5_000_000 + '"}]', "longer than 4 MB"),
    ],
)
def test_files_that_cannot_be_read_give_one_error(text: str, message: str) -> None:
    (row,) = rows_of("json", text)
    assert message in (row.error or "")


def test_what_is_too_long_is_kept_in_the_description_and_reported() -> None:
    tags = [f"tag {number}" for number in range(22)] + ["y" * 51]
    given = task(1, title="x" * 300, description="more", tags=tags)
    (row,) = rows_of("json", json.dumps([given]))
    assert row.task is not None
    assert row.task["title"] == "x" * 254 + "…"
    assert row.task["description"].startswith("x" * 300 + "\n\nmore\n\n")
    assert row.task["tags"] == tags[:20]
    assert all(tag in row.task["description"] for tag in tags[20:])
    assert len(row.problems) == 2


def test_a_description_that_is_too_long_is_cut_and_reported() -> None:
    (row,) = rows_of("json", json.dumps([task(1, description="x" * 10_001)]))
    assert row.task is not None
    assert row.task["description"] == "x" * 10_000
    assert "10,001 characters" in row.problems[0]


def test_control_characters_and_endless_marks_are_removed_and_reported() -> None:
    (row,) = rows_of("json", json.dumps([task(1, title="a\x00b\x85c", description="e" + "\u0301" * 40)]))
    assert row.task is not None
    assert row.task["title"] == "abc"
    assert len(row.problems) == 2


def test_what_is_written_is_read_and_matches_the_schema(root: Path) -> None:
    schema = json.loads((root / "contracts/export.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    given = json.loads((FILES / "kept/ours-v1.json").read_text())
    pieces = [
        *write("json", given["tasks"], trash=given["trash"], user=given["user"], exported_at=given["exported_at"])
    ]
    written = json.loads(b"".join(pieces))
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    for document in (given, written, json.loads(b"".join(write("json", [])))):
        validator.validate(document)
    wrong: dict[str, Any]
    for wrong in (written | {"version": 2}, written | {"tasks": [{"title": ""}]}, {"tasks": []}):
        assert not validator.is_valid(wrong)
    assert [written["user"], len(pieces)] == [given["user"], 10]
    again = [*read("json", io.BytesIO(b"".join(pieces)))]
    assert [row.task for row in again] == tasks_of("json", (FILES / "kept/ours-v1.json").read_bytes())


def test_tasks_without_an_id_have_a_key() -> None:
    first, second, third = rows_of("json", '[{"title": "a"}, {"title": "a"}, {"title": "b"}]')
    assert len({first.key, second.key, third.key}) == 3
    assert [row.key for row in rows_of("json", '[{"title": "b"}, {"title": "a"}]')] == [third.key, first.key]
