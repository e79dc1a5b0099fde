"""The shapes in which accounts are sent and received."""

from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, EmailStr, SecretStr, StrictBool, model_validator
from pydantic import Field as Within
from pydantic.networks import validate_email
from pydantic_core import PydanticCustomError, PydanticKnownError
from sqlmodel import Field, SQLModel

from todo.accounts.tables import CLIENT_LENGTH, TOKEN_NAME_LENGTH
from todo.auth.tables import EMAIL_LENGTH, USER_NAME_LENGTH
from todo.db.agents import PERMISSIONS, Permission
from todo.tasks.fields import Tag
from todo.values import A_NUMBER, Length, Line, Moment, Normalised, NotBlank

PASSWORD_LENGTHS = 8, 256


@cache
def _common_passwords() -> frozenset[str]:
    lines = (files("todo.accounts") / "common_passwords.txt").read_text().splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def _address(text: object) -> object:
    """The address as it is stored, the same for sign-up and sign-in; a display name is refused."""
    if isinstance(text, str):
        if len(text) > EMAIL_LENGTH:
            raise PydanticKnownError("string_too_long", {"max_length": EMAIL_LENGTH})
        if "<" in text:
            raise ValueError("must be an e-mail address alone")
    return text


def _address_or_text(text: str) -> str:
    """As `_address`, for a sign-in: what is no address belongs to no account, and gets the same answer as those."""
    try:
        return validate_email(text)[1]
    except PydanticCustomError:
        return text


def _uncommon(password: SecretStr) -> SecretStr:
    if password.get_secret_value().lower() in _common_passwords():
        raise ValueError("is one of the most common passwords: choose another")
    return password


def _blank_as_none(name: object) -> object:
    """Forms that have no field for a name, or an empty one, send an empty text."""
    return None if isinstance(name, str) and (name == "" or name.isspace()) else name


def _in_order(permissions: Any) -> Any:
    """Each of them once, in the order of PERMISSIONS."""
    if isinstance(permissions, list) and len(permissions) <= 100:
        return [name for name in PERMISSIONS if name in permissions] + [n for n in permissions if n not in PERMISSIONS]
    return permissions


Permissions = Annotated[list[Permission] | None, BeforeValidator(_in_order)]
UserName = Annotated[Annotated[Line, Length(max_length=USER_NAME_LENGTH)] | None, BeforeValidator(_blank_as_none)]
NewPassword = Annotated[
    SecretStr,
    Normalised,
    Length(min_length=PASSWORD_LENGTHS[0], max_length=PASSWORD_LENGTHS[1]),
    AfterValidator(_uncommon),
]
Password = Annotated[SecretStr, Normalised, Length(max_length=PASSWORD_LENGTHS[1])]
NewEmail = Annotated[EmailStr, BeforeValidator(_address), Normalised, Length(max_length=EMAIL_LENGTH)]
KnownEmail = Annotated[Line, Length(max_length=EMAIL_LENGTH), AfterValidator(_address_or_text)]
RefreshToken = Annotated[SecretStr, Normalised, Length(max_length=200)]
OneTimeToken = Annotated[SecretStr, Normalised, Length(max_length=200)]
RefreshBy = Literal["cookie", "body"]

REFRESH_BY = "`body` for clients without cookies: the refresh token is then sent in the JSON. `cookie` by default."


class UserOut(SQLModel):
    """An account."""

    id: str = Field(description="The user's id: the subject of their tokens, and the `{user_id}` of their paths.")
    email: str | None = Field(description="The e-mail address, when one is known.")
    name: str | None = Field(description="What the user wants to be called, where the sign-up said it.")
    created_at: datetime | None = Field(
        description="When the account was made: RFC 3339, UTC. Null while an external user has written nothing."
    )


class MeOut(UserOut):
    """The caller's account."""

    email_confirmed: bool | None = Field(
        None,
        description="Whether a link that was sent to the address has been used. Absent with an external issuer.",
    )


class SignUp(SQLModel):
    """A new account."""

    email: NewEmail = Field(description="The e-mail address; its case does not matter.")
    password: NewPassword = Field(description="8 to 256 characters, and none of the most common ones.")
    name: UserName = Field(None, description="What to call the user, 1 to 100 characters; null or blank for nothing.")
    refresh: RefreshBy = Field("cookie", description=REFRESH_BY)


class SignIn(SQLModel):
    """A sign-in."""

    email: KnownEmail = Field(description="The e-mail address.")
    password: Password = Field(description="The password.")
    refresh: RefreshBy = Field("cookie", description=REFRESH_BY)


class RefreshRequest(SQLModel):
    """How the refresh token is sent: without a body as the cookie, else in it."""

    refresh: RefreshBy = Field("cookie", description=REFRESH_BY)
    refresh_token: RefreshToken | None = Field(None, description="The refresh token, with `refresh` = `body`.")


class PasswordChange(SQLModel):
    """A new password, and the current one."""

    current: Password = Field(description="The password as it is.")
    new: NewPassword = Field(description="8 to 256 characters, and none of the most common ones.")


