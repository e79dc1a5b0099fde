"""Users of the page with many tasks, made through the API."""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import httpx

from bench.data import DESCRIPTION

PASSWORD = "a long and quiet afternoon"  # noqa: S105 # of an account that ends with the run

WORDS = ("Water", "Call", "Buy", "Repair", "Read", "Send", "Pay", "Plan", "Clean", "Book")
THINGS = ("the ferns", "Grandma", "bread and milk", "the bicycle", "chapter nine", "the invoice", "the rent", "a walk")
TAGS = ("home", "garden", "work", "family", "errands", "reading", "money", "health")


@dataclass(frozen=True)
class Account:
    """A user with so many tasks."""

    email: str
    size: int


def make(url: str, size: int) -> Account:
    """Sign up, and make tasks in batches: a third of them dated, a fifth done, a twentieth in the trash."""
    account, chance = Account(f"user-{size}@example.com", size), random.Random(size)  # noqa: S311 # the same each run
    with httpx.Client(base_url=url, timeout=60) as http:
        signed_up = {"email": account.email, "password": PASSWORD}
        session = http.post("/api/auth/signup", json=signed_up).raise_for_status().json()
        http.headers["Authorization"] = f"Bearer {session['access_token']}"
        tasks = f"/api/{session['user']['id']}/tasks"
        deleted: list[str] = []
        for start in range(0, size, 100):
            made = [_task(chance, number) for number in range(start, min(start + 100, size))]
            body = {"operations": [{"op": "create", "task": each} for each in made]}
            results = http.post(f"{tasks}/batch", json=body).raise_for_status().json()["results"]
            deleted += [each["task"]["id"] for each in results[7::20]]
        for start in range(0, len(deleted), 100):
            body = {"operations": [{"op": "delete", "id": each} for each in deleted[start : start + 100]]}
            http.post(f"{tasks}/batch", json=body).raise_for_status()
    return account


def _task(chance: random.Random, number: int) -> dict[str, Any]:
    task: dict[str, Any] = {"title": f"{chance.choice(WORDS)} {chance.choice(THINGS)}, {number}"}
    if number % 3 == 0:
        day = date.today() + timedelta(days=chance.randrange(-10, 120))  # noqa: DTZ011 # that of the browser beside it
        task["due_date"] = day.isoformat()
    if number % 4 == 0:
        task["tags"] = chance.sample(TAGS, 2)
    if number % 6 == 0:
        task["description"] = DESCRIPTION
    return task | {"completed": number % 5 == 0, "priority": chance.choice([None, None, "low", "high"])}
