"""How much an agent may do: deletions an hour, requests and writes a minute."""

import asyncio
from uuid import uuid4

import pytest

from tests.conftest import Person, http, running, settings_for, sign_up
from tests.support.agents import make_agent
from todo.app import create_app

pytestmark = pytest.mark.anyio


class TestDeletions:
    async def test_over_its_deletions_of_an_hour_it_is_429(self, ada: Person) -> None:
        tasks = [await ada.create(str(number)) for number in range(4)]
        agent, _ = await make_agent(ada, deletions_per_hour=2)
        other, _ = await make_agent(ada, "other")

        deleted = [(await agent.delete(task["id"])).status_code for task in tasks[:2]]
        refused = await agent.delete(tasks[2]["id"])

        assert deleted == [204, 204]
        assert refused.status_code == 429
        assert 3500 < int(refused.headers["retry-after"]) <= 3600
        assert refused.json()["detail"].startswith("This token may delete 2 tasks an hour, and has.")
        assert (await other.delete(tasks[2]["id"])).status_code == 204
        assert (await ada.delete(tasks[3]["id"])).status_code == 204

    async def test_a_batch_over_them_deletes_nothing(self, ada: Person) -> None:
        tasks = [await ada.create(str(number)) for number in range(3)]
        agent, _ = await make_agent(ada, deletions_per_hour=2)

        operations = [{"op": "delete", "id": task["id"]} for task in tasks]
        refused = await agent.call("POST", f"{ada.tasks}/batch", json={"operations": operations})

        assert refused.status_code == 429
        assert len(await ada.list()) == 3

    async def test_deletions_at_once_are_no_more_than_allowed(self, ada: Person) -> None:
        tasks = [await ada.create(str(number)) for number in range(8)]
        agent, _ = await make_agent(ada, deletions_per_hour=3)

        answers = await asyncio.gather(*(agent.delete(task["id"]) for task in tasks))

        assert sorted(answer.status_code for answer in answers) == [204] * 3 + [429] * 5
        assert len(await ada.list()) == 5

    async def test_a_deletion_whose_answer_was_lost_is_answered_again(self, ada: Person) -> None:
        task = await ada.create()
        agent, _ = await make_agent(ada, deletions_per_hour=1)
        key = {"Idempotency-Key": str(uuid4())}

        answers = [await agent.call("DELETE", f"{ada.tasks}/{task['id']}", headers=key) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [204, 204]
        assert "idempotent-replayed" in answers[1].headers

    async def test_the_server_sets_how_many_otherwise(self, database_url: str) -> None:
        settings = settings_for(database_url, agent_deletions_per_hour=1)
        async with running(create_app(settings)) as app, http(app) as client:
            ada = await sign_up(client, "ada")
            tasks = [await ada.create(str(number)) for number in range(3)]
            agent, _ = await make_agent(ada)
            more, _ = await make_agent(ada, deletions_per_hour=2)
            statuses = [(await each.delete(task["id"])).status_code for each in (agent, more) for task in tasks]

        assert statuses == [204, 429, 429, 404, 204, 204]


async def test_requests_and_writes_of_an_agent_are_limited(database_url: str) -> None:
    limits = {"rate_limit": "6000/minute", "agent_rate_limit": "20/minute", "agent_write_limit": "5/minute"}
    async with running(create_app(settings_for(database_url, **limits))) as app, http(app) as client:
        ada = await sign_up(client, "ada")
        agent, _ = await make_agent(ada)
        other, _ = await make_agent(ada, "other")

        operations = [{"op": "create", "task": {"title": str(number)}} for number in range(4)]
        first = await agent.call("POST", f"{ada.tasks}/batch", json={"operations": operations[:3]})
        large = await agent.call("POST", f"{ada.tasks}/batch", json={"operations": operations})
        within, over = [await agent.post(title="one") for _ in range(2)]
        reads = [(await agent.call("GET", ada.tasks)).status_code for _ in range(18)]

        assert large.status_code == 429, "a batch that is refused counts as one"
        assert (first.status_code, within.status_code, over.status_code) == (200, 201, 429)
        assert over.json()["detail"] == "This agent may make 5 writes in 60 seconds. Nothing was done."
        assert 0 < int(over.headers["retry-after"]) <= 60
        assert reads == [200] * 16 + [429] * 2
        assert (await other.post(title="two")).status_code == 201
        assert len(await ada.list()) == 5
