"""The keys that an external issuer publishes: rotated, malformed, and while the issuer fails."""

from typing import Any

import pytest

from tests.conftest import http, running, settings_for
from tests.support.external_issuer import ISS, Issuer
from todo.app import create_app
from todo.auth.jwks import PublishedKeys
from todo.problems import Unauthorized

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


class TestJwks:
    """The published keys, while the issuer rotates, is down, slow, or answers garbage."""

    async def test_rotated_keys_are_fetched_and_many_unknown_keys_cause_one_fetch(
        self, issuer: Issuer, external_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = settings_for(external_url, jwt_jwks_url=issuer.jwks, jwt_issuer="https://issuer.example.com")
        async with running(create_app(settings)) as app, http(app) as client:

            async def status(token: str) -> int:
                response = await client.get("/api/ada/tasks", headers={"Authorization": f"Bearer {token}"})
                return response.status_code

            old = issuer.mint("ada", **ISS)
            assert await status(old) == 200
            fetches = issuer.post("/fetches")
            for number in range(20):
                assert await status(issuer.mint("ada", "EdDSA", f"unknown-{number}", **ISS)) == 401
            assert issuer.post("/fetches") <= fetches + 1

            issuer.post("/rotate")
            new = issuer.mint("ada", **ISS)
            assert await status(new) == 401  # the keys were fetched a moment ago
            monkeypatch.setattr(PublishedKeys, "PAUSE", 0.0)
            assert await status(new) == 200
            assert await status(old) == 200  # still cached until it expires

    @pytest.mark.parametrize(
        ("mode", "logged"),
        [
            ("down", "500"),
            ("garbage", "could not be read"),
            ("empty", "has no key that can be used"),
            ("huge", "too large"),
        ],
    )
    async def test_cached_keys_are_used_while_the_issuer_fails(
        self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, mode: str, logged: str
    ) -> None:
        monkeypatch.setattr(PublishedKeys, "PAUSE", 0.0)
        keys = PublishedKeys(issuer.jwks, settings_expectations())
        token = issuer.mint("ada", **ISS)
        assert (await keys.caller(token)).user_id == "ada"

        issuer.post("/mode", mode=mode)
        monkeypatch.setattr(PublishedKeys, "FRESH", -1.0)  # so that each call fetches again
        for _ in range(3):
            assert (await keys.caller(token)).user_id == "ada"
            assert keys._fetching
            await keys._fetching
        unknown = issuer.mint("ada", "EdDSA", "unknown", **ISS)
        with pytest.raises(Unauthorized, match="unknown key"):
            await keys.caller(unknown)
        assert (await keys.caller(token)).user_id == "ada"
        assert keys._fetching
        await keys._fetching
        assert logged in caplog.text

    async def test_a_slow_issuer_delays_requests_no_longer_than_the_timeout(
        self, issuer: Issuer, external_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(PublishedKeys, "TIMEOUT", 0.3)
        issuer.post("/mode", mode="slow")
        settings = settings_for(external_url, jwt_jwks_url=issuer.jwks, jwt_issuer="https://issuer.example.com")
        token = issuer.mint("ada", **ISS)
        async with running(create_app(settings)) as app, http(app) as client:
            response = await client.get("/api/ada/tasks", headers={"Authorization": f"Bearer {token}"})
            assert response.status_code == 503
            assert response.headers["retry-after"] == "1"
            issuer.post("/mode", mode="ok")
            monkeypatch.setattr(PublishedKeys, "FIRST_PAUSE", 0.0)
            monkeypatch.setattr(PublishedKeys, "TIMEOUT", 5.0)
            response = await client.get("/api/ada/tasks", headers={"Authorization": f"Bearer {token}"})
            assert response.status_code == 200


def settings_expectations() -> Any:
    from todo.auth.jwt import Expectations

    return Expectations("https://issuer.example.com")


async def test_malformed_keys_in_a_key_set_are_skipped(issuer: Issuer) -> None:
    from todo.auth.jwks import _usable

    good = issuer.http.get("/jwks").json()["keys"]
    malformed: list[Any] = [
        1,
        None,
        "x",
        {},
        {"kty": ["RSA"]},
        {"kty": "RSA", "n": 1, "e": None},
        good[0] | {"kid": ["b"]},
    ]

    assert set(_usable({"keys": [*malformed, *good]})) == {key["kid"] for key in good}
