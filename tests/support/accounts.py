"""Sign-ups and refreshes as a browser and as a client without cookies make them."""

import uuid
from http.cookies import Morsel, SimpleCookie
from typing import Any

import httpx

from tests.conftest import PASSWORD


def cookie(response: httpx.Response) -> Morsel[str]:
    [morsel] = SimpleCookie(response.headers["set-cookie"]).values()
    return morsel


async def signed_up(client: httpx.AsyncClient, **more: Any) -> tuple[httpx.Response, dict[str, str]]:
    credentials = {"email": f"ada-{uuid.uuid4().hex[:8]}@example.com", "password": PASSWORD}
    response = await client.post("/api/auth/signup", json=credentials | more)
    assert response.status_code == 201, response.text
    return response, credentials


async def refresh_in_body(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/api/auth/refresh", json={"refresh": "body", "refresh_token": token})
