"""Agents: on whose behalf a transaction writes, how the database is told, and what its refusals mean."""

from dataclasses import dataclass
from typing import Literal, get_args
from uuid import UUID

from psycopg.errors import InsufficientPrivilege

from todo.problems import InsufficientScope, Problem, TooManyRequests

Permission = Literal["create", "edit", "complete", "delete", "undo"]
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)

SETTINGS = ("app.agent_id", "app.agent", "app.permissions", "app.tag", "app.max_deletions")
"""What a transaction of an agent sets: the policies and the trigger on tasks read it."""


@dataclass(frozen=True, slots=True)
class Agent:
    """An assistant that a user lets in: the name in the log, and what its token allows."""

    id: UUID
    name: str
    permissions: tuple[str, ...] | None = None
    """None for all."""
    tag: str | None = None
    """Only tasks with this tag; None for all."""
    deletions_per_hour: int | None = None
    """None for any number."""
    declared: bool = False
    """Whether it has no token of its own, and the caller named it in `Todo-Agent`."""

    @property
    def values(self) -> list[str]:
        """The values of SETTINGS."""
        permissions = PERMISSIONS if self.permissions is None else self.permissions
        deletions = "" if self.deletions_per_hour is None else str(self.deletions_per_hour)
        return [str(self.id), self.name, ",".join(permissions) or "none", self.tag or "", deletions]

    def refusal(self, error: InsufficientPrivilege) -> Problem:
        """What the database's refusal means, in words that say what the token allows."""
        match error.diag.constraint_name or "":
            case "agent_deletions":
                return TooManyRequests(
                    f"This token may delete {self.deletions_per_hour} tasks an hour, and has. Nothing was deleted: "
                    "wait as long as Retry-After says, or ask the user to delete them.",
                    retry_after=max(1, int(error.diag.message_detail or 1)),
                )
            case "agent_purge":
                return InsufficientScope("An agent cannot delete for good: leave out `permanent`.")
            case name if name.startswith("permission_"):
                permissions = PERMISSIONS if self.permissions is None else self.permissions
                allowed = f"only {', '.join(permissions)}" if permissions else "only read"
                refused = name.removeprefix("permission_")
                return InsufficientScope(f"This token may not {refused} tasks: it may {allowed}. Nothing was changed.")
        if self.tag is not None:
            return InsufficientScope(
                f"This token is for tasks with the tag {self.tag}: keep this tag on them. Nothing was changed."
            )
        return InsufficientScope("This token may not do that. Nothing was changed.")
