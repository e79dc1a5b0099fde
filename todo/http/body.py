"""A request's body: bounded, then JSON."""

import json
from typing import Any

from starlette.requests import ClientDisconnect, Request

from todo.problems import ContentTooLarge, Invalid, UnsupportedMediaType

BODY_LIMIT = 64 * 1024  # bytes


async def read_body(request: Request, *, json_expected: bool) -> bytes:
    """The body of the request, without the white space around it.

    It is counted as it arrives, whatever its length was said to be. Raises ContentTooLarge, or UnsupportedMediaType
    where JSON is expected.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > BODY_LIMIT:
        raise ContentTooLarge
    body = bytearray()
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > BODY_LIMIT:
            raise ContentTooLarge
    content = bytes(body.strip(b" \t\r\n"))
    if content and json_expected and not _is_json(request.headers.get("content-type", "")):
        raise UnsupportedMediaType
    return content


def _is_json(content_type: str) -> bool:
    """application/json, or any application/*+json (RFC 6839 §3.1)."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def parse_json(content: bytes) -> Any:
    """The body as JSON. Raises Invalid."""
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        raise Invalid.at("body", error.pos, msg="JSON decode error", kind="json_invalid") from None
    except (ValueError, RecursionError):  # no UTF-8, a number too long, too deep
        raise Invalid.at("body", msg="cannot be read as JSON", kind="json_invalid") from None
