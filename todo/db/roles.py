"""The roles that the application works as, and the queries by which a transaction enters one."""

from typing import Literal

from todo.db.agents import SETTINGS

REQUESTS = "todo_app"
"""The role that serves requests: it owns nothing and sees the rows of the user that the transaction names."""

ACCOUNTS = "todo_accounts"
"""The role for what happens before there is a user: sign-up, sign-in, keys."""

Via = Literal["session", "api_token", "agent", "command_line", "sweep", "database"]
"""Who writes, as the log of changes names it; `database` for a writer that names none, as in psql."""

LONGEST = 7
"""How many settings ENTER_TRANSACTION has, before those of an agent."""

_ENTERED = (
    "role", "app.user_id", "statement_timeout", "app.via", "app.max_tasks", "app.max_log_bytes",
    "idle_in_transaction_session_timeout", *SETTINGS,
)  # fmt: skip


def enter(*placeholders: str) -> str:
    """The query that a transaction begins with.

    For a read it takes role, user and timeout in milliseconds; for a write also Via and the quotas of tasks and of
    bytes in the log; for a transaction of several round trips also the milliseconds that may pass between two; for an
    agent also the values of SETTINGS.
    """
    values = zip(_ENTERED, placeholders, strict=False)
    return "select " + ", ".join(f"set_config('{name}', {placeholder}, true)" for name, placeholder in values)


ENTER = enter("$1", "$2", "$3").encode()
ENTER_TO_WRITE = enter("$1", "$2", "$3", "$4", "$5", "$6").encode()
ENTER_TRANSACTION = enter("$1", "$2", "$3", "$4", "$5", "$6", "$7").encode()
"""A process that stands still in the middle keeps its locks no longer than a statement may run."""
ENTER_AS_AGENT = enter(*(f"${number + 1}" for number in range(LONGEST + len(SETTINGS)))).encode()
"""Any transaction of an agent begins with this one."""

LOCK = b"select pg_advisory_xact_lock(hashtextextended($1, 0))"
"""Wait for every other transaction that holds the lock of this name. A statement of its own, for which the timeout
of the one before holds already."""
