"""Repeating tasks compared with dateutil, and with a search for instants, across changes of clocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from dateutil.rrule import rrule, rrulestr
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from todo.tasks.recurrence import Occurrence, following, normalised

ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # by half an hour
    "Australia/Sydney",
    "America/St_Johns",
    "Asia/Kathmandu",
    "America/Santiago",  # at midnight
    "Pacific/Apia",  # without 30 December 2011
    "Africa/Casablanca",
    "UTC",
]
LONG_AGO = datetime(1901, 1, 1, tzinfo=UTC)
REACH = timedelta(days=366 * 30)
"""How far after the anchor dateutil looks."""

WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
INTERVALS = st.one_of(st.integers(1, 4), st.sampled_from([1, 12, 24, 5, 7, 52]))
TIMES = st.one_of(
    st.sampled_from([(0, 0), (23, 59), (2, 0), (2, 30), (1, 59), (3, 0), (23, 30), (0, 30)]),
    st.tuples(st.integers(0, 23), st.integers(0, 59)),
)
CHANGES = [  # of some of the zones' clocks, in winter and in summer
    (2011, 12, 29), (2027, 3, 27), (2027, 10, 30), (2026, 9, 5), (2026, 4, 3), (2027, 3, 13),
    (2027, 11, 6), (2026, 2, 14),
]  # fmt: skip
DAYS = st.one_of(
    st.dates(date(1995, 1, 1), date(2035, 12, 31)),
    st.builds(lambda day, off: date(*day) + timedelta(days=off), st.sampled_from(CHANGES), st.integers(-40, 3)),
)


def lists(values: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=4, unique=True).map(",".join)


NTHS = [f"{n}{day}" for n in ["", 1, 2, 3, 4, 5, -1, -2, -5] for day in WEEKDAYS]
WHERE_BOTH_AGREE = st.one_of(
    st.builds("FREQ=DAILY;INTERVAL={}".format, INTERVALS),
    st.builds("FREQ=DAILY;INTERVAL={};BYDAY={}".format, INTERVALS.filter(lambda n: n % 7), lists(WEEKDAYS)),
    st.builds("FREQ=WEEKLY;INTERVAL={}".format, INTERVALS),
    st.builds("FREQ=WEEKLY;INTERVAL={};BYDAY={}".format, INTERVALS, lists(WEEKDAYS)),
    st.builds("FREQ=MONTHLY;INTERVAL={};BYDAY={}".format, INTERVALS, lists(NTHS)),
    st.builds(
        "FREQ=MONTHLY;INTERVAL={};BYMONTHDAY={}".format,
        INTERVALS,
        lists([str(day) for day in [*range(1, 29), *range(-31, 0)]]),
    ),
    st.builds("FREQ=YEARLY;INTERVAL={};BYDAY={}".format, INTERVALS, lists(WEEKDAYS)),
)
CLAMPED = st.one_of(
    st.builds("FREQ=MONTHLY;INTERVAL={}".format, INTERVALS),
    st.builds("FREQ=YEARLY;INTERVAL={}".format, st.integers(1, 5)),
    st.builds("FREQ=MONTHLY;INTERVAL={};BYMONTHDAY={}".format, INTERVALS, lists(["1", "28", "29", "30", "31", "-1"])),
)


def after(rule: str, anchor: datetime) -> Iterator[datetime]:
    """The local times of a series as dateutil finds them, where a month is too short its last day."""
    parts = dict(part.split("=") for part in rule.split(";"))
    interval, end = int(parts.get("INTERVAL", 1)), anchor + REACH
    found: set[datetime] = set()
    if parts["FREQ"] in {"MONTHLY", "YEARLY"} and not parts.keys() & {"BYDAY", "BYMONTHDAY"}:
        step = relativedelta(months=interval) if parts["FREQ"] == "MONTHLY" else relativedelta(years=interval)
        found.update(takewhile(lambda each: each < end, (anchor + step * index for index in range(5000))))
    elif "BYMONTHDAY" in parts:
        for number in map(int, parts["BYMONTHDAY"].split(",")):
            clamped = {"bymonthday": range(28, number + 1), "bysetpos": -1}
            last: dict[str, Any] = clamped if number > 28 else {"bymonthday": number}
            found.update(rrule(1, dtstart=anchor, interval=interval, until=end, **last))
    else:  # one weekday at a time: dateutil joins MO and 1FR by "and"
        for day in parts.get("BYDAY", "").split(",") if parts["FREQ"] == "MONTHLY" else [parts.get("BYDAY")]:
            one = parts | {"UNTIL": f"{end:%Y%m%dT%H%M%S}"} | ({"BYDAY": day} if day else {})
            found.update(rrulestr(";".join(map("=".join, one.items())), dtstart=anchor))
    yield anchor
    yield from sorted(each for each in found if each > anchor)


def instant_of(local: datetime, zone: tzinfo) -> datetime:
    """The first instant at which clocks show a local time, or would do if they had not been put forward."""
    in_utc = local.replace(tzinfo=UTC)
    before, later = (
        (in_utc + timedelta(hours=hours)).astimezone(zone).utcoffset() or timedelta() for hours in (-40, 40)
    )
    possible = [in_utc - offset for offset in (before, later)]
    return min((each for each in possible if each.astimezone(zone).replace(tzinfo=None) == local), default=possible[0])


@dataclass(frozen=True)
class Form:
    """How a due date is written, and the zone in which its series is expanded."""

    kind: str
    time_zone: str | None
    zone: tzinfo

    def written(self, local: datetime) -> str:
        if self.kind == "date":
            return local.date().isoformat()
        if self.kind == "local":
            return local.isoformat(timespec="minutes")
        instant = instant_of(local, self.zone)
        if self.kind == "Z":
            return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
        return instant.astimezone(self.zone).isoformat()

    def order(self, local: datetime) -> datetime:
        return instant_of(local, self.zone) if self.kind in {"Z", "offset"} else local.replace(tzinfo=UTC)

    def is_future(self, local: datetime, now: datetime) -> bool:
        if self.kind == "date":
            return local.date() > now.astimezone(self.zone).date()
        return instant_of(local, self.zone) > now


def form(kind: str, name: str | None, hours: int) -> Form:
    if name:
        return Form(kind, name, ZoneInfo(name))
    return Form(kind, None, timezone(timedelta(hours=hours)) if kind == "offset" else UTC)


FORMS = st.builds(
    form,
    st.sampled_from(["date", "local", "Z", "offset"]),
    st.one_of(st.none(), *[st.just(each) for each in ZONES]),
    st.integers(-12, 14),
)


def begin(day: date, clock: tuple[int, int], form: Form) -> datetime:
    """A local time that the form can write: an instant is at none that its zone skips."""
    local = datetime.combine(day, time(*clock) if form.kind != "date" else time(0))
    if form.kind in {"Z", "offset"}:
        return instant_of(local, form.zone).astimezone(form.zone).replace(tzinfo=None)
    return local


@settings(max_examples=600, deadline=None)
@given(
    rule=st.one_of(WHERE_BOTH_AGREE, CLAMPED),
    day=DAYS,
    clock=TIMES,
    form=FORMS,
    done=st.integers(0, 12),
    late=st.one_of(st.just(timedelta(0)), st.timedeltas(timedelta(days=-400), timedelta(days=1500))),
    first=st.integers(1, 5),
)
def test_the_next_one_is_the_first_in_the_future_of_the_series_that_dateutil_finds(
    rule: str, day: date, clock: tuple[int, int], form: Form, done: int, late: timedelta, first: int
) -> None:
    anchor = begin(day, clock, form)
    series = list(after(rule, anchor))
    assume(done < len(series))
    current, now = series[done], instant_of(series[done], form.zone) + late

    found = following(
        normalised(rule) or "",
        "due",
        anchor=Occurrence(form.written(anchor), first),
        current=Occurrence(form.written(current), first + done),
        time_zone=form.time_zone,
        now=now,
    )

    wanted = next(
        (
            Occurrence(form.written(each), first + index)
            for index, each in enumerate(series)
            if form.order(each) > form.order(current) and form.is_future(each, now)
        ),
        None,
    )
    if wanted is None:
        assert found is None or found.due[:10] >= (anchor + REACH - timedelta(days=2)).date().isoformat()
    else:
        assert found == wanted


@settings(max_examples=300, deadline=None)
@given(
    rule=st.one_of(WHERE_BOTH_AGREE, CLAMPED),
    day=DAYS,
    clock=TIMES,
    form=FORMS,
    away=st.timedeltas(timedelta(days=-400), timedelta(days=400)),
    number=st.integers(1, 50),
)
def test_from_completion_the_next_one_is_that_of_a_series_that_begins_on_the_local_day(
    rule: str, day: date, clock: tuple[int, int], form: Form, away: timedelta, number: int
) -> None:
    local = begin(day, clock, form)
    now = instant_of(local, form.zone) + away
    current = Occurrence(form.written(local), number)

    found = following(
        normalised(rule) or "", "completion", anchor=current, current=current, time_zone=form.time_zone, now=now
    )

    series = after(rule, datetime.combine(now.astimezone(form.zone).date(), local.time()))
    next(series)
    wanted = next(series, None)
    if wanted is None:
        assert found is None or found.due[:10] >= (local + REACH + away - timedelta(days=2)).date().isoformat()
    else:
        assert found == Occurrence(form.written(wanted), number + 1)


@example(rule="FREQ=DAILY", day=date(2011, 12, 29), clock=(0, 0), zone="Pacific/Apia", steps=1, end="")
@settings(max_examples=200, deadline=None)
@given(
    rule=st.one_of(WHERE_BOTH_AGREE, CLAMPED),
    day=DAYS,
    clock=TIMES,
    zone=st.sampled_from(ZONES),
    steps=st.integers(1, 40),
    end=st.one_of(st.just(""), st.builds(";COUNT={}".format, st.integers(1, 40)), st.just(";UNTIL=20280315")),
)
def test_missing_several_leads_to_where_completing_each_in_time_does(
    rule: str, day: date, clock: tuple[int, int], zone: str, steps: int, end: str
) -> None:
    rule = normalised(rule + end) or ""
    anchor = Occurrence(f"{day}T{clock[0]:02}:{clock[1]:02}", 1)
    done: list[Occurrence] = [anchor]
    for _ in range(steps):
        after_it = following(rule, "due", anchor=anchor, current=done[-1], time_zone=zone, now=LONG_AGO)
        if after_it is None:
            break
        assert after_it.number == done[-1].number + 1
        done.append(after_it)
    last_missed = instant_of(datetime.fromisoformat(done[-1].due), ZoneInfo(zone))

    found = following(rule, "due", anchor=anchor, current=anchor, time_zone=zone, now=last_missed)

    wanted = following(rule, "due", anchor=anchor, current=done[-1], time_zone=zone, now=LONG_AGO)
    while wanted is not None and instant_of(datetime.fromisoformat(wanted.due), ZoneInfo(zone)) <= last_missed:
        # Missed too: a day or an hour that a zone left out is the same instant as what follows it.
        wanted = following(rule, "due", anchor=anchor, current=wanted, time_zone=zone, now=LONG_AGO)
    assert found == wanted