class ForgottenPassword(SQLModel):
    """Whose password is forgotten."""

    email: KnownEmail = Field(description="The e-mail address of the account.")


class LinkToken(SQLModel):
    """The token of a link."""

    token: OneTimeToken = Field(description="What follows `#confirm=` in the link.")


class PasswordReset(SQLModel):
    """A new password, and the token of a link."""

    token: OneTimeToken = Field(description="What follows `#reset=` in the link.")
    new: NewPassword = Field(description="8 to 256 characters, and none of the most common ones.")


class EmailChange(SQLModel):
    """A new e-mail address, and the current password."""

    email: NewEmail = Field(description="The new e-mail address.")
    password: Password = Field(description="The password of the account.")


class Accepted(SQLModel):
    """What happens after the answer."""

    detail: str = Field(description="What happens now.")


class SignedIn(SQLModel):
    """An access token, and its user."""

    access_token: str = Field(description="A JWT (EdDSA) to send as `Authorization: Bearer …`.")
    token_type: Literal["bearer"] = Field("bearer", description="How to send it (RFC 6750).")
    expires_in: int = Field(description="Seconds until the access token expires.")
    user: UserOut = Field(description="The user.")
    refresh_token: str | None = Field(None, description="Only where the request asked for it in the body.")


class SessionOut(SQLModel):
    """A device that is signed in."""

    id: str = Field(description="What it is ended by.", schema_extra={"pattern": "^[0-9a-f]{32}$"})
    created_at: datetime = Field(description="When it signed in.")
    last_used_at: datetime = Field(description="When it last got an access token: by signing in or by a refresh.")
    expires_at: datetime = Field(description="When it ends, unless it is used before.")
    client: str | None = Field(
        description="What signed in, by its User-Agent header, such as `Firefox on Linux`; null where that is unknown.",
        max_length=CLIENT_LENGTH,
    )
    current: bool = Field(description="Whether it is the session of the access token of this request.")


class NewApiToken(SQLModel):
    """A personal API token to make."""

    name: Annotated[Line, NotBlank(), Length(min_length=1, max_length=TOKEN_NAME_LENGTH)] = Field(
        description="What it is for, 1 to 100 characters."
    )
    scope: Literal["read", "write"] = Field("write", description="`read` may only read; `write` by default.")
    expires_at: Moment | None = Field(None, description="When it ends: RFC 3339; null for never.")
    agent: StrictBool = Field(
        False, description="Whether it is for an assistant; so is each that has one of the following limits."
    )
    permissions: Permissions = Field(
        None,
        description="What it may do with `scope` = `write`; null for all. An empty list allows nothing but to read.",
    )
    tag: Tag | None = Field(
        None, description="Only tasks with this tag are there for it, and new ones get it; null for all tasks."
    )
    deletions_per_hour: Annotated[int, Within(ge=0, le=1_000_000), A_NUMBER] | None = Field(
        None, description="How many tasks it may delete an hour; null for what the server allows."
    )

    @model_validator(mode="after")
    def _is_of_an_agent(self) -> Self:
        if (self.permissions, self.tag, self.deletions_per_hour) != (None, None, None):
            self.agent = True
        return self


class ApiTokenOut(SQLModel):
    """A personal API token, without the token."""

    id: UUID = Field(description="What it is revoked by.")
    name: str = Field(description="What it is for.")
    scope: Literal["read", "write"] = Field(description="`read` may only read.")
    created_at: datetime = Field(description="When it was made.")
    expires_at: datetime | None = Field(description="When it ends; null for never.")
    last_used_at: datetime | None = Field(description="When it was last used, to the minute; null for not yet.")
    agent: bool = Field(description="Whether it is for an assistant.")
    permissions: list[Permission] | None = Field(description="What it may do; null for all.")
    tag: str | None = Field(description="The only tag whose tasks are there for it; null for all tasks.")
    deletions_per_hour: int | None = Field(
        description="How many tasks it may delete an hour; null for what the server allows."
    )


class ApiTokenMade(ApiTokenOut):
    """A personal API token, with the token, which is shown this once."""

    token: str = Field(description="The token. It is not kept, and not shown again.")


class Jwk(SQLModel):
    """A public key (RFC 8037 §2)."""

    kty: Literal["OKP"] = Field("OKP", description="The family of keys.")
    crv: Literal["Ed25519"] = Field("Ed25519", description="The curve.")
    x: str = Field(description="The public key, base64url.")
    kid: str = Field(description="The key's id, as in the header of the tokens that it signed.")
    use: Literal["sig"] = Field("sig", description="It verifies signatures.")
    alg: Literal["EdDSA"] = Field("EdDSA", description="The algorithm of its signatures.")


class JwkSet(SQLModel):
    """The public keys that verify the tokens (RFC 7517 §5)."""

    keys: list[Jwk] = Field(description="The current one, and older ones whose tokens are still valid.")
