"""Repeating tasks, case by case: what servers of this kind get wrong."""

from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

import pytest

from todo.tasks.recurrence import Mode, Occurrence, following, normalised, occurrence_id

LONG_AGO = datetime(1901, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def series(rule: str, due: str, zone: str | None = None, most: int = 20) -> list[str]:
    """The due dates of a task that is always completed early."""
    anchor = current = Occurrence(due, 1)
    found = [due]
    while len(found) < most:
        after = following(normalised(rule) or "", "due", anchor=anchor, current=current, time_zone=zone, now=LONG_AGO)
        if after is None:
            break
        assert after.number == len(found) + 1
        found.append(after.due)
        current = after
    return found


def one(
    rule: str, due: str, now: str, *, zone: str | None = None, mode: Mode = "due", anchor: str = "", number: int = 1
) -> tuple[str, int] | None:
    """The due date and the number of what follows."""
    first = Occurrence(anchor, 1) if anchor else Occurrence(due, number)
    current = Occurrence(due, number)
    found = following(normalised(rule) or "", mode, anchor=first, current=current, time_zone=zone, now=at(now))
    return (found.due, found.number) if found else None


MONTH_ENDS = {
    "monthly from the 31st": ("monthly", "2027-01-31 2027-02-28 2027-03-31 2027-04-30 2027-05-31"),
    "in a leap year": ("monthly", "2028-01-31 2028-02-29 2028-03-31"),
    "from the 30th": ("monthly", "2027-01-30 2027-02-28 2027-03-30 2027-04-30"),
    "from the 29th": ("monthly", "2027-01-29 2027-02-28 2027-03-29"),
    "from 28 February, no month's end": ("monthly", "2027-02-28 2027-03-28 2027-04-28"),
    "over the end of a year": ("monthly", "2027-11-30 2027-12-30 2028-01-30 2028-02-29 2028-03-30"),
    "every third month": ("FREQ=MONTHLY;INTERVAL=3", "2027-08-31 2027-11-30 2028-02-29 2028-05-31"),
    "every thirteenth": ("FREQ=MONTHLY;INTERVAL=13", "2027-01-31 2028-02-29 2029-03-31"),
    "yearly from the leap day": ("yearly", "2024-02-29 2025-02-28 2026-02-28 2027-02-28 2028-02-29"),
    "over 2100, no leap year": ("FREQ=YEARLY;INTERVAL=4", "2096-02-29 2100-02-28 2104-02-29"),
    "every second year": ("FREQ=YEARLY;INTERVAL=2", "2024-02-29 2026-02-28 2028-02-29"),
    "the 31st, from the middle": ("FREQ=MONTHLY;BYMONTHDAY=31", "2027-01-10 2027-01-31 2027-02-28 2027-03-31"),
    "two which fall together": ("FREQ=MONTHLY;BYMONTHDAY=30,31", "2027-03-30 2027-03-31 2027-04-30 2027-05-30"),
    "last and 30th fall together": ("FREQ=MONTHLY;BYMONTHDAY=30,-1", "2027-01-31 2027-02-28 2027-03-30 2027-03-31"),
    "the last day": ("FREQ=MONTHLY;BYMONTHDAY=-1", "2027-01-31 2027-02-28 2027-03-31 2027-04-30"),
    "the third from the end": ("FREQ=MONTHLY;BYMONTHDAY=-3", "2027-01-29 2027-02-26 2027-03-29"),
    "a day before the first is left out": ("FREQ=MONTHLY;BYMONTHDAY=-31", "2027-01-01 2027-03-01 2027-05-01"),
}

INTERVALS_WITH_DAYS = {
    "every second week": ("FREQ=WEEKLY;INTERVAL=2", "2027-03-01 2027-03-15 2027-03-29"),
    "the pause comes after the week's last day": (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR",
        "2027-03-01 2027-03-05 2027-03-15 2027-03-19 2027-03-29",
    ),
    "begun in the middle of a week": (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU",
        "2027-03-04 2027-03-07 2027-03-16 2027-03-21 2027-03-30",
    ),
    "a week begins on Monday (RFC 5545's example)": (
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU",
        "1997-08-05 1997-08-10 1997-08-19 1997-08-24",
    ),
    "over the end of a year": ("FREQ=WEEKLY;INTERVAL=3;BYDAY=FR", "2026-12-25 2027-01-15 2027-02-05"),
    "one day only": ("FREQ=WEEKLY;BYDAY=WE", "2027-03-01 2027-03-03 2027-03-10"),
    "working days": ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "2027-03-04 2027-03-05 2027-03-08"),
    "every second day, if a Monday": ("FREQ=DAILY;INTERVAL=2;BYDAY=MO", "2027-03-01 2027-03-15"),
    "every tenth day": ("FREQ=DAILY;INTERVAL=10", "2027-02-22 2027-03-04 2027-03-14"),
    "the last Friday": ("FREQ=MONTHLY;BYDAY=-1FR", "2027-03-26 2027-04-30 2027-05-28"),
    "first Monday, every second month": ("FREQ=MONTHLY;INTERVAL=2;BYDAY=1MO", "2027-03-01 2027-05-03 2027-07-05"),
    "a fifth Monday": ("FREQ=MONTHLY;BYDAY=5MO", "2027-03-29 2027-05-31 2027-08-30"),
    "numbered and not": (
        "FREQ=MONTHLY;BYDAY=1MO,SU",
        "2027-03-01 2027-03-07 2027-03-14 2027-03-21 2027-03-28 2027-04-04",
    ),
    "every Monday of every second year": ("FREQ=YEARLY;INTERVAL=2;BYDAY=MO", "2027-12-20 2027-12-27 2029-01-01"),
}

