"""CSV (RFC 4180) as records by the names of their columns."""

import csv
from collections.abc import Iterator
from typing import BinaryIO

from todo.formats.row import Unreadable
from todo.formats.text import MAX_LINE, decoded, lines

MAX_RECORD = 4 * MAX_LINE
"""Bytes of one record."""


class _Source:
    """The lines for `csv.reader`, with the size of the record that it is reading."""

    def __init__(self, file: BinaryIO) -> None:
        self.lines = lines(file)
        self.line = self.size = 0

    def __iter__(self) -> Iterator[str]:
        for number, line in self.lines:
            self.line = number
            self.size += len(line)
            if self.size > MAX_RECORD:
                raise Unreadable(self.line, "the record is longer than 4 MB; a closing quote may be missing")
            yield decoded(line)


def records(file: BinaryIO, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Each record with the line on which it begins. Raises Unreadable for what is no CSV."""
    csv.field_size_limit(MAX_LINE)  # of the process; its default is 128 KB, and nothing else here reads CSV
    source = _Source(file)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        begin, source.size = source.line + 1, 0
        try:
            record = next(reader, None)
        except csv.Error:
            raise Unreadable(begin, "this is not CSV: a quote is missing, or a field is longer than 1 MB") from None
        if record is None:
            return
        if record:
            yield begin, record


def named(header: list[str], record: list[str]) -> dict[str, str]:
    """A record by the names of its columns, in lower case; missing ones are empty, unnamed ones are left out."""
    padded = [*record, *[""] * (len(header) - len(record))]
    return {name.strip().lower(): value for name, value in zip(header, padded, strict=False) if name.strip()}
