"""A person's year: 2,000 tasks with tags, due dates and five that repeat, which come in through batches."""

import random
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from tests.conftest import Person

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

TASKS = 2_000
WORDS = ["water", "ferns", "pay", "rent", "call", "plumber", "café", "draft", "report", "read", "book", "mend"]
TAGS = ["home", "work", "garden", "Errands", "reading"]
RULES = ["daily", "weekly", "monthly", "yearly", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR"]
PRIORITIES = [None, "low", "medium", "high", "urgent"]
SORTS = [
    *("created", "-created", "updated", "-updated", "due_date", "-due_date", "priority", "-priority"),
    *("title", "-title", "position", "-position"),
]


def tasks_of_a_year(seed: int = 1) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    tasks: list[dict[str, Any]] = []
    for number in range(TASKS):
        task: dict[str, Any] = {
            "title": " ".join(chance.sample(WORDS, 3)) + f" {number}",
            "completed": chance.random() < 0.5,
            "priority": chance.choice(PRIORITIES),
            "tags": chance.sample(TAGS, chance.randint(0, 3)),
        }
        if chance.random() < 0.6:
            day = date(2027, 1, 1) + timedelta(days=chance.randrange(365))
            task["due_date"] = f"{day}T{chance.randrange(24):02}:30" if chance.random() < 0.3 else str(day)
        tasks.append(task)
    for number, rule in enumerate(RULES):
        tasks[number * 100] |= {"recurrence": rule, "due_date": "2027-01-04", "completed": False}
    return tasks


async def bring_in(person: Person, tasks: list[dict[str, Any]]) -> None:
    for first in range(0, len(tasks), 100):
        operations = [{"op": "create", "task": task} for task in tasks[first : first + 100]]
        response = await person.call("POST", f"{person.tasks}/batch", json={"operations": operations})
        assert response.status_code == 200, response.text
        assert {result["status"] for result in response.json()["results"]} == {201}


async def paged(person: Person, **params: Any) -> list[dict[str, Any]]:
    """All tasks of a list, by following its links."""
    found: list[dict[str, Any]] = []
    url: str | None = str(httpx.URL(person.tasks, params={**params, "limit": 173}))
    while url:
        response = await person.call("GET", url)
        assert response.status_code == 200, response.text
        found += response.json()
        url = response.links.get("next", {}).get("url")
    return found


async def test_it_pages_searches_and_sorts_right(ada: Person) -> None:
    year = tasks_of_a_year()
    await bring_in(ada, year)
    everything = {task["id"]: task for task in await ada.list()}
    assert sorted(task["title"] for task in everything.values()) == sorted(task["title"] for task in year)

    for sort in SORTS:
        ids = [task["id"] for task in await paged(ada, sort=sort)]
        assert len(ids) == len(set(ids)) == TASKS, sort
        assert ids == [task["id"] for task in await ada.list(sort=sort)], sort

    by_due = await paged(ada, sort="due_date")
    dues = [task["due_date"] for task in by_due if task["due_date"] is not None]
    assert dues == sorted(dues)
    assert all(task["due_date"] is None for task in by_due[len(dues) :])

    for search in ("cafe", "WATER fer", "rent 1"):
        words = search.lower().split()
        found = {task["id"] for task in await paged(ada, search=search)}
        expected = {
            task["id"]
            for task in everything.values()
            if all(
                any(each == word or (word == words[-1] and each.startswith(word)) for each in title_words(task))
                for word in words
            )
        }
        assert found == expected, search
        assert found, search

    found = {task["id"] for task in await paged(ada, tag="errands", priority="high,urgent", status="pending")}
    assert found == {
        task["id"]
        for task in everything.values()
        if "Errands" in task["tags"] and task["priority"] in ("high", "urgent") and not task["completed"]
    }
    summary = (await ada.call("GET", f"{ada.home}/summary")).json()
    assert summary["total"] == TASKS
    assert {each["tag"]: each["count"] for each in summary["tags"]} == {
        tag: sum(tag in task["tags"] for task in year) for tag in TAGS
    }


def title_words(task: dict[str, Any]) -> list[str]:
    return str(task["title"]).lower().replace("é", "e").split()


async def test_its_repeating_tasks_go_on_and_one_undo_takes_a_batch_back(ada: Person) -> None:
    await bring_in(ada, tasks_of_a_year()[:500])
    repeating = [task for task in await ada.list() if task["recurrence"]]
    assert len(repeating) == len(RULES)

    operations = [{"op": "complete", "id": task["id"], "completed": True} for task in repeating]
    done = (await ada.call("POST", f"{ada.tasks}/batch", json={"operations": operations})).json()
    assert len(await ada.list()) == 500 + len(RULES)

    assert (await ada.undo(done["revision"])).status_code == 200
    assert len(await ada.list()) == 500
    assert {task["id"] for task in await ada.list(status="pending") if task["recurrence"]} == {
        task["id"] for task in repeating
    }
