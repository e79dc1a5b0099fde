"""Responses for one user alone, and responses in pieces."""

from collections.abc import AsyncGenerator, Mapping

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

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


class Streamed(StreamingResponse):
    """A response in pieces. HEAD gets its status and headers, and no piece is made."""

    def __init__(self, pieces: AsyncGenerator[bytes], headers: Mapping[str, str], media_type: str) -> None:
        super().__init__(pieces, headers=headers, media_type=media_type)
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["method"] != "HEAD":
                await super().__call__(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body"})
        finally:
            await self._pieces.aclose()  # it may be suspended at a yield, where nothing else would end it
