"""Files as lines of text: UTF-8 with or without a byte order mark, UTF-16 with one, lines ending in CRLF or LF."""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from todo.formats.row import Unreadable

PIECE = 65_536
"""Bytes that are read at a time."""

MAX_LINE = 1_048_576
"""Bytes of a line, and of a value."""


def pieces(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The file from its beginning in UTF-8, each piece with its line number; a piece is a line or a part of one.

    Bytes that are not UTF-8 are left as they are. Raises Unreadable for broken UTF-16. `file` must be seekable.
    """
    file.seek(0)
    start = file.read(3)
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        file.seek(0)
        yield from _numbered(_from_utf16(file))
        return
    file.seek(3 if start == codecs.BOM_UTF8 else 0)
    yield from _numbered(iter(lambda: file.readline(PIECE), b""))


def _from_utf16(file: BinaryIO) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-16")("surrogatepass")
    line = 1
    while True:
        block = file.read(PIECE)
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError:
            raise Unreadable(line, "the file is UTF-16 and ends in the middle of a character") from None
        line += text.count("\n")
        yield from re.findall(rb"[^\n]*\n|[^\n]+", text.encode(errors="surrogatepass"))
        if not block:
            return


def _numbered(parts: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    line = 1
    for part in parts:
        yield line, part
        line += part.endswith(b"\n")


def lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Whole lines with their ends. Raises Unreadable for a line over MAX_LINE bytes."""
    begun: list[bytes] = []
    size = 0
    number = 1
    for number, piece in pieces(file):  # used below the loop
        size += len(piece)
        if size > MAX_LINE:
            raise Unreadable(number, "the line is longer than 1 MB")
        begun.append(piece)
        if piece.endswith(b"\n"):
            yield number, b"".join(begun)
            begun.clear()
            size = 0
    if begun:
        yield number, b"".join(begun)


def decoded(line: bytes) -> str:
    """As text; bytes that are not UTF-8 become lone surrogates, which `Draft` refuses."""
    return line.decode(errors="surrogateescape")
