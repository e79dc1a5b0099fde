"""Users, their credentials, and the keys that sign their tokens: the tables and the shapes."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import EmailStr, SecretStr, StringConstraints
from sqlalchemy import CheckConstraint, Index, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from todo.schema import Table
from todo.text import Line, Normalised

USER_ID_LENGTH = 255
EMAIL_LENGTH = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets

PASSWORD_LENGTHS = 8, 256

NewPassword = Annotated[
    SecretStr, StringConstraints(min_length=PASSWORD_LENGTHS[0], max_length=PASSWORD_LENGTHS[1]), Normalised
]
Password = Annotated[SecretStr, StringConstraints(max_length=PASSWORD_LENGTHS[1]), Normalised]


class User(Table, table=True):
    """A person with tasks; `id` is the subject of their tokens, whoever issued them."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint(f"char_length(id) BETWEEN 1 AND {USER_ID_LENGTH}", name="id_length"),
        CheckConstraint(f"char_length(email) BETWEEN 3 AND {EMAIL_LENGTH}", name="email_length"),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    email: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_column_kwargs={"server_default": func.now()})


class Credential(Table, table=True):
    """What a built-in account signs in with. Only the accounts role reads it."""

    __tablename__ = "credentials"
    __table_args__ = (
        CheckConstraint(f"char_length(email) BETWEEN 3 AND {EMAIL_LENGTH}", name="email_length"),
        CheckConstraint("password_hash LIKE '$argon2id$%'", name="password_hash_argon2id"),
        Index("uq_credentials_email", text("lower(email)"), unique=True),
    )

    user_id: str = Field(primary_key=True, foreign_key="users.id", ondelete="CASCADE", sa_type=Text)
    email: str = Field(sa_type=Text)
    password_hash: str = Field(sa_type=Text)


class SigningKey(Table, table=True):
    """A key that signs access tokens; at most one of them is current. Only the accounts role reads it."""

    __tablename__ = "signing_keys"
    __table_args__ = (
        Index(
            "uq_signing_keys_current", text("(retired_at IS NULL)"), unique=True,
            postgresql_where=text("retired_at IS NULL"),
        ),
    )  # fmt: skip

    kid: str = Field(primary_key=True, sa_type=Text)
    private_key: str = Field(sa_type=Text)
    public_jwk: dict[str, Any] = Field(sa_type=JSONB)
    created_at: datetime = Field(sa_column_kwargs={"server_default": func.now()})
    retired_at: datetime | None = None


class UserOut(SQLModel):
    """An account."""

    id: str = Field(description="The user's id: the subject of their tokens, and the `{user_id}` of their paths.")
    email: str | None = Field(description="The e-mail address, when one is known.")
    created_at: datetime = Field(description="When the account was made: RFC 3339, UTC.")


class SignUp(SQLModel):
    """Who wants an account."""

    email: EmailStr = Field(max_length=EMAIL_LENGTH, description="The e-mail address; its case does not matter.")
    password: NewPassword = Field(description="8 to 256 characters.")


class SignIn(SQLModel):
    """Who wants a token."""

    email: Annotated[Line, StringConstraints(max_length=EMAIL_LENGTH)] = Field(description="The e-mail address.")
    password: Password = Field(description="The password.")


class Session(SQLModel):
    """An access token, and whose it is."""

    access_token: str = Field(description="A JWT (EdDSA) to send as `Authorization: Bearer …`.")
    token_type: Literal["Bearer"] = Field("Bearer", description="How to send it (RFC 6750).")
    expires_in: int = Field(description="Seconds until the token expires.")
    user: UserOut


class Jwk(SQLModel):
    """A public key (RFC 8037 §2)."""

    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    x: str = Field(description="The public key, base64url.")
    kid: str = Field(description="The key's id, as in the header of the tokens that it signed.")
    use: Literal["sig"] = "sig"
    alg: Literal["EdDSA"] = "EdDSA"


class JwkSet(SQLModel):
    """The public keys that verify the tokens (RFC 7517 §5)."""

    keys: list[Jwk]


def new_user_id() -> str:
    """An id that tells nothing: random (UUID version 4)."""
    return str(uuid.uuid4())
