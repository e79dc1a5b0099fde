"""How many tasks somebody may have."""

import asyncio
import uuid

import pytest

from tests.conftest import http, running, settings_for, sign_up
from todo.app import create_app

pytestmark = pytest.mark.anyio


async def test_more_than_there_may_be_are_refused(database_url: str) -> None:
    async with running(create_app(settings_for(database_url, max_tasks_per_user=3))) as app, http(app) as client:
        ada = await sign_up(client, "ada")
        tasks = [await ada.create() for _ in range(3)]

        refused = await ada.post(title="one too many")
        assert refused.status_code == 409
        assert "3 tasks" in refused.json()["detail"]
        await ada.delete(tasks[0]["id"])  # the trash counts
        assert (await ada.post(title="still too many")).status_code == 409
        await ada.delete(tasks[0]["id"], permanent=True)
        assert (await ada.post(title="fits")).status_code == 201
        assert (await ada.since(0))["revision"] == 6


async def test_it_holds_for_many_at_once(database_url: str) -> None:
    async with running(create_app(settings_for(database_url, max_tasks_per_user=5))) as app, http(app) as client:
        ada = await sign_up(client, "ada")

        answers = await asyncio.gather(*(ada.post(title="x") for _ in range(12)))

        assert sorted(answer.status_code for answer in answers) == [201] * 5 + [409] * 7
        assert len(await ada.list()) == 5


async def test_the_same_creation_again_needs_no_room(database_url: str) -> None:
    async with running(create_app(settings_for(database_url, max_tasks_per_user=1))) as app, http(app) as client:
        ada = await sign_up(client, "ada")
        fields = {"id": str(uuid.uuid4()), "title": "x"}

        assert [(await ada.post(**fields)).status_code for _ in range(2)] == [201, 200]
