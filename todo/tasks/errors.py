"""What may keep an action on tasks from being done, as facts: each interface words its own advice.

TaskError
├── TaskNotFound       there is no such task of this user
├── UserGone           the account was deleted, while its token lives on
├── TooManyTasks       the quota
├── IdTaken            a task with this id was created with other fields
├── IdInTrash          a task with this id is in the trash
├── UnknownTimeZone    PostgreSQL does not know the time zone
├── PlaceNotFound      there is no such task to move another one behind
├── Outdated           a task of a batch has another revision
├── BatchRefused       some operations of a batch cannot be done
├── TagNotFound        no task has the tag
├── TagTooCommon       more tasks have the tag than one call changes
└── StaleTask          the caller expected another revision
"""

from collections.abc import Mapping
from typing import Literal

from todo.tasks.rows import TrashedTaskRow


class TaskError(Exception):
    """The action was not done."""


class TaskNotFound(TaskError):  # noqa: N818 # a fact
    """There is no such task of this user."""


class UserGone(TaskError):  # noqa: N818 # a fact
    """The account was deleted, while its token lives on."""


class TooManyTasks(TaskError):  # noqa: N818 # a fact
    """The user has as many tasks as they may have, those in the trash included."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        """As the database says it, with the number."""


class IdTaken(TaskError):  # noqa: N818 # a fact
    """There is a task with this id, created with other fields."""


class IdInTrash(TaskError):  # noqa: N818 # a fact
    """The task with this id is in the trash."""


class UnknownTimeZone(TaskError):  # noqa: N818 # a fact
    """PostgreSQL has no time zone of this name, as it happens when its database of zones is older than ours."""

    def __init__(self, place: Literal["body", "query"] = "body") -> None:
        super().__init__(place)
        self.place = place
        """Where the request named it."""


class PlaceNotFound(TaskError):  # noqa: N818 # a fact
    """There is no such task to move another one behind."""


class Outdated(TaskError):  # noqa: N818 # a fact
    """A task of a batch has another revision than the operation says."""

    def __init__(self, revision: int) -> None:
        super().__init__(revision)
        self.revision = revision


class BatchRefused(TaskError):  # noqa: N818 # a fact
    """Some operations of a batch cannot be done, so that none was."""

    def __init__(self, errors: Mapping[int, TaskError]) -> None:
        super().__init__(errors)
        self.errors = errors
        """By the index of the operation: those that are known."""


class TagNotFound(TaskError):  # noqa: N818 # a fact
    """No task of the user has the tag."""


class TagTooCommon(TaskError):  # noqa: N818 # a fact
    """More tasks have the tag than one call changes."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class StaleTask(TaskError):  # noqa: N818 # a fact
    """The task has none of the revisions that the caller knows."""

    def __init__(self, current: TrashedTaskRow) -> None:
        super().__init__(current.revision)
        self.current = current
