"""What may keep a file from being imported, as facts."""

from collections.abc import Sequence
from typing import Any


class TransferError(Exception):
    """Nothing was done."""


class UnknownFormat(TransferError):  # noqa: N818 # a fact
    """The file is in no format that is read."""


class RowsRefused(TransferError):  # noqa: N818 # a fact
    """Some rows of the file cannot be imported."""

    def __init__(self, errors: Sequence[dict[str, Any]], count: int) -> None:
        super().__init__(count)
        self.errors = errors
        """Of the first of them, as a 422 has them."""
        self.count = count
        """How many rows there are."""


class ImportRunning(TransferError):  # noqa: N818 # a fact
    """Another import of the same user is running, at this process or another one."""
