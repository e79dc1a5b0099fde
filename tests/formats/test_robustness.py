"""Files that are broken in any way: never an exception, never a task that the API refuses, never without end."""

import io
import json
import random
import zlib
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.formats.reading import FILES, checked, rows_of, tasks_of
from todo.formats import READ, detect, draft, read
from todo.formats.reading import ics_times

FIXTURES = {str(path.relative_to(FILES)): path.read_bytes() for path in sorted(FILES.rglob("*")) if path.is_file()}
NAMES = sorted(FIXTURES)


class Counted(io.BytesIO):
    """A file that counts what is read of it."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        self.count += len(content)
        return content

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self.count += len(line)
        return line


def read_all(content: bytes, format: str, name: str = "") -> int:
    """The number of rows. A reader reads a file twice at most, and looks at its beginning."""
    file = Counted(content)
    number = sum(1 for row in map(checked, read(format, file, name=name, time_zone="Europe/Berlin")))
    assert file.count <= 3 * len(content) + 200_000
    assert number <= content.count(b"\n") + content.count(b"{") + content.count(b",") + content.count(b"\0") + 2
    return number


@given(st.binary(max_size=300), st.sampled_from(READ))
@example(b"\xff\xfe\x00", "json")
@example(b"\xff\xfe\x00\xd8", "todotxt")
@example(b"\xef\xbb\xbf", "ics")
def test_random_bytes(content: bytes, format: str) -> None:
    read_all(content, format)
    detect(content, None)


_fragments = [
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b",",
    b":",
    b"\\",
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xe2\x96\xab",
    b"null",
    b"-1",
]
_fragments += [
    b'{"items":',
    b'"tasks":[',
    b"1e999",
    b"BEGIN:VTODO\r\n",
    b"END:VTODO\r\n",
    b"END:VCALENDAR\r\n",
    b"TZID=",
    b";",
]
_fragments += [
    b"RRULE:FREQ=DAILY\r\n",
    b"99999999999999999999",
    b"0001-01-01T00:00:00+14:00",
    b"9999-12-31T23:59:59-12:00",
]
_fragments += [
    "\u0301".encode() * 40,
    b"\\ud800",
    b"true",
    b"P99999W",
    b"every ",
    b" " * 300,
    b"x" * 300,
    b"(",
    b"\xc2\x85",
]


@settings(max_examples=200)
@given(
    st.sampled_from(NAMES),
    st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 30), st.sampled_from(_fragments)), max_size=6),
)
def test_mutated_files(name: str, changes: list[tuple[int, int, bytes]]) -> None:
    content = FIXTURES[name]
    found = detect(content, name)
    assert found
    for at, length, fragment in changes:
        at %= len(content) + 1
        content = content[:at] + fragment + content[at + length :]
    read_all(content, found, name)


@pytest.mark.parametrize("name", NAMES)
def test_files_that_end_anywhere(name: str) -> None:
    content = FIXTURES[name]
    found = detect(content, name)
    assert found
    whole = read_all(content, found, name)
    for end in range(0, len(content), 41):
        assert read_all(content[:end], found, name) <= whole + 1


@pytest.mark.parametrize("name", NAMES)
def test_files_whose_values_changed_places(name: str) -> None:
    """Lines and values of the same file, in another order."""
    chance = random.Random(zlib.crc32(name.encode()))
    found = detect(FIXTURES[name], name)
    assert found
    for separator in (b"\n", b'"', b",", b":"):
        for _ in range(25):
            parts = FIXTURES[name].split(separator)
            chance.shuffle(parts)
            read_all(separator.join(parts), found, name)
            first, *rest = FIXTURES[name].split(separator)
            chance.shuffle(rest)
            read_all(separator.join([first, *rest]), found, name)


ZONE = (
    b"BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:X/Y\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
    b"TZOFFSETFROM:+0000\r\nTZOFFSETTO:+0100\r\nRRULE:%s\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    b"BEGIN:VTODO\r\nUID:1\r\nSUMMARY:x\r\nDUE;TZID=X/Y:20270101T000000\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"
)
AFTER_9999 = (
    b"BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nUID:1\r\nSUMMARY:x\r\nDTSTART:99991231T235959Z\r\nDURATION:P1D\r\n"
    b"END:VTODO\r\nEND:VCALENDAR\r\n"
)


def calls_of(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[Any]:
    """The arguments of all calls of this function from now on."""
    function, seen = getattr(owner, name), list[Any]()

    def recorded(*arguments: Any, **options: Any) -> Any:
        seen.append(arguments)
        return function(*arguments, **options)

    monkeypatch.setattr(owner, name, recorded)
    return seen


def test_of_very_many_tags_a_thousand_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = calls_of(monkeypatch, draft, "folded")
    [task] = tasks_of("json", json.dumps([{"title": "x", "tags": [f"t{n}" for n in range(50_000)]}]))
    assert len(task["tags"]) == draft.MAX_TAGS
    assert 0 < len(looked_at) <= draft.MOST_TAGS


def test_of_a_very_long_description_little_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part must not cost as much as all before it."""
    texts = calls_of(monkeypatch, draft.Draft, "_clean")
    [row] = rows_of("todoist", "TYPE,CONTENT\ntask,x\n" + "note,é\n" * 100_000)
    assert row.task
    assert len(row.task["description"]) == draft.DESCRIPTION_LENGTH
    assert "1,199,998 characters" in row.problems[0]
    assert 0 < sum(len(text) for _, text, _ in texts) < 10 * draft.DESCRIPTION_LENGTH


@pytest.mark.parametrize(("tags", "parsed"), [(10, 1), (3_000, 0)])
def test_html_with_very_many_tags_is_not_parsed(monkeypatch: pytest.MonkeyPatch, tags: int, parsed: int) -> None:
    """Where they do not end, the parser takes time by the square of their number."""
    feeds = calls_of(monkeypatch, HTMLParser, "feed")
    body = {"contentType": "html", "content": "before " + "<a " * tags}
    [task] = tasks_of("microsoft", json.dumps([{"displayName": "L", "tasks": [{"title": "x", "body": body}]}]))
    assert task["description"].startswith("before")
    assert len(feeds) == parsed


@pytest.mark.parametrize(
    ("rule", "expanded"),
    [
        ("FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10", True),
        ("FREQ=SECONDLY", False),
        ("FREQ=YEARLY;BYHOUR=1,2,3;BYMINUTE=1,2,3", False),
        ("FREQ=YEARLY;BYDAY=MO,TU,WE", False),
    ],
)
def test_only_clocks_that_change_yearly_are_expanded(
    monkeypatch: pytest.MonkeyPatch, rule: str, expanded: bool
) -> None:
    parsed = calls_of(monkeypatch, ics_times, "_written")
    [row] = rows_of("ics", ZONE % rule.encode())
    assert bool(parsed) == expanded
    assert bool(row.problems) == (not expanded)


@pytest.mark.parametrize(
    ("format", "content"),
    [
        ("ics", AFTER_9999),
        (
            "ticktick",
            b"Folder Name,List Name,Title,Due Date,Reminder,Status,taskId\nF,L,x,9999-12-31T23:00:00+0000,P1D,0,1\n",
        ),
    ],
)
def test_a_time_after_the_year_9999_is_not_understood(format: str, content: bytes) -> None:
    [row] = [checked(row) for row in read(format, io.BytesIO(content))]
    assert row.task is not None
    assert row.problems
