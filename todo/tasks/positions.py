"""Positions: sort keys between any two of which another one fits, compared by bytes (fractional indexing).

A key is a fraction in base 62: "V" is about a half, and "V5" a little more. No key that is made here ends in "0", so
two keys are never the same fraction.
"""

from collections.abc import Sequence

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""In the order of their bytes."""

BASE = len(DIGITS)

ROOM = 3
"""Digits that a key gets more where there is no room left: then it lies in the middle of BASE ** ROOM others."""

STEP = 8
"""How far from a key of late the next one lies: 10,000 on one side find room, and a few between two of them."""

LONG = 60
"""Characters from which on keys should be spread. The database allows 100."""

_VALUES = {digit: value for value, digit in enumerate(DIGITS)}


def between(before: str | None, after: str | None) -> str:
    """A key after `before` and before `after`; None stands for the beginning and the end.

    A key that is longer than the other was made of late, and more are likely to follow on the same side of it: so the
    new one lies a step from it, and not in the middle, where each would need a bit more than the one before. Raises
    ValueError where there is none: for equal keys, and those in the wrong order.
    """
    longer = len(before or "") - len(after or "")
    length = max(len(before or ""), len(after or ""))
    low, high = _number(before, length, 0), _number(after, length, 1)
    key = low + STEP if longer > 0 else high - STEP if longer < 0 else (low + high) // 2
    if not low < key < high:
        length += ROOM
        low, high = _number(before, length, 0), _number(after, length, 1)
        key = (low + high) // 2
    if key % BASE == 0 and key + 1 < high:
        key += 1  # which keeps its length, by which a key of late is known
    if not low < key < high:
        raise ValueError("there is no key between these")
    return _text(key, length)


def spread(before: str | None, after: str | None, count: int) -> Sequence[str]:
    """`count` keys at equal distances between `before` and `after`, as short as leaves room between them.

    Raises ValueError as `between` does.
    """
    longest = max(len(before or ""), len(after or "")) + ROOM + len(str(count))
    for length in range(1, longest + 1):
        low, high = _number(before, length, 0), _number(after, length, 1)
        distance = (high - low) // (count + 1)
        if distance > BASE**2:
            return [_text(low + distance * number, length) for number in range(1, count + 1)]
    raise ValueError("there are no keys between these")


def _number(key: str | None, length: int, otherwise: int) -> int:
    """The first `length` digits of the key as a whole number, or of the fraction `otherwise`."""
    if key is None:
        return int(otherwise * BASE**length)
    number = 0
    for digit in key[:length]:
        number = number * BASE + _VALUES[digit]
    return int(number * BASE ** max(0, length - len(key)))


def _text(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, value = divmod(number, BASE)
        digits.append(DIGITS[value])
    return "".join(reversed(digits)).rstrip("0")
