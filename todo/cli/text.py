"""Text that others wrote, made safe for a terminal."""

import re

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters of ISO 6429 but the tab and the line feed, the marks that reverse text, and lone surrogates."""
_RAW_IN_JSON = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Without control characters, so that no escape sequence reaches the terminal; each becomes U+FFFD."""
    return _UNSAFE.sub("\ufffd", text)


def one_line(text: str) -> str:
    """As `printable`, and with spaces for tabs and line ends."""
    return printable(text).replace("\t", " ").replace("\n", " ")


def printable_json(document: str) -> str:
    r"""The same JSON with escapes for what a terminal obeys and JSON allows unescaped (RFC 8259 §7)."""
    return _RAW_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", document)
