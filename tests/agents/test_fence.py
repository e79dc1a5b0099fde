"""An agent for one tag: whatever it sends, other tasks are not there for it. The database holds the fence."""

import asyncio
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.conftest import Person
from tests.support.agents import make_agent
from tests.support.operations import OPERATIONS, Operation
from tests.support.two_users import SampleUser, leaked, with_data

pytestmark = pytest.mark.anyio

OWNED = [each for each in OPERATIONS if each.owned]


def outside(url: str, user_id: str) -> list[str]:
    """The rows of the user's tasks without the tag, and their changes, as text with the transaction that wrote them."""
    with psycopg.connect(url) as connection:
        for table in ("tasks", "changes"):
            connection.execute(f"alter table {table} no force row level security".encode())
        found = connection.execute(
            "select xmin || ' ' || t::text from tasks t where user_id = %(id)s and not tags @> '{groceries}'"
            " union all select xmin || ' ' || c::text from changes c where user_id = %(id)s and task_id in"
            " (select id from tasks where user_id = %(id)s and not tags @> '{groceries}') order by 1",
            {"id": user_id},
        ).fetchall()
        connection.rollback()
    return [row for (row,) in found]


@pytest.fixture(scope="module")
async def fenced(client: httpx.AsyncClient) -> tuple[SampleUser, Person]:
    """A user with a row of every kind, and their agent for #groceries."""
    user = await with_data(client, "carla", changes=3)
    agent, _ = await make_agent(user.person, tag="groceries", deletions_per_hour=10_000)
    user.secrets -= {user.person.id, user.person.token}
    return user, agent


@pytest.mark.parametrize("operation", OWNED, ids=str)
async def test_no_operation_reaches_a_task_outside(
    fenced: tuple[SampleUser, Person], database_url: str, operation: Operation
) -> None:
    """With the ids of tasks outside in path and body: nothing of them is shown, and nothing of them changes."""
    user, agent = fenced
    before = outside(database_url, user.person.id)
    its = SampleUser(user.person, "by the agent", user.things)
    for call in operation.calls():
        bodies = [call.body, its.body(call), call.naming(user.things["tasks"], call.body)]
        for body in [each for at, each in enumerate(bodies) if each not in bodies[:at]]:
            request = agent.call(operation.method, user.url(call), json=body)
            response = await asyncio.wait_for(request, timeout=30)  # a stream that is served would not end

            assert response.status_code < 500, (call, body, response.text)
            assert leaked(user.secrets, response) == set(), (call, body)
            assert outside(database_url, user.person.id) == before, (call, body)


class TestFence:
    async def test_it_sees_tasks_with_the_tag_alone(self, ada: Person) -> None:
        milk = await ada.create("milk", tags=["Groceries", "shop"])
        diary = await ada.create("diary", tags=["private"])
        await ada.delete((await ada.create("old", tags=["private"]))["id"])
        agent, _ = await make_agent(ada, tag="groceries")

        assert await agent.list() == [milk]
        assert await agent.list(status="deleted") == []
        assert await agent.list(search="diary") == []
        assert (await agent.get(diary["id"])).status_code == 404
        assert (await agent.get(milk["id"])).status_code == 200
        summary = (await agent.call("GET", f"{ada.home}/summary")).json()
        assert (summary["total"], summary["status"]["deleted"]) == (1, 0)
        assert [tag["tag"] for tag in summary["tags"]] == ["Groceries", "shop"]
        assert (await agent.call("GET", f"{ada.home}/tags")).json() == [
            {"tag": "Groceries", "count": 1},
            {"tag": "shop", "count": 1},
        ]

    async def test_what_it_creates_gets_the_tag(self, ada: Person) -> None:
        agent, _ = await make_agent(ada, tag="groceries")
        batch = {"operations": [{"op": "create", "task": {"title": "bread", "tags": ["GROCERIES"]}}]}

        tags = [
            (await agent.create("milk", tags=["cold"]))["tags"],
            (await agent.call("POST", f"{ada.tasks}/quick", json={"text": "eggs tomorrow"})).json()["tags"],
            (await agent.call("POST", f"{ada.tasks}/batch", json=batch)).json()["results"][0]["task"]["tags"],
        ]

        assert tags == [["cold", "groceries"], ["groceries"], ["GROCERIES"]]

    async def test_a_creation_that_is_sent_again_gives_the_same_task(self, ada: Person) -> None:
        agent, _ = await make_agent(ada, tag="groceries")
        wanted = {"id": str(uuid4()), "title": "milk"}

        first, second = [await agent.post(**wanted) for _ in range(2)]

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json() == second.json()

    async def test_there_must_be_room_for_the_tag(self, ada: Person) -> None:
        agent, _ = await make_agent(ada, tag="groceries")

        refused = await agent.post(title="milk", tags=[str(number) for number in range(20)])

        assert refused.status_code == 422
        assert "must leave room for groceries" in refused.json()["detail"]

    async def test_it_cannot_remove_the_tag(self, ada: Person) -> None:
        agent, _ = await make_agent(ada, tag="groceries")
        milk = await agent.create("milk")
        attempts = [
            ("PUT", f"{ada.tasks}/{milk['id']}", {"tags": []}),
            ("PATCH", f"{ada.home}/tags", {"rename": {"groceries": "private"}}),
            ("DELETE", f"{ada.home}/tags/groceries", None),
            ("POST", f"{ada.tasks}/batch", {"operations": [{"op": "update", "id": milk["id"], "task": {"tags": []}}]}),
        ]
        for method, path, body in attempts:
            refused = await agent.call(method, path, json=body)
            assert refused.status_code == 403, (method, path, refused.text)
            assert "keep this tag" in refused.json()["detail"]
        assert await ada.list() == [milk]

    async def test_an_id_outside_is_taken_and_tells_no_more(self, ada: Person) -> None:
        diary = await ada.create("diary")
        agent, _ = await make_agent(ada, tag="groceries")
        batch = {"operations": [{"op": "create", "task": {"id": diary["id"], "title": "diary"}}]}

        single = await agent.post(id=diary["id"], title="diary")
        several = await agent.call("POST", f"{ada.tasks}/batch", json=batch)

        assert (single.status_code, several.status_code) == (409, 422)
        assert several.json()["errors"][0]["type"] == "id_taken"

    async def test_the_history_shows_what_happened_inside(self, ada: Person) -> None:
        milk = await ada.create("secret plan", tags=["private"])
        await ada.put(milk["id"], title="milk", tags=["groceries"])
        await ada.put(milk["id"], title="oat milk")
        agent, _ = await make_agent(ada, tag="groceries")

        history = await agent.history(milk["id"])

        assert [change["task"]["title"] for change in history] == ["oat milk"]
        await ada.put(milk["id"], tags=["private"])
        assert (await agent.call("GET", f"{ada.tasks}/{milk['id']}/history")).status_code == 404

    async def test_what_is_about_all_tasks_is_not_for_it(self, ada: Person) -> None:
        agent, _ = await make_agent(ada, tag="groceries")
        for path in ("/changes", "/changes/stream", "/feeds", "/agents"):
            refused = await agent.call("GET", ada.home + path)
            assert refused.status_code == 403, path
        me = (await agent.call("GET", "/api/auth/me")).json()
        assert (me["id"], me["email"], me["name"]) == (ada.id, None, None)

    async def test_it_undoes_what_it_did_alone(self, ada: Person) -> None:
        agent, _ = await make_agent(ada, tag="groceries")
        milk = await agent.create("milk")
        own = (await agent.put(milk["id"], title="oat milk")).json()["revision"]
        hers = (await ada.put(milk["id"], priority="high")).json()["revision"]

        assert (await agent.undo(hers)).status_code == 404
        assert (await agent.undo(own)).status_code == 200
        assert (await ada.get(milk["id"])).json()["title"] == "milk"

    async def test_it_does_not_undo_over_a_change_that_it_cannot_see(self, ada: Person) -> None:
        agent, _ = await make_agent(ada, tag="groceries")
        milk = await agent.create("milk")
        own = (await agent.put(milk["id"], title="oat milk")).json()["revision"]
        await ada.put(milk["id"], title="diary", tags=["private"])
        assert (await agent.undo(own)).status_code in {404, 409}
        await ada.put(milk["id"], tags=["groceries"])

        assert (await agent.undo(own)).status_code == 409
        assert (await ada.get(milk["id"])).json()["title"] == "diary"


