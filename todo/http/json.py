"""JSON as the API writes it: by msgspec, with times as RFC 3339 in UTC with microseconds, zero ones too."""

import re
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode
_WHOLE_SECOND = re.compile(rb':\d\dZ"')
_MEMBER = re.compile(rb'((?:"|_)at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z"')


def encode(value: Any) -> bytes:
    """`value` as JSON. Times must be in UTC, and members whose names end in `at`.

    msgspec leaves out microseconds that are zero, so they are put back. No text of a user is taken for such a member,
    since a quotation mark within a string has a backslash before it.
    """
    text = _encode(value)
    return _MEMBER.sub(rb'\1.000000Z"', text) if _WHOLE_SECOND.search(text) else text
