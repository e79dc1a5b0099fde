"""What the application opens at its start and every request may use: one typed object, made in `app`."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import Request

from todo.auth.authenticator import Authenticator
from todo.db.database import Database
from todo.http.large_responses import UnreadBytes
from todo.http.rate_limit import RateLimits
from todo.http.shutdown import Shutdown
from todo.http.uploads import Uploads
from todo.settings import Settings

if TYPE_CHECKING:  # features stand above; only their types are named here
    from todo.accounts.built_in import BuiltInAccounts
    from todo.changes.stream import Streams


@dataclass(frozen=True, slots=True)
class Resources:
    """The open resources of this process."""

    settings: Settings
    database: Database
    authenticator: Authenticator
    rate_limits: RateLimits | None
    """None where they are off."""
    shutdown: Shutdown
    max_connections: int
    streams: "Streams"
    accounts: "BuiltInAccounts | None"
    """None with an external issuer."""
    unread: UnreadBytes = field(default_factory=UnreadBytes)
    uploads: Uploads = field(default_factory=Uploads)

    @property
    def ready(self) -> bool:
        """Whether it can serve, as far as it knows: the database is not asked."""
        database = self.database
        failing = database.failing or database.schema_mismatch or database.last_contact is None
        return not (self.shutdown.draining or failing)

    @staticmethod
    def of(request: Request) -> "Resources":
        """The resources of the application that serves this request."""
        resources: Resources = request.app.state.resources
        return resources
