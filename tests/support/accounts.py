"""Sign-ups and refreshes as a browser and as a client without cookies make them."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import Morsel, SimpleCookie
from typing import Any

import httpx
import psycopg

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


@contextmanager
def sessions_table(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url) as owner:
        owner.execute("alter table sessions no force row level security")
        yield owner
        owner.execute("alter table sessions force row level security")


def later(url: str, token: str, seconds: int) -> None:
    """As if `seconds` had passed since the rotations of the token's session."""
    with sessions_table(url) as owner:
        moved = owner.execute(
            "update sessions set rotations = (select jsonb_agg(each || jsonb_build_object('at',"
            " to_char((each ->> 'at')::timestamptz at time zone 'UTC' - make_interval(secs => %s),"
            ' \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')) order by n)'
            " from jsonb_array_elements(rotations) with ordinality r (each, n)) where id = %s",
            [seconds, token.split(".")[0]],
        )
        assert moved.rowcount == 1
