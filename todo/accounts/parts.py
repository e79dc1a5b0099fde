"""What the application made at its start, as routes ask for it."""

from starlette.requests import Request

from todo.accounts.issuers import OwnIssuer
from todo.accounts.sessions import Sessions
from todo.throttle import Throttles, address_of


def throttles(request: Request) -> Throttles | None:
    """The throttles, or None where they are off."""
    made: Throttles | None = request.app.state.throttles
    return made


def sessions(request: Request) -> Sessions:
    """The sessions of the built-in accounts."""
    made: Sessions = request.app.state.sessions
    return made


def issuer(request: Request) -> OwnIssuer:
    """Our own issuer; only routes that are served with it ask."""
    made = request.app.state.door.issuer
    assert isinstance(made, OwnIssuer)
    return made


def address(request: Request) -> str:
    """Whom the request's address stands for, as throttles count."""
    return address_of(request.client.host if request.client else None)
