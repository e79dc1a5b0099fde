"""Responses for one user alone."""

from collections.abc import Mapping

from starlette.responses import Response

PRIVATE = {"Cache-Control": "private, no-cache, no-transform", "Vary": "Authorization"}
"""Headers of every response under a user's path. A proxy that would compress it is asked not to (RFC 9111 §5.2.2.6)."""

_PRIVATE_JSON = [
    (b"content-type", b"application/json"),
    *[(name.lower().encode(), value.encode()) for name, value in PRIVATE.items()],
]


class _Json(Response):
    """JSON with raw headers as they are sent; Starlette would build them from a dictionary."""

    def __init__(self, content: bytes, status: int, headers: Mapping[str, str]) -> None:
        self.body = content
        self.status_code = status
        self.background = None
        self.raw_headers = [
            *_PRIVATE_JSON,
            (b"content-length", b"%d" % len(content)),
            *[(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        ]


def private_json(content: bytes, status: int = 200, **headers: str) -> Response:
    """JSON that only the user may see."""
    return _Json(content, status, headers)
