"""Which server is used, as whom, and what is said when that fails."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from todo.cli.errors import CommandError, say
from todo.cli.remote import login as logins
from todo.cli.remote.time_zone import machine_time_zone

if TYPE_CHECKING:
    from todo.client import ApiError, Client, ClientError, Session


@dataclass(frozen=True)
class Account:
    """A server, and the token for it; `login` where it is the kept one."""

    url: str
    token: str | None = field(default=None, repr=False)
    login: logins.Login | None = None


def local_url() -> str:
    return f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"


def account() -> Account:
    """`TODO_URL` and `TODO_TOKEN`, else the kept login, else the local server without a token."""
    url, token = os.environ.get("TODO_URL", "").strip().rstrip("/"), os.environ.get("TODO_TOKEN", "").strip()
    if url and token:
        return Account(url, token)
    login = logins.load()
    if token:
        return Account(login.url if login else local_url(), token)
    if login and url in {"", login.url}:
        return Account(login.url, login.token, login)
    return Account(url or local_url())


def signed_in(account_: Account | None = None) -> Account:
    """The account, which has a token. Raises CommandError where there is none."""
    chosen = account_ or account()
    if chosen.token is None:
        raise CommandError(f"you are not signed in to {chosen.url}: run `todo login`, or set TODO_URL and TODO_TOKEN")
    return chosen


@contextmanager
def connected(account_: Account | None = None) -> Iterator["Client"]:
    """A client of the API, signed in. Raises CommandError, also for what the client raises within the block."""
    chosen = signed_in(account_)
    with errors_in_one_line(chosen), opened(chosen) as client:
        yield client


@contextmanager
def opened(account: Account) -> Iterator["Client"]:
    """A client that keeps the tokens of a login that it renews. Raises CommandError for what is no URL or token."""
    from todo.client import Client

    try:
        client = Client(account.url, account.token, **client_options(account), on_retry=_say_that_it_waits)
    except ValueError as error:
        raise CommandError(f"{error}") from None
    with client:
        yield client


def client_options(account: Account) -> dict[str, Any]:
    """What a client needs besides the URL and the token, to renew a login among other things."""
    from todo.client import Retry

    login = account.login
    return {
        "refresh_token": login.refresh_token if login else None,
        "user_id": login.user_id if login else None,
        "time_zone": machine_time_zone(),
        "retry": Retry(attempts=4),
        "on_tokens": _keep if login else None,
        "read_tokens": _kept if login else None,
    }


def _keep(session: "Session") -> None:
    """Store the tokens of a renewed session, unless the user has signed out meanwhile."""
    if login := logins.load():
        refresh_token = session.refresh_token or login.refresh_token
        logins.save(replace(login, token=session.access_token, refresh_token=refresh_token))


def _kept() -> tuple[str, str] | None:
    login = logins.load()
    return (login.token, login.refresh_token) if login and login.refresh_token else None


def _say_that_it_waits(error: "ClientError", seconds: float) -> None:
    if seconds >= 1:
        say(f"todo: {error} Trying again in {seconds:.0f} s.")


@contextmanager
def errors_in_one_line(account: Account) -> Iterator[None]:
    """What the client raises, as a CommandError that says what to do."""
    from todo.client import ClientError

    try:
        yield
    except ClientError as error:
        raise CommandError(_message(error, account)) from error


def _message(error: "ClientError", account: Account) -> str:
    from todo.client import ApiError, ConnectionFailed, Unauthorized

    if isinstance(error, ConnectionFailed) and not error.sent:
        return (
            f"no server answers at {account.url}: is it running? Start one with `todo serve`, "
            "or name another one with `todo login URL` or TODO_URL"
        )
    if isinstance(error, Unauthorized):
        if account.login:
            return f"your login at {account.url} has ended: run `todo login {account.url}`"
        return f"{account.url} does not accept TODO_TOKEN: set one that is valid, such as from `todo token create`"
    return explained(error) if isinstance(error, ApiError) else str(error)


def explained(error: "ApiError") -> str:
    """What the server says is wrong, with the values that it names."""
    named = [f"{_place(each.loc)}{each.msg}" for each in error.errors[:5]]
    more = [f"and {len(error.errors) - 5} more"] if len(error.errors) > 5 else []
    said = "; ".join([*named, *more]) or error.detail or error.title
    return f"{said} (request {error.request_id})" if error.request_id else said


def _place(loc: tuple[str | int, ...]) -> str:
    parts = [str(each) for each in loc if each not in {"body", "query"}]
    return f"{'.'.join(parts)}: " if parts else ""
