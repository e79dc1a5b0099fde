# Written by bin/unasync.py (make client) from ../asynchronous/accounts.py: edit that.
"""Accounts, sessions and API tokens, of servers that have their own accounts."""

from collections.abc import Sequence
from datetime import datetime
from types import NoneType
from uuid import UUID

from todo.client.addresses import path
from todo.client.models import ApiToken, Device, NewApiToken, Permission, Scope, Session, User
from todo.client.parameters import given
from todo.client.synchronous.requests import Requests


class Accounts(Requests):
    """The user's account. Every method raises ApiError and ConnectionFailed."""

    def sign_up(self, email: str, password: str, *, name: str | None = None) -> Session:
        """Make an account, and use its tokens. Raises Conflict where the e-mail has one.

        It is sent again only where the server surely has not got it.
        """
        return self._start("/api/auth/signup", {"email": email, "password": password, "name": name}, safe=False)

    def sign_in(self, email: str, password: str) -> Session:
        """Begin a session, and use its tokens, which renew themselves. Raises Unauthorized."""
        return self._start("/api/auth/signin", {"email": email, "password": password})

    def sign_out(self) -> None:
        """End the session, and forget its tokens. An access token is valid until it expires."""
        if self._refresh_token is not None:
            body = {"refresh": "body", "refresh_token": self._refresh_token}
            self._answer("POST", "/api/auth/signout", NoneType, json=body, authorized=False)
        self._forget()

    def sign_out_everywhere(self) -> None:
        """End all sessions of the user, this one too, and forget its tokens."""
        self._answer("POST", "/api/auth/signout-everywhere", NoneType)
        self._forget()

    def _forget(self) -> None:
        self._token = self._refresh_token = self._user_id = None

    def me(self) -> User:
        """The user of the token."""
        return self._answer("GET", "/api/auth/me", User)

    def change_password(self, current: str, new: str) -> None:
        """Change the password, which ends every other session. Raises Invalid for a wrong one."""
        body = {"current": current, "new": new}
        self._answer("POST", "/api/auth/password", NoneType, json=body, safe=False)

    def delete_account(self) -> None:
        """Delete the account, and all tasks and changes of it, for good."""
        self._answer("DELETE", "/api/auth/me", NoneType, safe=False)
        self._forget()

    def devices(self) -> list[Device]:
        """The sessions of the user, the one that was used last first."""
        return self._answer("GET", "/api/auth/sessions", list[Device])

    def sign_out_device(self, id: str) -> None:
        """End one session."""
        self._answer("DELETE", "/api/auth/sessions" + path(id), NoneType, safe=False)

    def tokens(self) -> list[ApiToken]:
        """The API tokens of the user, without the tokens themselves."""
        return self._answer("GET", "/api/auth/tokens", list[ApiToken])

    def create_token(
        self,
        name: str,
        scope: Scope = "write",
        *,
        expires_at: datetime | None = None,
        agent: bool = False,
        permissions: Sequence[Permission] | None = None,
        tag: str | None = None,
        deletions_per_hour: int | None = None,
    ) -> NewApiToken:
        """Make an API token, which is shown this once. It is sent again only where the server surely has not got it.

        Args:
            agent: It is for an assistant; so is each token that has one of the following.
            permissions: What it may do besides reading; all by default.
            tag: Only tasks with this tag are there for it.
            deletions_per_hour: Tasks that it may delete an hour; what the server allows by default.
        """
        limits = given(permissions=permissions, tag=tag, deletions_per_hour=deletions_per_hour)
        body = {"name": name, "scope": scope, **given(expires_at=expires_at), "agent": agent, **limits}
        return self._answer("POST", "/api/auth/tokens", NewApiToken, json=body, safe=False)

    def revoke_token(self, id: str | UUID) -> None:
        """Revoke an API token: it is refused everywhere within 30 seconds."""
        self._answer("DELETE", "/api/auth/tokens" + path(id), NoneType, safe=False)
