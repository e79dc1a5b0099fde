"""Cursors: where a page of the list ended, as an opaque string.

A cursor is a keyset of the last task shown, so it stays valid while rows come and go: (created_at, id), and in orders
other than the newest first also the order and its key.
"""

import base64
import binascii
import math
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from todo.tasks.fields import TITLE_LENGTH
from todo.tasks.sorting import NEWEST_FIRST, ORDERS, SORTS, WITHOUT, Kind

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
FIRST = datetime(1, 1, 2, tzinfo=UTC)
LAST = datetime(9999, 12, 31, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LAYOUT = struct.Struct(">BQ16s")
"""Of version 1, for the newest first: version, microseconds, id."""
LAYOUT_WITH_KEY = struct.Struct(">BBBQ16s")
"""Of version 2: version, order, whether there is a key, and the same; the key follows."""
MAX_LENGTH = 4 * -(-(LAYOUT_WITH_KEY.size + 4 * TITLE_LENGTH + 2) // 3)  # in base64 and with the checksum
NOT_OURS = "not one of our cursors"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The list goes on after this one."""

    created_at: datetime
    id: UUID
    sort: str = NEWEST_FIRST
    key: datetime | int | str | float | None = None
    """The last task's key in this order; None where the order has none, or the task."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The cursor that `str` wrote. Raises ValueError for anything else."""
        if len(text) > MAX_LENGTH or not text.isascii():
            raise ValueError(NOT_OURS)
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        body, checksum = raw[:-2], raw[-2:]
        if not body or checksum != _checksum(body):
            raise ValueError(NOT_OURS)
        if body[0] == 1 and len(body) == LAYOUT.size:
            _, micros, uuid = LAYOUT.unpack(body)
            return cls(_moment(micros), UUID(bytes=uuid))
        if body[0] != 2 or len(body) < LAYOUT_WITH_KEY.size:
            raise ValueError(NOT_OURS)
        _, order, has_key, micros, uuid = LAYOUT_WITH_KEY.unpack_from(body)
        if order >= len(SORTS) or has_key > 1:
            raise ValueError(NOT_OURS)
        sort, written = SORTS[order], body[LAYOUT_WITH_KEY.size :]
        needs_key = ORDERS[sort].kind is not None and not ORDERS[sort].nulls
        if (needs_key and not has_key) or (written and not has_key):
            raise ValueError(NOT_OURS)
        return cls(_moment(micros), UUID(bytes=uuid), sort, _key(ORDERS[sort].kind, written) if has_key else None)

    def __str__(self) -> str:
        micros = (self.created_at - EPOCH) // MICROSECOND
        if self.sort == NEWEST_FIRST:
            body = LAYOUT.pack(1, micros, self.id.bytes)
        else:
            key = b"" if self.key is None else _written(ORDERS[self.sort].kind, self.key)
            body = LAYOUT_WITH_KEY.pack(2, SORTS.index(self.sort), self.key is not None, micros, self.id.bytes) + key
        return base64.urlsafe_b64encode(body + _checksum(body)).decode().rstrip("=")


def _moment(micros: int) -> datetime:
    if not (FIRST - EPOCH) // MICROSECOND <= micros <= (LAST - EPOCH) // MICROSECOND:
        raise ValueError(NOT_OURS)
    return EPOCH + timedelta(microseconds=micros)


def _written(kind: Kind | None, key: Any) -> bytes:
    match kind:
        case "moment":
            return struct.pack(">q", (key - EPOCH) // MICROSECOND)
        case "number":
            return struct.pack(">B", key)
        case "real":
            return struct.pack(">f", key)
    return str(key).encode()


def _key(kind: Kind | None, written: bytes) -> datetime | int | str | float:
    """The key that `_written` wrote. Raises ValueError for anything else."""
    try:
        match kind:
            case "moment":
                return _moment(struct.unpack(">q", written)[0])
            case "number":
                [number] = struct.unpack(">B", written)
                if number <= WITHOUT:
                    return int(number)
            case "real":
                [real] = struct.unpack(">f", written)
                if math.isfinite(real):
                    return float(real)
            case "text":
                text = written.decode()
                if "\0" not in text:
                    return text
    except (struct.error, UnicodeDecodeError):
        pass
    raise ValueError(NOT_OURS)


def _checksum(body: bytes) -> bytes:
    """Distinguishes a cursor from other strings; it is no secret, since a cursor only reaches the caller's own rows."""
    return binascii.crc_hqx(body, 0).to_bytes(2, "big")
