"""Agents of a user, each with a token of its own."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.conftest import Person

MakeAgent = Callable[..., Awaitable[Person]]


async def make_agent(person: Person, name: str = "meal planner", **wanted: Any) -> tuple[Person, dict[str, Any]]:
    """An agent as a caller, and the answer that made its token."""
    response = await person.call("POST", "/api/auth/tokens", json={"name": name, "agent": True} | wanted)
    assert response.status_code == 201, response.text
    made = response.json()
    return Person(person.client, person.id, person.email, made["token"]), made


@pytest.fixture
def agent_of() -> MakeAgent:
    """Makes an agent of a person."""

    async def make(person: Person, **wanted: Any) -> Person:
        return (await make_agent(person, **wanted))[0]

    return make
