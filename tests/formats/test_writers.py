"""What is written: that it is read back as it was, and that nobody's text becomes a formula, a link or markup."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from typing import Any

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.formats.reading import tasks_of
from todo.formats import WRITTEN, Written, write
from todo.tasks.recurrence import normalised
from todo.tasks.shapes import NewTask

Task = dict[str, Any]


def written(format: Written, tasks: list[Task], **options: Any) -> bytes:
    return b"".join(write(format, iter(tasks), **options))


ID = "019ac8f6-5c00-7000-8000-00000000000{}"
AT = "2026-11-28T09:00:00Z"
NOTHING: Task = {"description": None, "completed": False, "due_date": None, "time_zone": None, "priority": None} | {
    "tags": [],
    "recurrence": None,
    "recurrence_from": None,
    "remind_at": None,
    "completed_at": None,
    "created_at": AT,
    "updated_at": AT,
}


def task(number: int = 1, /, **fields: Any) -> Task:
    return {**NOTHING, "id": ID.format(number), "title": f"task {number}", **fields}


_chars = st.characters(exclude_categories=["Cs", "Cc"])
_lines = st.text(st.one_of(_chars, st.sampled_from("\n\t\\,;:=+-@*_[]()<>&`\"' ")), max_size=200)
_line = _lines.map(lambda text: " ".join(text.split()))
_moment = st.datetimes(datetime(1971, 1, 1), datetime(2199, 12, 30)).map(lambda when: when.replace(microsecond=0))  # noqa: DTZ001 # their zone follows
_instant = _moment.map(lambda when: when.isoformat() + "Z")
_due = st.one_of(
    st.none(),
    _moment.map(lambda when: f"{when:%Y-%m-%d}"),
    _moment.map(lambda when: f"{when:%Y-%m-%dT%H:%M}"),
    _instant,
)
_rules = ["daily", "weekly", "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=-1", "FREQ=WEEKLY;BYDAY=MO,FR;UNTIL=20991231T000000Z"]


@st.composite
def _tasks(draw: st.DrawFn) -> Task:
    completed = draw(st.booleans())
    fields: Task = {
        "title": draw(_line),
        "description": draw(st.none() | _lines),
        "completed": completed,
        "due_date": draw(_due),
        "time_zone": draw(st.sampled_from([None, "Europe/Berlin", "America/New_York"])),
        "priority": draw(st.sampled_from([None, "low", "medium", "high", "urgent"])),
        "tags": draw(st.lists(_line.map(lambda text: text[:50]), max_size=4)),
        "recurrence": draw(st.sampled_from([None, *_rules])),
        "recurrence_from": draw(st.sampled_from([None, "completion"])),
        "remind_at": draw(st.none() | _instant),
    }
    try:
        kept = NewTask.model_validate(
            fields | {"title": fields["title"] or "x", "tags": [tag for tag in fields["tags"] if tag]}
        )
    except ValueError:  # such as a title of marks alone
        return task()
    shown = json.loads(kept.model_dump_json(exclude={"id"}))
    moments = {"completed_at": draw(_instant) if completed else None, "created_at": draw(_instant), "updated_at": AT}
    return {**shown, "tags": shown["tags"] or [], "id": ID.format(1), **moments}


def kept(task: Task, *names: str) -> Task:
    return {name: task[name] for name in names if task.get(name) not in (None, "", [])}


FIELDS = ("title", "description", "completed", "due_date", "time_zone", "priority", "tags")
ALL = (*FIELDS, "recurrence_from", "remind_at", "completed_at", "created_at")


@given(_tasks())
def test_json_holds_everything(task: Task) -> None:
    (read,) = tasks_of("json", written("json", [task]))
    assert kept(read, *ALL, "recurrence", "id") == kept(task, *ALL, "recurrence", "id")


@given(_tasks())
def test_icalendar_holds_everything_but_the_id(task: Task) -> None:
    """A rule that has no due date has no clock that it repeats by."""
    (read,) = tasks_of("ics", written("ics", [task]))
    rule = task["recurrence"]
    expected = kept(task, *ALL) | ({} if rule else {"recurrence_from": None})
    if not rule:
        expected.pop("recurrence_from", None)
    if expected.get("description", "").strip("\n") == "":
        expected.pop("description", None)
    assert kept(read, *ALL) == expected
    assert read.get("recurrence") == (normalised(rule if "=" in rule else f"FREQ={rule}") if rule else None)


@given(st.lists(_tasks(), max_size=3))
def test_icalendar_is_what_the_library_reads(tasks: list[Task]) -> None:
    content = written("ics", tasks, name="Home; sweet, home")
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    for line in content.split(b"\r\n"):
        line.decode()  # no character is cut
    calendar = icalendar.Calendar.from_ical(content)
    assert isinstance(calendar, icalendar.Calendar)
    assert b"\r\nX-WR-CALNAME:Home\\; sweet\\, home\r\n" in content
    todos = calendar.walk("VTODO")
    assert [str(todo["UID"]) for todo in todos] == [task["id"] for task in tasks]
    assert [todo.errors for todo in todos] == [[]] * len(tasks)


def test_icalendar_defines_each_zone_before_its_first_task() -> None:
    due = "2027-03-01T09:00"
    some = [task(1), task(2, due_date=due, time_zone="Europe/Berlin"), task(3, due_date=due, time_zone="Europe/Berlin")]
    text = written("ics", some).decode()
    assert text.count("BEGIN:VTIMEZONE") == 1
    assert text.index("TZID:Europe/Berlin") < text.index("DUE;TZID=Europe/Berlin:20270301T090000")
    (_, todo, _) = icalendar.Calendar.from_ical(text).walk("VTODO")
    due_there: object = todo.decoded("DUE")
    assert isinstance(due_there, datetime)
    assert due_there.astimezone(UTC).isoformat() == "2027-03-01T08:00:00+00:00"


_word = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=20).filter(
    lambda word: word[0] not in "+@(x0123456789" and ":" not in word
)


@given(_tasks(), st.lists(_word, min_size=1, max_size=4))
def test_todo_txt_holds_days_priorities_tags_and_plain_rules(given_task: Task, words: list[str]) -> None:
    """Titles that have no words with a meaning in it."""
    given_task |= {"title": NewTask.model_validate({"title": " ".join(words)}).title}
    (read,) = tasks_of("todotxt", written("todotxt", [given_task]))
    assert kept(read, "title", "completed", "priority", "tags") == kept(
        given_task, "title", "completed", "priority", "tags"
    )
    assert (read.get("due_date") or "") == (given_task["due_date"] or "")[:10]
    assert (read.get("created_at") or "")[:10] == given_task["created_at"][:10]
    assert (read.get("completed_at") or "")[:10] == (given_task["completed_at"] or "")[:10]
    plain = {"daily": "FREQ=DAILY", "weekly": "FREQ=WEEKLY"}.get(given_task["recurrence"])
    assert read.get("recurrence") == plain


@given(st.lists(_tasks(), max_size=3))
def test_csv_has_a_row_for_each_task_and_no_formulas(tasks: list[Task]) -> None:
    content = written("csv", tasks, trash=[task(2, deleted_at=AT)])
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    assert len(rows) == len(tasks) + 1
    assert rows[-1][header.index("deleted_at")] == AT
    for row, given_task in zip(rows, tasks, strict=False):
        assert not [value for value in row if re.search(r"(^|[;\t\r\n])[=+\-@\t\r＝＋－＠]", value)]
        assert row[header.index("title")].replace("'", "") == given_task["title"].replace("'", "")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("a;=1", "a;'=1"),
        ("a\n@b\n-c", "a\n'@b\n'-c"),
        ("\t=1", "'\t'=1"),
        ("＝1", "'＝1"),
        ("a=1", "a=1"),
    ],
)
def test_csv_formulas(text: str, cell: str) -> None:
    content = written("csv", [task(1, description=text)]).decode("utf-8-sig")
    header, row = csv.reader(io.StringIO(content, newline=""), strict=True)
    assert row[header.index("description")] == cell


_markdown = MarkdownIt("commonmark").enable("table").enable("strikethrough")


@given(_lines.map(lambda text: " ".join(text.split())).filter(str.strip))
def test_markdown_shows_text_as_it_is(text: str) -> None:
    """No markup of a title becomes markup of the page; addresses of the web are links."""
    content = written("markdown", [task(1, title=text)]).decode()
    html = _markdown.render(content)
    line = re.search(r"<li>(.*)</li>", html, re.DOTALL)
    assert line
    shown = re.sub(r"<a href=\"https?://[^\"]*\">|</a>", "", line[1])
    assert "<" not in shown
    plain = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
    assert plain == f"[ ] {text}"


def test_markdown_sections() -> None:
    some = [
        task(
            1, description="# not a heading\n\n<b>see</b> https://example.com/a_b.", due_date="2027-01-01", tags=["a*b"]
        ),
        task(2, completed=True, completed_at=AT),
        task(3, title="[click](javascript:alert(1))"),
    ]
    assert written("markdown", some, trash=[task(4)], name="Mine").decode() == (
        "# Mine\n\n## Open\n\n"
        "- [ ] task 1\n  Due: 2027-01-01 · Tags: a\\*b\n  > \\# not a heading\n  >\n  > \\<b\\>see\\</b\\> <https://example.com/a_b>.\n"
        "- [ ] \\[click\\](javascript:alert(1))\n"
        "\n## Done\n\n- [x] task 2\n  Completed: 2026-11-28T09:00:00Z\n\n## Trash\n\n- [ ] task 4\n"
    )


@pytest.mark.parametrize("format", WRITTEN)
def test_writing_begins_before_the_last_task_is_there(format: Written) -> None:
    read = 0

    def tasks() -> Any:
        nonlocal read
        for number in range(1000):
            read = number
            yield task(1, title=f"task {number}")

    pieces = write(format, tasks())
    for _ in range(5):
        next(pieces)
    assert read < 10


def test_an_unknown_format_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="format"):
        write("docx", [])  # type: ignore[arg-type] # what is tested
