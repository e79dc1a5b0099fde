"""The shapes in which changes are sent."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlmodel import Field, SQLModel

from todo.db.roles import Via
from todo.tasks.shapes import TrashedTaskOut

Kind = Literal["create", "update", "delete", "restore", "purge"]


class ChangeOut(SQLModel):
    """A change."""

    revision: int = Field(description="Its number among the user's changes, in the order in which they happened.")
    task_id: UUID = Field(description="The task that it changed.")
    kind: Kind = Field(
        description="What it did. With `compact` only the newest change of a task is listed, so go by `task`."
    )
    at: datetime = Field(description="When: RFC 3339, UTC.")
    via: Via = Field(description="Who wrote: a signed-in user (`session`), an API token, an agent, the command line, …")
    undoes: int | None = Field(
        description="The revision of the change that it took back, or null; of a batch its number."
    )
    batch: int | None = Field(
        description="The revision of the first of the changes that were made together with it, null for a change of "
        "its own: one undo takes them all back."
    )
    agent_id: UUID | None = Field(description="The agent that wrote, or null.")
    agent: str | None = Field(description="The agent's name then, or null.")
    task: TrashedTaskOut | None = Field(
        description="The task as the change left it, with `deleted_at` while in the trash; null once it is purged."
    )


class PastChange(ChangeOut):
    """A change as the history of a task shows it."""

    before: dict[str, Any] | None = Field(
        description="The values that the altered fields had; null for a creation, and once the task is purged."
    )


class ChangesOut(SQLModel):
    """The changes since a revision."""

    changes: list[ChangeOut] = Field(description="In the order in which they happened.")
    revision: int = Field(description="What to send as `since` the next time.")
    more: bool = Field(description="Whether there is more already.")
