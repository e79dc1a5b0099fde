"""Preflight requests: what browsers and tracing add is allowed, for listed origins."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.conftest import PASSWORD, http, running, settings_for
from todo.app import create_app

pytestmark = pytest.mark.anyio

ORIGIN = "https://app.example.com"
PREVIEW = "https://pr-42.example.app"


@pytest.fixture(scope="module")
async def client(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Of a server that other sites' pages may call."""
    origins = "HTTPS://App.example.com:443/, https://*.example.app, capacitor://localhost"
    async with running(create_app(settings_for(database_url, cors_origins=origins))) as app, http(app) as client:
        yield client


async def preflight(
    client: httpx.AsyncClient, origin: str = ORIGIN, method: str = "PUT", **more: str
) -> httpx.Response:
    names = {f"Access-Control-Request-{name.replace('_', '-')}": value for name, value in more.items()}
    headers = {"Origin": origin, "Access-Control-Request-Method": method, **names}
    return await client.options("/api/x/tasks/y", headers=headers)


@pytest.mark.parametrize(
    "headers",
    [
        "authorization,content-type,traceparent,tracestate,baggage,sentry-trace",
        "x-requested-with, cache-control, pragma",
        "idempotency-key,if-match,x-request-id,x-a.b_c~d",
    ],
)
async def test_a_page_may_send_any_header(client: httpx.AsyncClient, headers: str) -> None:
    response = await preflight(client, Headers=headers)

    assert response.status_code == 200
    assert response.headers["access-control-allow-headers"] == headers
    assert "Access-Control-Request-Headers" in response.headers["vary"]


@pytest.mark.parametrize("headers", ["a b", "a,,b", "a;b", "a:b", ",", "(x)"])
async def test_what_is_no_name_of_a_header_is_refused(client: httpx.AsyncClient, headers: str) -> None:
    response = await preflight(client, Headers=headers)

    assert (response.status_code, response.json()["status"]) == (400, 400)


async def test_a_public_page_may_call_a_server_in_a_private_network(client: httpx.AsyncClient) -> None:
    asked = await preflight(client, Private_Network="true")
    other = await preflight(client)
    evil = await preflight(client, "https://evil.example", Private_Network="true")

    assert (asked.status_code, asked.headers["access-control-allow-private-network"]) == (200, "true")
    assert "access-control-allow-private-network" not in other.headers
    assert (evil.status_code, "access-control-allow-private-network" in evil.headers) == (400, False)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
async def test_every_method_that_is_served_is_allowed(client: httpx.AsyncClient, method: str) -> None:
    assert (await preflight(client, method=method)).status_code == 200


@pytest.mark.parametrize("origin", [ORIGIN, PREVIEW, "capacitor://localhost"])
async def test_the_origin_is_echoed_and_may_use_the_cookie(client: httpx.AsyncClient, origin: str) -> None:
    account = {"email": f"{origin.partition(':')[0]}-{len(origin)}@example.com", "password": PASSWORD}
    headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
    signed_up = await client.post("/api/auth/signup", json=account, headers=headers)
    cookie = {"Cookie": signed_up.headers["set-cookie"].partition(";")[0]}
    client.cookies.clear()

    by_a_stranger = await client.post(
        "/api/auth/refresh", headers=cookie | headers | {"Origin": "https://a.b.example.app"}
    )
    refreshed = await client.post("/api/auth/refresh", headers=cookie | headers)
    client.cookies.clear()

    assert (await preflight(client, origin)).headers["access-control-allow-origin"] == origin
    assert signed_up.headers["access-control-allow-origin"] == origin
    assert (by_a_stranger.status_code, refreshed.status_code) == (403, 200)
    assert "access-control-allow-origin" not in by_a_stranger.headers


@pytest.mark.parametrize(
    "origin", ["null", "https://evil.example", "https://a.b.example.app", "http://app.example.com"]
)
async def test_any_other_origin_is_refused(client: httpx.AsyncClient, origin: str) -> None:
    response = await preflight(client, origin)

    assert response.status_code == 400
    assert "access-control-allow-origin" not in response.headers
