"""What a check found."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a check ended; PROBLEM makes the command fail."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. It holds no secret, since reports are shown to others."""

    topic: str
    level: Level
    message: str
    advice: str | None = None
    """What to do; of warnings, problems and of checks that were left out."""


def ok(topic: str, message: str) -> Finding:
    """It is as it should be."""
    return Finding(topic, Level.OK, message)


def warning(topic: str, message: str, advice: str) -> Finding:
    """It works, and something else would be better."""
    return Finding(topic, Level.WARNING, message, advice)


def problem(topic: str, message: str, advice: str) -> Finding:
    """It does not work, or is not safe."""
    return Finding(topic, Level.PROBLEM, message, advice)


def skipped(topic: str, message: str, advice: str | None = None) -> Finding:
    """It was not checked."""
    return Finding(topic, Level.SKIPPED, message, advice)
