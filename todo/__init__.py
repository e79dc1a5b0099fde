"""The backend of a Todo web application: six endpoints, a real PostgreSQL, each user sees only their own tasks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlmodel import Session

__version__ = "0.1.0"


@contextmanager
def session_as(user_id: str) -> "Iterator[Session]":
    """A SQLModel session as one user, for jobs and notebooks; see `todo.db.session.session_as`."""
    from todo.db import session

    with session.session_as(user_id) as opened:
        yield opened
