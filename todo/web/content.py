"""The files of the page, as they are sent: whole or compressed, with a tag or for ever."""

import gzip
import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import brotli  # type: ignore[import-untyped] # it has no types
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from todo.http.pages import quality

FOLDER = Path(__file__).parent / "page"

TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
}
"""The files of the folder that are served, by their suffix; no others are."""

COMPRESSED_ALREADY = {".png"}

COMMENT = re.compile(rb"/\*\*.*?\*/ ?|^[ \t]*//[^\n]*", re.DOTALL | re.MULTILINE)
"""A comment for readers of the source, in which the types are, or a line that is one."""

LIBRARIES = "vendor"
"""The folder of files that are not ours, and are served byte for byte."""

OF_A_BODY = {"content-encoding", "content-length", "content-type"}


class Content(NamedTuple):
    """One file. `encoded` is what it is compressed to, by the name of the coding, the shortest first."""

    plain: bytes
    encoded: Mapping[str, bytes]
    media_type: str

    @classmethod
    def of(cls, name: str, plain: bytes) -> "Content":
        """The same bytes give the same compressed bytes, in every process."""
        suffix = PurePosixPath(name).suffix
        encoded = {}
        if suffix not in COMPRESSED_ALREADY:
            encoded = {"br": brotli.compress(plain), "gzip": gzip.compress(plain, 9, mtime=0)}
        shorter = {coding: body for coding, body in encoded.items() if len(body) < len(plain)}
        return cls(plain, shorter, TYPES[suffix])

    def response(self, request: Request, headers: Mapping[str, str]) -> Response:
        """It whole, compressed as the client accepts it."""
        if not self.encoded:
            return Response(self.plain, headers=headers, media_type=self.media_type)
        headers = {**headers, "Vary": "Accept-Encoding"}
        coding = accepted_coding(request.headers, self.encoded)
        if coding is None:
            return Response(self.plain, headers=headers, media_type=self.media_type)
        headers["Content-Encoding"] = coding
        return Response(self.encoded[coding], headers=headers, media_type=self.media_type)


class Revalidated:
    """A file at an address that stays: a browser asks each time whether its copy is the current one.

    The tag is the hash of `plain` and of the `headers`. Each coding has its own (RFC 9110 §8.8.3.3).
    """

    def __init__(self, content: Content, headers: Mapping[str, str]) -> None:
        self.content = content
        digest = hashlib.sha256(repr(sorted(headers.items())).encode() + content.plain)
        self._tag = digest.hexdigest()[:32]
        self._headers = {"Cache-Control": "no-cache", **headers}

    def response(self, request: Request) -> Response:
        """It whole, or 304 with the same headers: a browser replaces those of its copy by them."""
        response = self.content.response(request, self._headers)
        coding = response.headers.get("Content-Encoding")
        response.headers["ETag"] = f'"{self._tag}-{coding}"' if coding else f'"{self._tag}"'
        if not self._is_current(request.headers.getlist("if-none-match")):
            return response
        headers = {name: value for name, value in response.headers.items() if name not in OF_A_BODY}
        return Response(status_code=304, headers=headers)

    def _is_current(self, if_none_match: list[str]) -> bool:
        """Whether one of these tags is ours, of either coding, or as a proxy that compresses has rewritten it."""
        tags = [tag.strip().removeprefix("W/") for tag in ",".join(if_none_match).split(",")]
        return any(tag == "*" or tag.startswith(f'"{self._tag}') for tag in tags)


@cache
def files() -> Mapping[str, Content]:
    """The files of the folder that are served, by their path in it, in the order of their names."""
    found = [path for path in FOLDER.rglob("*") if path.suffix in TYPES and path.is_file()]
    names = sorted((path.relative_to(FOLDER).as_posix(), path) for path in found)
    return {name: Content.of(name, _without_comments(name, path.read_bytes())) for name, path in names}


def _without_comments(name: str, content: bytes) -> bytes:
    """Our modules without a fifth of their bytes. Lines keep their numbers, so that a stack trace fits the source."""
    if not name.endswith(".js") or name.startswith(LIBRARIES):
        return content
    return COMMENT.sub(lambda comment: b"\n" * comment[0].count(b"\n"), content)


def accepted_coding(headers: Headers, codings: Iterable[str]) -> str | None:
    """The coding that Accept-Encoding rates highest (RFC 9110 §12.5.3), of equal ones the first; None for none."""
    accepted = dict(map(quality, ",".join(headers.getlist("accept-encoding")).lower().split(",")))
    accepted.setdefault("gzip", accepted.get("x-gzip", accepted.get("*", 0)))
    rated = {coding: accepted.get(coding, accepted.get("*", 0)) for coding in codings}
    best = max(rated, key=lambda coding: rated[coding], default=None)
    return best if best and rated[best] > 0 else None
