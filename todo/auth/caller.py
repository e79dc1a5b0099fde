"""Who calls, as their token says."""

from dataclasses import dataclass
from datetime import UTC, datetime

from todo.db.agents import Agent
from todo.db.roles import Via

END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Caller:
    """A user with a valid token."""

    user_id: str
    expires_at: float
    """When the token must be verified again, in seconds since the epoch: at its end, leeway included, or before."""
    email: str | None = None
    issued_at: datetime = END_OF_TIME
    session: str | None = None
    """The public id of their session, with the built-in accounts."""
    external: bool = False
    """Whether an external issuer signed the token: then their row is made with their first write."""
    api_token: bool = False
    """Whether they call with a personal API token."""
    may_write: bool = True
    agent: Agent | None = None
    """The agent that calls for the user."""

    @property
    def via(self) -> Via:
        """How they write, as the log of changes names it."""
        if self.agent is not None:
            return "agent"
        return "api_token" if self.api_token else "session"
