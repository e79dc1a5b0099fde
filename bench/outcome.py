"""What became of a goal."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """A goal, what was measured for it, and whether it was met; None where this machine cannot measure it."""

    goal: str
    measured: str
    met: bool | None