async def test_the_policies_hold_the_fence_without_the_server(ada: Person, database_url: str) -> None:
    milk, diary = await ada.create("milk", tags=["Groceries"]), await ada.create("diary", tags=["a", "b"])
    with psycopg.connect(database_url) as connection:
        connection.execute("select set_config('app.user_id', %s, true)", [ada.id])
        connection.execute("set local role todo_app")
        assert len(connection.execute("select from tasks").fetchall()) == 2
        connection.execute("select set_config('app.tag', 'groceries', true)")
        assert connection.execute("select title from tasks").fetchall() == [("milk",)]
        assert connection.execute("select after ->> 'title' from changes").fetchall() == [("milk",)]
        assert connection.execute("update tasks set title = 'x' where id = %s", [diary["id"]]).rowcount == 0
        assert connection.execute("delete from tasks where id = %s", [diary["id"]]).rowcount == 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            connection.execute("update tasks set tags = '{a}' where id = %s", [milk["id"]])


class TestUndoOfWhatIsHidden:
    """Of a task that has lost the tag, an undo of one's own change tells nothing, whatever comes with it."""

    @pytest.mark.parametrize("dry_run", [False, True])
    async def test_a_stale_revision_shows_no_hidden_task(self, ada: Person, dry_run: bool) -> None:
        agent, _ = await make_agent(ada, tag="groceries")
        milk = await agent.create("milk")
        edit = (await agent.put(milk["id"], title="oat milk")).json()["revision"]
        await ada.put(milk["id"], title="diagnosis", tags=["health"])
        for revision in (milk["revision"], edit):
            for headers in ({"If-Match": '"1"'}, {"If-Match": '"1"', "Idempotency-Key": f"key-{revision}"}, {}):
                answer = await agent.undo(revision, headers=headers, params={"dry_run": dry_run})
                assert answer.status_code == 404, answer.text
                assert "diagnosis" not in answer.text

    async def test_what_a_user_did_at_once_is_not_there_for_it(self, ada: Person) -> None:
        operations = [{"op": "create", "task": {"title": str(number)}} for number in range(3)]
        done = (await ada.call("POST", f"{ada.tasks}/batch", json={"operations": operations})).json()
        agent, _ = await make_agent(ada, tag="groceries")

        assert (await agent.undo(done["revision"])).status_code == 404


async def test_a_next_task_that_lost_the_tag_is_told(ada: Person) -> None:
    task = await ada.create("milk", tags=["groceries"], recurrence="daily", due_date="2030-01-01")
    agent, _ = await make_agent(ada, tag="groceries")
    await ada.toggle(task["id"])
    [following] = [each for each in await ada.list() if each["id"] != task["id"]]
    await ada.put(following["id"], tags=["private"])
    await ada.put(task["id"], completed=False)

    refused = await agent.toggle(task["id"])

    assert refused.status_code == 403, refused.text
    assert "has lost the tag" in refused.json()["detail"]
