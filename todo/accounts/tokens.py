"""Access tokens: JWTs signed with Ed25519 (RFC 8037), verified by the public keys that are published."""

import base64
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from todo.problems import Unauthorized

ALGORITHM = "EdDSA"
LIFETIME = 15 * 60  # seconds


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
        thumbprint = hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()
        kid = _base64url(thumbprint)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return cls(kid, pem, {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": ALGORITHM})


class Tokens:
    """Issues tokens with one key and verifies those of any key that is published."""

    def __init__(self, current: KeyPair, published: list[dict[str, Any]]) -> None:
        self.published = published
        self._kid = current.kid
        key = load_pem_private_key(current.private_key.encode(), None)
        assert isinstance(key, Ed25519PrivateKey)
        self._signing = key
        self._verifying: Mapping[str, Ed25519PublicKey] = {
            jwk["kid"]: Ed25519PublicKey.from_public_bytes(_bytes(jwk["x"])) for jwk in published
        }

    def issue(self, user_id: str) -> str:
        """A token for `user_id` that lives for LIFETIME seconds."""
        now = int(time.time())
        claims = {"sub": user_id, "iat": now, "exp": now + LIFETIME}
        return jwt.encode(claims, self._signing, ALGORITHM, headers={"kid": self._kid})

    def subject(self, token: str) -> str:
        """Whose token it is. Raises Unauthorized for every token that is not ours, whole and in time."""
        try:
            key = self._verifying.get(jwt.get_unverified_header(token).get("kid", ""))
            if key is None:
                raise Unauthorized("The access token was signed by an unknown key.")
            claims = jwt.decode(token, key, [ALGORITHM], options={"require": ["exp", "sub"]})
        except jwt.ExpiredSignatureError:
            raise Unauthorized("The access token has expired: sign in again.") from None
        except jwt.InvalidTokenError:
            raise Unauthorized("The access token is not valid.") from None
        return str(claims["sub"])


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
