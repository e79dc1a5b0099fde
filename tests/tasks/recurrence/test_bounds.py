"""What the next occurrence costs, whatever the rule and however long ago the series began."""

import random
import sys
import time
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import pytest

from todo.tasks.recurrence import Mode, Occurrence, days, following, normalised, rules

MOST_STEPS = 5000
"""Lines of Python, some 2 ms. To walk over 300 years would take 110,000 or more by days, 40,000 by months."""

WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
NTHS = [f"{n}{day}" for n in (1, 2, 3, 4, 5, -1, -5) for day in WEEKDAYS]


def forget() -> None:
    rules.parse.cache_clear()
    days._offsets.cache_clear()


def steps(rule: str, mode: Mode, begun: str, current: str, zone: str | None, now: datetime) -> int:
    """How many lines are run in this package."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if "/recurrence/" not in frame.f_code.co_filename.replace("\\", "/"):
            return None
        count += event == "line"
        return trace

    forget()
    anchor, last = Occurrence(begun, 1), Occurrence(current, 1)
    tracing = sys.gettrace()
    sys.settrace(trace)
    try:
        following(rule, mode, anchor=anchor, current=last, time_zone=zone, now=now)
    finally:
        sys.settrace(tracing)
    return count


def any_rule(rng: random.Random) -> str:
    interval = rng.choice([1, 1, 2, 3, 5, 6, 7, 11, 12, 24, 48, 60, 120, 365, 400, 999, 1000])
    days = ",".join(rng.sample(WEEKDAYS, rng.randint(1, 7)))
    month_days = ",".join(map(str, rng.sample([*range(1, 32), *range(-31, 0)], rng.randint(1, 20))))
    nths = ",".join(rng.sample(NTHS, rng.randint(1, 12)))
    rule = rng.choice(
        [
            f"FREQ=DAILY;INTERVAL={interval}",
            f"FREQ=DAILY;INTERVAL={interval if interval % 7 else 8};BYDAY={days}",
            f"FREQ=WEEKLY;INTERVAL={interval};BYDAY={days}",
            f"FREQ=MONTHLY;INTERVAL={interval}",
            f"FREQ=MONTHLY;INTERVAL={interval};BYDAY={nths}",
            f"FREQ=MONTHLY;INTERVAL={interval};BYDAY={rng.choice(['5MO', '-5SU', '5SU'])}",
            f"FREQ=MONTHLY;INTERVAL={interval};BYMONTHDAY={rng.choice(['-31', '-30', '-29', '-30,-31'])}",
            f"FREQ=MONTHLY;INTERVAL={interval};BYMONTHDAY={month_days}",
            f"FREQ=YEARLY;INTERVAL={interval}",
            f"FREQ=YEARLY;INTERVAL={interval};BYDAY={days}",
        ]
    )
    return rule + rng.choice(["", "", ";COUNT=10000", ";COUNT=1", ";UNTIL=22001231"])


def any_call(rng: random.Random) -> tuple[str, Mode, str, str, str | None, datetime]:
    form = rng.choice(["{:%Y-%m-%d}", "{:%Y-%m-%dT%H:%M}", "{:%Y-%m-%dT%H:%M:%SZ}"])
    old = datetime(
        rng.choice([1900, 1901, 1904, 2000]), rng.choice([1, 2, 2, 4, 12]), rng.randint(1, 28), 23, 59, tzinfo=UTC
    )
    recent = datetime(rng.choice([1900, 1996, 2026, 2199, 2200]), rng.randint(1, 12), rng.randint(1, 28), tzinfo=UTC)
    now = datetime(rng.choice([1900, 2026, 2199, 2200]), rng.randint(1, 12), rng.randint(1, 28), tzinfo=UTC)
    zone = rng.choice([None, "America/Santiago", "Europe/Berlin", "Pacific/Apia"])
    begun, current = form.format(old), form.format(max(old, recent))
    mode: Mode = "due" if rng.random() < 0.8 else "completion"
    return any_rule(rng), mode, begun, current, zone, now


def test_no_rule_takes_many_steps() -> None:
    rng = random.Random(33)
    calls = [any_call(rng) for _ in range(1500)]
    calls.append(("FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=-31", "due", "1900-02-01", "1900-02-01", None, calls[0][-1]))
    calls.append(("FREQ=MONTHLY;INTERVAL=12;BYDAY=5MO", "due", "1900-02-01", "1900-02-01", None, calls[0][-1]))
    for frequency in rules.FREQUENCIES:
        days._kinds(frequency)  # made once for a process: 3,600 months

    most = max((steps(*call), call) for call in calls)

    assert most[0] < MOST_STEPS, most


def test_the_tables_of_a_process_are_small() -> None:
    begun = time.process_time()
    days._kinds.cache_clear()

    assert sum(len(days._kinds(frequency)) for frequency in rules.FREQUENCIES) < 150_000
    assert time.process_time() - begun < 0.2  # it takes 3 ms


def test_no_rule_takes_much_time() -> None:
    """The lines that are counted above might each take long."""
    rng = random.Random(34)
    costs = []
    for rule, mode, begun, current, zone, now in (any_call(rng) for _ in range(1500)):
        forget()
        start = time.process_time()
        following(rule, mode, anchor=Occurrence(begun, 1), current=Occurrence(current, 1), time_zone=zone, now=now)
        costs.append((time.process_time() - start, rule))

    assert max(costs)[0] < 0.1, max(costs)
    assert sum(cost for cost, _ in costs) / len(costs) < 0.01


def test_reading_a_rule_takes_time_by_its_bounded_length_alone() -> None:
    hostile = [
        "FREQ=" * 40_000,
        ";" * 64_000,
        "BYDAY=" + "1" * 64_000,
        "FREQ=DAILY;COUNT=" + "9" * 64_000,
        " " * 64_000,
    ]
    begun = time.process_time()
    for text in hostile:
        with pytest.raises(ValueError, match="must ") as refused:
            normalised(text)
        assert len(str(refused.value)) < 200
    assert time.process_time() - begun < 0.1


@pytest.mark.parametrize("mode", ["due", "completion"])
@pytest.mark.parametrize(
    ("due", "zone", "now"),
    [
        ("2200-12-31", None, datetime(2200, 12, 31, tzinfo=UTC)),
        ("2200-12-31T23:30:00-10:00", "Pacific/Kiritimati", datetime(2200, 12, 31, 10, tzinfo=UTC)),  # already 2201
        ("2200-12-31T09:00:00Z", "Pacific/Kiritimati", datetime(2200, 12, 31, 10, tzinfo=UTC)),
        *[("2200-12-31", None, datetime(year, 6, 1, tzinfo=UTC)) for year in (1, 1899, 2201, 9999)],
        *[("1900-01-01", None, datetime(year, 6, 1, tzinfo=UTC)) for year in (1, 1899, 2201, 9999)],
    ],
)
def test_the_series_ends_where_dates_end(due: str, zone: str | None, now: datetime, mode: Mode) -> None:
    last = Occurrence(due, 1)
    assert following("daily", mode, anchor=last, current=last, time_zone=zone, now=now) is None


def test_the_first_and_the_last_of_all_dates_are_reached() -> None:
    now = datetime(1900, 1, 1, tzinfo=UTC)
    first = Occurrence("1900-01-01T00:00:00Z", 1)  # in New York a day of 1899
    found = following("yearly", "due", anchor=first, current=first, time_zone="America/New_York", now=now)
    assert found == Occurrence("1901-01-01T00:00:00Z", 2)
    last = following(
        "daily", "due", anchor=first, current=Occurrence("2200-12-30T00:00:00Z", 2), time_zone=None, now=now
    )
    assert last == Occurrence("2200-12-31T00:00:00Z", 109_938)
