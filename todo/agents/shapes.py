"""The shapes in which agents are sent and received."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field as Within
from sqlmodel import Field, SQLModel

from todo.db.agents import Permission
from todo.values import A_NUMBER, Moment


class AgentOut(SQLModel):
    """An agent: one with a token, or one that only the changes name."""

    id: UUID = Field(description="What its changes name, and of one with a token what the token is revoked by.")
    name: str = Field(description="That of its token, else the one by which it said that it writes.")
    token: bool = Field(description="Whether it has a token, which can be revoked.")
    scope: Literal["read", "write"] | None = Field(description="Of its token; else null, and so are the next ones.")
    permissions: list[Permission] | None = Field(description="What its token may do; null for all.")
    tag: str | None = Field(description="The only tag whose tasks are there for it; null for all tasks.")
    deletions_per_hour: int | None = Field(
        description="How many tasks it may delete an hour; null for what the server allows."
    )
    created_at: datetime | None = Field(description="When its token was made.")
    expires_at: datetime | None = Field(description="When its token ends; null for never.")
    last_used_at: datetime | None = Field(description="When its token was last used, to the minute.")
    changes: int = Field(description="Changes that it made, as far as they are kept.")
    last_change_at: datetime | None = Field(description="When it made the newest one.")


class TakeBack(SQLModel):
    """Which changes of an agent to take back."""

    since: Moment | None = Field(None, description="Those from this instant on: RFC 3339; null for all.")
    before: Annotated[int, Within(ge=1, le=2**53 - 1), A_NUMBER] | None = Field(
        None, description="The `before` of an answer, to go on from there."
    )


class ConflictOut(SQLModel):
    """A task that was not, or not wholly, changed back."""

    task_id: UUID = Field(description="The task.")
    title: str | None = Field(description="Its title; null where it is no longer there.")
    fields: list[str] = Field(description="What stays as it is, since somebody else has altered it; of none all.")
    reason: Literal["changed_since", "purged"] = Field(description="Why.")


class TakenBackOut(SQLModel):
    """What became of taking back."""

    undone: int = Field(description="Changes of the agent that were taken back.")
    tasks: int = Field(description="Tasks that were changed.")
    conflicts: list[ConflictOut] = Field(description="What stays as it is.")
    revision: int | None = Field(
        description="The batch that did it: undoing this revision brings all back; null where nothing was changed."
    )
    before: int | None = Field(description="Where there may be more: what to send as `before` to go on.")
