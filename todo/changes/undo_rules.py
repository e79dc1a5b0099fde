"""The rules of undo: which later changes conflict, and what the reversal sets. Values in, values out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

EXISTENCE = "deleted_at"
NOW = "now"
"""The moment of the undo, as PostgreSQL reads it: the time of an earlier deletion is not used again."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A change as the log has it; `before` are the values that the altered fields had."""

    revision: int
    kind: str
    undoes: int | None
    before: Mapping[str, Any] | None
    batch: int | None = None
    """The revision of the first of the changes that were made together with it, where there were several."""

    @property
    def undone_as(self) -> int:
        """What the change that undoes it names: changes that were made together are undone together."""
        return self.revision if self.batch is None else self.batch

    def altered(self) -> set[str] | None:
        """The fields that it altered; None for all there are. A creation counts as altering `deleted_at`."""
        if self.kind == "purge":
            return None
        return {EXISTENCE} if self.kind == "create" else set(self.before or ())

    def overlaps(self, other: "Logged") -> bool:
        """Whether both altered the same field."""
        mine, others = self.altered(), other.altered()
        return mine is None or others is None or not mine.isdisjoint(others)


def conflicting_change(change: Logged, later: Sequence[Logged]) -> Logged | None:
    """The newest of the `later` changes of the same task that altered the same fields, or None.

    A change that was itself undone since, and the change that undid it, count as if neither had happened: so a user
    may undo step by step. `later` is in the order in which they happened.
    """
    cancelled: set[int] = set()
    for each in reversed(later):
        if each.undone_as in cancelled:
            continue
        if each.undoes is not None and each.undoes > change.revision:
            cancelled.add(each.undoes)
        elif each.overlaps(change):
            return each
    return None


def reversal(change: Logged) -> dict[str, Any]:
    """The values of a task's fields that undo `change`, which is no purge."""
    if change.kind == "create":
        return {EXISTENCE: NOW}
    before = dict(change.before or {})
    if before.get(EXISTENCE) is not None:
        before[EXISTENCE] = NOW
    return before


def as_one(changes: Sequence[Logged]) -> Logged:
    """Changes of one task that were made together and in this order, as if they were the last of them alone."""
    first, last = changes[0], changes[-1]
    before: dict[str, Any] = {}
    for each in reversed(changes):
        before |= each.before or {}
    return replace(last, kind=first.kind, before=before)
