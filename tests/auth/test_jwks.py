"""The keys that an external issuer publishes: rotated, malformed, and while the issuer fails."""

import asyncio
import json
import time
from typing import Any

import pytest

from tests.conftest import http, running, settings_for
from tests.support.external_issuer import ISS, Issuer
from tests.support.processes import free_port
from todo.app import create_app
from todo.auth import authenticator
from todo.auth.jwks import PublishedKeys
from todo.problems import Unauthorized, Unavailable

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
            assert await status(old) == 401  # although it was verified before: its key was withdrawn

    @pytest.mark.parametrize(
        ("mode", "logged"),
        [
            ("down", "500"),
            ("missing", "404"),
            ("moved", "redirect"),
            ("garbage", "is no JWK set"),
            ("empty", "has no key that can be used"),
            ("others", "has no key that can be used"),
            ("none", "has no keys"),
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


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("down", "was answered with the status 500 by the issuer"),
        ("missing", "was answered with the status 404 by the issuer"),
        ("moved", "is answered with a redirect, which is not followed: set JWT_JWKS_URL to its final address"),
        ("garbage", "is no JWK set"),
        ("others", "has no key that can be used; accepted are EdDSA"),
        ("none", "has no keys"),
        ("huge", "is too large"),
    ],
)
async def test_what_is_wrong_with_a_key_set_is_told(
    issuer: Issuer, external_url: str, caplog: pytest.LogCaptureFixture, mode: str, told: str
) -> None:
    issuer.post("/mode", mode=mode)
    settings = settings_for(external_url, jwt_jwks_url=issuer.jwks, jwt_issuer="https://issuer.example.com")
    headers = {"Authorization": f"Bearer {issuer.mint('ada', **ISS)}"}
    async with running(create_app(settings)) as app, http(app) as client:
        for _ in range(2):  # the second time without asking the issuer again
            response = await client.get("/api/ada/tasks", headers=headers)
            assert response.status_code == 503
            assert f"the issuer's key set {told}" in response.json()["detail"]
            assert "http" not in response.json()["detail"]
    assert f"{issuer.jwks} {told}" in caplog.text
    assert "no-log" not in caplog.text
    if mode == "moved":
        assert "/elsewhere" in caplog.text


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:{closed}/jwks", "no connection to the issuer could be made"),
        ("https://127.0.0.1:{issuer}/jwks", "no trusted TLS connection to the issuer could be made"),
        ("https://issuer.invalid/jwks", "no connection to the issuer could be made"),
    ],
)
async def test_an_issuer_that_cannot_be_reached_is_told(
    issuer: Issuer, caplog: pytest.LogCaptureFixture, url: str, told: str
) -> None:
    address = url.format(closed=free_port(), issuer=issuer.http.base_url.port)
    keys = PublishedKeys(address, settings_expectations())

    with pytest.raises(Unavailable, match=f"could not be read: {told}"):
        await keys.caller(issuer.mint("ada", **ISS))

    assert f"{address} could not be read: {told} (" in caplog.text


async def test_a_token_of_a_key_of_another_kind_says_so(issuer: Issuer) -> None:
    keys = PublishedKeys(issuer.jwks, settings_expectations())
    assert (await keys.caller(issuer.mint("ada", **ISS))).user_id == "ada"

    with pytest.raises(Unauthorized, match="not accepted here; accepted are EdDSA"):
        await keys.caller(issuer.mint("ada", "ES384", **ISS))


async def test_a_token_of_a_withdrawn_key_is_refused_after_a_while_although_nothing_else_happens(
    issuer: Issuer, external_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(external_url, jwt_jwks_url=issuer.jwks, jwt_issuer="https://issuer.example.com")
    ten_years = {"exp": int(time.time()) + 315_360_000}
    headers = {"Authorization": f"Bearer {issuer.mint('ada', **(ISS | ten_years))}"}
    async with running(create_app(settings)) as app, http(app) as client:

        async def status() -> int:
            return (await client.get("/api/ada/tasks", headers=headers)).status_code

        assert await status() == 200
        issuer.post("/rotate")
        assert await status() == 200
        for owner, name in ((authenticator, "CACHED_FOR"), (PublishedKeys, "FRESH"), (PublishedKeys, "PAUSE")):
            monkeypatch.setattr(owner, name, 0.0)  # as after some minutes
        app.state.resources.authenticator._cache.clear()
        deadline = time.monotonic() + 10
        while await status() == 200:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        assert await status() == 401


async def test_malformed_keys_in_a_key_set_are_skipped(issuer: Issuer) -> None:
    from todo.auth.jwks import usable

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

    found = usable(json.dumps({"keys": [*malformed, *good]}).encode())
    kids = {key["kid"] for key in good}
    assert found.unusable == {kid for kid in kids if kid.startswith("ES384")}
    assert {*found.keys} == kids - found.unusable
