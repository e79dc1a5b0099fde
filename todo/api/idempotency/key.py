"""The Idempotency-Key header, and the request that it stands for."""

import hashlib
import re
from dataclasses import dataclass

import msgspec
from starlette.requests import Request

from todo.http import etags
from todo.problems import BadRequest

HEADER = "Idempotency-Key"
VISIBLE = re.compile("[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Key:
    """A key, and a hash of the request that it came with."""

    text: str
    request: bytes

    @classmethod
    def of(cls, request: Request, body: bytes) -> "Key | None":
        """The request's key, if it has one. Raises BadRequest for a malformed one."""
        given = request.headers.getlist(HEADER)
        if not given:
            return None
        if len(given) > 1 or not VISIBLE.fullmatch(given[0]):
            raise BadRequest(f"{HEADER} must be one key of 1 to 255 visible ASCII characters.")
        scope = request.scope
        tags = [etags.canonical(line) for line in request.headers.getlist("if-match")]
        parts = [request.method, scope["path"], scope["query_string"], tags, body]
        return cls(given[0], hashlib.sha256(msgspec.msgpack.encode(parts)).digest())
