"""Agents that work at the same time, lose answers, or are dismissed."""

import anyio
import httpx
import pytest

from tests.client.proxy import Proxy
from tests.conftest import Person, http, running, settings_for
from tests.mcp.agents import NAME, Human, agent
from tests.mcp.test_endpoint import CALL, called
from tests.support.processes import Server
from todo.accounts import api_tokens
from todo.app import create_app

pytestmark = pytest.mark.anyio


@pytest.mark.slow
async def test_two_agents_of_one_person_see_what_the_other_does_and_overwrite_nothing(human: Human) -> None:
    tokens = [human.api_token(name=f"agent {number}")["token"] for number in range(2)]
    async with agent("http", human, tokens[0]) as first, agent("stdio", human, tokens[1]) as second:
        task = (await first.does("add_task", title="Plan"))["task"]
        seen = (await second.does("get_task", id=task["id"]))["task"]
        await first.does("update_task", id=task["id"], title="Plan A", if_revision=seen["revision"])
        refused = await second.is_refused("update_task", id=task["id"], title="Plan B", if_revision=seen["revision"])
        assert "The task was changed since you read it" in refused

        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(lambda n: first.does("add_task", title=f"first {n}"), number)
                group.start_soon(lambda n: second.does("add_task", title=f"second {n}"), number)
        assert len({*human.titles()}) == 21


@pytest.mark.slow
async def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_key(server: Server, human: Human) -> None:
    """By the agent, whose own connection breaks off: the task is made once."""
    async with Proxy(server.port).running() as proxy, agent("http", human) as assistant:
        body = {**CALL, "params": {"name": "add_task", "arguments": {"title": "Once", "key": "the-key"}}}
        proxy.plan = ["lose"]
        async with httpx.AsyncClient(base_url=proxy.url) as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await called(client, human.token, body, **{"Todo-Agent": NAME})
        assert human.titles() == ["Once"]

        again = await assistant.does("add_task", title="Once", key="the-key")
        assert again["task"]["title"] == "Once"
        assert human.titles() == ["Once"]


async def test_a_token_that_was_revoked_is_refused_within_30_seconds(
    database_url: str, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert api_tokens.CACHED_FOR <= 30
    monkeypatch.setattr(api_tokens, "CACHED_FOR", 0.0)  # as if 30 seconds had passed
    async with running(create_app(settings_for(database_url, mcp="on"))) as app, http(app) as client:
        made = (await ada.call("POST", "/api/auth/tokens", json={"name": "agent", "scope": "write"})).json()
        assert (await called(client, made["token"])).status_code == 200
        await ada.call("DELETE", f"/api/auth/tokens/{made['id']}")
        response = await called(client, made["token"])
        assert response.status_code == 401
        assert "www-authenticate" in response.headers
