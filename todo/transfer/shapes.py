"""The shapes in which imports and feeds are described."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlmodel import Field, SQLModel

from todo.formats import READ
from todo.tasks.shapes import every_field


class ExportedTask(every_field("ExportedFields", default=None)):  # type: ignore[misc] # its base is made at run time
    """A task in a file."""

    id: UUID = Field(description="Its id, by which an import knows it again.")
    completed_at: datetime | None = Field(None, description="When it was done; null while it is not.")
    created_at: datetime | None = Field(None, description="When it was created.")
    updated_at: datetime | None = Field(None, description="When it last changed; for information.")
    deleted_at: datetime | None = Field(None, description="When it went to the trash; absent for one that did not.")


class ExportedUser(SQLModel):
    """Whose tasks a file has; for information."""

    id: str = Field(description="The user's id.")
    email: str | None = Field(description="Their e-mail address, where it is known.")
    name: str | None = Field(description="What they want to be called.")


class ExportFile(SQLModel):
    """All tasks of a user, as a file of this server (docs/reference/export-format.md)."""

    format: Literal["todo"] = Field(description="What the file is.")
    version: Literal[1] = Field(description="It grows when a reader of this version would misread the file.")
    exported_at: datetime | None = Field(None, description="When it was written.")
    user: ExportedUser | None = Field(None, description="Whose tasks they are.")
    tasks: list[ExportedTask] = Field(description="The tasks outside the trash, in the user's own order.")
    trash: list[ExportedTask] | None = Field(None, description="Those in the trash, newest first.")


class RowProblem(SQLModel):
    """What is lost of a row of the file, or keeps it from being imported."""

    line: int = Field(description="Where the row begins in the file, from 1.")
    message: str = Field(description="What cannot be kept, or what is wrong.")


class ImportReport(SQLModel):
    """What became of a file."""

    format: str = Field(description=f"What the file was read as: one of {', '.join(READ)}.")
    read: int = Field(description="Rows of the file.")
    created: int = Field(description="Tasks that are new, or that an undo of their import had taken back.")
    existing: int = Field(description="Rows whose task is there already, in the list or the trash: left as it is.")
    problems: list[RowProblem] = Field(description="The first 1,000, in the order of the file.")
    problem_count: int = Field(description="How many there are. Rows that were left out are `read` less the others.")
    revision: int | None = Field(description="The change whose undo takes the whole import back; null for none.")
    dry_run: bool = Field(description="Whether nothing was done.")


class FeedOut(SQLModel):
    """A calendar feed, without its URL."""

    id: UUID = Field(description="What it is revoked by.")
    created_at: datetime = Field(description="When it was made.")
    last_used_at: datetime | None = Field(description="When a calendar last read it, to the hour; null for not yet.")


class FeedMade(SQLModel):
    """A calendar feed, with its URL, which is shown this once."""

    id: UUID = Field(description="What it is revoked by.")
    url: str = Field(description="What calendars subscribe to. Everybody who has it reads the tasks that are due.")
    created_at: datetime = Field(description="When it was made.")
