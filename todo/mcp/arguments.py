"""What tools take. A name that a tool does not know is refused: a misspelt `dry_run` would write."""

import json
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from todo.mcp.answers import ROWS


def _from_text(value: Any) -> Any:
    """A list or an object as JSON in a string, as some agents send it, as what it says."""
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


class Arguments(BaseModel):
    """The arguments of a tool. Null is as absent."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    def given(self, *names: str) -> dict[str, Any]:
        """These arguments, without those that are absent."""
        values = self.model_dump(mode="json", include=set(names), exclude_none=True)
        return {name: values[name] for name in names if name in values}


Priority = Literal["low", "medium", "high", "urgent"]
Title = Annotated[str, Field(min_length=1, max_length=255)]
Tags = Annotated[list[str], Field(max_length=20), BeforeValidator(_from_text)]
Zone = Annotated[str, Field(max_length=64, description="Whose days are meant: an IANA name such as Europe/Berlin.")]
TaskId = Annotated[UUID, Field(description="The id of the task, from list_tasks or search_tasks.")]
Revision = Annotated[int, Field(ge=1, le=2**53 - 1)]

FIELDS = (
    *("title", "description", "due_date", "time_zone", "priority", "tags", "recurrence", "recurrence_from"),
    "remind_at",
)
Clearable = Literal["description", "due_date", "time_zone", "priority", "tags", "recurrence", "remind_at"]


class Fields(Arguments):
    """What a task is made of."""

    title: Title | None = None
    description: Annotated[str, Field(max_length=10_000)] | None = None
    due_date: str | None = Field(
        None,
        max_length=40,
        description="A day (2027-03-01), a local time (2027-03-01T09:00, with time_zone) or an instant (…T09:00:00Z).",
    )
    time_zone: Zone | None = None
    priority: Priority | None = None
    tags: Tags | None = Field(None, description="All tags of the task, without #.")
    recurrence: str | None = Field(None, max_length=500, description="daily, weekly, monthly, yearly or an RRULE.")
    recurrence_from: Literal["due", "completion"] | None = None
    remind_at: AwareDatetime | None = Field(None, description="An instant, such as 2027-03-01T08:30:00Z.")


class Writing(Arguments):
    """What every writing tool takes."""

    dry_run: bool = Field(False, description="Only say what would become of it, and change nothing.")
    key: Annotated[str, Field(pattern=r"^[!-~]{1,200}$")] | None = Field(
        None,
        description="A text without spaces that you choose for this write, such as a UUID. Where no answer comes, "
        "repeat the call with the same key: it is done once.",
    )

    def says(self, done: str) -> str:
        """What the answer begins with: that it is done, unless it was only tried."""
        return "Nothing was changed: this is what would be." if self.dry_run else done


class WritingOne(Writing):
    """A write of one task that there is."""

    id: TaskId
    if_revision: Revision | None = Field(
        None, description="Write only while the task has this revision, that is as you read it."
    )


class AddTask(Writing, Fields):
    """A new task."""

    title: Title


class UpdateTask(WritingOne, Fields):
    """What to change; what is absent or null keeps its value."""

    clear: Annotated[list[Clearable], Field(max_length=10), BeforeValidator(_from_text)] = Field(
        [], description="Fields to empty."
    )

    @model_validator(mode="after")
    def _something(self) -> "UpdateTask":
        _refuse_empty_edit(self, self.clear)
        return self


class CompleteTask(WritingOne):
    """Done, or open again."""

    completed: bool = Field(True, description="False opens it again.")


class MoveTask(WritingOne):
    """A place in the person's own order."""

    after: UUID | None = Field(None, description="The id of the task that it goes right behind; without it the front.")


class Operation(Fields):
    """One operation of a batch."""

    op: Literal["create", "update", "complete", "delete", "restore", "move"]
    id: UUID | None = Field(None, description="The task; for create absent, or a new UUID that you choose.")
    completed: bool = Field(True, description="For complete: false opens the task again.")
    after: UUID | None = Field(None, description="For move: the task that it goes right behind; without it the front.")
    clear: Annotated[list[Clearable], Field(max_length=10), BeforeValidator(_from_text)] = Field(
        [], description="For update: fields to empty."
    )
    if_revision: Revision | None = None

    @model_validator(mode="after")
    def _fits(self) -> "Operation":
        if self.op == "create" and self.title is None:
            raise ValueError("create needs a title")
        if self.op != "create" and self.id is None:
            raise ValueError(f"{self.op} needs an id")
        if self.op == "update":
            _refuse_empty_edit(self, self.clear)
        elif self.op != "create" and self.given(*FIELDS):
            raise ValueError(f"{self.op} changes no fields: use an operation update")
        return self


class BatchOf(Writing):
    """Operations, all of which are done, or none."""

    operations: Annotated[list[Operation], Field(min_length=1, max_length=100), BeforeValidator(_from_text)]


class QuickAdd(Writing):
    """A line of text."""

    text: str = Field(
        min_length=1, max_length=1000, description='Such as "Pay rent tomorrow 9am #home !high every month".'
    )
    time_zone: Zone | None = None


class UndoOf(Writing):
    """One change, or all of this agent's since a time."""

    revision: Revision | None = Field(None, description="Of one change: undo_revision of an answer, or from history.")
    since: AwareDatetime | None = Field(
        None, description="Instead of revision: take back all that you changed since this instant."
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> "UndoOf":
        if (self.revision is None) == (self.since is None):
            raise ValueError("give revision or since, and not both")
        return self


class Page(Arguments):
    """A page."""

    limit: int = Field(50, ge=1, le=ROWS, description="The greatest number of rows.")
    cursor: str | None = Field(None, max_length=4000, description="From an answer, to go on where it ended.")


class Find(Page):
    """Which tasks."""

    status: Literal["pending", "completed", "all", "deleted"] = "pending"
    tag: Annotated[list[str], Field(max_length=20), BeforeValidator(_from_text)] | None = Field(
        None, description="Only tasks that have all of these tags."
    )
    priority: Annotated[list[Priority], BeforeValidator(_from_text)] | None = None


class ListTasks(Find):
    """Which tasks, in which order."""

    due: Literal["overdue", "today", "week", "none"] | None = None
    due_before: str | None = Field(None, max_length=40, description="A day or an instant.")
    due_after: str | None = Field(None, max_length=40, description="A day or an instant.")
    time_zone: Zone | None = None
    sort: str | None = Field(
        None,
        pattern=r"^-?(created|updated|due_date|priority|title|position)$",
        description="created, updated, due_date, priority, title or position; - before it turns it round. "
        "Newest first by default.",
    )


class SearchTasks(Find):
    """Words of tasks."""

    status: Literal["pending", "completed", "all", "deleted"] = "all"
    query: str = Field(
        min_length=1,
        max_length=200,
        description="Words of the title or the description; the last may be the beginning of one.",
    )


class OneTask(Arguments):
    """A task."""

    id: TaskId


class HistoryOf(Page):
    """The changes of one task."""

    id: TaskId


class SummaryOf(Arguments):
    """Whose days."""

    time_zone: Zone | None = None


def _refuse_empty_edit(edit: Fields, clear: list[Clearable]) -> None:
    if not clear and not edit.given(*FIELDS):
        raise ValueError("nothing to change: give a field, or name one in clear")
    if both := {*clear} & {*edit.given(*FIELDS)}:
        raise ValueError(f"give a value or clear, not both: {', '.join(sorted(both))}")
