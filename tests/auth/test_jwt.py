"""Access tokens: which are accepted, by their algorithm, subject, claims and times."""

import base64
import hmac
import json
import time
import uuid
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.conftest import settings_for
from tests.support.external_issuer import ISS, SECRET, Issuer, person, with_issuer

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.mark.parametrize("algorithm", ["EdDSA", "Ed25519", "RS256", "ES256"])
async def test_each_algorithm_of_a_published_key_is_accepted(
    client: httpx.AsyncClient, issuer: Issuer, algorithm: str
) -> None:
    subject = f"user_{uuid.uuid4().hex}"
    ada = person(client, issuer.mint(subject, algorithm, **ISS), subject)

    task = await ada.create(title="of an external user")

    assert task["user_id"] == subject
    assert await ada.list() == [task]


@pytest.mark.parametrize(("key", "named"), [("EdDSA", "Ed25519"), ("Ed25519", "EdDSA")])
async def test_a_key_and_its_token_may_use_either_name_of_the_algorithm(
    client: httpx.AsyncClient, issuer: Issuer, key: str, named: str
) -> None:
    now = int(time.time())
    claims = {"sub": "ada", "iat": now, "exp": now + 900, **ISS}
    token = issuer.post("/mint", claims=claims, algorithm=key, named=named)
    assert jwt.get_unverified_header(token)["alg"] == named

    assert await person(client, token, "ada").list() == []


@pytest.mark.parametrize(
    "moved",
    [{"iat": 2}, {"iat": 25}, {"nbf": 2}, {"iat": 25.5, "nbf": 25.5}, {"exp": -2}, {"exp": -25}],
)
async def test_clocks_may_differ_by_half_a_minute(
    client: httpx.AsyncClient, issuer: Issuer, moved: dict[str, float]
) -> None:
    now = time.time()
    token = issuer.mint("ada", **(ISS | {name: now + seconds for name, seconds in moved.items()}))

    for _ in range(2):  # verified, and from the cache
        assert await person(client, token, "ada").list() == []


async def test_a_token_from_the_future_is_refused_with_the_reason(client: httpx.AsyncClient, issuer: Issuer) -> None:
    token = issuer.mint("ada", **(ISS | {"iat": int(time.time()) + 60}))

    refused = await person(client, token, "ada").call("GET", "/api/ada/tasks")

    assert refused.status_code == 401
    assert "clocks" in refused.json()["detail"]


@pytest.mark.parametrize(
    "subject",
    [
        "auth0|5f7c8ec7c33c6c004bbafe82",
        "user_2NNEqL2nrIRdJ194ndJqAHwEfxC",
        "5f0c7f8e-4d3f-4b59-9c39-0d3f6a1f2b77",
        "with space",
        "50%",
        "100%25",
        "q?a=b&c#d",
        "ünïcödé 🦊",
        "a;b,c:d@e+f",
        "x" * 255,
        "🦊" * 255,
        "...",
        '"quoted"',
    ],
)
async def test_subjects_that_fit_into_a_path_are_accepted(
    client: httpx.AsyncClient, issuer: Issuer, subject: str
) -> None:
    ada = person(client, issuer.mint(subject, **ISS), subject)

    task = await ada.create(title="mine")
    response = await ada.get(task["id"])

    assert response.status_code == 200
    assert response.json()["user_id"] == subject


@pytest.mark.parametrize("subject", ["", "a/b", "/", ".", "..", "a\x00b", "a\nb", "x" * 256, 1, None, ["x"]])
async def test_other_subjects_get_401(client: httpx.AsyncClient, issuer: Issuer, subject: Any) -> None:
    token = issuer.mint(subject, **ISS)

    response = await client.get("/api/x/tasks", headers={"Authorization": f"Bearer {token}"})

    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]
    assert len(response.json()["detail"]) > 20


