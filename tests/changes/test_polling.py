"""One query polls for all event streams of a process: the cases in which that could be wrong for one of them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import Person, settings_for, sign_up
from tests.support.events import streaming, until
from tests.support.processes import served
from todo.accounts import api_tokens
from todo.app import create_app
from todo.changes import actions
from todo.changes import stream as streams_module

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


class TestPolling:
    """One query polls for all streams: the cases in which that could be wrong for one of them."""

    @asynccontextmanager
    async def running_with_ada(self, database_url: str) -> AsyncIterator[tuple[str, FastAPI, Person]]:
        app = create_app(settings_for(database_url))
        async with served(app) as (address, _), httpx.AsyncClient(base_url=address) as client:
            yield address, app, await sign_up(client, "ada")

    async def test_a_stream_that_opens_during_a_poll_is_not_ended_by_it(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, polling = actions.revisions, asyncio.Event()

        async def slowly(*args: Any) -> dict[str, int]:
            found = await real(*args)
            polling.set()
            await asyncio.sleep(0.5)
            return found

        monkeypatch.setattr(actions, "revisions", slowly)
        async with self.running_with_ada(database_url) as (address, _, ada):
            bob = await sign_up(ada.client, "bob")
            async with streaming(address, f"{ada.home}/changes/stream", ada.token):
                await asyncio.wait_for(polling.wait(), 5)
                async with streaming(address, f"{bob.home}/changes/stream", bob.token) as his:
                    await asyncio.sleep(1.5)
                    await bob.create()
                    assert (await his.next()).name == "change"

    async def test_an_outdated_poll_does_not_repeat_changes(self, database_url: str) -> None:
        async with self.running_with_ada(database_url) as (address, app, ada):
            await ada.create()
            async with streaming(address, f"{ada.home}/changes/stream", ada.token) as stream:
                await until(lambda: app.state.resources.streams._watchers)
                streams = app.state.resources.streams
                streams.notify({ada.id: [*streams._watchers[ada.id]]}, {ada.id: 0})
                await asyncio.sleep(0.3)
                await ada.create()
                assert (await stream.next()).id == "2"

    async def test_polling_continues_after_an_error(self, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        real, failures = actions.revisions, 0

        async def fails_once(*args: Any) -> dict[str, int]:
            nonlocal failures
            failures += 1
            if failures == 1:
                raise RuntimeError
            return await real(*args)

        monkeypatch.setattr(actions, "revisions", fails_once)
        monkeypatch.setattr(streams_module, "INTERVAL", 0.1)
        async with (
            self.running_with_ada(database_url) as (address, _, ada),
            streaming(address, f"{ada.home}/changes/stream", ada.token) as stream,
        ):
            await until(lambda: failures)
            await ada.create()
            assert (await stream.next()).id == "1"

    async def test_a_stream_first_sends_the_id_it_starts_from(self, database_url: str) -> None:
        async with self.running_with_ada(database_url) as (address, _, ada):
            await ada.create()
            await ada.create()
            for query, begins in (("", "2"), ("?since=0", "0"), ("?since=1", "1")):
                async with streaming(address, f"{ada.home}/changes/stream{query}", ada.token) as stream:
                    assert await anext(stream.response.aiter_lines()) == f"id: {begins}"

    async def test_comments_are_sent_although_the_token_is_checked_again(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(api_tokens, "CACHED_FOR", 0.5)
        monkeypatch.setattr(streams_module, "HEARTBEAT", 0.7)
        async with self.running_with_ada(database_url) as (address, _, ada):
            made = (await ada.call("POST", "/api/auth/tokens", json={"name": "x"})).json()
            async with streaming(address, f"{ada.home}/changes/stream", made["token"]) as stream:
                began = time.monotonic()
                for _ in range(4):
                    await stream.comment(seconds=3)
                assert time.monotonic() - began < 4 * 0.7 + 1.5
