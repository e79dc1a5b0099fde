"""What each of two users has, and the search of what one of them receives for what is the other's."""

import random
import re
from collections import Counter
from dataclasses import dataclass, field
from uuid import uuid4

import httpx

from tests.support.operations import Call
from tests.support.two_users import SampleUser

LEAST_RESPONSES, LEAST_WITH_OWN_DATA = 50, 20
"""With fewer a pass says nothing."""

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass
class Side:
    """One of the two users: what they have, as far as they know, and so what the other one must never read."""

    user: SampleUser
    ids: set[str] = field(default_factory=set)
    things: dict[str, list[str]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    """An access token of their session, and an API token."""

    @property
    def client(self) -> httpx.AsyncClient:
        """An HTTP client of their own, since it stores their cookie."""
        return self.user.person.client

    @property
    def secrets(self) -> set[str]:
        """Texts that the other user must never read."""
        person = self.user.person
        return {self.user.marker, person.id, person.email, *self.tokens, *self.things.get("sessions", [])}

    def thing(self, kind: str) -> str:
        """The id of one of their things of this kind, or an id of none."""
        return random.choice(self.things.get(kind) or [str(uuid4())])

    def note(self, call: Call, response: httpx.Response) -> None:
        """Remember the ids of what was created."""
        is_json = response.headers.get("content-type", "").startswith("application/json")
        body = response.json() if response.is_success and is_json and response.content else None
        self.ids |= {*UUID.findall(response.text)} if response.is_success else set()
        if isinstance(body, dict) and response.status_code == 201 and "id" in body:
            self.things.setdefault(call.operation.path.rpartition("/")[2], []).append(body["id"])
        if call.operation.says["operationId"] == "list_sessions" and response.is_success:
            self.things["sessions"] = [each["id"] for each in body or []]
        if isinstance(body, dict) and isinstance(body.get("revision"), int):
            self.things.setdefault("changes", []).append(str(body["revision"]))


@dataclass
class Watch:
    """Counts of what was checked, and what was wrong with it."""

    responses: int = 0
    events: int = 0
    with_own_data: int = 0
    lost: int = 0
    terminated: int = 0
    pooler_kills: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)
    leaks: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def enough(self) -> bool:
        """Whether the pass has the least numbers of responses."""
        return self.responses >= LEAST_RESPONSES and self.with_own_data >= LEAST_WITH_OWN_DATA

    def check(self, reader: Side, other: Side, what: str, received: str, sent: str) -> None:
        """Search what `reader` received for data of `other`, except what `reader` sent themselves."""
        self.with_own_data += reader.user.marker in received
        found = {text for text in other.secrets if text in received and text not in sent}
        found |= ({*UUID.findall(received)} & other.ids) - reader.ids - {*UUID.findall(sent)}
        if found:
            self.leaks.append(f"{what} showed {sorted(found)} to {reader.user.marker}")

    def response(self, reader: Side, other: Side, call: Call, response: httpx.Response) -> None:
        """Check a response with its headers."""
        request = response.request
        sent = f"{request.url} {request.headers} {request.content.decode()}"
        self.responses += 1
        self.statuses[response.status_code] += 1
        self.tried[str(call.operation)] += 1
        self.check(reader, other, f"{call} ({response.status_code})", f"{response.text} {response.headers}", sent)
        if response.status_code == 500:
            self.errors.append(f"{call}: response 500: {response.text}")

    def event(self, reader: Side, other: Side, line: str) -> None:
        """Check a line of a stream."""
        self.events += line.startswith("data:")
        self.check(reader, other, "a stream", line, "")
