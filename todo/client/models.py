"""What the API answers, typed. Fields that this version does not know are ignored.

Times are aware and in UTC; a `due_date` is text as it was sent: a day, a local time or an instant.
"""

from datetime import date, datetime
from typing import Any, Literal

from msgspec import Struct

Priority = Literal["low", "medium", "high", "urgent"]
Scope = Literal["read", "write"]
Permission = Literal["create", "edit", "complete", "delete", "undo"]


class Task(Struct, frozen=True, kw_only=True):
    """A task. `revision` is its ETag, to be sent as `if_match`."""

    id: str
    user_id: str
    title: str
    description: str | None = None
    completed: bool
    due_date: str | None = None
    time_zone: str | None = None
    priority: str | None = None
    tags: tuple[str, ...] = ()
    recurrence: str | None = None
    recurrence_from: str | None = None
    remind_at: datetime | None = None
    position: str = ""
    completed_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    revision: int
    deleted_at: datetime | None = None
    """When it went to the trash; of others None."""


class Change(Struct, frozen=True, kw_only=True):
    """One change of one task; `task` as it was after it, None once it is purged."""

    revision: int
    task_id: str
    kind: str
    at: datetime
    via: str
    agent_id: str | None = None
    agent: str | None = None
    """The name of the agent that made it; None for a person."""
    undoes: int | None = None
    batch: int | None = None
    task: Task | None = None


class PastChange(Change, frozen=True, kw_only=True):
    """A change of a task's history, with the values that the altered fields had."""

    before: dict[str, Any] | None = None


class TaskPage(Struct, frozen=True, kw_only=True):
    """A page of a list, and the cursor of the next one, None on the last."""

    tasks: tuple[Task, ...]
    cursor: str | None = None


class HistoryPage(Struct, frozen=True, kw_only=True):
    """A page of a task's history, and where the next one begins, None on the last."""

    changes: tuple[PastChange, ...]
    before: int | None = None


class QuickTask(Struct, frozen=True, kw_only=True):
    """What was understood of a line of text."""

    title: str
    due_date: str | None = None
    time_zone: str | None = None
    priority: str | None = None
    tags: tuple[str, ...] = ()
    recurrence: str | None = None
    recurrence_from: str | None = None
    recognised: tuple[str, ...] = ()


class Result(Struct, frozen=True, kw_only=True):
    """What became of one operation of a batch."""

    op: str
    status: int
    task: Task | None = None


class BatchResult(Struct, frozen=True, kw_only=True):
    """What became of a batch; `undo(revision)` takes all of it back."""

    results: tuple[Result, ...]
    revision: int


class TagCount(Struct, frozen=True, kw_only=True):
    """A tag, and how many tasks have it."""

    tag: str
    count: int


class StatusCounts(Struct, frozen=True, kw_only=True):
    """Tasks by status; those in the trash are `deleted`."""

    pending: int
    completed: int
    deleted: int


class DueCounts(Struct, frozen=True, kw_only=True):
    """Pending tasks by due date."""

    overdue: int
    today: int
    week: int
    none: int


class DayCount(Struct, frozen=True, kw_only=True):
    """How many tasks were completed on a day."""

    date: date
    count: int


class Summary(Struct, frozen=True, kw_only=True):
    """A user's tasks in numbers."""

    total: int
    status: StatusCounts
    due: DueCounts
    tags: tuple[TagCount, ...]
    completed_per_day: tuple[DayCount, ...]


class User(Struct, frozen=True, kw_only=True):
    """An account."""

    id: str
    email: str | None = None
    name: str | None = None
    created_at: datetime | None = None


class Session(Struct, frozen=True, kw_only=True):
    """A sign-in: its access token for `expires_in` seconds, and the refresh token for the next one."""

    access_token: str
    expires_in: int
    user: User
    refresh_token: str | None = None

    def __repr__(self) -> str:
        return f"Session(user={self.user!r}, expires_in={self.expires_in})"


class Device(Struct, frozen=True, kw_only=True):
    """A session of the user, as the list of sessions shows it."""

    id: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    client: str | None = None
    current: bool = False


class ApiToken(Struct, frozen=True, kw_only=True):
    """A personal API token, without the token."""

    id: str
    name: str
    scope: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    agent: bool = False
    permissions: tuple[str, ...] | None = None
    """What it may do; None for all."""
    tag: str | None = None
    """The only tag whose tasks are there for it."""
    deletions_per_hour: int | None = None


class NewApiToken(ApiToken, frozen=True, kw_only=True):
    """A personal API token that was just made, with the `token`, which is shown this once."""

    token: str

    def __repr__(self) -> str:
        return f"NewApiToken(id={self.id!r}, name={self.name!r}, scope={self.scope!r})"


class ImportProblem(Struct, frozen=True, kw_only=True):
    """What could not be kept of a row, or why a row was left out."""

    line: int | None = None
    message: str


class ImportReport(Struct, frozen=True, kw_only=True):
    """What became of an import; `undo(revision)` takes all of it back."""

    format: str
    read: int
    created: int
    existing: int = 0
    problems: tuple[ImportProblem, ...] = ()
    problem_count: int = 0
    revision: int | None = None
    dry_run: bool = False


class Feed(Struct, frozen=True, kw_only=True):
    """A calendar feed. `url` opens it without a token, and is shown once: in other answers it is None."""

    id: str
    created_at: datetime
    last_used_at: datetime | None = None
    url: str | None = None

    def __repr__(self) -> str:
        return f"Feed(id={self.id!r}, created_at={self.created_at!r})"


class FieldError(Struct, frozen=True, kw_only=True):
    """One value that cannot be used: `loc` says where it stands."""

    loc: tuple[str | int, ...] = ()
    msg: str = ""
    type: str = ""


class Problem(Struct, frozen=True, kw_only=True):
    """The body of an error (RFC 9457)."""

    type: str = "about:blank"
    title: str = ""
    status: int = 0
    detail: str = ""
    instance: str | None = None
    errors: tuple[FieldError, ...] = ()
    current: Task | None = None
    hindrance: int | None = None
    request_id: str | None = None
