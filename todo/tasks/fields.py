"""The fields of a task that a client writes. Each is declared here once, and in a migration.

From this class come the columns of the table, the shapes of the API, what an edit and an undo may set, and the
examples of the OpenAPI document. The migration makes the log's function with the new list of fields.
"""

from typing import Annotated

from pydantic import StrictBool
from sqlalchemy import Boolean, Text, false
from sqlmodel import Field, SQLModel

from todo.values import Length, Line, Lines, NotBlank

TITLE_LENGTH = 255
DESCRIPTION_LENGTH = 10_000

Title = Annotated[Line, NotBlank(), Length(min_length=1, max_length=TITLE_LENGTH)]
Description = Annotated[Lines, Length(max_length=DESCRIPTION_LENGTH)]


class TaskFields(SQLModel):
    """What a client writes of a task. `schema_extra` holds the example."""

    title: Title = Field(
        sa_type=Text,
        description="What is to be done: 1 to 255 characters after trimming.",
        schema_extra={"examples": ["Water the ferns"]},
    )
    description: Description | None = Field(
        None,
        sa_type=Text,
        description="More about it: up to 10,000 characters, or null.",
        schema_extra={"examples": ["The ones in the hall too"]},
    )
    completed: StrictBool = Field(
        False,
        sa_type=Boolean,
        sa_column_kwargs={"server_default": false()},
        description="Whether it is done; a new task is not, by default.",
        schema_extra={"examples": [False]},
    )


WRITABLE = tuple(TaskFields.model_fields)
"""The names of the fields that a client writes."""

EXAMPLES = {name: (field.examples or [None])[0] for name, field in TaskFields.model_fields.items()}
