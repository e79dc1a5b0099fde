"""The rules of undo: which later changes conflict, and what the reversal sets. Values in, values out."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

EXISTENCE = "deleted_at"
DERIVED = {"position", "series"}
"""Fields that also change where others do: the order of tasks around one, and what a task knows of its series."""
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


@dataclass(frozen=True, slots=True)
class Reversal:
    """What takes back one writer's changes of a task."""

    patch: dict[str, Any]
    """The fields to set."""
    kept: tuple[str, ...]
    """The fields that they altered and somebody else has altered since: they stay."""


def reversal_of(log: Sequence[Logged], own: Set[int], named: Set[int], now: Mapping[str, Any]) -> Reversal:
    """What takes back the changes of one writer to a task, among those of others.

    `log` are the changes of the task from the first of those on, in order; `own` are the revisions of those, and
    `named` the numbers by which an undo names one of them, also of another task: a batch of undos names one. `now` are
    the task's fields as they are. A field goes back to what it was before the writer's latest changes of it, unless
    somebody else has altered it after them; what took some of them back already does not count, nor what brought them
    back. A task that the writer created goes to the trash, unless somebody else has altered anything of it.
    """
    log = _without_undos(log, own, named)
    if any(change.kind == "create" and change.revision in own for change in log):
        if now.get(EXISTENCE) is not None:
            return Reversal({}, ())
        others = {name for change in log if change.revision not in own for name in change.before or ()} - DERIVED
        return Reversal({}, tuple(sorted(others))) if others else Reversal({EXISTENCE: NOW}, ())
    patch: dict[str, Any] = {}
    kept: list[str] = []
    for name in {name: None for change in log if change.revision in own for name in change.before or ()}:
        writes = [change for change in log if name in (change.before or ())]
        last = max(at for at, change in enumerate(writes) if change.revision in own)
        first = last
        while first > 0 and writes[first - 1].revision in own:
            first -= 1
        value = (writes[first].before or {})[name]
        if (value or None) == (now.get(name) or None):
            continue
        if last < len(writes) - 1:
            kept.append(name)
        else:
            patch[name] = NOW if name == EXISTENCE and value is not None else value
    return Reversal(patch, tuple(name for name in kept if name not in DERIVED))


def _without_undos(log: Sequence[Logged], own: Set[int], named: Set[int]) -> list[Logged]:
    """Without what took back changes with the numbers `named`, what took that back, and so on."""
    numbers, counted = {*named}, []
    for change in log:
        if change.revision not in own and change.undoes in numbers:
            numbers |= {change.revision, change.undone_as}
        else:
            counted.append(change)
    return counted
