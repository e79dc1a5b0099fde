"""The table of tasks and the shapes of the API. Each bound is written once and used by all of them."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import StrictBool, StringConstraints, model_validator
from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, Text, Uuid, false
from sqlmodel import Field, SQLModel, col

from todo.accounts.models import USER_ID_LENGTH
from todo.schema import Table
from todo.text import Line, Lines, NotBlank

TITLE_LENGTH = 255
DESCRIPTION_LENGTH = 10_000

Title = Annotated[Line, StringConstraints(min_length=1, max_length=TITLE_LENGTH), NotBlank()]
Description = Annotated[Lines, StringConstraints(max_length=DESCRIPTION_LENGTH)]
Status = Literal["all", "pending", "completed", "deleted"]

CONTROLS = r"[\u0001-\u001f\u007f-\u009f]"
CONTROLS_BUT_LINES = r"[\u0001-\u0008\u000b-\u001f\u007f-\u009f]"


class Task(Table, table=True):
    """A task. The owner leads the key and every index, so a user's rows lie together."""

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint(f"char_length(title) BETWEEN 1 AND {TITLE_LENGTH}", name="title_length"),
        CheckConstraint(f"title = btrim(title) AND title !~ '{CONTROLS}'", name="title_clean"),
        CheckConstraint(f"char_length(description) <= {DESCRIPTION_LENGTH}", name="description_length"),
        CheckConstraint(f"description !~ '{CONTROLS_BUT_LINES}'", name="description_clean"),
        CheckConstraint("completed = (completed_at IS NOT NULL)", name="completed_at_with_completed"),
        CheckConstraint("updated_at >= created_at", name="updated_after_created"),
    )

    user_id: str = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE", sa_type=Text)
    id: UUID = Field(primary_key=True, sa_type=Uuid)
    title: str = Field(sa_type=Text)
    description: str | None = Field(default=None, sa_type=Text)
    completed: bool = Field(sa_column_kwargs={"server_default": false()})
    completed_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    fingerprint: bytes = Field(sa_type=LargeBinary)
    """What the task was created with, so that a repeated creation is told from a conflicting one."""
    revision: int = Field(sa_type=BigInteger)
    """The number of its latest change. It, the times and the fingerprint are given by the trigger."""


Index(
    "ix_tasks_list",
    col(Task.user_id),
    col(Task.created_at).desc(),
    col(Task.id).desc(),
    postgresql_where=col(Task.deleted_at).is_(None),
)
Index(
    "ix_tasks_trash",
    col(Task.user_id),
    col(Task.created_at).desc(),
    col(Task.id).desc(),
    postgresql_where=col(Task.deleted_at).is_not(None),
)
Index("ix_tasks_deleted_at", col(Task.deleted_at), postgresql_where=col(Task.deleted_at).is_not(None))


class TaskOut(SQLModel):
    """A task as the API shows it."""

    id: UUID = Field(description="The task's id, unique among the user's tasks.")
    user_id: str = Field(max_length=USER_ID_LENGTH, description="Whose task it is: the token's subject.")
    title: str = Field(max_length=TITLE_LENGTH, description="What is to be done.")
    description: str | None = Field(max_length=DESCRIPTION_LENGTH, description="More about it, or null.")
    completed: bool = Field(description="Whether it is done.")
    completed_at: datetime | None = Field(description="When `completed` last became true; null while it is false.")
    created_at: datetime = Field(description="RFC 3339, UTC, microseconds. The list's order, newest first.")
    updated_at: datetime = Field(description="Moves on every change and only then.")
    revision: int = Field(description="The number of the user's change that this task last changed with; its ETag.")


class TrashedTaskOut(TaskOut):
    """A task as lists of the trash and the changes show it."""

    deleted_at: datetime | None = Field(None, description="When it went to the trash; absent for one that did not.")


FIELDS = tuple(TaskOut.model_fields)
SHOWN = tuple(Task.__table__.c[name] for name in FIELDS)  # type: ignore[attr-defined] # SQLModel sets it
CREATED_AT, ID, REVISION = FIELDS.index("created_at"), FIELDS.index("id"), FIELDS.index("revision")


def _without_default(schema: dict[str, Any]) -> None:
    del schema["default"]


NO_DEFAULT = {"json_schema_extra": _without_default}
"""For a field that may be left out but not be null: its default stands for "absent" and is no value."""


class NewTask(SQLModel):
    """A task to create. Fields that the server owns, and unknown ones, are ignored."""

    id: UUID | None = Field(
        None,
        description="Choose the id to create safely offline: sending the same again gives the same task.",
    )
    title: Title = Field(description="1 to 255 characters after trimming.")
    description: Description | None = Field(None, description="Up to 10,000 characters, or null.")
    completed: StrictBool = Field(False, description="Whether it is done already.")


class TaskEdit(SQLModel):
    """What to change. Omitted fields keep their values; null clears a description."""

    title: Title = Field("", description="A new title, 1 to 255 characters after trimming.", schema_extra=NO_DEFAULT)
    description: Description | None = Field(
        None, description="A new description; null clears it.", schema_extra=NO_DEFAULT
    )
    completed: StrictBool = Field(False, description="Whether it is done.", schema_extra=NO_DEFAULT)

    @model_validator(mode="after")
    def _something_to_do(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("nothing to change: send at least one of title, description, completed")
        return self


class Completion(SQLModel):
    """Whether the task is done; an empty object toggles."""

    completed: StrictBool = Field(
        False, description="Sets completion; without it the call toggles.", schema_extra=NO_DEFAULT
    )

    @model_validator(mode="before")
    @classmethod
    def _says_something_known(cls, data: Any) -> Any:
        if isinstance(data, dict) and data and "completed" not in data:
            raise ValueError('send {"completed": true} or {"completed": false}, or nothing to toggle')
        return data
