"""`todo login`, `todo logout`, `todo whoami`."""

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from todo.cli.errors import CommandError, UsageError, say
from todo.cli.remote import login as logins
from todo.cli.remote.connection import Account, account, connected, errors_in_one_line, local_url, opened
from todo.cli.remote.output import Json, print_json, print_rows

if TYPE_CHECKING:
    from todo.client import Client

_ON_THIS_MACHINE = ("http://127.0.0.1", "http://localhost", "http://[::1]")


def login(
    url: Annotated[str | None, typer.Argument(help="The URL of the server [TODO_URL, else the local one].")] = None,
    email: Annotated[str | None, typer.Option(help="The e-mail address; prompted for without it.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read an API token from standard input, in place of a password.")
    ] = False,
    json: Json = False,
) -> None:
    """Sign in to a server, and keep the login."""
    if password_stdin and token_stdin:
        raise UsageError("--password-stdin and --token-stdin: choose one of them")
    address = (url or os.environ.get("TODO_URL") or local_url()).strip().rstrip("/")
    if "://" not in address:
        address = f"https://{address}"
    if address.startswith("http://") and not address.startswith(_ON_THIS_MACHINE):
        say(f"todo: {address} is not encrypted: others in the network can read what is sent")
    made = _by_token(address) if token_stdin else _by_password(address, email, password_stdin=password_stdin)
    logins.save(made)
    if json:
        print_json({"url": made.url, "user_id": made.user_id, "email": made.email})
    else:
        say(f"signed in to {made.url} as {made.email or made.user_id}")


def _by_password(url: str, email: str | None, *, password_stdin: bool) -> logins.Login:
    if email is None:
        email = _prompt("E-mail: ")
    password = _line_of_stdin("password") if password_stdin else _prompt("Password: ", hidden=True)
    with _client(url) as client:
        session = client.sign_in(email.strip(), password)
    return logins.Login(
        url=client.url,
        user_id=session.user.id,
        email=session.user.email,
        token=session.access_token,
        refresh_token=session.refresh_token,
    )


def _by_token(url: str) -> logins.Login:
    token = _line_of_stdin("token")
    with _client(url, token) as client:
        user = client.me()
    return logins.Login(url=client.url, user_id=user.id, email=user.email, token=token)


@contextmanager
def _client(url: str, token: str | None = None) -> Iterator["Client"]:
    """A client that is not signed in yet: 401 means that the password or the token is wrong."""
    from todo.client import Unauthorized

    chosen = Account(url, token)
    with errors_in_one_line(chosen), opened(chosen) as client:
        try:
            yield client
        except Unauthorized as error:
            raise CommandError(error.detail if token is None else f"{url} does not accept this token") from None


def _prompt(question: str, *, hidden: bool = False) -> str:
    """An answer from the terminal, where there is one; the question goes to standard error."""
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on: give --email, and --password-stdin or --token-stdin")
    if hidden:
        return getpass.getpass(question, stream=sys.stderr)
    sys.stderr.write(question)
    sys.stderr.flush()
    if not (line := sys.stdin.readline()):
        raise typer.Abort
    return line.rstrip("\n")


def _line_of_stdin(what: str) -> str:
    """A line as Unix or Windows writes it, without a byte order mark."""
    line = sys.stdin.readline().removeprefix("\ufeff").removesuffix("\n").removesuffix("\r")
    if not line:
        raise UsageError(f"standard input is empty: the {what} is expected there")
    return line


def logout(json: Json = False) -> None:
    """End the session, and forget the login."""
    kept = logins.load()
    if kept is None:
        say("todo: there is no login to forget")
    else:
        _end_session(kept)
        logins.forget()
    if json:
        print_json({"url": kept and kept.url})


def _end_session(kept: logins.Login) -> None:
    """On the server; where that cannot be reached the login is forgotten all the same."""
    from todo.client import ClientError

    if kept.refresh_token is None:
        say(f"forgot the token for {kept.url}, which stays valid: `todo token revoke` ends it")
        return
    try:
        with opened(Account(kept.url, kept.token, kept)) as client:
            client.sign_out()
        say(f"signed out of {kept.url}")
    except ClientError as error:
        say(f"forgot the login; its session could not be ended: {error}")


def whoami(json: Json = False) -> None:
    """Show the server and the user."""
    chosen = account()
    with connected(chosen) as client:
        user = client.me()
    if json:
        print_json({"url": client.url, "user": user})
        return
    rows = [("server", client.url), ("user", user.id), ("e-mail", user.email or ""), ("name", user.name or "")]
    print_rows("", "", rows=[row for row in rows if row[1]])
