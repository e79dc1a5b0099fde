"""The built-in accounts of this process: what their routes use."""

from dataclasses import dataclass, field

from starlette.requests import Request

from todo.accounts.account_mail import AccountMail
from todo.accounts.issuer import BuiltInIssuer
from todo.accounts.passwords import Passwords
from todo.accounts.sessions import Sessions
from todo.api.resources import Resources


@dataclass(frozen=True, slots=True)
class BuiltInAccounts:
    """Issuer, sessions, mail and passwords."""

    issuer: BuiltInIssuer
    sessions: Sessions
    mail: AccountMail | None = None
    """None where no mail is sent."""
    passwords: Passwords = field(default_factory=Passwords)


def accounts_of(request: Request) -> BuiltInAccounts:
    """The built-in accounts; only routes that are served with them ask."""
    accounts = Resources.of(request).accounts
    assert accounts is not None
    return accounts
