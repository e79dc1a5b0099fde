"""Agents of a user, each with a token of its own."""

from typing import Any

from tests.conftest import Person


async def make_agent(person: Person, name: str = "meal planner", **wanted: Any) -> tuple[Person, dict[str, Any]]:
    """An agent as a caller, and the answer that made its token."""
    response = await person.call("POST", "/api/auth/tokens", json={"name": name, "agent": True} | wanted)
    assert response.status_code == 201, response.text
    made = response.json()
    return Person(person.client, person.id, person.email, made["token"]), made


async def take_back(person: Person, agent_id: str, *, dry_run: bool = False, **which: Any) -> dict[str, Any]:
    """The answer to taking back what an agent did."""
    path = f"{person.home}/agents/{agent_id}/undo{'?dry_run=true' if dry_run else ''}"
    response = await person.call("POST", path, json=which or None)
    assert response.status_code == 200, response.text
    done: dict[str, Any] = response.json()
    return done
