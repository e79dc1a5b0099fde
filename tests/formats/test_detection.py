"""Which format a file is of."""

import io

import pytest

from tests.formats.reading import FILES, rows_of
from todo.formats import READ, detect, read

EXPECTED = {
    "Home [2345678901].csv": "todoist",
    "google.json": "google",
    "microsoft.json": "microsoft",
    "tasks.ics": "ics",
    "ticktick.csv": "ticktick",
    "todo.txt": "todotxt",
    "todoist-rest.json": "todoist",
    "todoist-sync.json": "todoist",
    "kept/ours-v1.json": "json",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(("name", "format"), EXPECTED.items())
def test_all_files_are_recognised(name: str, format: str, encoding: str) -> None:
    content = (FILES / name).read_bytes().decode("utf-8-sig").encode(encoding)
    assert detect(content, name) == format
    assert detect(content[:65_536], None) == format


def test_all_formats_have_a_file() -> None:
    assert {str(path.relative_to(FILES)) for path in FILES.rglob("*") if path.is_file()} >= EXPECTED.keys()
    assert set(EXPECTED.values()) == set(READ)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "a.json"),
        (b"\x89PNG\r\n\x1a\n\0\0", "picture.txt"),
        (b"Subject,Start Date\r\nFerns,\r\n", "outlook.csv"),
        (b'{"a": 1}', "a.json"),
        (b"PK\x03\x04", "backup.zip"),
        (b"Just a letter.\n", "letter.md"),
    ],
)
def test_what_is_of_no_format_gives_one_error_that_names_those_that_are(content: bytes, name: str) -> None:
    assert detect(content, name) is None
    (row,) = rows_of("auto", content, name=name)
    for app in ("Todoist", "TickTick", "Microsoft To Do", "Google Tasks", "todo.txt", ".ics"):
        assert app in (row.error or "")


@pytest.mark.parametrize(
    ("format", "content", "message"),
    [
        ("todoist", "a,b\r\n", "there are no columns TYPE and CONTENT"),
        ("todoist", '{"a": 1}', "no title"),
        ("todoist", "", "there are no columns TYPE and CONTENT"),
        ("ticktick", "a,b\r\n", "no row with List Name and Title"),
        ("ticktick", "a\r\n" * 100, "no row with List Name and Title"),
        ("microsoft", '{"a": 1}', "no JSON of Microsoft To Do"),
        ("google", "[]", "no file of Google Tasks"),
        ("ics", "SUMMARY:x\r\n", "does not begin with BEGIN:VCALENDAR"),
        (
            "ics",
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
            "no tasks (VTODO): only 1 VEVENT",
        ),
        ("ics", "BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\n", "ends in the middle"),
        (
            "ics",
            "BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nEND:VCALENDAR\r\n",
            "not that of the component that begins in line 2",
        ),
        ("todoist", 'TYPE,CONTENT\r\ntask,"a', "this is not CSV"),
        ("todoist", 'TYPE,CONTENT\r\ntask,"' + "a\r\n" * 500_000, "longer than 1 MB"),
        ("todotxt", "x" * 1_100_000, "longer than 1 MB"),
        ("ics", "BEGIN:VCALENDAR\r\nX:" + "x" * 1_100_000, "longer than 1 MB"),
        ("ics", "BEGIN:VCALENDAR\r\nX:\r\n" + " x\r\n" * 400_000, "longer than 1 MB"),
    ],
)
def test_a_file_of_another_format_says_what_was_looked_for(format: str, content: str, message: str) -> None:
    rows = rows_of(format, content)
    assert message in (rows[-1].error or "")


def test_csv_that_breaks_off_names_the_line_on_which_the_record_begins() -> None:
    rows = rows_of("todoist", 'TYPE,CONTENT\r\ntask,"a\r\nb"\r\ntask,"c\r\n')
    assert [(row.line, row.error is None) for row in rows] == [(2, True), (4, False)]


@pytest.mark.parametrize("format", ["todotxt", "todoist", "ticktick", "ics"])
def test_text_that_is_not_utf8_is_an_error_of_its_row(format: str) -> None:
    content = {
        "todotxt": b"fine\nGr\xf6\xdfe\nfine\n",
        "todoist": b"TYPE,CONTENT\ntask,fine\ntask,Gr\xf6\xdfe\ntask,fine\n",
        "ticktick": b"List Name,Title\na,fine\na,Gr\xf6\xdfe\na,fine\n",
        "ics": b"BEGIN:VCALENDAR\n"
        + b"".join(b"BEGIN:VTODO\nSUMMARY:%s\nEND:VTODO\n" % each for each in (b"fine", b"Gr\xf6\xdfe", b"fine"))
        + b"END:VCALENDAR\n",
    }[format]
    rows = rows_of(format, content)
    assert [bool(row.error) for row in rows] == [False, True, False]
    assert "not UTF-8" in (rows[1].error or "")


def test_json_that_is_not_utf8_is_an_error() -> None:
    assert "not JSON in UTF-8" in (rows_of("json", b'[{"title": "Gr\xf6\xdfe"}]')[-1].error or "")


def test_what_the_caller_does_wrong_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="format"):
        read("docx", io.BytesIO())
    with pytest.raises(ValueError, match="time_zone"):
        read("json", io.BytesIO(), time_zone="Mars/Olympus")
