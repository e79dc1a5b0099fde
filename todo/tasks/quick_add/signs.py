"""Tags and priorities: whole words that begin with a sign."""

import unicodedata
from dataclasses import dataclass

MAX_TAGS = 20
TAG_LENGTH = 50

_PRIORITIES = {
    "!urgent": "urgent",
    "!high": "high",
    "!medium": "medium",
    "!med": "medium",
    "!low": "low",
    "!1": "urgent",
    "!2": "high",
    "!3": "medium",
    "!4": "low",
}


@dataclass(frozen=True, slots=True)
class Tag:
    name: str


@dataclass(frozen=True, slots=True)
class Priority:
    name: str


def read(word: str) -> Tag | Priority | None:
    """What "#home" or "!high" means; None for any other word, such as "#123", "!important" or "!!"."""
    if priority := _PRIORITIES.get(word.lower()):
        return Priority(priority)
    if word.startswith("#") and _is_tag(word[1:]):
        return Tag(word[1:])
    return None


def _is_tag(name: str) -> bool:
    """Whether it is of letters, digits, "-", "_" and "/", with a letter among them, and not too long."""
    if not 1 <= len(name) <= TAG_LENGTH:
        return False
    kinds = [unicodedata.category(char) for char in name]
    # Marks belong to letters: the vowels of Hindi and Thai.
    allowed = all(kind[0] in "LM" or kind == "Nd" or char in "-_/" for kind, char in zip(kinds, name, strict=True))
    return allowed and any(kind[0] == "L" for kind in kinds)
