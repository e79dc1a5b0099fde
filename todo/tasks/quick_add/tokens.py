"""The run of tokens at the end of a line: which of its words were understood, and as what."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import takewhile

from todo.tasks.quick_add import dates, recurrence, signs, times
from todo.tasks.quick_add.dates import Day
from todo.tasks.quick_add.names import WEEKDAYS, ImpossibleError
from todo.tasks.quick_add.recurrence import Recurrence
from todo.tasks.quick_add.signs import MAX_TAGS, Priority, Tag
from todo.tasks.quick_add.times import Clock
from todo.values import folded

_BINDING = re.compile(
    r"a|an|the|my|our|your|his|her|its|their|and|or|&|\+|-|–|—|/|to|from|between|until|till|through|thru|before|after"
    r"|since|than|of|for|with|within|without|per|vs|via|about|around|except|no|not|every!?|each|last|past|previous|by|at"
    r"|due|is|are|was|were|be|times|twice|thrice"
)
"""Words that belong to what follows them: a token after one of these stays in the title, as in "from 3pm to 5pm"."""

_LONGEST_PHRASE = 10
"""In words."""

_LONGEST_WORD = 10
"""Of a phrase, in characters: "2027-03-01"."""

_WORD = re.compile(r"\S+")

Meaning = Tag | Priority | Day | Clock | Recurrence


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the line. `text` is without a backslash before it and a comma after it, `read` in lower case too."""

    start: int
    end: int
    text: str
    read: str
    escaped: bool


@dataclass(frozen=True, slots=True)
class Token:
    """What the words from number `first` up to `end` mean; None if they have its form but mean nothing."""

    first: int
    end: int
    kind: type[Meaning]
    meaning: Meaning | None

    @property
    def is_sign(self) -> bool:
        return self.kind in {Tag, Priority}


@dataclass(frozen=True, slots=True)
class Line:
    """The words of a line, the tokens at its end in their order, and the escaped token before them."""

    words: Sequence[Word]
    tokens: Sequence[Token]
    escaped: Token | None


def read(text: str, today: date) -> Line:
    """The tokens at the end of the line. The first word from the end that is part of none ends the search."""
    words = _words(text)
    run: list[Token] = []  # from the end of the line on
    kinds: set[type[Meaning]] = set()
    tags: set[str] = set()
    escaped = None
    end = len(words)
    while end and (token := _token(words, end, today)):
        if any(word.escaped for word in words[token.first : end]):
            escaped = token
            break
        if token.kind in kinds:
            break
        if token.meaning is None or _is_bound(words, token):
            if not token.is_sign:
                run = _without_dates(run)
            break
        if isinstance(token.meaning, Tag):
            tags.add(folded(token.meaning.name))
            if len(tags) > MAX_TAGS:
                break
        else:
            kinds.add(token.kind)
        run.append(token)
        end = token.first
    if end and _is_list_of_weekdays(words, end, run):
        run = _without_dates(run)
    return Line(words, _with_days(run)[::-1], escaped)


def _is_list_of_weekdays(words: Sequence[Word], end: int, run: Sequence[Token]) -> bool:
    """Whether a weekday stands before one that was read, as in "Gym mon wed fri": then half of it would be read."""
    first = run[-1] if run else None
    return first is not None and first.kind is Day and {words[end - 1].read, words[first.first].read} <= WEEKDAYS.keys()


def _words(text: str) -> list[Word]:
    found = list(_WORD.finditer(text))
    words = []
    for match in found:
        escaped = match[0].startswith("\\")
        word = match[0].removeprefix("\\")
        word = word if match is found[-1] else word.removesuffix(",")
        words.append(Word(match.start(), match.end(), word, word.lower(), escaped))
    return words


def _token(words: Sequence[Word], end: int, today: date) -> Token | None:
    """The token that ends with the word before number `end`: the longest phrase that means something."""
    if sign := signs.read(words[end - 1].text):
        return Token(end - 1, end, type(sign), sign)
    first = end
    while first > max(0, end - _LONGEST_PHRASE) and len(words[first - 1].read) <= _LONGEST_WORD:
        first -= 1
    bound = None
    for start in range(first, end):
        if token := _phrase(words, start, end, today):
            if not _is_after_every(words, token):
                return token
            bound = bound or token  # but of "every monday 1 march" the date is "1 march"
    return bound


def _phrase(words: Sequence[Word], start: int, end: int, today: date) -> Token | None:
    phrase = " ".join(word.read for word in words[start:end])
    readers: tuple[tuple[type[Meaning], Callable[[], Meaning | None]], ...] = (
        (Recurrence, lambda: recurrence.read(phrase)),
        (Day, lambda: dates.read(phrase, today)),
        (Clock, lambda: times.read(phrase)),
    )
    for kind, reader in readers:
        try:
            if meaning := reader():
                return Token(start, end, kind, meaning)
        except ImpossibleError:
            return Token(start, end, kind, None)
    return None


def unique_tags(tokens: Iterable[Token]) -> tuple[str, ...]:
    """The tags, in their order, without those that differ from an earlier one in nothing but case."""
    names: dict[str, str] = {}
    for token in tokens:
        if isinstance(token.meaning, Tag):
            names.setdefault(folded(token.meaning.name), token.meaning.name)
    return tuple(names.values())


def _is_after_every(words: Sequence[Word], token: Token) -> bool:
    return token.first > 0 and words[token.first - 1].read in {"every", "every!"}


def _is_bound(words: Sequence[Word], token: Token) -> bool:
    return token.first > 0 and _BINDING.fullmatch(words[token.first - 1].read) is not None


def _without_dates(run: list[Token]) -> list[Token]:
    """The signs at the end of the line. Of a date that is not understood, the time is not either: "30 Feb 9am"."""
    return list(takewhile(lambda token: token.is_sign, run))


def _with_days(run: Sequence[Token]) -> Sequence[Token]:
    """The run without the times that need a day beside them, and what comes before these, if there is none."""
    if all(token.kind not in {Day, Recurrence} for token in run):
        for number, token in enumerate(run):
            if isinstance(token.meaning, Clock) and token.meaning.needs_day:
                return run[:number]
    return run