ENDS = {
    "the first is counted": ("FREQ=DAILY;COUNT=3", "2027-03-01 2027-03-02 2027-03-03"),
    "a first which does not match, too": ("FREQ=WEEKLY;BYDAY=WE;COUNT=2", "2027-03-01 2027-03-03"),
    "only the first": ("FREQ=DAILY;COUNT=1", "2027-03-01"),
    "the last day is one": ("FREQ=DAILY;UNTIL=20270303", "2027-03-01 2027-03-02 2027-03-03"),
    "the last day is between two": ("FREQ=WEEKLY;UNTIL=20270320", "2027-03-01 2027-03-08 2027-03-15"),
    "a day until a time": ("FREQ=DAILY;UNTIL=20270302T000000Z", "2027-03-01 2027-03-02"),
    "a time until its day": ("FREQ=DAILY;UNTIL=20270302", "2027-03-01T23:59 2027-03-02T23:59"),
    "a local time until the same time": ("FREQ=DAILY;UNTIL=20270302T090000Z", "2027-03-01T09:00 2027-03-02T09:00"),
    "until the second before": ("FREQ=DAILY;UNTIL=20270302T085959Z", "2027-03-01T09:00"),
    "an instant until itself": ("FREQ=DAILY;UNTIL=20270302T090000Z", "2027-03-01T09:00:00Z 2027-03-02T09:00:00Z"),
    "an instant until before": ("FREQ=DAILY;UNTIL=20270302T085959Z", "2027-03-01T09:00:00Z"),
    "an offset until the same instant": (
        "FREQ=DAILY;UNTIL=20270302T080000Z",
        "2027-03-01T09:00:00+01:00 2027-03-02T09:00:00+01:00",
    ),
    "an offset until a second before": ("FREQ=DAILY;UNTIL=20270302T075959Z", "2027-03-01T09:00:00+01:00"),
    "an instant until its local day": (
        "FREQ=DAILY;UNTIL=20270302",
        "2027-03-01T23:30:00-05:00 2027-03-02T23:30:00-05:00",
    ),
    "already past": ("FREQ=DAILY;UNTIL=20260101", "2027-03-01"),
}


@pytest.mark.parametrize(
    ("rule", "dues"), [pytest.param(*case, id=name) for name, case in (MONTH_ENDS | INTERVALS_WITH_DAYS | ENDS).items()]
)
def test_a_series(rule: str, dues: str) -> None:
    wanted = dues.split()
    ends = "COUNT" in rule or "UNTIL" in rule
    assert series(rule, wanted[0], most=len(wanted) + ends) == wanted


