"""The refresh token as a cookie: its attributes, and requests that other sites make a browser send."""

import http.cookies
from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest
import starlette.requests
from fastapi import FastAPI

from tests.conftest import PASSWORD, Person
from tests.support.accounts import cookie, signed_up
from tests.support.processes import serving

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_every_cookie_is_http_only_and_in_no_body(app: FastAPI, scheme: str) -> None:
    """Which account calls set the cookie, with which attributes, and that no body contains it."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"{scheme}://todo") as client:
        response, credentials = await signed_up(client)
        ada = Person(client, response.json()["user"]["id"], "", response.json()["access_token"])
        new = "a short and loud night"
        responses = [
            response,
            await client.post("/api/auth/signin", json=credentials),
            await client.post("/api/auth/refresh"),
            await client.post("/api/auth/signin", json=credentials | {"password": "wrong"}),
            await client.post("/api/auth/signin", json=credentials | {"refresh": "body"}),
            await ada.call("GET", "/api/auth/me"),
            await ada.call("POST", "/api/auth/tokens", json={"name": "script"}),
            await ada.call("GET", "/api/auth/tokens"),
            await ada.call("POST", "/api/auth/password", json={"current": PASSWORD, "new": new}),
            await ada.call("GET", ada.tasks),
            await client.post("/api/auth/signout"),
            await ada.call("POST", "/api/auth/signout-everywhere"),
            await ada.call("DELETE", "/api/auth/me"),
        ]

    set_by = [each for each in responses if "set-cookie" in each.headers]
    assert set_by == [*responses[:3], *responses[10:]]
    for each in set_by:
        [(name, morsel)] = SimpleCookie(each.headers["set-cookie"]).items()
        assert name == ("__Secure-todo_refresh" if scheme == "https" else "todo_refresh")
        assert (morsel["httponly"], morsel["samesite"].lower(), morsel["path"]) == (True, "strict", "/api/auth")
        assert bool(morsel["secure"]) is (scheme == "https")
        assert morsel["domain"] == ""
        assert int(morsel["max-age"]) == (0 if each in responses[10:] else 30 * 24 * 3600)
        secret = morsel.value.partition(".")[2]
        assert bool(secret) is (each in responses[:3])
        assert not secret or not [other for other in responses if secret in other.text]


async def test_the_cookie_can_be_refreshed_repeatedly(browser: httpx.AsyncClient) -> None:
    response, _ = await signed_up(browser)
    tokens = [cookie(response).value]
    for _ in range(3):
        refreshed = await browser.post("/api/auth/refresh")
        assert refreshed.status_code == 200
        session = refreshed.json()
        assert session["user"] == response.json()["user"]
        person = Person(browser, session["user"]["id"], "", session["access_token"])
        assert await person.list() == []
        tokens.append(cookie(refreshed).value)
    assert len(set(tokens)) == 4


@pytest.mark.parametrize(
    "others",
    [
        "",
        "a=b; ",
        "; ",
        "x_todo_refresh=a; todo_refresh_x=b; ",
        'a="' + "\\" * 5000 + '"; ',
        "a=b; " * 5000,
        ";" * 20_000,
    ],
)
async def test_the_refresh_token_is_found_among_other_cookies(
    browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, others: str
) -> None:
    parsed: list[str] = []
    monkeypatch.setattr(starlette.requests, "cookie_parser", parsed.append)
    response, _ = await signed_up(browser)
    token = cookie(response).value
    browser.cookies.clear()

    for sent in (f"{others}todo_refresh={token}", "todo_refresh=of-another-path; " + f"{others}todo_refresh={{}}; a=b"):
        headers = {"Cookie": sent.format(token)}
        refreshed = await browser.post("/api/auth/refresh", headers=headers)
        assert refreshed.status_code == 200
        token = cookie(refreshed).value
        browser.cookies.clear()
    assert parsed == []  # which may take time by the square of the length (CVE-2024-7592)


async def test_an_ordinary_route_does_not_unquote_backslashes_in_cookies(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    unquoted: list[str] = []

    def recorded(text: str) -> str:
        unquoted.append(text)
        return text

    monkeypatch.setattr(http.cookies, "_unquote", recorded)

    response = await client.get("/docs", headers={"Cookie": 'a="' + "\\" * 20_000 + '"; b=c'})

    assert response.status_code == 200
    assert unquoted == ['""', "c"]


class TestForgery:
    """A page of another site makes the browser send the cookie: it is refused, and the session stays."""

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Sec-Fetch-Site": "same-origin"}, 200),
            ({"Sec-Fetch-Site": "none"}, 200),
            ({"Sec-Fetch-Site": "same-site"}, 403),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "cross-site", "Origin": "http://todo"}, 403),
            ({"Origin": "http://todo"}, 200),
            ({"Origin": "https://todo"}, 403),
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({}, 200),
        ],
    )
    @pytest.mark.parametrize("path", ["/api/auth/refresh", "/api/auth/signout"])
    async def test_requests_of_other_sites_are_refused_by_fetch_metadata_or_else_by_origin(
        self, browser: httpx.AsyncClient, path: str, headers: dict[str, str], status: int
    ) -> None:
        await signed_up(browser)

        response = await browser.post(path, headers=headers)

        assert response.status_code == (204 if status == 200 and path.endswith("signout") else status)
        if status == 403:
            assert (await browser.post("/api/auth/refresh")).status_code == 200

    async def test_a_token_in_the_body_is_accepted_from_any_site(self, browser: httpx.AsyncClient) -> None:
        response, _ = await signed_up(browser, refresh="body")
        body = {"refresh": "body", "refresh_token": response.json()["refresh_token"]}
        headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://other.example"}

        assert (await browser.post("/api/auth/refresh", json=body, headers=headers)).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize(("trusted", "secure"), [("127.0.0.1", True), ("192.0.2.0/24", False)])
def test_forwarded_headers_count_only_from_a_trusted_proxy(
    tmp_path: Path, database_url: str, trusted: str, secure: bool
) -> None:
    """A proxy forwards the scheme and the client's address; the same headers of any other sender are ignored."""
    with serving(
        tmp_path, database_url=database_url, trusted_proxies=trusted, rate_limit="6000/minute", workers=1
    ) as server:
        credentials = {"email": f"proxy-{server.port}@example.com", "password": PASSWORD}
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"}
        made = server.http.post("/api/auth/signup", json=credentials, headers=forwarded)
        assert bool(cookie(made)["secure"]) is secure
        wrong = credentials | {"password": "a wrong password"}
        for _ in range(10):
            assert server.http.post("/api/auth/signin", json=wrong, headers=forwarded).status_code == 401
        other = {"X-Forwarded-For": "203.0.113.9"}
        assert server.http.post("/api/auth/signin", json=wrong, headers=forwarded).status_code == 429
        assert server.http.post("/api/auth/signin", json=wrong, headers=other).status_code == (401 if secure else 429)
