"""Todoist's CSV: the template of a project, and each file of a backup."""

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import BinaryIO

from todo.formats.csv_records import named, records
from todo.formats.draft import Draft
from todo.formats.keys import Keys
from todo.formats.reading.todoist_words import Words, understood
from todo.formats.row import Row, Unreadable

PRIORITIES = {"1": "urgent", "2": "high", "3": "medium", "4": None, "": None}
"""1 is the highest in files; in the API it is 4."""

_LABEL = re.compile(r"(?:^|(?<=\s))@([^\s@,]+)")


class _Project:
    """What the rows above say of the next: the project, the section, and the tasks that it may belong to."""

    def __init__(self, name: str | None, time_zone: str | None) -> None:
        self.name = _project_name(name)
        self.time_zone = time_zone
        self.section = ""
        self.parents: list[str] = []
        self.pending: str | None = None
        self.keys = Keys()


def rows(file: BinaryIO, *, name: str | None, time_zone: str | None) -> Iterator[Row]:
    source = records(file, _delimiter(file))
    line, header = next(source, (1, []))
    columns = {column.strip().lower() for column in header}
    if not {"type", "content"} <= columns:
        raise Unreadable(line, "this is no CSV of Todoist: there are no columns TYPE and CONTENT")
    project = _Project(name, time_zone)
    waiting: tuple[Draft, str] | None = None
    try:
        for line, record in source:
            row = named(header, record)
            kind = row["type"].strip().lower()
            if kind == "note":
                _comment(row, waiting, project)
                continue
            if waiting:
                yield waiting[0].row(waiting[1])
                waiting = None
            if kind == "task":
                waiting = _task(line, row, project)
            elif kind == "section":
                project.section, project.parents = row["content"].strip(), []
            elif kind not in ("", "meta"):
                yield Row(line, error="TYPE must be task, section or note")
    except Unreadable:
        if waiting:
            yield waiting[0].row(waiting[1])
        raise
    if waiting:
        yield waiting[0].row(waiting[1])


def _delimiter(file: BinaryIO) -> str:
    """A spreadsheet may have saved the file with semicolons."""
    file.seek(0)
    first = file.readline(4096)
    return ";" if first.count(b";") > first.count(b",") else ","


def _project_name(name: str | None) -> str:
    """The file's, without the id that backups add and the number of a second download: `Home [2345678] (1).csv`."""
    stem = PurePath(name.replace("\\", "/")).name if name else ""
    return re.sub(r"(\s*\[\d+\])?(\s*\(\d+\))?\.csv$", "", stem, flags=re.IGNORECASE).strip()


def _comment(row: dict[str, str], waiting: tuple[Draft, str] | None, project: _Project) -> None:
    if waiting is None:
        project.pending = "a comment of the project, above, belongs to no task and is not imported"
    elif row["content"].strip():
        waiting[0].description(f"Comment: {row['content'].strip()}")


def _task(line: int, row: dict[str, str], project: _Project) -> tuple[Draft, str]:
    draft = Draft(line, project.time_zone)
    draft.time_zone(row.get("timezone"))
    content = row["content"].strip()
    key = project.keys.of(project.name, project.section, content, row.get("description"), row.get("date"))
    if content.startswith("* "):
        content = content[2:]
        draft.problem("the task cannot be checked off in Todoist (`* `); here it can be")
    labels = _LABEL.findall(content)
    title = " ".join(_LABEL.sub("", content).split(" ")).strip() if labels else content
    draft.title(re.sub(r"  +", " ", title) if labels and title else content)
    draft.description(row.get("description", "").strip())
    for tag in (*labels, project.name):
        draft.tag(tag)
    _place(draft, row, project, title or content)
    priority = row.get("priority", "").strip()
    if priority not in PRIORITIES:
        draft.problem("PRIORITY is not 1 to 4; the task has none")
    draft.task["priority"] = PRIORITIES.get(priority)
    _when(draft, row)
    return draft, key


def _place(draft: Draft, row: dict[str, str], project: _Project, title: str) -> None:
    if project.pending:
        draft.problem(project.pending)
        project.pending = None
    if project.section:
        draft.tag(project.section)
        draft.problem("its section is kept as a tag")
    indent = row.get("indent", "").strip()
    level = min(int(indent), 20) if indent.isascii() and indent.isdigit() and len(indent) < 4 else 1
    above = project.parents[: max(level, 1) - 1]
    if above:
        draft.keep("Part of", above[-1], "it is a subtask, which there are none of here")
    project.parents = [*above, title[:200]]
    if responsible := row.get("responsible", "").strip():
        draft.keep("Assigned to", responsible, "tasks cannot be assigned to others")


def _when(draft: Draft, row: dict[str, str]) -> None:
    words = row.get("date", "").strip()
    if words:
        apply(draft, understood(words, row.get("date_lang", "").strip() or "en"), words)
    if deadline := row.get("deadline", "").strip():
        found = understood(deadline, row.get("deadline_lang", "").strip() or "en")
        if found.due and "due_date" not in draft.task:
            draft.due(found.due)
            draft.problem("the deadline is the due date, since there is no other")
        else:
            draft.keep("Deadline", deadline, "there are no deadlines besides due dates")
    duration = row.get("duration", "").strip()
    if duration and duration.lower() != "none":
        draft.keep("Duration", f"{duration} {row.get('duration_unit', '').strip()}".strip(), "there are no durations")


def apply(draft: Draft, found: Words, words: str) -> None:
    """What the words of a date say, or the words themselves where they say too little."""
    draft.due(found.due)
    if found.rule:
        draft.recurs(found.rule, from_completion=found.from_completion)
    if found.lost:
        draft.keep("Date", words, found.lost)
