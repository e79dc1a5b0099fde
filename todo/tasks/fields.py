"""The fields of a task that a client writes. Each is declared here once, and in a migration.

From this class come the columns of the table, the shapes of the API, what an edit and an undo may set, and the
examples of the OpenAPI document. The migration makes the log's function with the new list of fields.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, StrictBool, StringConstraints, WithJsonSchema
from sqlalchemy import ARRAY, Boolean, DateTime, Text, false, text
from sqlmodel import Field, SQLModel

from todo.tasks.recurrence import normalised
from todo.values import DueDate, Instant, Length, Line, Lines, NotBlank, TimeZone, folded

TITLE_LENGTH = 255
DESCRIPTION_LENGTH = 10_000
TAG_LENGTH = 50
MAX_TAGS = 20
RECURRENCE_LENGTH = 200
PRIORITIES = ("low", "medium", "high", "urgent")
"""The least first."""

Title = Annotated[Line, NotBlank(), Length(min_length=1, max_length=TITLE_LENGTH)]
Description = Annotated[Lines, Length(max_length=DESCRIPTION_LENGTH)]
Tag = Annotated[Line, NotBlank(), Length(min_length=1, max_length=TAG_LENGTH)]


def _named(value: Any) -> Any:
    """A word of a list without regard to case; `none` and an empty one, as forms send it, are null."""
    if isinstance(value, str) and len(value) <= 20:
        value = value.strip().lower()
    return None if value in ("none", "") else value


def _distinct(tags: list[str] | None) -> list[str]:
    """The tags in their order, the first of those that differ in case only."""
    distinct: dict[str, str] = {}
    for tag in tags or ():
        distinct.setdefault(folded(tag), tag)
    if len(distinct) > MAX_TAGS:
        raise ValueError(f"a task may have at most {MAX_TAGS} tags")
    return [*distinct.values()]


def _of_bounded_length(tags: Any) -> Any:
    if isinstance(tags, list) and len(tags) > 5 * MAX_TAGS:  # before each is looked at
        raise ValueError(f"a task may have at most {MAX_TAGS} tags")
    return tags


Priority = Annotated[Literal["low", "medium", "high", "urgent"] | None, BeforeValidator(_named)]
Tags = Annotated[list[Tag] | None, AfterValidator(_distinct), BeforeValidator(_of_bounded_length)]
Recurrence = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    Length(max_length=RECURRENCE_LENGTH),
    AfterValidator(normalised),
    WithJsonSchema(
        {
            "type": "string",
            "maxLength": RECURRENCE_LENGTH,
            "pattern": "^ *(none|daily|weekly|monthly|yearly|(RRULE:)?[A-Z]+=[A-Z0-9,:+-]+(;[A-Z]+=[A-Z0-9,:+-]+)*) *$",
        }
    ),
]
RecurrenceFrom = Annotated[Literal["due", "completion"] | None, BeforeValidator(_named)]


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
    due_date: DueDate | None = Field(
        None,
        sa_type=Text,
        description="When it is due: a day, a local time or an instant with its offset, which comes back as it was "
        "sent (RFC 5545 §3.3.4 and §3.3.5); years 1900 to 2200; or null.",
        schema_extra={"examples": ["2027-03-01T09:00"]},
    )
    time_zone: TimeZone | None = Field(
        None,
        sa_type=Text,
        description="The time zone of a local `due_date`, and of the clock by which the task repeats: a name of the "
        "IANA database, or null.",
        schema_extra={"examples": ["Europe/Berlin"]},
    )
    priority: Priority = Field(
        None,
        sa_type=Text,
        description="How much it matters; `none` is null, and case is ignored.",
        schema_extra={"examples": ["high"]},
    )
    tags: Tags = Field(
        [],
        sa_type=ARRAY(Text),
        sa_column_kwargs={"nullable": False, "server_default": text("'{}'")},
        description="Up to 20 of 1 to 50 characters, in their order; of tags that differ in case only, the first.",
        schema_extra={"examples": [["home", "garden"]]},
    )
    recurrence: Recurrence | None = Field(
        None,
        sa_type=Text,
        description="How it repeats: `daily`, `weekly`, `monthly`, `yearly`, or an RRULE (RFC 5545 §3.3.10) of FREQ, "
        "INTERVAL, BYDAY, BYMONTHDAY, COUNT and UNTIL. `none` is null. Completing the task makes the next one.",
        schema_extra={"examples": ["FREQ=WEEKLY;INTERVAL=2"]},
    )
    recurrence_from: RecurrenceFrom = Field(
        None,
        sa_type=Text,
        description="What the next occurrence is counted from: `due` (also where it is null), or `completion`.",
        schema_extra={"examples": ["due"]},
    )
    remind_at: Instant | None = Field(
        None,
        sa_type=DateTime(timezone=True),
        description="When to remind of it: RFC 3339 with an offset, shown in UTC, or null. The server sends nothing.",
        schema_extra={"examples": ["2027-03-01T07:30:00.000000Z"]},
    )


WRITABLE = tuple(TaskFields.model_fields)
"""The names of the fields that a client writes."""

EXAMPLES = {name: (field.examples or [None])[0] for name, field in TaskFields.model_fields.items()}
