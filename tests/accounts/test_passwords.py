"""Passwords: changed, which ends other sessions, and refused where they are common."""

import asyncio

import httpx
import pytest

from tests.conftest import PASSWORD, Person
from tests.support.accounts import refresh_in_body, signed_up

pytestmark = pytest.mark.anyio


class TestPassword:
    async def test_a_password_change_ends_every_other_session(self, browser: httpx.AsyncClient) -> None:
        response, credentials = await signed_up(browser, refresh="body")
        other = (await browser.post("/api/auth/signin", json=credentials | {"refresh": "body"})).json()["refresh_token"]
        person = Person(browser, response.json()["user"]["id"], "", response.json()["access_token"])
        new = "a short and loud night"

        changed = await person.call("POST", "/api/auth/password", json={"current": PASSWORD, "new": new})

        assert (changed.status_code, changed.content) == (204, b"")
        assert (await refresh_in_body(browser, response.json()["refresh_token"])).status_code == 200
        assert (await refresh_in_body(browser, other)).status_code == 401
        assert (await browser.post("/api/auth/signin", json=credentials)).status_code == 401
        assert (await browser.post("/api/auth/signin", json=credentials | {"password": new})).status_code == 200

    async def test_a_concurrent_sign_in_with_the_old_password_leaves_no_session(
        self, browser: httpx.AsyncClient
    ) -> None:
        before_the_change = 0
        for number in range(4):
            response, credentials = await signed_up(browser, refresh="body")
            person = Person(browser, response.json()["user"]["id"], "", response.json()["access_token"])
            change = {"current": PASSWORD, "new": f"a short and loud night {number}"}
            changed, *signed_in = await asyncio.gather(
                person.call("POST", "/api/auth/password", json=change),
                *(browser.post("/api/auth/signin", json=credentials | {"refresh": "body"}) for _ in range(6)),
            )
            assert changed.status_code == 204
            tokens = [each.json()["refresh_token"] for each in signed_in if each.status_code == 200]
            before_the_change += len(tokens)
            assert [(await refresh_in_body(browser, token)).status_code for token in tokens] == [401] * len(tokens)
            assert (await refresh_in_body(browser, response.json()["refresh_token"])).status_code == 200
        assert before_the_change

    async def test_a_password_change_needs_the_current_password(self, ada: Person) -> None:
        body = {"current": "not the password", "new": "a short and loud night"}

        response = await ada.call("POST", "/api/auth/password", json=body)

        assert response.status_code == 422
        assert response.json()["errors"][0]["loc"] == ["body", "current"]
        assert "not the password" not in response.text.replace("is not the password of", "")

    @pytest.mark.parametrize("password", ["password", "PASSWORD", "12345678", "Football", "qwertyuiop"])
    async def test_the_most_common_passwords_are_refused(
        self, browser: httpx.AsyncClient, ada: Person, password: str
    ) -> None:
        credentials = {"email": "common@example.com", "password": password}
        assert (await browser.post("/api/auth/signup", json=credentials)).status_code == 422
        change = {"current": PASSWORD, "new": password}
        assert (await ada.call("POST", "/api/auth/password", json=change)).status_code == 422
