"""Rules of other apps: what comes out is what the API takes."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from todo.formats.recurrence import adapted
from todo.tasks.recurrence import normalised

DUE = date(2026, 10, 5)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("daily", "daily"),
        ("RRULE:FREQ=DAILY;INTERVAL=1", "FREQ=DAILY"),
        ("FREQ=WEEKLY;WKST=SU;BYDAY=MO", "FREQ=WEEKLY;BYDAY=MO"),
        ("FREQ=MONTHLY;BYDAY=FR;BYSETPOS=-1", "FREQ=MONTHLY;BYDAY=-1FR"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3", "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3"),
        ("FREQ=YEARLY;BYMONTH=10;BYMONTHDAY=5", "FREQ=YEARLY"),
        ("FREQ=YEARLY;INTERVAL=2;BYMONTH=10;BYDAY=1MO", "FREQ=MONTHLY;INTERVAL=24;BYDAY=1MO"),
        ("FREQ=YEARLY;BYMONTH=10;BYDAY=MO;BYSETPOS=1", "FREQ=MONTHLY;INTERVAL=12;BYDAY=1MO"),
    ],
)
def test_rules_that_the_api_repeats_by(rule: str, expected: str) -> None:
    assert adapted(rule, DUE) == (expected, "")
    normalised(expected)


@pytest.mark.parametrize(
    ("rule", "lost"),
    [
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,SU", "WKST"),
        ("RRULE:FREQ=DAILY;TT_SKIP=WEEKEND", "TT_SKIP"),
        ("RRULE:FREQ=DAILY\nEXDATE:20261001", "EXDATE"),
    ],
)
def test_rules_of_which_something_is_lost(rule: str, lost: str) -> None:
    found, said = adapted(rule, DUE)
    assert found
    assert lost in said


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "every full moon",
        "FREQ=HOURLY",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;INTERVAL=1001",
        "FREQ=DAILY;COUNT=2;UNTIL=20270101",
        "FREQ=DAILY;UNTIL=20270230",
        "FREQ=DAILY;UNTIL=22010101",
        "FREQ=DAILY;INTERVAL=14;BYDAY=MO",
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "FREQ=MONTHLY;BYMONTH=2",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1",
        "FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=5",
        "FREQ=YEARLY;BYMONTH=10;BYMONTHDAY=6",
        "ERULE:NAME=CUSTOM;BYDATE=20261001",
        "FREQ=DAILY\nFREQ=WEEKLY",
        "FREQ=DÄILY",
    ],
)
def test_rules_that_the_api_cannot_repeat_by(rule: str) -> None:
    found, said = adapted(rule, DUE)
    assert found is None
    assert said


_part = st.sampled_from(
    [
        "INTERVAL=2",
        "INTERVAL=07",
        "INTERVAL=0",
        "BYDAY=MO,FR",
        "BYDAY=-1FR",
        "BYDAY=6MO",
        "BYMONTHDAY=31,-1",
        "BYMONTHDAY=0",
        "COUNT=10",
        "COUNT=10001",
        "UNTIL=20271231",
        "UNTIL=20271231T235959Z",
        "UNTIL=18991231",
        "UNTIL=20270229",
        "UNTIL=20270101T246060",
        "BYSETPOS=1",
        "WKST=SU",
        "BYMONTH=10",
        "BYHOUR=9",
        "BYSECOND=0",
        "X=1",
        "INTERVAL",
    ]
)


@given(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY", "HOURLY"]), st.lists(_part, max_size=5), st.booleans())
@example("YEARLY", ["BYMONTH=10", "BYDAY=-1FR", "INTERVAL=84"], True)
def test_no_rule_comes_out_that_the_api_refuses(frequency: str, parts: list[str], has_due: bool) -> None:
    found, said = adapted(";".join([f"FREQ={frequency}", *parts]), DUE if has_due else None)
    if found is None:
        assert said
    else:
        normalised(found)


@given(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]), st.lists(_part, max_size=3))
def test_every_rule_of_the_api_comes_out_as_it_is(frequency: str, parts: list[str]) -> None:
    try:
        rule = normalised(";".join([f"FREQ={frequency}", *parts]))
    except ValueError:
        return
    assert rule is not None
    assert adapted(rule) == (rule, "")
