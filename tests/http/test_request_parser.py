"""The parser: bodies are parsed in linear time, however they are cut and chunked. Counted, not timed."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from todo.http.exchange import Exchange
from todo.http.request_parser import RequestParser


class CountedParser(RequestParser):
    """Counts the pieces that it is fed, and those of the body that it hands on."""

    def __init__(self) -> None:
        self.pieces = self.body_pieces = 0
        exchange = Exchange(cast("Any", SimpleNamespace(observer=None)), {}, keep_alive=True, expects_continue=False)
        exchange.complete = True
        super().__init__(lambda _: exchange, lambda: None)

    def feed(self, piece: bytes) -> bytes:
        self.pieces += 1
        return super().feed(piece)

    def feed_all(self, data: bytes) -> None:
        start = 0
        while start < len(data):
            end = self.end_of_slice(data, start)
            self.feed(data[start:end])
            start = end


def test_a_body_of_blank_lines_is_parsed_in_linear_time() -> None:
    """Counted, not timed: the parser is fed a body of known length in one piece."""
    parser = CountedParser()
    parser.feed_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + b"\r\n\r\n" * 15_000)
    assert parser.pieces == 2
    assert not parser.incomplete


CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("chunks", [[b"\r\n\r\n" * 15_000], [b"\r\n\r\n"] * 15_000])
def test_a_chunked_body_of_blank_lines_is_not_cut_at_each_of_them(chunks: list[bytes]) -> None:
    parser = CountedParser()
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)

    parser.feed_all(CHUNKED + body + b"0\r\n\r\n")

    assert parser.pieces <= len(body) / 18 + 3  # 18 bytes: the shortest request
    assert not parser.incomplete


def test_a_body_in_chunks_of_one_byte_is_handed_on_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    handed_on: list[bytes] = []
    monkeypatch.setattr(Exchange, "add_body", lambda _, piece: handed_on.append(piece))

    CountedParser().feed_all(CHUNKED + b"1\r\nx\r\n" * 60_000 + b"0\r\n\r\n")

    assert handed_on == [b"x" * 60_000]
