"""Why an embedded PostgreSQL does not start."""

from todo.settings import CannotStart


class EmbeddedError(CannotStart):
    """The embedded PostgreSQL cannot start; the message is one line."""
