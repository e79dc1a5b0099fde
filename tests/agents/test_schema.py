"""The limits of agents outlive no change of the schema that drops them."""

import psycopg
import pytest
from fastapi import FastAPI

from tests.conftest import http, new_person, running, scratch_database, settings_for
from tests.support.agents import make_agent
from todo.app import create_app
from todo.db import migrate

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_a_downgrade_revokes_the_tokens_of_agents(server_url: str) -> None:
    """Without the columns of their limits they would be tokens that may do everything."""
    with scratch_database(server_url) as url:
        migrate.upgrade(url)
        async with running(create_app(settings_for(url))) as app, http(app) as client:
            ada = await new_person(app, client, "ada")
            await ada.create("diary")
            fenced, _ = await make_agent(ada, tag="groceries")
            script, _ = await make_agent(ada, "script", agent=False)
        migrate.downgrade(url, "2026_11_29_user_links")
        migrate.upgrade(url)
        async with running(create_app(settings_for(url))) as app, http(app) as client:
            fenced.client = script.client = client
            assert (await fenced.call("GET", fenced.tasks)).status_code == 401
            assert [task["title"] for task in await script.list()] == ["diary"]


async def test_a_token_of_an_agent_that_lost_its_limits_is_refused(app: FastAPI, database_url: str) -> None:
    async with http(app) as client:
        ada = await new_person(app, client, "ada")
        agent, made = await make_agent(ada)
        with psycopg.connect(database_url) as connection:
            connection.execute("set role todo_accounts")
            connection.execute("update api_tokens set agent = false where id = %s", [made["id"]])

        assert (await agent.call("GET", agent.tasks)).status_code == 401
