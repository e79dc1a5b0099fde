"""The shapes in which tasks are sent and received, made from `fields`."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import StrictBool, create_model, model_validator
from sqlmodel import Field, SQLModel

from todo.auth.tables import USER_ID_LENGTH
from todo.tasks.fields import WRITABLE, TaskFields

Status = Literal["all", "pending", "completed", "deleted"]


def every_field(name: str, **options: Any) -> Any:
    """A class with the fields of TaskFields, all required or, with a default, all optional; null as there."""
    fields: dict[str, Any] = {
        each: (Annotated[field.annotation, *field.metadata], Field(description=field.description, **options))
        for each, field in TaskFields.model_fields.items()
    }
    return create_model(name, __base__=SQLModel, **fields)


class _Identity(SQLModel):
    id: UUID = Field(description="The task's id, unique among the user's tasks.")
    user_id: str = Field(max_length=USER_ID_LENGTH, description="Whose task it is: the token's subject.")


class TaskOut(every_field("ShownFields"), _Identity):  # type: ignore[misc] # its base is made at run time
    """A task as the API shows it."""

    due_date: str | None = Field(description="As it was sent: a day, a local time or an instant; or null.")
    recurrence: str | None = Field(description="A word or an RRULE, in canonical form; or null.")
    tags: list[str] = Field(description="In their order; of none an empty list.")
    position: str = Field(description="Sort key of the user's own order, compared by bytes; `…/move` sets it.")
    completed_at: datetime | None = Field(description="When `completed` last became true; null while it is false.")
    created_at: datetime = Field(description="RFC 3339, UTC, microseconds. The list's order, newest first.")
    updated_at: datetime = Field(description="Moves on every change and only then.")
    revision: int = Field(description="The number of the user's change that this task last changed with; its ETag.")


class TrashedTaskOut(TaskOut):
    """A task as lists of the trash and the changes show it."""

    deleted_at: datetime | None = Field(None, description="When it went to the trash; absent for one that did not.")


class _Written(SQLModel):
    @model_validator(mode="before")
    @classmethod
    def _no_category(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("category") and "tags" not in data:
            raise ValueError("there is no category: send it as one of the tags")
        return data


class NewTask(TaskFields, _Written):
    """A task to create. Fields that the server owns, and unknown ones, are ignored."""

    id: UUID | None = Field(
        None,
        description="Choose the id to create safely offline: sending the same again gives the same task.",
    )


class TaskEdit(every_field("OptionalFields", default=None), _Written):  # type: ignore[misc] # its base is made at run time
    """What to change. Omitted fields keep their values; null clears those that may be null, and removes all tags."""

    @model_validator(mode="after")
    def _something_to_do(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(f"nothing to change: send at least one of {', '.join(WRITABLE)}")
        return self


class Completion(SQLModel):
    """Whether the task is done; an empty object toggles."""

    completed: StrictBool = Field(
        False,
        description="Sets completion; without it the call toggles.",
    )

    @model_validator(mode="before")
    @classmethod
    def _names_something_known(cls, data: Any) -> Any:
        if isinstance(data, dict) and data and "completed" not in data:
            raise ValueError('send {"completed": true} or {"completed": false}, or nothing to toggle')
        return data


class Move(SQLModel):
    """Where to move a task."""

    after: UUID | None = Field(description="The id of the task that it goes behind; null for the front.")
