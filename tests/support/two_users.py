"""Two people who live door to door: each has something of every kind, and words that the other must never read."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import PASSWORD, Person, sign_up
from tests.support.operations import Call, Operation

IDEMPOTENCY_KEY = "the-key-of-both"


@dataclass
class SampleUser:
    """Somebody, what they have, and what nobody else may read of it."""

    person: Person
    marker: str
    things: dict[str, Any] = field(default_factory=dict)
    """One of each kind that a path may name, by the word before it."""
    secrets: set[str] = field(default_factory=set)
    faces: list[Person] = field(default_factory=list)
    """They with their session, with an API token that may write, and with one that may read."""
    refresh: str = "a refresh token"

    def url(self, call: Call) -> str:
        return call.url(self.person.id, self.things)

    def body(self, call: Call) -> Any:
        """The call's body with values that are theirs, where its example only hints at them."""
        soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        values = {"email": self.person.email, "password": PASSWORD, "current": PASSWORD, "new": PASSWORD}
        words = {"id": str(uuid4()), "title": self.marker, "description": self.marker, "name": self.marker}
        return call.filled(values | words | {"refresh_token": self.refresh, "expires_at": soon})

    async def recreate(self, operation: Operation) -> None:
        """A fresh thing of each kind that the operation names, and a session where it works on one."""
        for kind in operation.things.values():
            if kind in {"tasks", "changes"}:
                task = await self.person.create(self.marker)
                self.things |= {"tasks": task["id"], "changes": str(task["revision"])}
            if kind == "tokens":
                self.things["tokens"] = (await self.token("write"))["id"]
        if not operation.secured and operation.body:
            wanted = {"email": self.person.email, "password": PASSWORD, "refresh": "body"}
            self.refresh = (await self.person.client.post("/api/auth/signin", json=wanted)).json().get("refresh_token")

    async def token(self, scope: str) -> dict[str, Any]:
        """A new API token of theirs."""
        answer = await self.person.call("POST", "/api/auth/tokens", json={"name": self.marker, "scope": scope})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


async def with_data(client: httpx.AsyncClient, name: str, changes: int = 1) -> SampleUser:
    """Somebody new who has something of every kind; of tasks at least `changes` changes."""
    person = await sign_up(client, name)
    marker = f"what only {name} may read {person.id[:8]}"
    answer = await person.call(
        *("POST", person.tasks),
        json={"title": marker, "description": marker},
        headers={"Idempotency-Key": IDEMPOTENCY_KEY},
    )
    assert answer.status_code == 201, answer.text
    task, trashed = answer.json(), await person.create(marker)
    await person.delete(trashed["id"])
    for number in range(changes):
        await person.put(task["id"], title=f"{marker} {number}")
    revision = (await person.get(task["id"])).json()["revision"]
    user = SampleUser(person, marker, {"tasks": task["id"], "changes": str(revision)}, faces=[person])
    user.secrets |= {marker, person.id, person.email, person.token, task["id"], trashed["id"]}
    for scope in ("write", "read"):
        made = await user.token(scope)
        user.things["tokens"] = made["id"]
        user.secrets |= {made["id"], made["token"]}
        face = Person(client, person.id, person.email, made["token"])
        await face.list()  # so that it is known, and when it was last used is written already
        user.faces.append(face)
    return user


def leaked(secrets: set[str], answer: httpx.Response) -> set[str]:
    """Which of the secrets the answer tells, in its body or its headers, to somebody who did not send them."""
    request = answer.request
    said = f"{request.url} {request.headers} {request.content.decode()}"
    told = f"{answer.text} {answer.headers}"
    return {secret for secret in secrets if secret in told and secret not in said}


def but_for_the_path(answer: httpx.Response) -> Any:
    """All that an answer says, but for the path that it was asked for."""
    body = answer.json() if answer.content else None
    if isinstance(body, dict) and "instance" in body:
        body["instance"] = ""
    return answer.status_code, {**answer.headers, "content-length": ""}, body


@pytest.fixture(scope="session")
async def ada_with_data(client: httpx.AsyncClient) -> SampleUser:
    """Of whose rows none may ever be touched, so that every attack can be tried on the same."""
    return await with_data(client, "ada", changes=5)


@pytest.fixture(scope="session")
async def bob_with_data(client: httpx.AsyncClient) -> SampleUser:
    """Who tries, and never succeeds."""
    return await with_data(client, "bob")
