"""Cursors: where a page of the list ended, as an opaque string.

A cursor is a keyset, (created_at, id) of the last task shown, so it stays valid while rows come and go.
"""

import base64
import binascii
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, tzinfo=UTC)
VERSION = 1
LAYOUT = struct.Struct(">BQ16s")
LENGTH = 4 * -(-(LAYOUT.size + 2) // 3)  # characters, in base64 and with the checksum


@dataclass(frozen=True, slots=True)
class Cursor:
    """The list goes on after this one, in the order newest first."""

    created_at: datetime
    id: UUID

    @classmethod
    def parse(cls, text: str) -> Self:
        """The cursor that `str` wrote. Raises ValueError for anything else."""
        if len(text) != LENGTH:
            raise ValueError("not one of our cursors")
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
        body, checksum = raw[:-2], raw[-2:]
        if len(body) != LAYOUT.size or checksum != _checksum(body):
            raise ValueError("not one of our cursors")
        version, micros, uuid = LAYOUT.unpack(body)
        if version != VERSION or micros > (LAST - EPOCH) // timedelta(microseconds=1):
            raise ValueError("not one of our cursors")
        return cls(EPOCH + timedelta(microseconds=micros), UUID(bytes=uuid))

    def __str__(self) -> str:
        micros = (self.created_at - EPOCH) // timedelta(microseconds=1)
        body = LAYOUT.pack(VERSION, micros, self.id.bytes)
        return base64.urlsafe_b64encode(body + _checksum(body)).decode()


def _checksum(body: bytes) -> bytes:
    """Distinguishes a cursor from other strings; it is no secret, since a cursor only reaches the caller's own rows."""
    return binascii.crc_hqx(body, 0).to_bytes(2, "big")