CLOCK_CHANGES = {
    "Berlin, spring": ("daily", "Europe/Berlin", "2027-03-27T08:00:00Z 2027-03-28T07:00:00Z 2027-03-29T07:00:00Z"),
    "Berlin, autumn": ("daily", "Europe/Berlin", "2027-10-30T07:00:00Z 2027-10-31T08:00:00Z"),
    "with offsets": ("weekly", "Europe/Berlin", "2027-03-22T09:00:00+01:00 2027-03-29T09:00:00+02:00"),
    "a local time stays": ("daily", "Europe/Berlin", "2027-03-27T02:30 2027-03-28T02:30 2027-03-29T02:30"),
    "a skipped hour is later, once": (
        "daily",
        "Europe/Berlin",
        "2027-03-27T02:30:00+01:00 2027-03-28T03:30:00+02:00 2027-03-29T02:30:00+02:00",
    ),
    "an hour twice: the first": ("daily", "Europe/Berlin", "2027-10-30T02:30:00+02:00 2027-10-31T02:30:00+02:00"),
    "half an hour, skipped": (
        "daily",
        "Australia/Lord_Howe",
        "2027-10-02T02:15:00+10:30 2027-10-03T02:45:00+11:00 2027-10-04T02:15:00+11:00",
    ),
    "half an hour, kept": ("daily", "Australia/Lord_Howe", "2027-10-02T09:00:00+10:30 2027-10-03T09:00:00+11:00"),
    "southern": ("monthly", "Australia/Sydney", "2027-03-15T22:00:00Z 2027-04-15T23:00:00Z"),
    "midnight is skipped": (
        "daily",
        "America/Santiago",
        "2026-09-05T00:00:00-04:00 2026-09-06T01:00:00-03:00 2026-09-07T00:00:00-03:00",
    ),
    "23:59 before it": ("daily", "America/Santiago", "2026-09-05T23:59:00-04:00 2026-09-06T23:59:00-03:00"),
    "23:59 twice": (
        "daily", "America/Santiago",
        "2027-04-02T23:59:00-03:00 2027-04-03T23:59:00-03:00 2027-04-04T23:59:00-04:00",
    ),
    "a quarter of an hour": ("yearly", "Asia/Kathmandu", "2027-03-01T09:00:00+05:45 2028-03-01T09:00:00+05:45"),
    "St John's": ("daily", "America/St_Johns", "2027-03-13T23:59:00-03:30 2027-03-14T23:59:00-02:30"),
    "Ramadan": ("weekly", "Africa/Casablanca", "2026-02-10T09:00:00+01:00 2026-02-17T09:00:00+00:00"),
    "no change without a zone": ("daily", None, "2027-03-27T09:00:00+01:00 2027-03-28T09:00:00+01:00"),
    "a Friday of New York, Saturday in UTC": (
        "FREQ=WEEKLY;BYDAY=FR",
        "America/New_York",
        "2027-03-06T04:30:00Z 2027-03-13T04:30:00Z 2027-03-20T03:30:00Z",
    ),
    "a Monday of Kathmandu, Sunday in UTC": (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU",
        "Asia/Kathmandu",
        "2027-02-28T20:00:00Z 2027-03-06T20:00:00Z 2027-03-14T20:00:00Z",
    ),
    "a month's end there, not in UTC": (
        "monthly", "America/New_York", "2027-02-01T04:30:00Z 2027-03-01T04:30:00Z 2027-04-01T03:30:00Z",
    ),
    "a day that was left out is the next": (
        "weekly", "Pacific/Apia",
        "2011-12-23T09:00:00-10:00 2011-12-31T09:00:00+14:00 2012-01-06T09:00:00+14:00",
    ),
    "fractions stay": ("daily", "Europe/Berlin", "2027-03-27T09:00:00.250Z 2027-03-28T08:00:00.250Z"),
    "minutes stay": ("daily", None, "2027-03-27T09:00Z 2027-03-28T09:00Z"),
    "whole minutes, where the zone had seconds": (
        "daily", "Africa/Monrovia", "1950-01-01T09:00:00+00:00 1950-01-02T08:15:00-00:45",
    ),
    "seconds appear where they are needed": (
        "daily", "Africa/Monrovia", "1972-01-06T09:00Z 1972-01-07T08:15:30Z 1972-01-08T08:15:30Z",
    ),
    "in UTC, where the zone had seconds": ("daily", "Africa/Monrovia", "1950-01-01T09:00:00Z 1950-01-02T09:00:00Z"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "zone", "dues"), [pytest.param(*case, id=name) for name, case in CLOCK_CHANGES.items()]
)
def test_clocks_that_change_move_no_hour_and_no_day(rule: str, zone: str | None, dues: str) -> None:
    wanted = dues.split()
    assert series(rule, wanted[0], zone, most=len(wanted)) == wanted


