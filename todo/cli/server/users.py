"""`todo user …` and `todo keys …`: built-in accounts, for the administrator."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from todo.cli.server.run import errors_as_one_line, for_accounts

if TYPE_CHECKING:
    from todo.db.database import Database

user = typer.Typer(no_args_is_help=True, help="Built-in accounts, for the administrator.")
keys = typer.Typer(no_args_is_help=True, help="The keys that sign access tokens.")


def _first_line(line: str) -> str:
    """A line of standard input without its end, as Unix or Windows writes it, and without a byte order mark."""
    return line.removeprefix("\ufeff").removesuffix("\n").removesuffix("\r")


def _new_password() -> str:
    """A password that may be set, from the prompt, or from standard input when that is no terminal."""
    from pydantic import SecretStr, TypeAdapter, ValidationError

    from todo.accounts.shapes import NewPassword
    from todo.problems import Invalid
    from todo.settings import CannotStart

    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = _first_line(sys.stdin.readline())
    try:
        return TypeAdapter[SecretStr](NewPassword).validate_python(password).get_secret_value()
    except ValidationError as error:
        raise CannotStart(f"the password: {Invalid.of(error.errors()).detail}") from None


@user.command("add")
def user_add(email: Annotated[str, typer.Argument(help="The e-mail address.")]) -> None:
    """Make an account. The password is prompted for, or read from standard input."""
    with errors_as_one_line():
        from pydantic import EmailStr, TypeAdapter, ValidationError

        from todo.accounts import actions
        from todo.accounts.passwords import Passwords
        from todo.settings import CannotStart

        try:
            address = TypeAdapter[str](EmailStr).validate_python(email)
        except ValidationError:
            raise CannotStart("that is not an e-mail address") from None
        password = _new_password()
        made, _ = for_accounts(lambda database: actions.sign_up(database, Passwords(), address, password))
        typer.echo(made.id)


@user.command("list")
def user_list() -> None:
    """List all users: id, e-mail and time of creation, separated by tabs."""
    with errors_as_one_line():
        from todo.accounts import actions

        for each in for_accounts(actions.all_users):
            typer.echo(f"{each.id}\t{each.email or ''}\t{each.created_at}")


@user.command("passwd")
def user_passwd(email: Annotated[str, typer.Argument(help="The e-mail address.")]) -> None:
    """Set a user's password, which ends all their sessions."""
    with errors_as_one_line():
        from todo.accounts import actions
        from todo.accounts.passwords import Passwords

        password = _new_password()

        async def set_password(database: "Database") -> None:
            user_id = (await actions.user_with_email(database, email)).id
            await actions.set_password(database, Passwords(), user_id, password)

        for_accounts(set_password)


@user.command("password-link")
def user_password_link(email: Annotated[str, typer.Argument(help="The e-mail address.")]) -> None:
    """Print a link with which a user can choose a new password once, within 30 minutes.

    It leads to PUBLIC_URL, by default to this machine.
    """
    with errors_as_one_line():
        from todo.accounts import actions, links
        from todo.accounts.account_mail import link_url
        from todo.settings import CannotStart, Settings

        async def make(database: "Database") -> str | None:
            user_id = (await actions.user_with_email(database, email)).id
            return await links.make(database, user_id, "reset", None)

        settings = Settings.from_environment()
        page = settings.public_url or f"http://localhost:{settings.port}{settings.root_path or ''}"
        token = for_accounts(make)
        if token is None:
            raise CannotStart(f"there is no account for {email}")
        typer.echo(link_url(page, "reset", token))


@user.command("delete")
def user_delete(
    email: Annotated[str, typer.Argument(help="The e-mail address.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Delete an account with all its tasks."""
    with errors_as_one_line():
        from todo.accounts import actions

        if not yes:
            typer.confirm(f"Delete {email} and all their tasks?", abort=True)

        async def delete(database: "Database") -> None:
            user_id = (await actions.user_with_email(database, email)).id
            await actions.delete_account(database, user_id, datetime.now(UTC))

        for_accounts(delete)


@keys.command("rotate")
def keys_rotate(
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Refuse the tokens of the old keys too, within two minutes.")
    ] = False,
) -> None:
    """Have every server process sign with a new key, within half a minute; prints how many keys this ends.

    The old keys stay published while their tokens are valid.
    """
    with errors_as_one_line():
        from todo.accounts.signing_keys import rotate

        typer.echo(for_accounts(lambda database: rotate(database, withdraw=withdraw)))
