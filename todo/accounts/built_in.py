"""The built-in accounts of this process: what their routes use."""

from dataclasses import dataclass, field

from starlette.requests import Request

from todo.accounts.issuer import BuiltInIssuer
from todo.accounts.passwords import Passwords
from todo.accounts.sessions import Sessions
from todo.api.resources import Resources
from todo.http.rate_limit import address_of


@dataclass(frozen=True, slots=True)
class BuiltInAccounts:
    """Issuer, sessions and passwords."""

    issuer: BuiltInIssuer
    sessions: Sessions
    passwords: Passwords = field(default_factory=Passwords)


def accounts_of(request: Request) -> BuiltInAccounts:
    """The built-in accounts; only routes that are served with them ask."""
    accounts = Resources.of(request).accounts
    assert accounts is not None
    return accounts


def client_address(request: Request) -> str:
    """What the client's address is counted as by rate limits."""
    return address_of(request.client.host if request.client else None)
