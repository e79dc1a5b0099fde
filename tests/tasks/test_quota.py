"""The limit of tasks per user."""

import asyncio
import uuid

import pytest

from tests.conftest import http, running, settings_for, sign_up
from todo.app import create_app

pytestmark = pytest.mark.anyio


async def test_a_task_above_the_limit_is_refused(database_url: str) -> None:
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


async def test_the_limit_holds_for_concurrent_creations(database_url: str) -> None:
    async with running(create_app(settings_for(database_url, max_tasks_per_user=5))) as app, http(app) as client:
        ada = await sign_up(client, "ada")

        responses = await asyncio.gather(*(ada.post(title="x") for _ in range(12)))

        assert sorted(response.status_code for response in responses) == [201] * 5 + [409] * 7
        assert len(await ada.list()) == 5


async def test_a_repeated_creation_does_not_count_again(database_url: str) -> None:
    async with running(create_app(settings_for(database_url, max_tasks_per_user=1))) as app, http(app) as client:
        ada = await sign_up(client, "ada")
        fields = {"id": str(uuid.uuid4()), "title": "x"}

        assert [(await ada.post(**fields)).status_code for _ in range(2)] == [201, 200]
