"""Entity tags (RFC 9110 §8.8.3) that are revisions, and the conditional headers that name them."""

import re
from collections.abc import Iterable

from todo.problems import BadRequest

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
_EACH = re.compile(r'(W/)?"([^"]*)"')
_REVISION = re.compile(r"0|[1-9][0-9]{0,17}")

ANY = "*"


def strong(revision: int) -> str:
    """The tag of a task."""
    return f'"{revision}"'


def weak(revision: int) -> str:
    """The tag of a list, which may show more than its number says."""
    return f'W/"{revision}"'


def if_match(header: str | None) -> list[int] | None:
    """The revisions that If-Match lets through, or None where it lets all through that exist (§13.1.1).

    The comparison is strong: a weak tag matches nothing, and neither does one that is not ours. Raises BadRequest.
    """
    if header is None or (text := header.strip()) == ANY:
        return None
    if not _LIST.fullmatch(text):
        raise BadRequest('If-Match must be * or ETags in their quotes, such as If-Match: "42".')
    return _revisions(tag for weak, tag in _EACH.findall(text) if not weak)


def if_none_match(header: str | None) -> list[int] | None:
    """The revisions that If-None-Match names, or None for `*`, which is any (§13.1.2).

    The comparison is weak. A header that cannot be understood names none, so that the response is sent whole.
    """
    if header is None:
        return []
    text = header.strip()
    if text == ANY:
        return None
    return _revisions(tag for _, tag in _EACH.findall(text)) if _LIST.fullmatch(text) else []


def _revisions(tags: Iterable[str]) -> list[int]:
    return [int(tag) for tag in tags if _REVISION.fullmatch(tag)]
