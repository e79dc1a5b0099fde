"""What psycopg's errors mean for a client: whether the database is away, and whether the change may have been made."""

from psycopg import InterfaceError, OperationalError, errors

from todo.problems import Interrupted, Unavailable

ROLLED_BACK = {errors.DeadlockDetected.sqlstate, errors.SerializationFailure.sqlstate}
"""The server rolled the whole transaction back and says so: it may run again."""

UNAVAILABLE = (
    OperationalError,
    InterfaceError,
    errors.ReadOnlySqlTransaction,
    errors.IdleInTransactionSessionTimeout,
    errors.TransactionTimeout,
)
"""psycopg's errors that are about the database and not about the statement."""


def connection_lost(error: Exception) -> bool:
    """Whether the connection died, rather than the server refusing."""
    sqlstate = getattr(error, "sqlstate", None)
    return sqlstate is None or sqlstate.startswith(("08", "57P", "25P03", "25P04"))


def is_of_the_statement(error: Exception) -> bool:
    """Whether the database is well, and this statement took too long or met another transaction."""
    sqlstate = getattr(error, "sqlstate", None)
    return sqlstate == errors.QueryCanceled.sqlstate or sqlstate in ROLLED_BACK


def unavailable(error: Exception, *, wrote: bool) -> Unavailable:
    """What a client is answered for psycopg's `error`; `wrote` where the change may have been made."""
    sqlstate = getattr(error, "sqlstate", None)
    if sqlstate == errors.QueryCanceled.sqlstate:
        return Unavailable("The database took too long; nothing was changed.")
    if sqlstate in ROLLED_BACK:
        return Interrupted("Others were changing the same; nothing was changed. Try again.", undone=True)
    if not connection_lost(error):
        return Unavailable("The database refuses to work at the moment; nothing was changed.")
    if wrote:
        return Interrupted(
            "The connection to the database was lost: the change may or may not have been made. "
            "Read before you repeat it, or repeat it with the same Idempotency-Key.",
            undone=False,
        )
    return Interrupted("The connection to the database was lost; nothing was changed.", undone=True)
