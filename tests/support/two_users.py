"""Two sample users: each has a row of every kind, with texts that the other one must never read."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import PASSWORD, Person, sign_up
from tests.support.operations import Call, Operation
from todo.accounts import links

IDEMPOTENCY_KEY = "the-key-of-both"

TAGS_OF_EXAMPLES = ["errands", "a/b"]
"""What the examples of the OpenAPI document rename."""


LINKS: dict[str, links.Purpose] = {"/api/auth/password/reset": "reset", "/api/auth/email/confirm": "confirm"}
"""Operations that use a one-time link, and for what."""


@dataclass
class SampleUser:
    """A user, the ids of their rows, and the texts that no other user may read."""

    person: Person
    marker: str
    things: dict[str, Any] = field(default_factory=dict)
    """The id of one row of each kind that a path can name, by the path segment before it."""
    secrets: set[str] = field(default_factory=set)
    callers: list[Person] = field(default_factory=list)
    """The user with their session, with an API token that may write, and with one that may read."""
    refresh: str = "a refresh token"
    link: str = "the token of a one-time link"

    def url(self, call: Call) -> str:
        return call.url(self.person.id, self.things)

    def body(self, call: Call) -> Any:
        """The call's body with values of this user instead of the example's values."""
        soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        values = {"email": self.person.email, "password": PASSWORD, "current": PASSWORD, "new": PASSWORD}
        words = {"id": str(uuid4()), "title": self.marker, "description": self.marker, "name": self.marker}
        words["text"] = self.marker
        after = {"after": self.things.get("tasks")}
        secrets = {"refresh_token": self.refresh, "token": self.link}
        return call.filled(values | words | after | secrets | {"expires_at": soon})

    async def recreate(self, operation: Operation) -> None:
        """Create a new row of each kind that the operation names, and a new session if the operation takes one."""
        for kind in operation.things.values():
            if kind == "tags":
                await self.person.create(self.marker, tags=[self.marker])
                self.things["tags"] = self.marker
            if kind in {"tasks", "changes"}:
                task = await self.person.create(self.marker)
                self.things |= {"tasks": task["id"], "changes": str(task["revision"])}
            if kind == "agents":
                await self.agent()
            if kind == "tokens":
                self.things["tokens"] = (await self.token("write"))["id"]
            if kind in {"feeds", "secrets of feeds"}:
                await self.feed()
            if kind == "sessions":
                await self.person.client.post("/api/auth/signin", json=self.sign_in)
                self.things["sessions"] = await self.newest_session()
        if operation.path.endswith("/tags") and operation.body:
            await self.person.create(self.marker, tags=TAGS_OF_EXAMPLES)
        if purpose := LINKS.get(operation.path):
            transport: Any = self.person.client._transport  # the links are mailed, and here nobody reads mail
            database = transport.app.state.resources.database
            self.link = await links.make(database, self.person.id, purpose, self.person.email) or ""
        if not operation.secured and operation.body:
            session = (await self.person.client.post("/api/auth/signin", json=self.sign_in)).json()
            self.refresh = session.get("refresh_token")

    @property
    def sign_in(self) -> dict[str, str]:
        """The body that signs the user in, without a cookie."""
        return {"email": self.person.email, "password": PASSWORD, "refresh": "body"}

    async def newest_session(self) -> str:
        """The id of the session that was used last."""
        response = await self.person.call("GET", "/api/auth/sessions")
        return str(response.json()[0]["id"])

    async def feed(self) -> None:
        """Make a new calendar feed, the only one of this user."""
        for feed in (await self.person.call("GET", f"{self.person.home}/feeds")).json():
            await self.person.call("DELETE", f"{self.person.home}/feeds/{feed['id']}")
        made = (await self.person.call("POST", f"{self.person.home}/feeds")).json()
        self.things |= {"feeds": made["id"], "secrets of feeds": re.search(r"/feeds/(.+)\.ics$", made["url"])[1]}  # type: ignore[index] # it matches

    async def agent(self) -> None:
        """A new agent that has created a task."""
        made = await self.token("write", agent=True)
        agent = Person(self.person.client, self.person.id, self.person.email, made["token"])
        await agent.create(self.marker)
        self.things["agents"] = made["id"]

    async def token(self, scope: str, **wanted: Any) -> dict[str, Any]:
        """A new API token of this user."""
        response = await self.person.call(
            "POST", "/api/auth/tokens", json={"name": self.marker, "scope": scope, **wanted}
        )
        assert response.status_code == 201, response.text
        made: dict[str, Any] = response.json()
        return made


async def with_data(client: httpx.AsyncClient, name: str, changes: int = 1) -> SampleUser:
    """A new user with a row of every kind, and with a task that was changed `changes` times."""
    person = await sign_up(client, name)
    marker = f"what only {name} may read {person.id[:8]}"
    response = await person.call(
        *("POST", person.tasks),
        json={"title": marker, "description": marker, "tags": [marker]},
        headers={"Idempotency-Key": IDEMPOTENCY_KEY},
    )
    assert response.status_code == 201, response.text
    task, trashed = response.json(), await person.create(marker)
    await person.delete(trashed["id"])
    for number in range(changes):
        await person.put(task["id"], title=f"{marker} {number}")
    revision = (await person.get(task["id"])).json()["revision"]
    user = SampleUser(person, marker, {"tasks": task["id"], "changes": str(revision), "tags": marker}, callers=[person])
    user.things["sessions"] = await user.newest_session()
    await user.feed()
    await user.agent()
    user.secrets |= {user.things["agents"], user.things["feeds"], user.things["secrets of feeds"]}
    user.secrets |= {user.things["sessions"], marker, person.id, person.email, person.token, task["id"], trashed["id"]}
    for scope in ("write", "read"):
        made = await user.token(scope)
        user.things["tokens"] = made["id"]
        user.secrets |= {made["id"], made["token"]}
        script = Person(client, person.id, person.email, made["token"])
        await script.list()  # so that it is cached, and its last_used_at is already written
        user.callers.append(script)
    return user


def leaked(secrets: set[str], response: httpx.Response) -> set[str]:
    """The secrets that are in the body or the headers of a response although the request did not contain them."""
    request = response.request
    sent = f"{request.url} {request.headers} {request.content.decode()}"
    received = f"{response.text} {response.headers}"
    return {secret for secret in secrets if secret in received and secret not in sent}


def without_path(response: httpx.Response) -> Any:
    """A response's status, headers and body, without the path of its request."""
    body = response.json() if response.content else None
    if isinstance(body, dict) and "instance" in body:
        body["instance"] = ""
    return response.status_code, {**response.headers, "content-length": ""}, body


@pytest.fixture(scope="session")
async def ada_with_data(client: httpx.AsyncClient) -> SampleUser:
    """A user whose rows no test may change, so that all tests can share them."""
    return await with_data(client, "ada", changes=5)


@pytest.fixture(scope="session")
async def bob_with_data(client: httpx.AsyncClient) -> SampleUser:
    """The user who tries to reach ada's rows."""
    return await with_data(client, "bob")