MISSED = {
    "two months, and the 31st returns": ("monthly", "2027-01-31", "2027-04-02T12:00Z", None, ("2027-04-30", 4)),
    "then of a clamped one": ("monthly", "2027-01-31", "2027-02-28T12:00Z", None, ("2027-03-31", 3)),
    "with an interval, the step stays": (
        "FREQ=MONTHLY;INTERVAL=5", "2026-08-31", "2027-03-01T00:00Z", None, ("2027-06-30", 3),
    ),
    "leap days": ("yearly", "2024-02-29", "2027-03-01T12:00Z", None, ("2028-02-29", 5)),
    "weeks, and the pause stays": (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR", "2027-03-01", "2027-03-06T12:00Z", None, ("2027-03-15", 3),
    ),
    "a hundred years": ("daily", "1926-11-28", "2026-11-28T12:00Z", None, ("2026-11-29", 36527)),
    "every third day, in step": ("FREQ=DAILY;INTERVAL=3", "2027-03-01", "2027-03-11T12:00Z", None, ("2027-03-13", 5)),
    "today is not in the future": ("daily", "2027-03-01", "2027-03-05T00:00Z", None, ("2027-03-06", 6)),
    "now is not in the future": ("daily", "2027-03-01T09:00Z", "2027-03-05T09:00Z", None, ("2027-03-06T09:00Z", 6)),
    "later today is": ("daily", "2027-03-01T09:00Z", "2027-03-05T08:59:59Z", None, ("2027-03-05T09:00Z", 5)),
    "today is the zone's": ("daily", "2027-03-01", "2027-03-05T04:30Z", "America/New_York", ("2027-03-05", 5)),
    "of the zone east": ("daily", "2027-03-01", "2027-03-05T18:30Z", "Asia/Kathmandu", ("2027-03-07", 7)),
    "local time in a zone": (
        "daily", "2027-03-01T09:00", "2027-03-05T13:59Z", "America/New_York", ("2027-03-05T09:00", 5),
    ),
    "local time without: UTC": ("daily", "2027-03-01T09:00", "2027-03-05T09:00Z", None, ("2027-03-06T09:00", 6)),
    "completed early": ("weekly", "2027-03-08", "2027-03-02T12:00Z", None, ("2027-03-15", 2)),
    "very early": ("monthly", "2027-03-31", "2026-01-01T12:00Z", None, ("2027-04-30", 2)),
    "over a change of clocks": (
        "daily", "2027-03-20T08:00:00Z", "2027-03-30T06:59Z", "Europe/Berlin", ("2027-03-30T07:00:00Z", 11),
    ),
    "on the day after the one that was left out": (
        "weekly", "2011-12-23T09:00:00-10:00", "2011-12-30T18:00Z", "Pacific/Apia", ("2011-12-31T09:00:00+14:00", 2),
    ),
    "missed ones are counted": ("FREQ=DAILY;COUNT=5", "2027-03-01", "2027-03-04T12:00Z", None, ("2027-03-05", 5)),
    "all are missed": ("FREQ=DAILY;COUNT=5", "2027-03-01", "2027-03-05T12:00Z", None, None),
    "it ended meanwhile": ("FREQ=DAILY;UNTIL=20270305", "2027-03-01", "2027-03-05T12:00Z", None, None),
    "the last is today's": ("FREQ=DAILY;UNTIL=20270305", "2027-03-01", "2027-03-04T12:00Z", None, ("2027-03-05", 5)),
    "until an instant, in a zone": (
        "FREQ=DAILY;UNTIL=20270302T080000Z", "2027-03-01T09:00", "2027-03-01T12:00Z", "Europe/Berlin",
        ("2027-03-02T09:00", 2),
    ),
    "until before it, in a zone": (
        "FREQ=DAILY;UNTIL=20270302T075959Z", "2027-03-01T09:00", "2027-03-01T12:00Z", "Europe/Berlin", None,
    ),
    "a day until its end in a zone": (
        "FREQ=DAILY;UNTIL=20270302T235959Z", "2027-03-02", "2027-03-01T12:00Z", "Europe/Berlin", None,
    ),
    "an instant until its day in a zone": (
        "FREQ=DAILY;UNTIL=20270302", "2027-03-02T04:30:00Z", "2027-03-01T12:00Z", "America/New_York",
        ("2027-03-03T04:30:00Z", 2),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "due", "now", "zone", "wanted"), [pytest.param(*case, id=name) for name, case in MISSED.items()]
)
def test_what_was_missed_is_skipped_in_step_and_counted(
    rule: str, due: str, now: str, zone: str | None, wanted: tuple[str, int] | None
) -> None:
    assert one(rule, due, now, zone=zone) == wanted


