"""Who issues access tokens: the built-in accounts, or an external issuer by its published keys or a shared secret."""

from typing import Protocol

from todo.auth.caller import Caller
from todo.auth.jwt import Expectations, caller_of, key_id, verified
from todo.settings import Settings

BUILT_IN = "built-in accounts"
"""The name of our own accounts as an issuer."""


class Issuer(Protocol):
    """Verifies tokens; `name` distinguishes issuers, and so the meaning of user ids."""

    name: str
    withdrawals: int
    """How often keys were withdrawn: a token that was verified before the last time must be verified again."""

    async def caller(self, token: str) -> Caller:
        """The caller whose token it is. Raises Unauthorized."""


class SharedSecret:
    """Tokens signed with a secret that an external issuer and this server know (HS256)."""

    def __init__(self, secret: str, expected: Expectations) -> None:
        self.name = expected.issuer or "a shared secret"
        self.withdrawals = 0
        self._secret = secret
        self._expected = expected

    async def caller(self, token: str) -> Caller:
        """The caller whose token it is. Raises Unauthorized."""
        key_id(token)
        claims = verified(token, self._secret, "HS256", self._expected)
        return caller_of(claims, external=True, leeway=self._expected.leeway)


def warning_of(settings: Settings) -> str | None:
    """What an operator should know of the external issuer that is set, in one line."""
    if settings.jwt_jwks_url is None or settings.jwt_audience or settings.jwt_authorized_parties:
        return None
    missing = "JWT_AUDIENCE" if settings.jwt_issuer else "JWT_ISSUER and JWT_AUDIENCE"
    return (
        f"any token that is signed by a key of JWT_JWKS_URL is accepted, whatever application it was issued for: "
        f"set {missing} (or JWT_AUTHORIZED_PARTIES), unless that issuer serves this application alone"
    )


def external_issuer(settings: Settings) -> Issuer | None:
    """The external issuer of this deployment, or None where the built-in accounts issue tokens."""
    expected = Expectations(
        settings.jwt_issuer, settings.jwt_audience, settings.jwt_authorized_parties, settings.jwt_leeway
    )
    if settings.jwt_jwks_url:
        from todo.auth.jwks import PublishedKeys  # and with it an HTTP client, which built-in accounts do not need

        return PublishedKeys(settings.jwt_jwks_url, expected)
    if settings.jwt_secret:
        return SharedSecret(settings.jwt_secret.get_secret_value(), expected)
    return None
