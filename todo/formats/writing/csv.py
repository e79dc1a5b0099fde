"""CSV for spreadsheets (RFC 4180), in UTF-8 with a byte order mark; it is not read back."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from todo.formats.writing.json import FIELDS

COLUMNS = (*FIELDS, "deleted_at")

_FORMULA = re.compile(r"(^|[;\t\r\n])(?=[=+\-@\t\r＝＋－＠])")
"""Where a spreadsheet would read a formula: some cut values at semicolons and line breaks."""


def pieces(tasks: Iterable[Mapping[str, Any]], trash: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf" + _record(COLUMNS)
    for some in (tasks, trash):
        for task in some:
            yield _record([_shown(task.get(name)) for name in COLUMNS])


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, list | tuple) else str("" if value is None else value)


def _record(values: Iterable[str]) -> bytes:
    cells = (_FORMULA.sub(r"\1'", value).replace('"', '""') for value in values)
    return (",".join(f'"{cell}"' for cell in cells) + "\r\n").encode()
