"""An external issuer that runs as a process, and applications that accept its tokens."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx
import psycopg

from tests.conftest import Person, http, running
from todo.app import create_app

ISS = {"iss": "https://issuer.example.com"}
SECRET = "a secret of thirty-two bytes and more"


class Issuer:
    def __init__(self, port: int) -> None:
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}")
        self.jwks = f"http://127.0.0.1:{port}/jwks"

    def post(self, path: str, **body: Any) -> Any:
        return self.http.post(path, json=body).json()

    def mint(self, subject: Any, algorithm: str = "EdDSA", kid: str | None = None, /, **claims: Any) -> str:
        now = int(time.time())
        body = {"claims": {"sub": subject, "iat": now, "exp": now + 900, **claims}, "algorithm": algorithm}
        token: str = self.post("/mint", **body, **({"kid": kid} if kid is not None else {}))
        return token


def person(client: httpx.AsyncClient, token: str, subject: str) -> Person:
    return Person(client, quote(subject, safe=""), "", token)


def remove_users(url: str) -> None:
    """Delete all users, since a database without users accepts any issuer."""
    with psycopg.connect(url) as owner:
        owner.execute("alter table users no force row level security")
        owner.execute("delete from users")
        owner.execute("delete from deployment")
        owner.execute("alter table users force row level security")


@asynccontextmanager
async def with_issuer(settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application with an issuer of its own, on a database without users."""
    remove_users(settings.database_url)
    async with running(create_app(settings)) as app, http(app) as client:
        yield client
    remove_users(settings.database_url)
