"""An app that asks a person for access, step by step, as OAuth has it."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from tests.conftest import Person
from todo.db.database import Database
from todo.oauth import clients

REDIRECT = "https://app.example.com/back"
LOOPBACK = "http://127.0.0.1/back"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def new_verifier() -> str:
    return secrets.token_urlsafe(48)


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass
class OAuthApp:
    """An app, its latest verifier and state. `http` sends its own requests."""

    http: httpx.AsyncClient
    id: str
    redirect_uri: str = REDIRECT
    verifier: str = field(default_factory=new_verifier)
    state: str = field(default_factory=new_verifier)

    def query(self, **others: str | None) -> str:
        """The query of a request for access; with None a parameter is left out."""
        given = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": self.redirect_uri,
            "state": self.state,
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            **others,
        }
        return urlencode({name: value for name, value in given.items() if value is not None})

    async def page(self, **others: str | None) -> httpx.Response:
        return await self.http.get(f"/oauth/authorize?{self.query(**others)}")

    async def decided(self, person: Person, query: str | None = None, **decision: Any) -> httpx.Response:
        """What a person gets who allows it."""
        body = {"query": query or self.query(), "scope": "write", "days": 90} | decision
        return await person.call("POST", "/oauth/authorize", json=body)

    async def code(self, person: Person, **decision: Any) -> str:
        response = await self.decided(person, **decision)
        assert response.status_code == 200, response.text
        back = response.json()["redirect_to"]
        assert back.startswith(f"{self.redirect_uri}{'&' if '?' in self.redirect_uri else '?'}")
        answer = dict(parse_qsl(urlsplit(back).query))
        assert answer["state"] == self.state
        return str(answer["code"])

    async def exchange(self, code: str, **others: str | None) -> httpx.Response:
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "client_id": self.id,
            "code_verifier": self.verifier,
            **others,
        }
        return await self.post("token", **given)

    async def post(self, what: str, **given: str | None) -> httpx.Response:
        form = {name: value for name, value in given.items() if value is not None}
        return await self.http.post(f"/oauth/{what}", data=form)

    async def token(self, person: Person, **decision: Any) -> str:
        response = await self.exchange(await self.code(person, **decision))
        assert response.status_code == 200, response.text
        return str(response.json()["access_token"])


async def new_app(
    database: Database, http: httpx.AsyncClient, name: str = "Meal planner", *redirect_uris: str
) -> OAuthApp:
    """An app that the operator has registered."""
    uris = [*redirect_uris] or [REDIRECT]
    client = await clients.add(database, name, uris)
    return OAuthApp(http, str(client.id), uris[0])


def with_token(person: Person, token: str) -> Person:
    return Person(person.client, person.id, person.email, token)


async def tokens(person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await person.call("GET", "/api/auth/tokens")).json()
    return found
