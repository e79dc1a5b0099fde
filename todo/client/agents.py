"""What the API answers about agents, typed as in `models`."""

from datetime import datetime

from msgspec import Struct


class Agent(Struct, frozen=True, kw_only=True):
    """An assistant of the user: one with an API token, or one that only the changes name."""

    id: str
    name: str
    token: bool
    """Whether it has a token, which `revoke_token(id)` ends."""
    scope: str | None = None
    permissions: tuple[str, ...] | None = None
    tag: str | None = None
    deletions_per_hour: int | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    changes: int = 0
    last_change_at: datetime | None = None


class UndoConflict(Struct, frozen=True, kw_only=True):
    """What stays of an agent's changes of a task, since somebody else has altered it afterwards."""

    task_id: str
    title: str | None = None
    """None where there is no such task any more."""
    fields: tuple[str, ...] = ()
    """Those that stay; none of them for the whole task."""
    reason: str


class AgentUndo(Struct, frozen=True, kw_only=True):
    """What became of taking back what an agent did; `undo` of each of the `revisions`, the last first, does it again.

    There is more than one only where an agent made thousands of changes.
    """

    undone: int
    tasks: int
    conflicts: tuple[UndoConflict, ...] = ()
    revisions: tuple[int, ...] = ()


class UndonePart(Struct, frozen=True, kw_only=True):
    """What one request took back, and where the next one begins, None after the last."""

    undone: int
    tasks: int
    conflicts: tuple[UndoConflict, ...] = ()
    revision: int | None = None
    before: int | None = None
