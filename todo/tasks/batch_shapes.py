"""The shapes in which a batch is sent and answered."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Discriminator, StrictBool
from sqlmodel import Field, SQLModel

from todo.tasks.shapes import Move, NewTask, TaskEdit, TaskOut

MAX_OPERATIONS = 100


class _OfTask(SQLModel):
    id: UUID = Field(description="The task's id, also of one that an operation before has created.")
    revision: int | None = Field(
        None, ge=0, le=2**53 - 1, description="The revision that the task must have when the batch begins, or any."
    )


class Create(SQLModel):
    """As `POST …/tasks` does."""

    op: Literal["create"] = Field(description="`create`.")
    task: NewTask = Field(description="The new task.")


class Update(_OfTask):
    """As `PUT …/tasks/{id}` does."""

    op: Literal["update"] = Field(description="`update`.")
    task: TaskEdit = Field(description="What to change.")


class Complete(_OfTask):
    """As `PATCH …/tasks/{id}/complete` does."""

    model_config = {"extra": "forbid"}  # a misspelt `completed` would toggle

    op: Literal["complete"] = Field(description="`complete`.")
    completed: StrictBool | None = Field(None, description="Sets completion; without it, or null, it is toggled.")


class Delete(_OfTask):
    """As `DELETE …/tasks/{id}` does: the task goes to the trash."""

    op: Literal["delete"] = Field(description="`delete`.")


class Restore(_OfTask):
    """As `POST …/tasks/{id}/restore` does."""

    op: Literal["restore"] = Field(description="`restore`.")


class MoveTo(_OfTask, Move):
    """As `POST …/tasks/{id}/move` does."""

    op: Literal["move"] = Field(description="`move`.")


Operation = Annotated[Create | Update | Complete | Delete | Restore | MoveTo, Discriminator("op")]


class Batch(SQLModel):
    """Operations to do in their order, all or none."""

    operations: list[Operation] = Field(min_length=1, max_length=MAX_OPERATIONS, description="Up to 100, in order.")


class ResultOut(SQLModel):
    """What became of one operation."""

    op: Literal["create", "update", "complete", "delete", "restore", "move"] = Field(description="As it was sent.")
    status: int = Field(description="The status that the single request would have had.")
    task: TaskOut | None = Field(description="The task as the operation left it; null once it is in the trash.")


class BatchOut(SQLModel):
    """What became of a batch."""

    results: list[ResultOut] = Field(description="One for each operation, in their order.")
    revision: int = Field(description="The user's revision after it, for `since`.")
