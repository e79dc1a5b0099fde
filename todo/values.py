"""Input types: text that is normalised and free of control characters, and moments within bounds."""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, GetJsonSchemaHandler, StringConstraints
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


def _normalised(text: object) -> object:
    """NFC (Unicode Annex 15); a line may end in CRLF and is kept with LF."""
    if not isinstance(text, str):
        return text  # Pydantic says what is wanted
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("must not contain lone surrogates")
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n"))


def _without_controls(text: str, allowed: str = "") -> str:
    for char in text:
        if unicodedata.category(char) == "Cc" and char not in allowed:
            raise ValueError(f"must not contain control characters (U+{ord(char):04X})")
    return text


def _with_lines(text: str) -> str:
    return _without_controls(text, allowed="\t\n")


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


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""RFC 3339, with an offset."""
