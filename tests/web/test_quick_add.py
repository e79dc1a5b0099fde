"""Quick add in JavaScript gives what it gives here: for every case of the contract, and for lines made by chance."""

import json
import os
import random
import re
import shutil
import subprocess
import threading
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime
from functools import partial
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from pydantic import ValidationError

from todo.tasks.quick_add import parse
from todo.tasks.quick_add.dates import _PART_OF_MORE
from todo.tasks.quick_add.names import COUNT, MONTHS, WEEKDAYS
from todo.tasks.quick_add.tokens import _BINDING
from todo.tasks.quick_add_routes import QuickLine, _fields
from todo.tasks.shapes import NewTask

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None and "REQUIRE_NPM" not in os.environ, reason="needs Node.js")

ROOT = Path(__file__).parents[2]
CONTRACT = json.loads((ROOT / "contracts" / "quick-add.json").read_text())
CASES: list[dict[str, Any]] = CONTRACT["cases"]
NOW: str = CONTRACT["now"]

# Of each line, calls as `[["parse", "Call Bob", "2027-03-03T10:00"], …]`, the answers are one line.
ANSWERS = """
import { createInterface } from "node:readline"
const module = await import(process.argv[1])
for await (const line of createInterface({ input: process.stdin })) {
  const answers = JSON.parse(line).map(([name, ...args]) => {
    try {
      return { result: module[name](...(name === "clock" ? [new Date(args[0])] : args)) }
    } catch (error) {
      return { error: `${error.name}: ${error.message}` }
    }
  })
  console.log(JSON.stringify(answers))
}
"""

ZONE = "America/New_York"
"""Of the device; nothing but `clock` may depend on it."""

