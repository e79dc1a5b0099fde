"""A user's agents: which there are, and what each of them changed."""

import pytest

from tests.conftest import Person
from tests.support.agents import make_agent, take_back
from tests.support.two_users import SampleUser

pytestmark = pytest.mark.anyio


class TestList:
    async def test_the_agents_are_listed_with_what_they_may_and_did(self, ada: Person, bob: Person) -> None:
        agent, made = await make_agent(ada, tag="groceries", permissions=["create"], expires_at="2099-01-01T00:00:00Z")
        await make_agent(ada, "idle", scope="read")
        await make_agent(ada, "no agent", agent=False)
        task = await agent.create("milk")
        await agent.create("bread")
        await ada.call("PUT", f"{ada.tasks}/{task['id']}", json={"title": "oat"}, headers={"Todo-Agent": "Desktop"})

        listed = (await ada.call("GET", f"{ada.home}/agents")).json()

        assert [(each["name"], each["token"], each["changes"]) for each in listed] == [
            ("idle", True, 0),
            ("meal planner", True, 2),
            ("Desktop", False, 1),
        ]
        planner = listed[1]
        assert (planner["id"], planner["tag"], planner["permissions"]) == (made["id"], "groceries", ["create"])
        assert planner["expires_at"] == "2099-01-01T00:00:00.000000Z"
        assert planner["last_used_at"] is not None
        assert (listed[2]["scope"], listed[2]["created_at"]) == (None, None)
        assert (await bob.call("GET", f"{bob.home}/agents")).json() == []

    async def test_a_revoked_agent_is_listed_by_its_changes(self, ada: Person) -> None:
        agent, made = await make_agent(ada)
        await agent.create("milk")
        await ada.call("DELETE", f"/api/auth/tokens/{made['id']}")

        [listed] = (await ada.call("GET", f"{ada.home}/agents")).json()

        assert (listed["id"], listed["name"], listed["token"]) == (made["id"], "meal planner", False)
        assert (await take_back(ada, made["id"]))["tasks"] == 1

    async def test_the_changes_of_an_agent_are_paged(self, ada: Person) -> None:
        agent, made = await make_agent(ada)
        for number in range(3):
            await agent.create(str(number))
            await ada.create("hers")

        first = await ada.call("GET", f"{ada.home}/agents/{made['id']}/changes?limit=2")
        path = first.headers["link"].split(">")[0].lstrip("<")
        second = await ada.call("GET", path)

        assert [change["task"]["title"] for change in first.json() + second.json()] == ["2", "1", "0"]
        assert "link" not in second.headers

    @pytest.mark.parametrize("id", ["00000000-0000-4000-8000-000000000000", "nobody"])
    async def test_an_agent_that_there_is_not_is_404(self, ada: Person, id: str) -> None:
        assert (await ada.call("GET", f"{ada.home}/agents/{id}/changes")).status_code == 404
        assert (await ada.call("POST", f"{ada.home}/agents/{id}/undo")).status_code == 404

    async def test_one_that_has_done_nothing_has_no_changes(self, ada: Person) -> None:
        _, made = await make_agent(ada)

        assert (await ada.call("GET", f"{ada.home}/agents/{made['id']}/changes")).json() == []
        assert (await take_back(ada, made["id"]))["tasks"] == 0

    async def test_the_agent_of_another_user_is_not_there(self, ada_with_data: SampleUser, bob: Person) -> None:
        hers = ada_with_data.things["agents"]

        assert (await bob.call("POST", f"{bob.home}/agents/{hers}/undo")).status_code == 404
        assert (await bob.call("GET", f"{bob.home}/agents/{hers}/changes")).status_code == 404
