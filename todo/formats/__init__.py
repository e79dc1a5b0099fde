"""Readers and writers of the files in which task apps export. Pure: no database, no HTTP, no clock."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, Literal, Protocol

from todo.formats.detection import NOTHING_FOUND, detect
from todo.formats.reading import google, ics, microsoft, own_json, ticktick, todoist_csv, todoist_json, todotxt
from todo.formats.row import Row, Unreadable
from todo.formats.text import pieces
from todo.formats.writing import csv, markdown
from todo.formats.writing import ics as ics_writer
from todo.formats.writing import json as json_writer
from todo.formats.writing import todotxt as todotxt_writer
from todo.values import time_zones

__all__ = ["NOTHING_FOUND", "READ", "WRITTEN", "Row", "Written", "detect", "read", "write"]

READ = ("json", "todoist", "ticktick", "microsoft", "google", "todotxt", "ics")
"""The formats that are read."""

WRITTEN = ("json", "csv", "ics", "todotxt", "markdown")
"""The formats that are written."""

Written = Literal["json", "csv", "ics", "todotxt", "markdown"]


class _Reader(Protocol):
    def rows(self, file: BinaryIO, *, time_zone: str | None) -> Iterator[Row]: ...


def read(format: str, file: BinaryIO, *, name: str | None = None, time_zone: str | None = None) -> Iterator[Row]:
    """The tasks of a file, in its order. Raises nothing for what is in the file: such rows have an `error`.

    `format` is one of READ, or `auto`. `file` must be seekable; it is read from its beginning, by some readers twice.
    `name` is the file's, which some formats name the list by. `time_zone` (IANA) is that of times that the file leaves
    without one. Raises ValueError for another format or time zone, before anything is read.
    """
    if format not in (*READ, "auto"):
        raise ValueError(f"format must be auto or one of {', '.join(READ)}")
    if time_zone is not None and time_zone not in time_zones():
        raise ValueError("time_zone must be a name of the IANA time zone database such as Europe/Berlin")
    return _rows(format, file, name, time_zone)


def _rows(format: str, file: BinaryIO, name: str | None, time_zone: str | None) -> Iterator[Row]:
    try:
        yield from _read(_detected(file, name) if format == "auto" else format, file, name, time_zone)
    except Unreadable as why:
        yield Row(why.line, error=why.message)


def _detected(file: BinaryIO, name: str | None) -> str:
    file.seek(0)
    found = detect(file.read(65_536), name)
    if found is None:
        raise Unreadable(1, NOTHING_FOUND)
    return found


def _read(format: str, file: BinaryIO, name: str | None, time_zone: str | None) -> Iterator[Row]:
    if format == "todoist" and not _is_json(file):
        return todoist_csv.rows(file, name=name, time_zone=time_zone)
    readers: dict[str, _Reader] = {
        "json": own_json,
        "todoist": todoist_json,
        "ticktick": ticktick,
        "microsoft": microsoft,
        "google": google,
        "todotxt": todotxt,
        "ics": ics,
    }
    return readers[format].rows(file, time_zone=time_zone)


def _is_json(file: BinaryIO) -> bool:
    return next((piece for _, piece in pieces(file) if piece.strip()), b"").lstrip()[:1] in (b"{", b"[")


def write(
    format: Written,
    tasks: Iterable[Mapping[str, Any]],
    *,
    trash: Iterable[Mapping[str, Any]] = (),
    user: Mapping[str, Any] | None = None,
    exported_at: str | None = None,
    name: str = "Tasks",
) -> Iterator[bytes]:
    """The tasks as the API shows them, in the order given, as the bytes of a file.

    `trash` goes to json, csv and markdown, and is left out of the others; `user` to json; `exported_at` (RFC 3339) to
    json and ics; `name`, of the calendar or the page, to ics and markdown.
    """
    match format:
        case "json":
            return json_writer.pieces(tasks, trash, user, exported_at)
        case "csv":
            return csv.pieces(tasks, trash)
        case "ics":
            return ics_writer.pieces(tasks, name, exported_at or "1970-01-01T00:00:00Z")
        case "todotxt":
            return todotxt_writer.pieces(tasks)
        case "markdown":
            return markdown.pieces(tasks, trash, name)
    raise ValueError(f"format must be one of {', '.join(WRITTEN)}")
