"""Rules as they are written, and what is refused."""

import pytest

from todo.tasks.recurrence import normalised


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("none", None),
        (" None ", None),
        ("daily", "daily"),
        (" Weekly\n", "weekly"),
        ("MONTHLY", "monthly"),
        ("yearly", "yearly"),
        ("FREQ=DAILY", "FREQ=DAILY"),
        ("rrule:freq=weekly", "FREQ=WEEKLY"),
        ("RRULE:BYDAY=FR,MO;INTERVAL=2;FREQ=WEEKLY", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR"),
        ("FREQ=WEEKLY; INTERVAL = 2; BYDAY=MO, FR", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR"),
        ("FREQ=DAILY;INTERVAL=1", "FREQ=DAILY"),
        ("FREQ=DAILY;INTERVAL=007", "FREQ=DAILY;INTERVAL=7"),
        ("FREQ=DAILY;INTERVAL=1000;COUNT=10000", "FREQ=DAILY;INTERVAL=1000;COUNT=10000"),
        ("FREQ=WEEKLY;BYDAY=SU,MO,SU", "FREQ=WEEKLY;BYDAY=MO,SU"),
        ("FREQ=MONTHLY;BYDAY=-1FR,+2TU,1MO,WE", "FREQ=MONTHLY;BYDAY=WE,1MO,2TU,-1FR"),
        ("FREQ=MONTHLY;BYDAY=5SU", "FREQ=MONTHLY;BYDAY=5SU"),
        ("FREQ=MONTHLY;BYMONTHDAY=31,-1,1,+15,1", "FREQ=MONTHLY;BYMONTHDAY=1,15,31,-1"),
        ("FREQ=YEARLY;BYDAY=MO", "FREQ=YEARLY;BYDAY=MO"),
        ("FREQ=DAILY;UNTIL=20271231", "FREQ=DAILY;UNTIL=20271231"),
        ("FREQ=DAILY;UNTIL=2027-12-31", "FREQ=DAILY;UNTIL=20271231"),
        ("FREQ=DAILY;UNTIL=20271231T235959Z", "FREQ=DAILY;UNTIL=20271231T235959Z"),
        ("FREQ=DAILY;UNTIL=2027-12-31t23:59:59z", "FREQ=DAILY;UNTIL=20271231T235959Z"),
        ("FREQ=DAILY;UNTIL=20271231T235959", "FREQ=DAILY;UNTIL=20271231T235959"),
    ],
)
def test_a_rule_has_one_form(text: str, wanted: str | None) -> None:
    assert normalised(text) == wanted
    if wanted:
        assert normalised(wanted) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *[(text, "must be none, daily, weekly") for text in ["", " ", "hourly", "täglich", "RRULE:", "ıNTERVAL=1"]],
        *[(text, "a FREQ, one of DAILY, WEEKLY") for text in ["FREQ=HOURLY", "FREQ=", "INTERVAL=2", "FREQ=NONE"]],
        *[
            (f"FREQ=MONTHLY;{part}", "no other parts than FREQ, INTERVAL, BYDAY")
            for part in ["BYMONTH=2", "WKST=MO", "BYSETPOS=1", "BYHOUR=9", "", "X", "=2", "BYYEARDAY=1"]
        ],
        ("FREQ=DAILY;INTERVAL=2;interval=3", "INTERVAL only once"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ only once"),
        *[
            (f"FREQ=DAILY;INTERVAL={value}", "as INTERVAL a number from 1 to 1000")
            for value in ["0", "-1", "1001", "", "x", "1.5", "1_0", "9" * 50]
        ],
        *[
            (f"FREQ=DAILY;COUNT={value}", "as COUNT a number from 1 to 10000")
            for value in ["0", "-1", "10001", "", "x", "1e3", "00"]
        ],
        ("FREQ=DAILY;COUNT=2;UNTIL=20271231", "both COUNT and UNTIL"),
        *[
            (f"FREQ=DAILY;UNTIL={value}", "as UNTIL a date such as 20271231")
            for value in ["", "2027", "20270229", "20271231T2359Z", "20271231Z", "2027-1231", "18991231", "22010101",
                          "20271231T240000Z", "20271231T235960Z", "20271231T235959+0100", "99991231"]
        ],
        *[(f"FREQ=WEEKLY;BYDAY={value}", "as BYDAY a list of MO") for value in ["", "MO,", "XX", "MON", "1", "0MO"]],
        *[(f"FREQ=MONTHLY;BYDAY={value}", "as BYDAY a list of MO") for value in ["0MO", "6MO", "-6FR", "100MO"]],
        *[
            (f"FREQ={freq};BYDAY=MO,1FR", "numbers in BYDAY, such as 1MO, only with FREQ=MONTHLY")
            for freq in ["DAILY", "WEEKLY", "YEARLY"]
        ],
        *[
            (f"FREQ=MONTHLY;BYMONTHDAY={value}", "as BYMONTHDAY a list of days")
            for value in ["0", "32", "-32", "", "1,,2", "x", "1-5"]
        ],
        *[
            (f"FREQ={freq};BYMONTHDAY=1", "BYMONTHDAY only with FREQ=MONTHLY")
            for freq in ["DAILY", "WEEKLY", "YEARLY"]
        ],
        ("FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=1", "both BYDAY and BYMONTHDAY"),
        *[(f"FREQ=DAILY;INTERVAL={n};BYDAY=MO", "never reach another weekday") for n in (7, 14, 994)],
        ("FREQ=MONTHLY;BYMONTHDAY=" + "1," * 100 + "1", "longer than 200 characters"),
    ],
)  # fmt: skip
def test_what_a_rule_may_not_be_is_said(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        normalised(text)
    assert str(refused.value).startswith("must ")
    assert len(str(refused.value)) < 200
