"""What may keep an action on tasks from being done, as facts: each interface words its own advice.

TaskError
├── TaskNotFound       there is no such task of this user
├── UserGone           the account was deleted, while its token lives on
├── TooManyTasks       the quota
├── IdTaken            a task with this id was created with other fields
├── IdInTrash          a task with this id is in the trash
├── UnknownTimeZone    PostgreSQL does not know the time zone
└── StaleTask          the caller expected another revision
"""

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


class StaleTask(TaskError):  # noqa: N818 # a fact
    """The task has none of the revisions that the caller knows."""

    def __init__(self, current: TrashedTaskRow) -> None:
        super().__init__(current.revision)
        self.current = current
