"""The roles that the application works as, and the queries by which a transaction enters one."""

from typing import Literal

REQUESTS = "todo_app"
"""The role that serves requests: it owns nothing and sees the rows of the user that the transaction names."""

ACCOUNTS = "todo_accounts"
"""The role for what happens before there is a user: sign-up, sign-in, keys."""

Via = Literal["session", "api_token", "command_line", "sweep", "database"]
"""Who writes, as the log of changes names it; `database` for a writer that names none, as in psql."""

ENTER = (
    b"select set_config('role', $1, true), set_config('app.user_id', $2, true),"
    b" set_config('statement_timeout', $3, true)"
)
"""For a read: role, user, timeout in milliseconds."""

ENTER_TO_WRITE = ENTER + b", set_config('app.via', $4, true), set_config('app.max_tasks', $5, true)"
"""For a write: the same, then Via and the quota of tasks."""

LOCK = b"select pg_advisory_xact_lock(hashtextextended($1, 0))"
"""Wait for every other transaction that holds the lock of this name. A statement of its own, for which the timeout
of the one before holds already."""
