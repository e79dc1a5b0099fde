"""What it takes to take a change back, and what stands in the way. Values in, values out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

EXISTENCE = "deleted_at"


@dataclass(frozen=True, slots=True)
class Logged:
    """A change as the log has it; `before` are the values that the altered fields had."""

    revision: int
    kind: str
    undoes: int | None
    before: Mapping[str, Any] | None

    def altered(self) -> set[str] | None:
        """The fields that it altered; None for all there are. A creation altered whether there is such a task."""
        if self.kind == "purge":
            return None
        return {EXISTENCE} if self.kind == "create" else set(self.before or ())

    def overlaps(self, other: "Logged") -> bool:
        """Whether both altered the same field."""
        mine, others = self.altered(), other.altered()
        return mine is None or others is None or not mine.isdisjoint(others)


def in_the_way(change: Logged, later: Sequence[Logged]) -> Logged | None:
    """The newest of the `later` changes of the same task that altered the same fields, or None.

    What was itself taken back since, and what took it back, are as if they had never been: so one may go back step
    by step. `later` is in the order in which they happened.
    """
    settled: set[int] = set()
    for each in reversed(later):
        if each.revision in settled:
            continue
        if each.undoes is not None and each.undoes > change.revision:
            settled.add(each.undoes)
        elif each.overlaps(change):
            return each
    return None


def reversal(change: Logged) -> dict[str, Any]:
    """The parameters of the statement that takes `change`, which is no purge, back."""
    before = {EXISTENCE: "now"} if change.kind == "create" else dict(change.before or {})
    return {
        "title": before.get("title"),
        "sets_description": "description" in before,
        "description": before.get("description"),
        "completed": before.get("completed"),
        "trashes": before.get(EXISTENCE) is not None,
        "restores": EXISTENCE in before and before[EXISTENCE] is None,
    }