Ask = Callable[[Iterable[Sequence[str | None]]], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Calls functions of the module in Node.js."""
    assert NODE, "REQUIRE_NPM is set, but Node.js is missing"
    folder = tmp_path_factory.mktemp("page")
    (folder / "package.json").write_text('{"type": "module"}')  # as a browser takes them
    for path in (ROOT / "todo" / "web" / "page").glob("quick-add*.js"):
        shutil.copy(path, folder)
    command = [NODE, "--input-type=module", "-e", ANSWERS, (folder / "quick-add.js").as_uri()]
    environment = {**os.environ, "TZ": ZONE}
    with subprocess.Popen(command, env=environment, encoding="utf-8", stdin=PIPE, stdout=PIPE) as process:
        yield partial(_answers, process)
        process.kill()


def _answers(process: subprocess.Popen[str], calls: Iterable[Sequence[str | None]]) -> list[dict[str, Any]]:
    """What each call returned as `result`, or its `error`; neither for undefined, which JSON leaves out."""
    assert process.stdin
    assert process.stdout
    guard = threading.Timer(60, process.kill)  # of a loop without end
    guard.start()
    try:
        process.stdin.write(json.dumps(list(calls)) + "\n")
        process.stdin.flush()
        answers: list[dict[str, Any]] = json.loads(process.stdout.readline())
        return answers
    finally:
        guard.cancel()


def stored(text: str, now: str, zone: str | None) -> dict[str, Any] | None:
    """What `POST …/tasks/quick` at that time would keep; None if it would refuse the text."""
    try:
        line = QuickLine.model_validate({"text": text, "time_zone": zone})
        fields = _fields(parse(line.text, datetime.fromisoformat(now)), line.time_zone)
        return NewTask.model_validate(fields).model_dump(mode="json", include=set(fields))
    except ValidationError:
        return None


PIECES = [piece for case in CASES for piece in parse(case["text"], datetime.fromisoformat(NOW)).recognised]
"""What is understood somewhere, from "tomorrow" to "every other week"."""

VOCABULARY = """
Pay rent, C# 1984 買う naïve x@y.example £9 Week\u212a \u0130n 9½ ٣ ３ ſun Ⅷ 🎉 n\u0303 — & ! !! # , \\ \\x ,, \\, a's
#home #Home #HOME #work/a #a-b_c #дом #İ #i̇ #ß #ẞ #हिन्दी #٣ #x٣ #_x #123 #買う #\u0301a #🎉 #a. !high !1 !4 !5 !med !x
from to and the my of every every! by due at last is until – - + / times twice
today tonight tomorrow tmrw tmr day after next week month year this last on by due in the
monday mon tuesday tues tue wednesday wed thursday thurs thur thu friday fri saturday sat sunday sun and every other
in a one two twelve 3 12 0 999 days day week weeks months year years first second 1st 99th good black friday fri
jan feb 29 30 31 february mar 1st 3rd may of july jul august sept december 31st 32nd 15th the 2027 2028 0027 2200
2027-03-01 2028-02-29 2027-02-29 2200-12-31 2201-01-01 1899-12-31 0001-01-01 2027-00-10 2027-13-01 1/3 3.3.2027 on
9am 9 am pm a.m. p.m. 12am 12:30pm 13pm 0am 9:30 09:30 14:30 3:16 24:00 9:60 10am 10:00 23:59 00:00 at by due
at 12 20 5 07 0 00 noon midnight by due 7 6 23 24 today daily
daily weekly monthly yearly annually every every! day week month year weekday weekdays other on 15th the 2 monday and 1
"""
ROWS = [row.split(" ") for row in VOCABULARY.strip().split("\n")]
"""Words that make phrases with others of their row, and what looks like them."""

SPACES = [" "] * 200 + [*"\t\n\u00a0\u3000\u2028\ufeff\x1c\x85\u200b", "  ", ", ", " \\", ""]
NUMBERS = [f"{n:02}" for n in range(10)] + ["010"]
NUMBERS += map(str, [*range(33), 59, 60, 99, 100, 300, 365, 999, 1000, 1899, 2026, 2027, 2028, 2200, 2201, 9999])
PLACES: list[tuple[str, Iterable[str]]] = [
    ("{}; on {}; next {}; this {}; every {}; every other {} and mon; every 2 weeks on {}; fri {}", WEEKDAYS),
    ("{} 3 march; every {} 3 march; 2nd {}; {} weekly; every {} wed", WEEKDAYS),
    (
        "3 {}; {} 31st; every {} 29; every 4 {}; the 1st of {} 2028; {}; every 2 {} 2028; every on 2 {}; {} the 3rd",
        MONTHS,
    ),
    ("in {} days; in {} months; every {} weeks; every! {} months on the 3rd", re.findall("[a-z]+", COUNT)),
    ("at {}; by {}; {}am; {} p.m.; {}:30; {}:300; at 9:{}; 9:{}pm", NUMBERS),
    ("{}th; on the {}nd; every {}th; every month on the {}st", NUMBERS),
    ("in {} days; in {} years; every {} days; 2027-{}-01; 2027-03-{}; {}-03-10; #{}a; !{}; at {} tomorrow", NUMBERS),
    ("march {}; {} march; 3 march {}; every 3 march {}; every march {}", NUMBERS),
    ("{} tomorrow; {} monday 9am; every {} monday; {} #home; every {}", re.findall("[a-z]+", _BINDING.pattern)),
    ("{} tomorrow; {} monday 9am; every {} monday; {} #home; every! {} fri", re.findall("[a-z]+", _PART_OF_MORE)),
    (
        "every mon{}; every 2 weeks on sun{}; weekly mon{}",
        [f"{and_}tue" * n for and_ in (" ", " and ") for n in range(9)],
    ),
    ("every every {}; every every {} daily; every {} 1 march", ["monday", "week", "day"]),
]
LINES = [f"x {each.replace('{}', word)}" for places, words in PLACES for word in words for each in places.split("; ")]
"""Every name and many numbers, in each of their places."""

MOMENTS = ["1899-12-31T23:59", "1900-01-01T00:00", "1969-12-31T09:00:00.001", "1970-01-01T00:00:00", "2027-03-03T10:00"]
MOMENTS += ["2027-12-31T23:59:59.999", "2028-02-28T23:59", "2028-02-29T00:00", "2099-03-01T12:00", "2200-12-31T23:59"]


def character_by(chance: random.Random) -> str:
    """Of an old version of Unicode, so that both know it; no second half of a pair, which JSON would make one of."""
    while True:
        code = chance.randrange(0x30000)
        if unicodedata.ucd_3_2_0.category(chr(code)) not in {"Cn", "Co"} and not 0xDC00 <= code <= 0xDFFF:
            return chr(code)


def line_by(chance: random.Random) -> str:
    """A title and pieces that mean something, pieces of their kind that may, and a disturbance here and there."""
    parts = [chance.choice(ROWS[0]) for _ in range(chance.randrange(3))]
    for _ in range(chance.randrange(1, 5)):
        row = PIECES if chance.random() < 0.6 else chance.choice(ROWS)
        parts += chance.choices(row, k=1 if row is PIECES else chance.randrange(1, 5))
    if chance.random() < 0.2:
        parts += chance.choice(CASES)["text"].split()[-chance.randrange(1, 5) :]
    if chance.random() < 0.2:
        parts.insert(chance.randrange(len(parts) + 1), chance.choice(chance.choice(ROWS)))
    if chance.random() < 0.05:
        strange = "".join(character_by(chance) for _ in range(chance.randrange(1, 60)))
        parts.insert(chance.randrange(len(parts) + 1), chance.choice(["", "#", "#a", "\\"]) + strange)
    if chance.random() < 0.01:
        parts = [part * 40 if chance.random() < 0.1 else part for part in parts] * chance.randrange(1, 30)
    spaces = [chance.choice(SPACES) for _ in parts]
    text = "".join(map("".join, zip(parts, spaces, strict=True)))
    return chance.choice([text, text, text, text.upper(), text.title()])


def moment_by(chance: random.Random) -> str:
    """Often an end of a month, a year or the calendar; otherwise any, at a time that is written often."""
    if chance.random() < 0.5:
        return chance.choice(MOMENTS)
    day = date.fromordinal(chance.randrange(date(1900, 1, 1).toordinal(), date(2200, 12, 31).toordinal() + 1))
    return f"{day}T{chance.choice(['09:00', '09:00:00.001', '12:00', '00:00', '14:29:59', '21:30'])}"


def test_all_cases_of_the_contract(ask: Ask) -> None:
    answers = ask([("parse", case["text"], case.get("now", NOW)) for case in CASES])

    for case, answer in zip(CASES, answers, strict=True):
        result = answer["result"]
        del result["recognised"], result["start"]
        assert result == case["expect"], case["name"]


def test_every_name_and_number_in_its_places_is_read_as_here(ask: Ask) -> None:
    assert compared(ask, [(text, now, None) for text in LINES for now in (NOW, "2028-02-29T14:30:30")]) > 1000


def test_lines_made_by_chance_are_read_as_here_and_make_the_task_that_quick_add_would(ask: Ask) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)

    lines = [(line_by(chance), moment_by(chance), chance.choice(["Europe/Berlin", None])) for _ in range(3000)]

    assert compared(ask, lines, f"seed {seed}") > 1000


def compared(ask: Ask, lines: list[tuple[str, str, str | None]], source: str = "") -> int:
    """In how many lines (text, now, time zone) something was understood, after each was compared."""
    answers = iter(
        ask(each for text, now, zone in lines for each in (("parse", text, now), ("taskFrom", text, now, zone)))
    )
    understood = 0
    for (text, now, zone), read, made in zip(lines, answers, answers, strict=True):
        expected = asdict(parse(text, datetime.fromisoformat(now)))
        tags, recognised = list(expected["tags"]), list(expected["recognised"])
        start = read["result"].pop("start")
        assert read["result"] == {**expected, "tags": tags, "recognised": recognised}, (text, now, source)
        assert letters(from_unit(text, start)) == letters(*recognised), (text, now, source)
        assert made.get("result") == stored(text, now, zone), (text, now, source)
        understood += bool(recognised)
    return understood


def letters(*parts: str) -> str:
    return "".join("".join(parts).replace(",", "").split())


def from_unit(text: str, start: int) -> str:
    """The text from a code unit of UTF-16 on, as JavaScript counts."""
    return text.encode("utf-16-le", "surrogatepass")[2 * start :].decode("utf-16-le", "surrogatepass")


def test_what_is_recognised_begins_at_its_first_piece(ask: Ask) -> None:
    text = "🎉 Call Bob,  on friday, #home"
    [some, none] = ask([("parse", text, NOW), ("parse", "🎉 Call Bob", NOW)])

    assert from_unit(text, some["result"]["start"]) == "on friday, #home"
    assert none["result"]["start"] == len("🎉 Call Bob".encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("tomorrow 9am", {"due_date": "2027-03-04T09:00"}),
        (" Fri ", {"due_date": "2027-03-05"}),
        ("sat", {"due_date": "2027-03-06"}),
        ("on sat", {"due_date": "2027-03-06"}),
        ("noon", {"due_date": "2027-03-03T12:00"}),
        ("2028-03-01", {"due_date": "2028-03-01"}),
        (
            "every! 2 weeks",
            {"due_date": "2027-03-03", "recurrence": "FREQ=WEEKLY;INTERVAL=2", "recurrence_from": "completion"},
        ),
        ("daily 9am", {"due_date": "2027-03-04T09:00", "recurrence": "daily"}),
    ],
)
def test_a_due_date_by_itself(ask: Ask, text: str, due: dict[str, str]) -> None:
    assert ask([("parseDue", text, NOW)]) == [{"result": {"recurrence": None, "recurrence_from": None, **due}}]


def test_no_text_is_no_due_date(ask: Ask) -> None:
    assert ask([("parseDue", "", NOW), ("parseDue", " \t", NOW)]) == [{"result": None}] * 2


@pytest.mark.parametrize(
    "text",
    ["soon", "30 feb", "2027-03-02", "tomorrow #home", "!high", "fri !low", "x fri", r"\fri", "due", "due due fri"],
)
def test_other_text_is_not_understood_as_a_due_date(ask: Ask, text: str) -> None:
    assert ask([("parseDue", text, NOW)]) == [{}]  # undefined, which JSON leaves out


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "There is no text"),
        (" \u3000\t", "There is no text"),
        ("a\tb", "There is a control character"),
        ("a\ud800", "There is a control character"),
        ("e" + "\u0301" * 31, "There are too many combining marks"),
        ("e #x" + "\u0344" * 16, "There are too many combining marks"),  # each becomes two
        ("x" * 256 + " tomorrow", "The title is longer than 255 characters"),
        ("x tomorrow" + " #home" * 200, "The text is longer than 1000 characters"),
    ],
)
def test_a_text_that_would_be_refused_makes_no_task(ask: Ask, text: str, error: str) -> None:
    [answer] = ask([("taskFrom", text, NOW, None)])

    assert answer["error"].startswith(f"RangeError: {error}")
    assert stored(text, NOW, None) is None


@pytest.mark.parametrize(
    "text", ["🎉" * 255 + " tomorrow", "e" + "\u0301" * 30, "four" + " #home" * 166, "e\u0301" * 255]
)
def test_a_text_that_just_fits_makes_a_task(ask: Ask, text: str) -> None:
    assert ask([("taskFrom", text, NOW, None)]) == [{"result": stored(text, NOW, None)}]
    assert stored(text, NOW, None)


@pytest.mark.parametrize(
    ("moment", "reading"),
    [
        ("2027-03-14T06:59:59.999Z", "2027-03-14T01:59:59.999"),
        ("2027-03-14T07:00:00.000Z", "2027-03-14T03:00:00.000"),
        ("2028-01-01T04:59:00.000Z", "2027-12-31T23:59:00.000"),
    ],
)
def test_the_clock_of_a_device(ask: Ask, moment: str, reading: str) -> None:
    assert ask([("clock", moment)]) == [{"result": reading}]


def test_time_grows_with_the_length_alone(ask: Ask) -> None:
    """A hundred times what a caller lets through; by its square it would be 10,000 times."""
    pieces = [
        "#a ",
        "!1 ",
        "9 am ",
        "every ",
        "every mon and ",
        "mon, ",
        "in 3 ",
        "due on ",
        "\\ ",
        "#a\u0301",
        *"9# ,",
    ]
    texts = ["x " + piece * (100_000 // len(piece)) + end for piece in pieces for end in ("", " tomorrow")]

    start = time.monotonic()
    ask([("parse", text, NOW) for text in texts])
    assert time.monotonic() - start < 20
