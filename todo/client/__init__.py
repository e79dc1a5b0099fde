"""A typed client of the API, for synchronous and asynchronous programs: docs/reference/python-client.md.

It needs httpx and msgspec, and nothing of the server.
"""

from todo.client.agents import Agent, AgentUndo, UndoConflict
from todo.client.asynchronous.client import AsyncClient
from todo.client.asynchronous.local_copy import AsyncLocalCopy
from todo.client.errors import (
    ApiError,
    ClientError,
    Conflict,
    ConnectionFailed,
    Forbidden,
    Gone,
    Invalid,
    LocalCopyError,
    NotFound,
    PreconditionFailed,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
)
from todo.client.models import (
    ApiToken,
    BatchResult,
    Change,
    DayCount,
    Device,
    DueCounts,
    Feed,
    FieldError,
    ImportProblem,
    ImportReport,
    NewApiToken,
    PastChange,
    QuickTask,
    Result,
    Session,
    StatusCounts,
    Summary,
    TagCount,
    Task,
    User,
)
from todo.client.retries import Retry
from todo.client.synchronous.client import Client
from todo.client.synchronous.local_copy import LocalCopy

__all__ = [
    "Agent",
    "AgentUndo",
    "ApiError",
    "ApiToken",
    "AsyncClient",
    "AsyncLocalCopy",
    "BatchResult",
    "Change",
    "Client",
    "ClientError",
    "Conflict",
    "ConnectionFailed",
    "DayCount",
    "Device",
    "DueCounts",
    "Feed",
    "FieldError",
    "Forbidden",
    "Gone",
    "ImportProblem",
    "ImportReport",
    "Invalid",
    "LocalCopy",
    "LocalCopyError",
    "NewApiToken",
    "NotFound",
    "PastChange",
    "PreconditionFailed",
    "QuickTask",
    "Result",
    "Retry",
    "Session",
    "StatusCounts",
    "Summary",
    "TagCount",
    "Task",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
    "UndoConflict",
    "UnexpectedAnswer",
    "User",
]
