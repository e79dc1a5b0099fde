"""Server-sent events (WHATWG HTML §9.2.6).

Lines end with LF or CRLF, as servers of this API write them. They are split as bytes: `iter_lines` of httpx also splits
at U+2028, which a title may contain.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from todo.client.errors import UnexpectedAnswer

LONGEST = 8 * 2**20
"""Bytes of one event, many times those of the longest change."""


@dataclass(frozen=True)
class Event:
    """An event; with `name` and `data` empty it is an id alone."""

    name: str
    data: bytes
    id: str


class EventParser:
    """Makes events of pieces of a response."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._begin()
        self._id = ""

    def _begin(self) -> None:
        self._name, self._has_id, self._size = "", False, 0
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that this piece completes. Raises UnexpectedAnswer for one that is too long."""
        *lines, rest = piece.split(b"\n")
        if not lines:
            self._rest += rest
        for line in lines:
            whole = bytes(self._rest + line).removesuffix(b"\r")
            self._rest.clear()
            if whole:
                self._field(*whole.partition(b":")[::2])
            elif self._data or self._has_id:
                yield Event(self._name, b"\n".join(self._data), self._id)
                self._begin()
        if lines:
            self._rest += rest
        if self._size + len(self._rest) > LONGEST:
            raise UnexpectedAnswer("The stream sends an event that is longer than those of this API.")

    def _field(self, name: bytes, value: bytes) -> None:
        value = value.removeprefix(b" ")
        self._size += len(value)
        match name:
            case b"event":
                self._name = value.decode()
            case b"data":
                self._data.append(value)
            case b"id":
                self._id, self._has_id = value.decode(), True
