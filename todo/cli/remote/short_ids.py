"""Short ids: the first characters of an id's last group, as many as no other task of the user shares.

The first half of a UUID of version 7 is the time, so its beginning is shared by all tasks of a day; the last group
(48 bits) is random.
"""

import bisect
import re
from collections.abc import Iterable

SHORTEST = 3
_LAST_GROUP = 20
"""Where it begins among the 32 digits."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_whole(text: str) -> bool:
    """Whether it is an id as the API writes it, and no short one."""
    return bool(_UUID.fullmatch(text.lower()))


def key_of(id: str) -> str:
    """The digits of an id, its last group first."""
    digits = id.replace("-", "")
    return digits[_LAST_GROUP:] + digits[:_LAST_GROUP]


def id_of(key: str) -> str:
    digits = key[-_LAST_GROUP:] + key[:-_LAST_GROUP]
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


class ShortIds:
    """The ids of all tasks of a user."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._keys = sorted(map(key_of, ids))

    def short(self, id: str) -> str:
        """The shortest beginning of the last group that is no other task's."""
        key = key_of(id)
        at = bisect.bisect_left(self._keys, key)
        others = [*self._keys[max(at - 1, 0) : at], *self._keys[at : at + 2]]
        shared = max((_shared(key, other) for other in others if other != key), default=0)
        return key[: max(SHORTEST, shared + 1)]

    def matching(self, text: str) -> list[str]:
        """The ids that `text` may mean: a short id or the beginning of one, or else the beginning of an id."""
        digits = text.lower().replace("-", "")
        if not digits:
            return []
        first = bisect.bisect_left(self._keys, digits)
        last = bisect.bisect_left(self._keys, digits + "g")
        found = [id_of(key) for key in self._keys[first:last]]
        return found or [each for each in map(id_of, self._keys) if each.startswith(text.lower())]


def _shared(key: str, other: str) -> int:
    """How many digits both begin with."""
    return next((n for n, (one, two) in enumerate(zip(key, other, strict=True)) if one != two), len(key))
