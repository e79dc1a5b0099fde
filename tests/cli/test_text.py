"""Text that others wrote, dates, and the machine's time zone."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from todo.cli.errors import UsageError
from todo.cli.remote.dates import as_iso, clock_of, in_words, is_overdue
from todo.cli.remote.time_zone import machine_time_zone
from todo.cli.text import one_line, printable, printable_json

NOW = datetime(2027, 3, 3, 10, 0)  # noqa: DTZ001 # a reading of a clock


@pytest.mark.parametrize("unsafe", ["\x1b[2J", "\x9b31m", "\x07", "\x7f", "\r", "\u202e", "\u2066", "\x00", "\ud800"])
def test_no_control_character_is_printed(unsafe: str) -> None:
    assert printable(f"a{unsafe}b").isprintable()
    assert unsafe not in printable_json(json.dumps(f"a{unsafe}b", ensure_ascii=unsafe == "\ud800"))


def test_what_people_write_is_kept() -> None:
    text = "水 🌿 é\tتجربة\n#home"

    assert printable(text) == text
    assert one_line(text) == "水 🌿 é تجربة #home"
    assert json.loads(printable_json(json.dumps("\x9b水", ensure_ascii=False))) == "\x9b水"


@pytest.mark.parametrize(
    ("due", "zone", "words", "late"),
    [
        ("2027-03-03", None, "today", False),
        ("2027-03-02", None, "yesterday", True),
        ("2027-03-04T09:00", None, "tomorrow 09:00", False),
        ("2027-03-03T09:59", None, "today 09:59", True),
        ("2027-03-05", None, "Fri", False),
        ("2027-03-10", None, "2027-03-10", False),
        ("2027-02-01T09:00:00", None, "2027-02-01 09:00", True),
        ("2027-03-03T12:00:00Z", None, "today 13:00", False),
        ("2027-03-03T09:30", "America/New_York", "today 15:30", False),
        ("2027-03-03T09:30", "Nowhere/Land", "today 09:30", True),
    ],
)
def test_due_dates_are_said_on_this_clock(
    due: str, zone: str | None, words: str, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    __import__("time").tzset()
    try:
        found = clock_of(due, zone)
        assert (in_words(found, NOW), is_overdue(found, NOW)) == (words, late)
    finally:
        monkeypatch.undo()
        __import__("time").tzset()


def test_dates_are_taken_as_they_are() -> None:
    assert as_iso(" 2027-03-01 09:00 ") == "2027-03-01T09:00"
    assert as_iso("2027-03-01t09:00z") == "2027-03-01T09:00Z"
    assert as_iso("friday") is None
    with pytest.raises(UsageError, match="2027-02-30"):
        as_iso("2027-02-30")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (":America/New_York", "America/New_York"),
        ("/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
        ("UTC", "UTC"),
        ("XYZ-2", "Etc/GMT-2"),
        ("../../etc/passwd", None),
    ],
)
def test_the_zone_of_tz_is_named(given: str, name: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", given)
    __import__("time").tzset()
    try:
        assert machine_time_zone() == name if name else "passwd" not in (machine_time_zone() or "")
    finally:
        monkeypatch.undo()
        __import__("time").tzset()


def test_without_tz_it_is_that_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ", raising=False)

    name = machine_time_zone()

    assert name
    assert name in str(Path("/etc/localtime").resolve()) or name.startswith("Etc/") or Path("/etc/timezone").exists()
