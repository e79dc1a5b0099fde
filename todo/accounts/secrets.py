"""Secrets that are shown once and stored as hashes: refresh tokens, personal API tokens, one-time links.

They are random and long, so a plain SHA-256 is enough (OWASP ASVS 5.0, 6.5): no guess is worth trying.
"""

import base64
import hashlib
import hmac
import secrets
import zlib
from dataclasses import dataclass
from uuid import UUID, uuid4

API_TOKEN_PREFIX = "todo_pat_"  # noqa: S105 # the prefix that secret scanners look for, and no secret
AGENT_TOKEN_PREFIX = API_TOKEN_PREFIX + "agent_"
"""Of an agent's tokens. Servers from before there were agents, beside this build during an upgrade, refuse them."""


@dataclass(frozen=True, slots=True)
class RefreshSecret:
    """A refresh token: which session it is of, and the secret that its latest rotation made."""

    session_id: UUID
    secret: str

    @classmethod
    def new(cls) -> "RefreshSecret":
        """A new secret, of a new session."""
        return cls(uuid4(), secrets.token_urlsafe(32))

    @classmethod
    def parse(cls, text: str) -> "RefreshSecret | None":
        """The token in `text`, or None where it is not one of ours."""
        session_id, _, secret = text.partition(".")
        try:
            return cls(UUID(hex=session_id), secret) if secret else None
        except ValueError:
            return None

    def successor(self, salt: bytes) -> "RefreshSecret":
        """The token that follows this one: it takes this token and the rotation's salt to compute it."""
        key = hmac.digest(self.secret.encode(), b"todo refresh token" + salt, "sha256")
        return RefreshSecret(self.session_id, base64.urlsafe_b64encode(key).rstrip(b"=").decode())

    @property
    def public_id(self) -> str:
        """The session's id in access tokens: no refresh token can be made from it."""
        return hashlib.sha256(str(self.session_id).encode()).hexdigest()[:32]

    @property
    def hash(self) -> bytes:
        """What the secret is stored as."""
        return hashlib.sha256(self.secret.encode()).digest()

    def __str__(self) -> str:
        return f"{self.session_id.hex}.{self.secret}"


def new_api_token(*, agent: bool = False) -> str:
    """A personal API token: the prefix, 256 random bits, and a checksum by which scanners recognise it."""
    body = (AGENT_TOKEN_PREFIX if agent else API_TOKEN_PREFIX) + secrets.token_hex(32)
    return body + _checksum(body)


def api_token_hash(token: str) -> bytes | None:
    """What `token` is stored as, or None for what cannot be one, so that garbage never reaches the database."""
    body, checksum = token[:-8], token[-8:]
    prefix = AGENT_TOKEN_PREFIX if body.startswith(AGENT_TOKEN_PREFIX) else API_TOKEN_PREFIX
    if len(body) != len(prefix) + 64 or checksum != _checksum(body):
        return None
    return hashlib.sha256(token.encode()).digest()


def new_link_token() -> str:
    """The secret of a one-time link: 256 random bits."""
    return secrets.token_urlsafe(32)


def link_token_hash(token: str) -> bytes:
    """What the secret of a one-time link is stored as."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode(errors='replace')):08x}"
