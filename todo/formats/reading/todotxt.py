"""todo.txt: a task on each line."""

import re
from collections.abc import Iterator
from datetime import date
from typing import BinaryIO
from urllib.parse import unquote

from todo.formats.dates import moment
from todo.formats.draft import Draft
from todo.formats.keys import Keys
from todo.formats.row import Row
from todo.formats.text import decoded, lines

PRIORITIES = {"A": "urgent", "B": "high", "C": "medium"}
"""The others are low."""

FREQUENCIES = {"d": "DAILY", "w": "WEEKLY", "m": "MONTHLY", "y": "YEARLY", "": "DAILY"}

_DAY = r"(\d{4}-\d\d-\d\d) "
_DONE = re.compile(rf"x (?:\(([A-Z])\) )?(?:{_DAY})?(?:{_DAY})?", re.ASCII)
_OPEN = re.compile(rf"(?:\(([A-Z])\) )?(?:{_DAY})?", re.ASCII)
_TAG = re.compile(r"[+@](\S+)")
_PAIR = re.compile(r"([A-Za-z][\w-]*):([^\s:]+)", re.ASCII)
_RECURRENCE = re.compile(r"(\+?)(\d{1,4})([dbwmy]?)", re.ASCII)


def rows(file: BinaryIO, *, time_zone: str | None) -> Iterator[Row]:
    keys = Keys()
    for number, line in lines(file):
        text = decoded(line).strip("\r\n")
        if text.strip():
            yield _row(number, text, keys, time_zone)


def _row(number: int, text: str, keys: Keys, time_zone: str | None) -> Row:
    draft = Draft(number, time_zone)
    done = _DONE.match(text)
    draft.task["completed"] = done is not None
    if done:
        begin, letter = done.end(), done[1]
        draft.moment("completed_at", _day(done[2]))
        created = _day(done[3])
    else:
        found = _OPEN.match(text)
        assert found is not None  # every part of it may be missing
        begin, letter, created = found.end(), found[1], _day(found[2])
    draft.moment("created_at", created)
    words = text[begin:].split(" ")
    pairs: dict[str, str] = {}
    title = _title(words, draft, pairs)
    letter = letter or pairs.get("pri", "").upper()
    draft.task["priority"] = PRIORITIES.get(letter, "low") if letter else None
    draft.title(title)
    _pairs(draft, pairs)
    return draft.row(keys.of(*_identity(text[begin:]), str(created or "")))


def _identity(text: str) -> list[str]:
    """The words but for those that change when the task is done or put off."""
    return [word for word in text.split() if not word.startswith(("due:", "t:", "pri:"))]


def _day(text: str | None) -> date | None:
    return moment(text) if text else None


KNOWN = ("due", "t", "pri", "rec", "h")


def _title(words: list[str], draft: Draft, pairs: dict[str, str]) -> str:
    """Without `key:value` that is known; without tags before and behind it; those inside stay."""
    kept: list[tuple[str, bool]] = []
    for word in words:
        pair, tag = _PAIR.fullmatch(word), _TAG.fullmatch(word)
        if pair and pair[1] in KNOWN and pair[1] not in pairs and _is_understood(pair[1], pair[2]):
            pairs[pair[1]] = pair[2]
        elif tag:
            draft.tag(unquote(tag[1]))
            kept.append((word, True))
        else:
            kept.append((word, False))
    plain = [at for at, (word, is_tag) in enumerate(kept) if word and not is_tag]
    if not plain:
        return " ".join(word for word, _ in kept)
    return " ".join(word for word, _ in kept[plain[0] : plain[-1] + 1])


def _is_understood(key: str, value: str) -> bool:
    if key in ("due", "t"):
        return _day(value) is not None
    if key == "pri":
        return re.fullmatch("[A-Za-z]", value, re.ASCII) is not None
    return key != "rec" or _RECURRENCE.fullmatch(value) is not None


def _pairs(draft: Draft, pairs: dict[str, str]) -> None:
    if "due" in pairs:
        draft.due(_day(pairs["due"]))
    if "t" in pairs:
        draft.keep("Start", pairs["t"], "there are no start dates (t:)")
    if pairs.get("h") == "1":
        draft.problem("it is hidden (h:1); it is a task like others here")
    found = _RECURRENCE.fullmatch(pairs.get("rec", ""))
    if not found:
        return
    if found[3] == "b":
        if int(found[2]) == 1:
            draft.recurs("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", from_completion=not found[1])
        else:
            draft.keep("Repeats", pairs["rec"], "business days (rec:2b) are not supported")
    elif int(found[2]):
        rule = f"FREQ={FREQUENCIES[found[3]]};INTERVAL={int(found[2])}"
        draft.recurs(rule, from_completion=not found[1])
