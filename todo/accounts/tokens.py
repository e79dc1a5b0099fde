"""Access tokens: JWTs (RFC 7519), of our own (Ed25519, RFC 8037) or of an issuer that is trusted.

The key that verifies a token says by which algorithm; what the token says of it is never asked.
"""

import base64
import hashlib
import time
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from todo.accounts.models import EMAIL_LENGTH, USER_ID_LENGTH
from todo.problems import Unauthorized

Claims = dict[str, Any]

LONGEST = 8192  # characters of a token that are looked at

END_OF_TIME = datetime.max.replace(tzinfo=UTC)

UNDATED = timedelta(days=1)
"""How old a token without `iat` counts, when it matters whether an account was deleted since."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as their token says."""

    user_id: str
    until: float
    """When the token ends, in seconds since the epoch."""
    email: str | None = None
    issued_at: datetime = END_OF_TIME
    session: str | None = None
    """The public id of their session, with our own accounts."""
    foreign: bool = False
    """Whether another issuer vouches for them: then their row comes with their first write."""
    personal: bool = False
    """Whether they call with a personal API token."""
    may_write: bool = True


@dataclass(frozen=True, slots=True)
class Expectations:
    """What a token must say besides being signed, whole and in time."""

    issuer: str | None = None
    audience: str | None = None
    authorized_parties: Sequence[str] = ()
    leeway: float = 0.0  # seconds by which clocks may differ


def verified(token: str, key: Any, algorithm: str, expected: Expectations) -> Claims:
    """The claims of `token`. Raises Unauthorized, saying what is wrong with it."""
    try:
        claims: Claims = jwt.decode(
            token,
            key,
            [algorithm],
            issuer=expected.issuer,
            audience=expected.audience,
            leeway=expected.leeway,
            options={"require": ["exp", "sub"], "verify_aud": expected.audience is not None},
        )
    except jwt.ExpiredSignatureError:
        raise Unauthorized("The access token has expired: get a new one.") from None
    except (jwt.InvalidTokenError, OverflowError, RecursionError):  # the latter two for numbers and depths beyond all
        raise Unauthorized("The access token is not valid here.") from None
    if expected.authorized_parties and claims.get("azp") not in expected.authorized_parties:
        raise Unauthorized("The access token was made for another party.")
    return claims


def key_id(token: str) -> str | None:
    """The `kid` of the token's header, not yet verified. Raises Unauthorized for what is no token."""
    if len(token) > LONGEST:
        raise Unauthorized("The access token is too long.")
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except (jwt.InvalidTokenError, RecursionError):
        raise Unauthorized("The access token is not valid.") from None
    return kid if isinstance(kid, str) else None


def caller_of(claims: Claims, *, foreign: bool) -> Caller:
    """Who the verified claims speak of. Raises Unauthorized for what cannot be a user's id or a time."""
    try:
        until = float(claims["exp"])
        issued_at = datetime.fromtimestamp(claims["iat"], UTC) if "iat" in claims else datetime.now(UTC) - UNDATED
    except (ValueError, TypeError, OverflowError, OSError):
        raise Unauthorized("The access token has times that cannot be.") from None
    return Caller(
        user_id=_subject(claims["sub"]),
        until=until,
        email=_email(claims.get("email")),
        issued_at=issued_at,
        session=None if foreign else claims.get("sid"),
        foreign=foreign,
    )


def _subject(subject: Any) -> str:
    """A subject is also a segment of a path, so it must be able to stand there (RFC 3986 §3.3, §5.2.4)."""
    if not isinstance(subject, str) or not 1 <= len(subject) <= USER_ID_LENGTH:
        raise Unauthorized(f"The token's subject must have 1 to {USER_ID_LENGTH} characters.")
    if "/" in subject or subject in {".", ".."} or any(unicodedata.category(char) in {"Cc", "Cs"} for char in subject):
        raise Unauthorized("The token's subject cannot stand in a path: no /, no control characters, not . or ..")
    return subject


def _email(email: Any) -> str | None:
    """A claim is taken as it is where it can be stored, and left out where it cannot."""
    fits = isinstance(email, str) and 3 <= len(email) <= EMAIL_LENGTH and email.isprintable()
    return email if fits else None


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A signing key: its id, its private half as PKCS 8 PEM, its public half as a JWK."""

    kid: str
    private_key: str
    public_jwk: dict[str, Any]

    @classmethod
    def new(cls) -> "KeyPair":
        """A fresh key, named by its thumbprint (RFC 7638)."""
        key = Ed25519PrivateKey.generate()
        x = _base64url(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        kid = _base64url(hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return cls(kid, pem, {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA"})


class KeyRing:
    """Our own keys: the current one signs, all that are published verify."""

    def __init__(self, current: KeyPair, published: Sequence[Mapping[str, Any]]) -> None:
        self.published = [dict(jwk) for jwk in published]
        self.kid = current.kid
        self.signing_key = load_pem_private_key(current.private_key.encode(), None)
        self._verifying = {jwk["kid"]: jwt.PyJWK(jwk, "EdDSA").key for jwk in self.published}

    def issue(self, user_id: str, session: str, lifetime: int) -> str:
        """A token for `user_id`, of this session, that lives for `lifetime` seconds."""
        now = int(time.time())
        claims = {"sub": user_id, "iat": now, "exp": now + lifetime, "sid": session}
        return jwt.encode(claims, self.signing_key, "EdDSA", headers={"kid": self.kid})  # type: ignore[arg-type] # Ed25519

    def knows(self, kid: str | None) -> bool:
        """Whether this is one of our keys."""
        return kid in self._verifying

    def caller(self, token: str) -> Caller:
        """Whose token it is. Raises Unauthorized for every token that is not ours, whole and in time."""
        key = self._verifying.get(key_id(token) or "")
        if key is None:
            raise Unauthorized("The access token was signed by an unknown key.")
        return caller_of(verified(token, key, "EdDSA", Expectations()), foreign=False)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
