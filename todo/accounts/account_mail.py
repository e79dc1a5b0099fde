"""The mail of the built-in accounts: links to reset a password, to confirm an address and to change it.

Everything happens after the answer, the search for the account too, so that neither an answer nor its time says which
addresses have accounts. The secret of a link stands in the fragment of its URL, which browsers send to no server. Mail
goes to addresses that are stored or are to be confirmed, and has no text of others in it, such as the user's name.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Text, bindparam, func, select
from sqlmodel import col

from todo.accounts import links
from todo.accounts.actions import ME
from todo.accounts.tables import Credential
from todo.db.database import Database
from todo.db.statement import Statement
from todo.mail.message import Mail
from todo.mail.sender import Mailer
from todo.problems import Conflict, Unauthorized

BY_EMAIL = Statement.of(
    select(col(Credential.user_id), col(Credential.email)).where(
        func.lower(col(Credential.email)) == func.lower(bindparam("email", type_=Text))
    ),
    read_only=True,
)
EMAIL = Statement.of(
    select(col(Credential.email)).where(col(Credential.user_id) == bindparam("user_id")), read_only=True
)

IGNORE = "If that was not you, ignore this mail: nothing changes."


def link_url(public_url: str, purpose: links.Purpose, token: str) -> str:
    """The address of the page that a link leads to."""
    return f"{public_url}/#{'reset' if purpose == 'reset' else 'confirm'}={token}"


@dataclass(frozen=True, slots=True)
class AccountMail:
    """Mail about accounts, whose links lead to the page at `public_url`."""

    mailer: Mailer
    database: Database
    public_url: str

    def send_reset(self, email: str) -> None:
        """Send a link to reset the password, if `email` has an account. Raises Unavailable."""

        async def prepare() -> Sequence[Mail]:
            for user_id, stored in await self.database.as_accounts().run(BY_EMAIL, email=email):
                if url := await self._link(user_id, "reset", stored):
                    return [reset_mail(stored, url)]
            return []

        self.mailer.send("a link to reset a password", prepare)

    def send_confirmation(self, user_id: str) -> None:
        """Send a link to confirm the user's address. Raises Unavailable."""

        async def prepare() -> Sequence[Mail]:
            for (stored,) in await self.database.as_accounts(user_id).run(EMAIL):
                if url := await self._link(user_id, "confirm", stored):
                    return [confirmation_mail(stored, url)]
            return []

        self.mailer.send("a link to confirm an address", prepare)

    def send_change(self, user_id: str, email: str, password_hash: str) -> None:
        """Send a link to `email` that changes the user's address to it, and a notice to the old one.

        None is sent when the password has changed since `password_hash` was verified. An address that another account
        has gets a mail that says so. Raises Unavailable.
        """

        async def prepare() -> Sequence[Mail]:
            for (stored,) in await self.database.as_accounts(user_id).run(EMAIL):
                taken = await self.database.as_accounts().run(BY_EMAIL, email=email)
                if taken and taken[0][0] != user_id:
                    return [notice_mail(stored, email), taken_mail(taken[0][1], self.public_url)]
                if url := await self._link(user_id, "change", email, password_hash):
                    return [notice_mail(stored, email), change_mail(email, url)]
            return []

        self.mailer.send("a change of address", prepare)

    async def _link(
        self, user_id: str, purpose: links.Purpose, email: str, password_hash: str | None = None
    ) -> str | None:
        token = await links.make(self.database, user_id, purpose, email, password_hash)
        return link_url(self.public_url, purpose, token) if token else None


async def refuse_confirmed(database: Database, user_id: str) -> None:
    """Raise Conflict when the user's address is confirmed, and Unauthorized when there is no such user."""
    found = await database.as_user(user_id).run(ME)
    if not found:
        raise Unauthorized("This account no longer exists.")
    if found[0].email_confirmed:
        raise Conflict("This e-mail address is confirmed already.")


def reset_mail(to: str, url: str) -> Mail:
    asked = "Somebody, perhaps you, asked for a new password. Choose one here, within 30 minutes:"
    return Mail(to, "Choose a new password for Todo", (asked, url, IGNORE))


def confirmation_mail(to: str, url: str) -> Mail:
    asked = "Confirm here, within a day, that this is the address of your account:"
    return Mail(to, "Confirm your e-mail address for Todo", (asked, url, IGNORE))


def change_mail(to: str, url: str) -> Mail:
    asked = "Somebody, perhaps you, wants to use this address for their account. Confirm it here, within a day:"
    return Mail(to, "Confirm your new e-mail address for Todo", (asked, url, IGNORE))


def notice_mail(to: str, new: str) -> Mail:
    asked = f"Somebody who knows your password asked to change the address of your account to {new}."
    when = "It changes when the link that was sent there is used."
    advice = "If that was not you, change your password now: that ends the link."
    return Mail(to, "Your e-mail address for Todo is about to change", (f"{asked} {when}", advice))


def taken_mail(to: str, public_url: str) -> Mail:
    asked = "Somebody, perhaps you, wanted to use this address for another account. It has an account already."
    advice = "Sign in with it here, or ask for a new password if you have forgotten it:"
    return Mail(to, "This address has an account for Todo already", (f"{asked} {advice}", public_url))
