"""The grammar of quick add: the cases that other implementations share, and properties of every line."""

import json
import time
from collections import Counter
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from todo.tasks.quick_add import QuickAdd, parse

CONTRACT = json.loads((Path(__file__).parents[2] / "contracts" / "quick-add.json").read_text())
CASES: list[dict[str, Any]] = CONTRACT["cases"]

NOW = datetime.fromisoformat("2027-03-03T10:00")
"""A Wednesday."""

PLAIN = [
    "Water",
    "ferns",
    "Call",
    "Ada",
    "C#",
    "v1.2",
    "買う",
    "naïve",
    "1984",
    "wow!",
    "x@y.example",
    "£9",
    "Q3",
    "sundae",
]
"""Words that are part of no token, wherever they stand."""

# "monday" after "every tuesday" would be one more day of that list, so the dates here are written with "on".
DATES = ["today", "on monday", "next friday", "in 3 days", "march 10", "10 march 2028", "on the 15th", "2027-12-31"]
TIMES = ["9am", "9 pm", "12:30pm", "14:30", "at noon", "by midnight", "at 9"]
RECURRENCES = [
    "daily",
    "every week",
    "every 2 months",
    "every tuesday",
    "every mon and fri",
    "every 15th",
    "every! day",
]
PRIORITIES = ["!low", "!high", "!1"]
TAGS = ["#home", "#work/clients", "#дом"]

PARTS = """
on by due at next this every every! other in a the of and to from 1 2 3 15th 31st 32nd 0 9 13 am pm day days weeks month
year weekday monday sun wed may mar march february 30 29 2027 2300 2020-01-01 9:75 25:00 first last noon midnight today
tomorrow, week #home, 9am, !x # ! #1 \\ \\tomorrow \\#home \\\\x
"""
GRAMMAR = [*PARTS.split(), *DATES, *TIMES, *RECURRENCES, *PRIORITIES, *TAGS]

LAST = datetime.fromisoformat("2200-12-31T23:59")

