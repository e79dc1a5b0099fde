"""The shapes in which decisions and registrations are received."""

from typing import Annotated, Any, Literal

import msgspec
from sqlmodel import Field, SQLModel

from todo.accounts.shapes import Permissions
from todo.oauth import clients, redirects
from todo.oauth.errors import OAuthError
from todo.oauth.tables import REDIRECT_URIS
from todo.tasks.fields import Tag
from todo.values import Length

QUERY_LENGTH = 8192


class Decision(SQLModel):
    """What a person allows, and the request that they decide about."""

    query: Annotated[str, Length(max_length=QUERY_LENGTH)] = Field(description="The query of the page, as it is.")
    scope: Literal["read", "write"]
    permissions: Permissions = None
    tag: Tag | None = None
    days: Literal[7, 30, 90] | None = None


class Registration(msgspec.Struct):
    """What is kept of an app that registers itself (RFC 7591 §2)."""

    name: str
    redirect_uris: list[str]

    @classmethod
    def of(cls, body: Any) -> "Registration":
        """The registration in the JSON of a request; what we do not use is left out. Raises OAuthError."""
        if not isinstance(body, dict):
            raise OAuthError("invalid_client_metadata", "Send the metadata of the client as a JSON object.")
        uris = body.get("redirect_uris")
        if not isinstance(uris, list) or not 1 <= len(uris) <= REDIRECT_URIS:
            raise OAuthError("invalid_redirect_uri", f"`redirect_uris` must be a list of 1 to {REDIRECT_URIS}.")
        try:
            kept = [redirects.registered(uri if isinstance(uri, str) else "") for uri in uris]
        except ValueError as error:
            raise OAuthError("invalid_redirect_uri", f"Each of `redirect_uris` {error}.") from None
        for name, needed in (("grant_types", "authorization_code"), ("response_types", "code")):
            given = body.get(name)
            if given is not None and not (isinstance(given, list) and needed in given):
                raise OAuthError("invalid_client_metadata", f"`{name}` must have {needed}.")
        return cls(clients.cleaned(body.get("client_name")), list(dict.fromkeys(kept)))