async def test_invalid_tokens_get_401(client: httpx.AsyncClient, issuer: Issuer) -> None:
    now = int(time.time())
    keys = issuer.http.get("/jwks").json()["keys"]
    rsa = next(key for key in keys if key["kty"] == "RSA")
    public = jwt.PyJWK(rsa).key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = {"sub": "mallory", "iat": now, "exp": now + 900, **ISS}
    bad = {
        "another issuer": issuer.mint("mallory", iss="https://other.example.com"),
        "no issuer": issuer.mint("mallory"),
        "expired": issuer.mint("mallory", **(ISS | {"exp": now - 40})),
        "not yet valid": issuer.mint("mallory", nbf=now + 40, **ISS),
        "issued in the future": issuer.mint("mallory", **(ISS | {"iat": now + 40})),
        "an exp that is no number": issuer.mint("mallory", **(ISS | {"exp": "soon"})),
        "HS256 with the public key": signed_by_hand(claims, rsa["kid"], public),
        "HS256 with the key's numbers": jwt.encode(claims, rsa["n"], "HS256", headers={"kid": rsa["kid"]}),
        "none": jwt.encode(claims, "", "none", headers={"kid": rsa["kid"]}),
        "one key's id on another key": issuer.mint("mallory", "EdDSA", rsa["kid"], **ISS),
        "an unknown key": issuer.mint("mallory", "EdDSA", "unknown", **ISS),
        "HS256 with a shared secret": jwt.encode(claims, SECRET, "HS256"),
        "long": issuer.mint("mallory", padding="x" * 10_000, **ISS),
        "no exp": issuer.mint("mallory", **(ISS | {"exp": None})),
        "no sub": issuer.mint(None, **ISS),
        "an exp that is too large": issuer.mint("mallory", **(ISS | {"exp": 10**400})),
        "an iat that is too small": issuer.mint("mallory", **(ISS | {"iat": -(10**18)})),
    }
    for name, token in bad.items():
        response = await client.get("/api/mallory/tasks", headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 401, name
        assert response.headers["content-type"] == "application/problem+json"


def signed_by_hand(claims: dict[str, Any], kid: str, key: bytes) -> str:
    """A token signed with the public key as an HMAC secret, made by hand because PyJWT refuses to make it."""

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    body = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{part(claims)}"
    signature = hmac.digest(key, body.encode(), "sha256")
    return f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


class TestTokenShapes:
    """Tokens with the claims of well-known issuers, end to end."""

    async def test_tokens_of_better_auth_are_accepted(self, issuer: Issuer, external_url: str) -> None:
        """EdDSA, 15 minutes, issuer and audience are the base URL."""
        base = "http://localhost:3000"
        settings = settings_for(external_url, jwt_jwks_url=issuer.jwks, jwt_issuer=base, jwt_audience=base)
        async with with_issuer(settings) as client:
            subject = "Yq8vKZ3sWmZ0cD1nJ5t4aB7xR2pL9eUf"
            claims = {"iss": base, "aud": base, "email": "ada@example.com", "name": "Ada", "emailVerified": True}
            ada = person(client, issuer.mint(subject, **claims), subject)
            assert (await ada.create())["user_id"] == subject
            ada.token = issuer.mint(subject, **(claims | {"aud": "http://localhost:4000"}))
            assert (await ada.call("GET", ada.tasks)).status_code == 401
            ada.token = issuer.mint(subject, iss=base)
            assert (await ada.call("GET", ada.tasks)).status_code == 401

    async def test_tokens_of_clerk_are_accepted(self, issuer: Issuer, external_url: str) -> None:
        """RS256, no audience, the page's origin as the authorized party."""
        iss, azp = "https://clerk.example.com", "https://app.example.com"
        settings = settings_for(
            external_url,
            jwt_jwks_url=issuer.jwks,
            jwt_issuer=iss,
            jwt_authorized_parties=f"{azp},https://b.example.com",
        )
        async with with_issuer(settings) as client:
            subject = "user_2NNEqL2nrIRdJ194ndJqAHwEfxC"
            claims = {"iss": iss, "azp": azp, "sid": "sess_2NNEqL2nrIRdJ194ndJqAHwEfxC", "fva": [0, -1]}
            ada = person(client, issuer.mint(subject, "RS256", **claims), subject)
            assert (await ada.create())["user_id"] == subject
            for other in ("https://evil.example", None):
                ada.token = issuer.mint(subject, "RS256", **(claims | {"azp": other}))
                assert (await ada.call("GET", ada.tasks)).status_code == 401

    async def test_an_audience_is_ignored_unless_one_is_configured(self, issuer: Issuer, external_url: str) -> None:
        async with with_issuer(settings_for(external_url, jwt_jwks_url=issuer.jwks)) as client:
            ada = person(client, issuer.mint("ada|x", aud=["a", "b"], iss="any issuer"), "ada|x")
            assert await ada.list() == []

    async def test_tokens_signed_with_a_shared_secret_are_verified(self, external_url: str) -> None:
        async with with_issuer(settings_for(external_url, jwt_secret=SECRET)) as client:
            now = int(time.time())
            claims = {"sub": "ada", "exp": now + 60}
            ada = person(client, jwt.encode(claims, SECRET, "HS256"), "ada")
            assert (await ada.create())["user_id"] == "ada"
            for bad in (
                jwt.encode(claims, SECRET + "x", "HS256"),
                jwt.encode(claims, SECRET * 2, "HS512"),
                jwt.encode(claims, SECRET * 2, "HS256"),
                jwt.encode({"sub": "ada"}, SECRET, "HS256"),
                jwt.encode({"exp": now + 60}, SECRET, "HS256"),
                jwt.encode({"sub": "ada", "exp": now - 40}, SECRET, "HS256"),
            ):
                ada.token = bad
                assert (await ada.call("GET", ada.tasks)).status_code == 401

    @pytest.mark.parametrize(("leeway", "status"), [(0, 401), (60, 200)])
    async def test_the_leeway_can_be_set(self, external_url: str, leeway: int, status: int) -> None:
        token = jwt.encode({"sub": "ada", "exp": int(time.time()) - 45}, SECRET, "HS256")
        async with with_issuer(settings_for(external_url, jwt_secret=SECRET, jwt_leeway=leeway)) as client:
            assert (await person(client, token, "ada").call("GET", "/api/ada/tasks")).status_code == status