moments = st.datetimes(datetime.fromisoformat("1900-01-01"), LAST)
moments_before_the_dates = st.datetimes(datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2027-12-31"))
titles = st.lists(st.sampled_from(PLAIN), min_size=1, max_size=4).map(" ".join)
lines = st.lists(st.sampled_from(GRAMMAR) | st.sampled_from(PLAIN) | st.text(max_size=8), max_size=12).map(" ".join)


@st.composite
def token_runs(draw: st.DrawFn) -> list[str]:
    kinds = [draw(st.none() | st.sampled_from(kind)) for kind in (DATES, TIMES, RECURRENCES, PRIORITIES)]
    tags = draw(st.lists(st.sampled_from(TAGS), unique=True))
    return [token for token in (*kinds, *tags) if token]


def without_order(task: QuickAdd) -> QuickAdd:
    """By the words that were understood: "every week on monday" is one piece, "on monday every week" is two."""
    words = " ".join(task.recognised).split()
    return replace(task, tags=tuple(sorted(task.tags)), recognised=tuple(sorted(words)))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_line_is_read_as_the_contract_says(case: dict[str, Any]) -> None:
    task = asdict(parse(case["text"], datetime.fromisoformat(case.get("now", CONTRACT["now"]))))
    del task["recognised"]

    assert {**task, "tags": list(task["tags"])} == case["expect"]


def test_the_contract_has_cases_of_every_kind_and_distinct_names() -> None:
    names = [case["name"] for case in CASES]
    kinds = Counter(name.partition(": ")[0] for name in names)

    assert len(set(names)) == len(names) >= 150
    assert all(kinds[kind] >= 10 for kind in ("words", "signs", "clock", "days", "impossible", "times"))
    for case in CASES:
        assert case.keys() - {"now"} == {"name", "text", "expect"}
        assert len(case["text"]) <= 1000


def test_the_pieces_that_were_understood_come_in_their_order() -> None:
    task = parse("Call Bob, on friday, 9  am #home, !high every other week", NOW)

    assert task.title == "Call Bob,"
    assert task.recognised == ("on friday", "9  am", "#home", "!high", "every other week")


def test_a_time_zone_of_now_changes_nothing() -> None:
    late = datetime(2027, 3, 3, 23, 59, tzinfo=timezone(timedelta(hours=14)))

    assert parse("Call Bob tomorrow", late).due_date == "2027-03-04"
    assert parse("Call Bob 9am", late).due_date == "2027-03-04T09:00"


@pytest.mark.parametrize("year", ["0001", "1899", "2201", "9999"])
def test_on_a_clock_outside_the_years_of_due_dates_nothing_is_understood(year: str) -> None:
    now = datetime.fromisoformat(f"{year}-12-31T23:00")

    assert parse(" Call Bob tomorrow #home ", now) == QuickAdd("Call Bob tomorrow #home")


@given(lines | st.text(), moments)
@example("x every! 31st 9am", LAST)
@example("x 29 feb", LAST)
@example("x \ud800 #\ud800 tomorrow\x00", NOW)
def test_any_line_gives_a_valid_task(text: str, now: datetime) -> None:
    task = parse(text, now)

    assert bool(task.title) == bool(text.strip())
    assert task.title == task.title.strip()
    assert len(task.tags) <= 20
    if task.due_date:
        due = datetime.fromisoformat(task.due_date)
        assert task.due_date == (due.isoformat(timespec="minutes") if "T" in task.due_date else str(due.date()))
        assert now.date() <= due.date()
        assert due.year <= 2200
    if task.recurrence:
        assert task.due_date
    assert task.recurrence_from is None or task.recurrence


@given(lines, moments)
def test_no_word_of_a_line_is_lost(text: str, now: datetime) -> None:
    def letters(*parts: str) -> str:
        return "".join("".join(parts).replace("\\", "").replace(",", "").split())

    task = parse(text, now)

    assert letters(task.title, *task.recognised) == letters(text)


@given(titles, token_runs(), moments_before_the_dates)
def test_tokens_after_a_title_leave_it_as_it_is(title: str, tokens: list[str], now: datetime) -> None:
    task = parse(" ".join([title, *tokens]), now)

    assert task.title == title
    assert list(task.recognised) == tokens


@given(
    titles, token_runs().flatmap(lambda run: st.tuples(st.just(run), st.permutations(run))), moments_before_the_dates
)
def test_the_order_of_tokens_does_not_matter(title: str, runs: tuple[list[str], list[str]], now: datetime) -> None:
    first, second = (parse(" ".join([title, *run]), now) for run in runs)

    assert without_order(first) == without_order(second)


@given(moments_before_the_dates)
def test_days_are_counted_from_the_day_of_the_clock(now: datetime) -> None:
    def due(text: str) -> date:
        return date.fromisoformat(parse(f"Call Bob {text}", now).due_date or "")

    today = now.date()
    assert due("today") == today
    assert due("tomorrow") == today + timedelta(1)
    assert due("in 10 days") == today + timedelta(10)
    for number, name in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")):
        assert due(name).weekday() == due(f"next {name}").weekday() == number
        assert 1 <= (due(name) - today).days <= 7
        assert due(f"next {name}").isocalendar()[:2] == (today + timedelta(7)).isocalendar()[:2]


@given(titles, st.sampled_from([*DATES, *TIMES, *RECURRENCES, *PRIORITIES, *TAGS]))
def test_a_backslash_keeps_a_token_in_the_title(title: str, token: str) -> None:
    assert parse(f"{title} \\{token}", NOW).title == f"{title} {token}"


@pytest.mark.parametrize(
    "piece",
    [
        "#a ",
        "!1 ",
        "9 am ",
        "every ",
        "every mon and ",
        "mon, ",
        "in 3 ",
        "due on ",
        "1 march ",
        "9",
        "a",
        "#",
        "\\",
        " ",
    ],
)
def test_time_grows_with_the_length_alone(piece: str) -> None:
    """Fifty times what a caller lets through takes about half a second; by its square it would be 2,500 times."""
    text = "x " + piece * (50_000 // len(piece)) + " tomorrow"

    start = time.process_time()
    parse(text, NOW)
    parse(text.removesuffix(" tomorrow"), NOW)
    assert time.process_time() - start < 5
