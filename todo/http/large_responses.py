"""Large responses: written in pieces, and bounded in bytes for each user, since slow readers keep them in memory."""

from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from todo.problems import TooManyRequests

PIECE = 64 * 1024
"""Bytes that are written at once; a smaller response is not counted."""

LIMIT = 32 * 1024 * 1024
"""Bytes of a user's large responses that may wait to be read at one time."""

DETAIL = "You are reading as many large answers at once as is allowed: read them one after the other."


class UnreadBytes:
    """How many bytes of large responses wait to be read, by user."""

    def __init__(self) -> None:
        self._of: Counter[str] = Counter()

    def refuse_when_over(self, user_id: str, size: int) -> None:
        """Raise TooManyRequests where `size` bytes more are too many for this user."""
        if self._of[user_id] and self._of[user_id] + size > LIMIT:
            raise TooManyRequests(DETAIL, retry_after=1)

    def pieces(self, user_id: str, content: bytes) -> Generator[bytes]:
        """The content in pieces; it counts as unread until the last one was taken, or the iterator is closed."""
        with self.held(user_id, len(content)):
            for start in range(0, len(content), PIECE):
                yield content[start : start + PIECE]

    @contextmanager
    def held(self, user_id: str, size: int) -> Iterator[None]:
        """In the block so many bytes of the user's count as unread."""
        self._of[user_id] += size
        try:
            yield
        finally:
            self._of[user_id] -= size
            if not self._of[user_id]:
                del self._of[user_id]


class InPieces(Response):
    """A large response, sent in pieces: the next one when the client has read most of the one before."""

    def __init__(self, whole: Response, unread: UnreadBytes, user_id: str) -> None:
        self.body = whole.body
        self.status_code = whole.status_code
        self.raw_headers = whole.raw_headers
        self.background = whole.background
        self._unread = unread
        self._user_id = user_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 # of ASGI
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        with closing(self._unread.pieces(self._user_id, bytes(self.body))) as pieces:
            for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})
