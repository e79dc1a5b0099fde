"""Access tokens: JWTs (RFC 7519), verified by the key of their issuer.

The key that verifies a token determines the algorithm; what the token says of it is never used.
"""

import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from todo.auth.caller import Caller
from todo.auth.tables import EMAIL_LENGTH, USER_ID_LENGTH
from todo.problems import Unauthorized

Claims = dict[str, Any]

NAMES = {"EdDSA": ("EdDSA", "Ed25519")}
"""The names of an algorithm in a token's header, where it has several: of EdDSA for one curve (RFC 9864 §2.2)."""

with suppress(ValueError):  # a newer PyJWT knows it
    jwt.register_algorithm("Ed25519", jwt.algorithms.OKPAlgorithm())

MAX_LENGTH = 8192  # characters; a longer token is refused

UNDATED_AGE = timedelta(days=1)
"""How old a token without `iat` counts, when it matters whether an account was deleted since."""


@dataclass(frozen=True, slots=True)
class Expectations:
    """Claims that a token must have, besides a valid signature and expiry."""

    issuer: str | None = None
    audience: str | None = None
    authorized_parties: Sequence[str] = ()
    leeway: float = 0.0
    """Seconds by which the clocks of who signs and who verifies may differ: for `exp`, `nbf` and `iat`."""


def verified(token: str, key: Any, algorithm: str, expected: Expectations) -> Claims:
    """The claims of `token`. Raises Unauthorized, saying what is wrong with it."""
    try:
        claims: Claims = jwt.decode(
            token,
            key,
            NAMES.get(algorithm, (algorithm,)),
            issuer=expected.issuer,
            audience=expected.audience,
            leeway=expected.leeway,
            options={"require": ["exp", "sub"], "verify_aud": expected.audience is not None},
        )
    except jwt.ExpiredSignatureError:
        raise Unauthorized("The access token has expired: get a new one.") from None
    except jwt.ImmatureSignatureError:
        raise Unauthorized(
            "The access token is not valid yet (nbf or iat): the clocks of its issuer and of this server differ."
        ) from None
    except (jwt.InvalidTokenError, OverflowError, RecursionError):  # the latter two for numbers and depths beyond all
        raise Unauthorized("The access token is not valid here.") from None
    if expected.authorized_parties and claims.get("azp") not in expected.authorized_parties:
        raise Unauthorized("The access token was made for another party.")
    return claims


def key_id(token: str) -> str | None:
    """The `kid` of the token's header, not yet verified. Raises Unauthorized for what is no token."""
    if len(token) > MAX_LENGTH:
        raise Unauthorized("The access token is too long.")
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except (jwt.InvalidTokenError, RecursionError):
        raise Unauthorized("The access token is not valid.") from None
    return kid if isinstance(kid, str) else None


def caller_of(claims: Claims, *, external: bool, leeway: float = 0.0) -> Caller:
    """The caller whom the verified claims name. Raises Unauthorized for impossible user ids and times."""
    try:
        expires_at = float(claims["exp"]) + leeway
        issued_at = datetime.fromtimestamp(claims["iat"], UTC) if "iat" in claims else datetime.now(UTC) - UNDATED_AGE
    except (ValueError, TypeError, OverflowError, OSError):
        raise Unauthorized("The exp or iat of the access token is not a valid time.") from None
    return Caller(
        user_id=_subject(claims["sub"]),
        expires_at=expires_at,
        email=_email(claims.get("email")),
        issued_at=issued_at,
        session=None if external else claims.get("sid"),
        external=external,
    )


def _subject(subject: Any) -> str:
    """A subject is also a segment of a path, so it must be able to stand there (RFC 3986 §3.3, §5.2.4)."""
    if not isinstance(subject, str) or not 1 <= len(subject) <= USER_ID_LENGTH:
        raise Unauthorized(f"The token's subject must have 1 to {USER_ID_LENGTH} characters.")
    if "/" in subject or subject in {".", ".."} or any(unicodedata.category(char) in {"Cc", "Cs"} for char in subject):
        raise Unauthorized("The token's subject cannot stand in a path: no /, no control characters, not . or ..")
    return subject


def _email(email: Any) -> str | None:
    """A claim is used as it is where it can be stored, and left out where it cannot."""
    fits = isinstance(email, str) and 3 <= len(email) <= EMAIL_LENGTH and email.isprintable()
    return email if fits else None
