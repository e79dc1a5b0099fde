"""Which statements are prepared on a connection, and what it means where the server says otherwise."""

import hashlib
import logging
from collections import Counter
from typing import ClassVar

import psycopg
from psycopg import errors

log = logging.getLogger("todo")

PreparedKey = tuple[bytes, tuple[int, ...]]
"""A statement's text and the type oids of its values: what it is prepared for."""

NOT_FOLLOWED = {errors.InvalidSqlStatementName.sqlstate, errors.DuplicatePreparedStatement.sqlstate}
"""Another server connection than the one before: a pooler that does not follow prepared statements, or `DEALLOCATE`."""

STALE = {*NOT_FOLLOWED, errors.FeatureNotSupported.sqlstate}
"""A prepared statement is gone, is there already, or would return other columns now: it may run again unprepared."""


MAX_PREPARED = 200
"""On one connection: lists have a statement for each combination of filters and orders."""
MAX_COUNTED = 1000


class PreparedStatements:
    """The statements that are prepared on one connection, by their names."""

    told: ClassVar[bool] = False
    """Whether the log says already that prepared statements are not followed."""

    def __init__(self) -> None:
        self.threshold: int | None = None
        """Uses after which a statement is prepared; None for never. psycopg's own is off: it would drop ours too."""
        self._names: dict[PreparedKey, bytes] = {}
        self._uses: Counter[PreparedKey] = Counter()

    def name_of(self, key: PreparedKey) -> bytes | None:
        """The name that it is prepared under, if it is."""
        return self._names.get(key)

    def name_to_prepare(self, key: PreparedKey) -> bytes | None:
        """Count a use; the name to prepare it under once it was used often enough.

        A digest of text and types, so that a name never means two statements, on whichever connection.
        """
        if self.threshold is None:
            return None
        if len(self._names) >= MAX_PREPARED:
            return None
        if len(self._uses) >= MAX_COUNTED and key not in self._uses:
            self._uses.clear()
        self._uses[key] += 1
        if self._uses[key] <= self.threshold:
            return None
        return b"todo_" + hashlib.blake2b(repr(key).encode(), digest_size=12).hexdigest().encode()

    def add(self, key: PreparedKey, name: bytes) -> None:
        """It was prepared under this name."""
        self._names[key] = name

    def stop(self, error: psycopg.Error) -> bool:
        """Prepare nothing more, after an error that is STALE; whether the connection may be used on.

        After a change of the schema it is replaced. Behind a pooler a new one would be no better.
        """
        self._names.clear()
        self.threshold = None
        if error.sqlstate not in NOT_FOLLOWED:
            return False
        if not PreparedStatements.told:
            PreparedStatements.told = True
            log.warning(
                "a pooler does not follow prepared statements (%s): statements run unprepared on such connections; "
                "PREPARE_THRESHOLD=-1 prepares none from the start",
                error.sqlstate,
            )
        return True
