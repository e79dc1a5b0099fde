"""What is sent again, and done once."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.client.conftest import QUICK, email
from tests.client.proxy import Proxy, answer
from tests.conftest import PASSWORD
from tests.support.processes import free_port
from todo.client import AsyncClient, Conflict, ConnectionFailed, Retry, TooManyRequests, Unavailable

pytestmark = pytest.mark.slow

BUSY = answer("503 Service Unavailable", "Retry-After: 1")
OFTEN = answer("429 Too Many Requests", "Retry-After: 1")


@pytest.fixture
async def through(opened: Callable[..., Any], ada: Any, proxy: Proxy) -> Any:
    """Ada's client, through the proxy."""
    token = (await ada.create_token("proxy")).token
    return opened(proxy.url, token, user_id=await ada.user_id())


async def titles(client: Any) -> list[str]:
    return [task.title async for task in client.list_tasks()]


@pytest.mark.parametrize("how", ["lose", "half"])
async def test_a_write_whose_answer_is_lost_is_done_once(through: Any, ada: Any, proxy: Proxy, how: str) -> None:
    proxy.plan = [how, how]

    task = await through.create("Water the ferns")

    assert await titles(ada) == ["Water the ferns"]
    assert (await ada.task(task.id)).revision == task.revision == 1
    assert len(proxy.keys()) == 3
    assert len(set(proxy.keys())) == 1


async def test_a_toggle_whose_answer_is_lost_toggles_once(through: Any, ada: Any, proxy: Proxy) -> None:
    task = await ada.create("Water the ferns")
    proxy.plan = ["lose"]

    assert (await through.complete(task.id)).completed
    assert (await ada.task(task.id)).completed


async def test_each_write_has_a_key_of_its_own(through: Any, proxy: Proxy) -> None:
    task = await through.create("one")
    await through.update(task.id, title="two")
    await through.delete(task.id)
    await through.restore(task.id)
    await through.move(task.id)
    await through.complete(task.id)
    await through.batch([{"op": "create", "task": {"title": "three", "tags": ["home"]}}])
    await through.rename_tag("home", "garden")
    await through.remove_tag("garden")
    await through.quick_add("four #home")
    await through.undo(2)

    assert len(set(proxy.keys())) == len(proxy.keys()) == 11


@pytest.mark.parametrize("refusal", [BUSY, OFTEN])
async def test_retry_after_is_waited_for(through: Any, ada: Any, proxy: Proxy, refusal: bytes) -> None:
    proxy.plan = [refusal]
    began = time.monotonic()

    await through.create("Water the ferns")

    assert time.monotonic() - began >= 1
    assert await titles(ada) == ["Water the ferns"]


@pytest.mark.parametrize(("refusal", "error"), [(BUSY, Unavailable), (OFTEN, TooManyRequests)])
async def test_a_retry_after_beyond_the_time_allowed_is_raised_at_once(
    opened: Callable[..., Any], proxy: Proxy, refusal: bytes, error: type[Exception]
) -> None:
    client = opened(proxy.url, "token", user_id="ada", retry=Retry(total=0.5))
    proxy.plan = [refusal]
    began = time.monotonic()

    with pytest.raises(error) as raised:
        await client.create("Water the ferns")

    assert time.monotonic() - began < 0.5
    assert getattr(raised.value, "retry_after", None) == 1


async def test_attempts_are_bounded(through: Any, proxy: Proxy) -> None:
    proxy.plan = ["lose"] * 20

    with pytest.raises(ConnectionFailed) as raised:
        await through.create("Water the ferns")

    assert len(proxy.requests) == QUICK.attempts
    assert raised.value.sent
    assert "broke off" in str(raised.value)


async def test_what_has_no_key_is_not_sent_again(opened: Callable[..., Any], proxy: Proxy) -> None:
    client, address = opened(proxy.url), email("bob")
    proxy.plan = ["lose"]

    with pytest.raises(ConnectionFailed):
        await client.sign_up(address, PASSWORD)
    with pytest.raises(Conflict):
        await client.sign_up(address, PASSWORD)

    assert len(proxy.requests) == 2
    await client.sign_in(address, PASSWORD)


async def test_a_sign_up_waits_for_a_limit(opened: Callable[..., Any], proxy: Proxy) -> None:
    proxy.plan = [OFTEN]

    assert (await opened(proxy.url).sign_up(email("bob"), PASSWORD)).user.id


async def test_waits_are_told(opened: Callable[..., Any], ada: Any, proxy: Proxy) -> None:
    told: list[tuple[Exception, float]] = []
    token = (await ada.create_token("proxy")).token
    client = opened(proxy.url, token, on_retry=lambda error, seconds: told.append((error, seconds)))
    proxy.plan = ["lose", BUSY]

    await client.create("Water the ferns")

    assert [type(error).__name__ for error, _ in told] == ["ConnectionFailed", "Unavailable"]
    assert told[1][1] >= 1


async def test_a_call_that_is_cancelled_ends_at_once(ada: Any, proxy: Proxy) -> None:
    """And the client goes on; its connection is not used again."""
    token = (await ada.create_token("cancel")).token
    async with AsyncClient(proxy.url, token) as client:
        await client.user_id()
        proxy.plan = ["keep", "lose"]
        began = time.monotonic()
        for call in (client.create("never sent"), anext(client.stream())):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await call
        assert time.monotonic() - began < 3

        await client.create("Water the ferns")
    assert await titles(ada) == ["Water the ferns"]


async def test_a_server_that_starts_late_is_reached(opened: Callable[..., Any]) -> None:
    """A connection that was refused is tried again, also for what must not be sent twice."""
    client = opened(f"http://127.0.0.1:{free_port()}", retry=Retry(attempts=3, first_wait=0.01))
    with pytest.raises(ConnectionFailed) as raised:
        await client.sign_up("ada@example.com", PASSWORD)

    assert not raised.value.sent
    assert "is the server running, and is this its URL?" in str(raised.value)