def test_a_clamped_date_is_not_what_is_counted_from() -> None:
    assert one("monthly", "2027-02-28", "2027-02-28T12:00Z", anchor="2027-01-31", number=2) == ("2027-03-31", 3)
    assert one("yearly", "2027-02-28", "2027-03-20T12:00Z", anchor="2024-02-29", number=4) == ("2028-02-29", 5)


def test_what_is_before_the_date_that_the_series_is_counted_from_is_followed_by_it() -> None:
    assert one("weekly", "2027-03-01", "2027-02-01T12:00Z", anchor="2027-03-10") == ("2027-03-10", 1)
    assert one("FREQ=WEEKLY;BYDAY=MO,FR", "2027-03-07", "2027-02-01T12:00Z", anchor="2027-03-10") == ("2027-03-10", 1)


def test_the_number_goes_on_from_the_one_that_the_series_is_counted_from() -> None:
    """The user moved the seventh occurrence."""
    assert one("FREQ=DAILY;COUNT=9", "2027-03-10", "2027-03-01T12:00Z", number=7) == ("2027-03-11", 8)
    assert one("FREQ=DAILY;COUNT=7", "2027-03-10", "2027-03-01T12:00Z", number=7) is None


def test_the_second_of_two_equal_hours_is_followed_by_the_next_day() -> None:
    due = "2027-10-31T02:30:00+01:00"
    assert one("daily", due, "2027-10-01T00:00Z", zone="Europe/Berlin") == ("2027-11-01T02:30:00+01:00", 2)


