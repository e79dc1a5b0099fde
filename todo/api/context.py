"""What the stages of a request find out about it, typed, in one place of its scope."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from todo.api.resources import Resources
from todo.auth.caller import Caller
from todo.db.database import ScopedDatabase

KEY = "todo.context"


@dataclass(slots=True)
class Context:
    """A request on its way to its endpoint."""

    resources: Resources
    caller: Caller | None = None
    """Set by the stage that authenticates; None on public routes."""
    database: ScopedDatabase | None = None
    """The IdempotentDatabase of a request with an Idempotency-Key, else None."""
    extra_headers: Sequence[tuple[bytes, bytes]] = ()
    """Headers that the response carries, whether it succeeds or not."""

    @staticmethod
    def of(request: Request) -> "Context":
        """The context of this request. Raises KeyError before its first stage."""
        context: Context = request.scope[KEY]
        return context

    @staticmethod
    def begin(request: Request) -> "Context":
        """A context for this request."""
        context = request.scope[KEY] = Context(Resources.of(request))
        return context
