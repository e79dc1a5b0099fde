"""What a reader yields, and how it says that a file cannot be read."""

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Row:
    """One task of a file, or why it is none."""

    line: int
    """Where the task begins in the file, from 1."""
    task: dict[str, Any] | None = None
    """The JSON names of the API's fields, within its bounds; `created_at` and `completed_at`; `id`, `position` and
    `deleted_at` only from our own JSON."""
    key: str | None = None
    """The same whenever the same task is read again; None where `task` has an `id`."""
    problems: tuple[str, ...] = ()
    """What the file says of the task and the task does not, or not as a field."""
    error: str | None = None
    """Why this cannot be imported; `task` is None then."""


class Unreadable(Exception):  # noqa: N818 # it says what the file is, as `Problem` does
    """From here on the file cannot be read. `read` makes the last row of it."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line, self.message = line, message
