"""Input types: text that is bounded, normalised and free of control characters, and moments within bounds."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    GetJsonSchemaHandler,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticKnownError

MAX_SHRINKING = 4
"""Characters that NFC may make into one: no character has a longer canonical decomposition."""

MAX_MARKS = 30
"""Combining marks in a row: no language has so many (Unicode Annex 15, §13, "Stream-Safe Text Format")."""

MADE_OF_MARKS = "\u0f73\u0f75\u0f81"
"""Characters of combining class 0 whose decomposition begins with a mark."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Length(StringConstraints):
    """How long a text may be, in characters as they are kept. Every text of a request has one, as its last annotation.

    What is longer before it is normalised than any text that fits is refused before anything else looks at it, since
    to normalise text, or to take an address apart, may take time by the square of its length. A character has at most
    four bytes (RFC 3629 §3), so that bytes are bounded too.
    """

    def __iter__(self) -> Iterator[Any]:
        yield from super().__iter__()
        yield BeforeValidator(self._bounded)

    def _bounded(self, text: object) -> object:
        assert self.max_length is not None
        if isinstance(text, str) and len(text.strip()) > MAX_SHRINKING * self.max_length:
            raise PydanticKnownError("string_too_long", {"max_length": self.max_length})
        return text


def _normalised(text: object) -> object:
    """NFC (Unicode Annex 15); a line may end in CRLF and is kept with LF."""
    if not isinstance(text, str):
        return text  # Pydantic says what is wanted
    text = text.replace("\r\n", "\n")
    if text.isascii():
        return text
    if _SURROGATE.search(text):
        raise ValueError("must not contain lone surrogates")
    if _has_too_many_marks(text):
        raise ValueError(f"must not contain more than {MAX_MARKS} combining marks in a row")
    return unicodedata.normalize("NFC", text)


def _has_too_many_marks(text: str) -> bool:
    """Whether more than MAX_MARKS combining marks follow one another: then one is at each step of that many."""
    end = len(text)
    for at in range(MAX_MARKS, end, MAX_MARKS + 1):
        first = last = at
        while first >= 0 and _is_mark(text[first]):
            first -= 1
        while last < end and _is_mark(text[last]):
            last += 1
        if last - first - 1 > MAX_MARKS:
            return True
    return False


def _is_mark(char: str) -> bool:
    return unicodedata.combining(char) != 0 or char in MADE_OF_MARKS


def _without_controls(text: str, controls: re.Pattern[str] = _CONTROL) -> str:
    if found := controls.search(text):
        raise ValueError(f"must not contain control characters (U+{ord(found[0]):04X})")
    return text


def _with_lines(text: str) -> str:
    return _without_controls(text, _CONTROL_BUT_LINES)


class NotBlank:
    """Says in the schema what trimmed and not empty mean together: some character that is no white space."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(core_schema) | {"pattern": r"\S"}


Normalised = BeforeValidator(_normalised)

Line = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_without_controls), Normalised]
"""One line of text, trimmed."""

Lines = Annotated[str, AfterValidator(_with_lines), Normalised]
"""Text in which tabs and newlines are allowed, kept as it is otherwise."""


def _in_utc(moment: datetime) -> datetime:
    if not 1970 <= moment.year <= 9998:  # at the ends an offset would leave the range of dates
        raise ValueError("must be in the years 1970 to 9998")
    return moment.astimezone(UTC)


_WRITTEN_OUT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]")


def _written_out(moment: object) -> object:
    """Numbers are refused, which Pydantic takes for seconds or milliseconds, whichever seems to fit."""
    if isinstance(moment, datetime) or (isinstance(moment, str) and _WRITTEN_OUT.match(moment)):
        return moment
    raise ValueError("must be a date and time such as 2027-03-01T09:00:00Z")


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]
"""RFC 3339, with an offset."""


FIRST_YEAR, LAST_YEAR = 1900, 2200
"""The years of due dates and reminders."""

_DUE = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-](?:0\d|1[0-5]):[0-5]\d)?)?", re.ASCII)


def _due(value: object) -> str:
    """As it was sent, but for lower-case letters."""
    text = value.strip().upper() if isinstance(value, str) and len(value) <= 40 else ""
    try:
        moment = datetime.fromisoformat(text if _DUE.fullmatch(text) else "")
    except ValueError:
        raise ValueError(
            "must be a day that exists, such as 2027-03-01, a local time such as 2027-03-01T09:00, or an instant such "
            "as 2027-03-01T09:00:00Z"
        ) from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"must be in the years {FIRST_YEAR} to {LAST_YEAR}")
    return text


_DUE_SCHEMA = {
    "anyOf": [
        {"type": "string", "format": "date"},
        {"type": "string", "format": "date-time"},
        {
            "type": "string",
            "pattern": r"^(19\d\d|2[01]\d\d|2200)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d"
            r"(:[0-5]\d(\.\d{1,6})?)?(Z|[+-](0\d|1[0-5]):[0-5]\d)?$",
        },
    ]
}
DueDate = Annotated[str, BeforeValidator(_due), WithJsonSchema(_DUE_SCHEMA)]
"""A day, a local time or an instant, kept as it was sent (RFC 5545 §3.3.4 and §3.3.5)."""


@cache
def time_zones() -> frozenset[str]:
    """The names of the IANA time zone database."""
    return frozenset(available_timezones() - {"Factory", "localtime", "posixrules"})


def _time_zone(name: object) -> object:
    if not isinstance(name, str) or name not in time_zones():
        raise ValueError("must be a name of the IANA time zone database such as Europe/Berlin")
    return name


TimeZone = Annotated[
    str, BeforeValidator(_time_zone), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 64})
]


def _within_years(moment: datetime) -> datetime:
    if not FIRST_YEAR - 1 <= moment.year <= LAST_YEAR + 1 or not FIRST_YEAR <= moment.astimezone(UTC).year <= LAST_YEAR:
        raise ValueError(f"must be in the years {FIRST_YEAR} to {LAST_YEAR}")
    return moment.astimezone(UTC)


Instant = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_within_years)]
"""RFC 3339 with an offset, in the years of due dates."""


def folded(text: str) -> str:
    """Without case, as PostgreSQL's `lower` has it: each character becomes one (Unicode 5.18, simple case mapping)."""
    return "".join("i" if char == "\u0130" else char.lower() for char in text)


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("must be a whole number")  # noqa: TRY004 # what Pydantic makes an error of
    return value


A_NUMBER = BeforeValidator(_number)
"""After the bounds of an int: a whole number as JSON has it, where 1.0 is one, and true and "1" are none."""
