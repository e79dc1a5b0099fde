"""JSON as the API writes it: by msgspec, with times as RFC 3339 in UTC with microseconds, zero ones too."""

import re
from datetime import datetime
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode
_WHOLE_SECOND = re.compile(rb':\d\dZ"')


def encode(value: Any) -> bytes:
    """`value` as JSON. Times must be in UTC.

    msgspec leaves out microseconds that are zero, which happens once in a million times: then it is done again, slowly.
    """
    text = _encode(value)
    return _encode(_with_microseconds(value)) if _WHOLE_SECOND.search(text) else text


def _with_microseconds(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, dict):
        return {name: _with_microseconds(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_microseconds(each) for each in value]
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.asdict(value).items()
        return {name: _with_microseconds(each) for name, each in fields if each is not msgspec.UNSET}
    return value