COMPLETION = {
    "late": ("weekly", "2027-03-01", "2027-03-04T12:00Z", None, ("2027-03-11", 2)),
    "early": ("weekly", "2027-03-08", "2027-03-02T12:00Z", None, ("2027-03-09", 2)),
    "in time": ("daily", "2027-03-01", "2027-03-01T12:00Z", None, ("2027-03-02", 2)),
    "months late, one is counted": ("daily", "2027-03-01", "2027-06-01T12:00Z", None, ("2027-06-02", 2)),
    "the time of day stays": (
        "FREQ=DAILY;INTERVAL=3", "2027-03-01T09:00", "2027-03-02T23:00Z", None, ("2027-03-05T09:00", 2),
    ),
    "before it on the day": ("daily", "2027-03-01T09:00Z", "2027-03-02T01:00Z", None, ("2027-03-03T09:00Z", 2)),
    "the local day, west": ("daily", "2027-03-01", "2027-03-02T04:30Z", "America/New_York", ("2027-03-02", 2)),
    "the local day, east": ("daily", "2027-03-01", "2027-03-01T19:00Z", "Asia/Kathmandu", ("2027-03-03", 2)),
    "the offset's day": (
        "daily", "2027-03-01T09:00:00-05:00", "2027-03-02T04:30Z", None, ("2027-03-02T09:00:00-05:00", 2),
    ),
    "over a change of clocks": (
        "weekly", "2027-03-01T08:00:00Z", "2027-03-25T20:00Z", "Europe/Berlin", ("2027-04-01T07:00:00Z", 2),
    ),
    "a month's end": ("monthly", "2027-01-15", "2027-01-31T12:00Z", None, ("2027-02-28", 2)),
    "the next of the week": (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR", "2027-03-01", "2027-03-03T12:00Z", None, ("2027-03-05", 2),
    ),
    "the pause after the week's last": (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR", "2027-03-01", "2027-03-05T12:00Z", None, ("2027-03-15", 2),
    ),
    "until": ("FREQ=DAILY;UNTIL=20270305", "2027-03-01", "2027-03-05T12:00Z", None, None),
    "until, inclusive": ("FREQ=DAILY;UNTIL=20270305", "2027-03-01", "2027-03-04T12:00Z", None, ("2027-03-05", 2)),
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "due", "now", "zone", "wanted"), [pytest.param(*case, id=name) for name, case in COMPLETION.items()]
)
def test_from_completion(rule: str, due: str, now: str, zone: str | None, wanted: tuple[str, int] | None) -> None:
    assert one(rule, due, now, zone=zone, mode="completion") == wanted


def test_from_completion_the_count_ends_the_series() -> None:
    assert one("FREQ=DAILY;COUNT=3", "2027-03-01", "2027-03-01T12:00Z", mode="completion", number=2) == (
        "2027-03-02",
        3,
    )
    assert one("FREQ=DAILY;COUNT=3", "2027-03-01", "2027-03-01T12:00Z", mode="completion", number=3) is None


def test_from_completion_an_hour_that_was_skipped_returns() -> None:
    found = one(
        "daily",
        "2027-03-28T03:30:00+02:00",
        "2027-03-28T12:00Z",
        zone="Europe/Berlin",
        mode="completion",
        anchor="2027-03-27T02:30:00+01:00",
        number=5,
    )
    assert found == ("2027-03-29T02:30:00+02:00", 6)


def test_a_day_that_the_rule_cannot_reach_ends_the_series() -> None:
    assert one("FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=-31", "2027-02-01", "2027-02-01T12:00Z") is None


@pytest.mark.parametrize(
    "due",
    ["", "2027", "2027-02-29", "20270301", "2027-03-01Z", "2027-03-01+01:00", "2027-03-01T09", "2027-03-01T24:00",
     "2027-03-01T09:00:60Z", "2027-03-01T09:00+25:00", "1899-12-31", "2201-01-01", "2027-03-01T09:00:00.1234567"],
)  # fmt: skip
def test_what_is_no_due_date_is_refused(due: str) -> None:
    with pytest.raises(ValueError, match="must be a date such as"):
        one("daily", due, "2027-03-01T12:00Z")


@pytest.mark.parametrize("zone", ["Nowhere/Else", "../../etc/passwd", "Europe", "\x00", "Europe/Berlin ", "x" * 5000])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="must be the name of a time zone"):
        one("daily", "2027-03-01", "2027-03-01T12:00Z", zone=zone)


def test_the_two_due_dates_have_one_form() -> None:
    with pytest.raises(ValueError, match="must have the form"):
        one("daily", "2027-03-01", "2027-03-01T12:00Z", anchor="2027-03-01T09:00")


def test_an_occurrence_has_the_same_id_each_time_it_is_made() -> None:
    one_series, another = UUID(int=1), UUID(int=2)
    ids = [
        occurrence_id(one_series, "2027-03-01"),
        occurrence_id(one_series, "2027-03-02"),
        occurrence_id(another, "2027-03-01"),
    ]
    assert str(ids[0]) == "4d3db1ea-5824-5e3d-bd81-5db249e6072b"
    assert all(one != other for one, other in pairwise([*ids, ids[0]]))
    assert occurrence_id(one_series, "2027-03-01") == ids[0]
