"""Entity tags (RFC 9110 §8.8.3) that are revisions, and the conditional headers that name them.

A proxy that compresses what it passes on makes a tag weak, or adds the coding to it: `W/"1"`, `"1-gzip"`. It is still
the same revision, since a revision identifies the content in whatever coding, so it matches (docs/decisions/0022).
"""

import re

from todo.problems import BadRequest

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
_EACH = re.compile(r'(?:W/)?"([^"]*)"')
_CODING = r"(?:(?:--?|;)(?:gzip|br|zstd|deflate|df|compress))"  # as Apache, Jetty, Caddy and others add it
_REVISION = re.compile(rf"(0|[1-9][0-9]{{0,17}}){_CODING}{{0,3}}", re.IGNORECASE | re.ASCII)

ANY = "*"


def strong(revision: int) -> str:
    """The tag of a task."""
    return f'"{revision}"'


def weak(revision: int) -> str:
    """The tag of a list, which may show more than its number says."""
    return f'W/"{revision}"'


def if_match(header: str | None) -> list[int] | None:
    """The revisions that If-Match lets through, or None where it lets all through that exist (§13.1.1).

    A weak tag matches like a strong one, see above; a tag that is not ours matches nothing. Raises BadRequest.
    """
    if header is None or (text := header.strip()) == ANY:
        return None
    if not _LIST.fullmatch(text):
        raise BadRequest('If-Match must be * or ETags in their quotes, such as If-Match: "42".')
    return _revisions(text)


def if_none_match(header: str | None) -> list[int] | None:
    """The revisions that If-None-Match names, or None for `*`, which is any (§13.1.2).

    The comparison is weak. A header that cannot be understood names none, so that the response is sent whole.
    """
    if header is None:
        return []
    text = header.strip()
    if text == ANY:
        return None
    return _revisions(text) if _LIST.fullmatch(text) else []


def canonical(header: str) -> str:
    """The header with our tags as we write them, so that what a proxy made of them makes no difference."""
    return _EACH.sub(lambda tag: strong(found) if (found := _revision(tag[1])) is not None else tag[0], header)


def _revisions(text: str) -> list[int]:
    found = map(_revision, _EACH.findall(text))
    return [revision for revision in found if revision is not None]


def _revision(tag: str) -> int | None:
    """The revision that a tag without its quotes names, or None where it is not ours."""
    ours = _REVISION.fullmatch(tag)
    return int(ours[1]) if ours else None
