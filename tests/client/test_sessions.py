"""Tokens: they renew themselves, and are never shown."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.client.conftest import email
from tests.client.proxy import Proxy, answer
from tests.conftest import PASSWORD
from tests.support.processes import Server, serving
from todo.client import Client, ClientError, Forbidden, Invalid, Session, Unauthorized

pytestmark = pytest.mark.slow

LIFETIME = 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    """One whose access tokens expire at once."""
    folder = tmp_path_factory.mktemp("sessions")
    with serving(folder, database_url=database_url, access_token_lifetime=LIFETIME, jwt_leeway=0) as running:
        yield running


def refreshes(proxy: Proxy) -> int:
    return sum(head.startswith(b"POST /api/auth/refresh ") for head in proxy.requests)


async def test_an_expired_token_is_renewed_once_for_all_calls(opened: Callable[..., Any], proxy: Proxy) -> None:
    stored: list[Session] = []
    ada = opened(proxy.url, on_tokens=stored.append)
    await ada.sign_up(email("ada"), PASSWORD)
    await asyncio.sleep(LIFETIME + 0.5)

    await asyncio.gather(*(ada.create(f"task {number}") for number in range(8)))

    assert refreshes(proxy) == 1
    assert len(stored) == 2
    assert stored[0].access_token != stored[1].access_token
    assert len([task async for task in ada.list_tasks()]) == 8


async def test_a_refresh_whose_answer_is_lost_is_sent_again(opened: Callable[..., Any], proxy: Proxy) -> None:
    ada = opened(proxy.url)
    session = await ada.sign_up(email("ada"), PASSWORD)
    proxy.plan = ["lose"]

    assert (await ada.refresh()).refresh_token != session.refresh_token
    assert refreshes(proxy) == 2
    await ada.create("Water the ferns")


async def test_stored_tokens_are_used_again(opened: Callable[..., Any], url: str) -> None:
    session = await opened(url).sign_up(email("ada"), PASSWORD)
    await asyncio.sleep(LIFETIME + 0.5)

    again = opened(url, session.access_token, refresh_token=session.refresh_token)

    assert (await again.me()).id == session.user.id


async def test_tokens_that_another_process_has_renewed_are_read_first(opened: Callable[..., Any], proxy: Proxy) -> None:
    """Else a refresh token would be used that was replaced, which ends the session."""
    stored: list[Session] = []
    first = opened(proxy.url, on_tokens=stored.append)
    session = await first.sign_up(email("ada"), PASSWORD)
    second = opened(
        proxy.url,
        session.access_token,
        refresh_token=session.refresh_token,
        on_tokens=stored.append,
        read_tokens=lambda: (stored[-1].access_token, str(stored[-1].refresh_token)),
    )
    await asyncio.sleep(LIFETIME + 0.5)
    await first.me()

    await second.me()
    assert refreshes(proxy) == 1

    await asyncio.sleep(LIFETIME + 0.5)
    await second.me()
    assert refreshes(proxy) == 2
    assert len(stored) == 3


async def test_a_session_that_has_ended_says_so(opened: Callable[..., Any], url: str) -> None:
    ada, same = opened(url), opened(url)
    address = email("ada")
    await ada.sign_up(address, PASSWORD)
    await same.sign_in(address, PASSWORD)
    await same.sign_out_everywhere()
    await asyncio.sleep(LIFETIME + 0.5)

    with pytest.raises(Unauthorized) as raised:
        await ada.me()
    assert raised.value.status == 401
    with pytest.raises(Unauthorized):
        await same.me()


async def test_the_account(opened: Callable[..., Any], url: str) -> None:
    ada, address = opened(url), email("ada")
    await ada.sign_up(address, PASSWORD, name="Ada")
    me = await ada.me()
    assert (me.name, me.email, me.id) == ("Ada", address, await ada.user_id())

    other = opened(url)
    await other.sign_in(address, PASSWORD)
    devices = await ada.devices()
    assert [device.current for device in devices].count(True) == 1
    await ada.sign_out_device(next(device.id for device in devices if not device.current))
    assert len(await ada.devices()) == 1

    with pytest.raises(Invalid, match="is not the password"):
        await ada.change_password("not the password", "another long and quiet afternoon")
    await ada.change_password(PASSWORD, "another long and quiet afternoon")
    await ada.sign_out()
    await ada.sign_in(address, "another long and quiet afternoon")
    await ada.delete_account()
    with pytest.raises(Unauthorized):
        await opened(url).sign_in(address, PASSWORD)


async def test_api_tokens(opened: Callable[..., Any], url: str) -> None:
    ada = opened(url)
    await ada.sign_up(email("ada"), PASSWORD)
    made = await ada.create_token("ferns", "read")
    assert [(each.id, each.name, each.scope) for each in await ada.tokens()] == [(made.id, "ferns", "read")]

    reader = opened(url, made.token)
    assert [task async for task in reader.list_tasks()] == []
    with pytest.raises(Forbidden):
        await reader.create("Water the ferns")
    await ada.revoke_token(made.id)
    assert await ada.tokens() == []


async def test_no_token_is_shown(opened: Callable[..., Any], proxy: Proxy) -> None:
    ada = opened(proxy.url)
    session = await ada.sign_up(email("ada"), PASSWORD)
    made = await ada.create_token("ferns")
    secrets = {session.access_token, str(session.refresh_token), made.token, PASSWORD}
    shown = [repr(ada), str(ada), repr(session), str(session), repr(made), str(made)]

    proxy.plan = [answer("500 Internal Server Error"), answer("401 Unauthorized"), answer("200 OK", body=b"{}")]
    for _ in range(3):
        with pytest.raises(ClientError) as raised:
            await opened(proxy.url, made.token).me()
        shown += [repr(raised.value), str(raised.value)]
    with pytest.raises(ClientError) as raised:
        await ada.sign_in("nobody@example.com", PASSWORD)
    shown += [repr(raised.value), str(raised.value)]

    assert len(shown) == 14
    for secret in secrets:
        assert secret[:12] not in "\n".join(shown)


@pytest.mark.parametrize("token", ["todo_pat_x\n", "two words", "", "ümlaut"])
def test_what_is_no_token_is_refused_without_it(token: str) -> None:
    with pytest.raises(ValueError, match="copy it again") as raised:
        Client("http://127.0.0.1:1", token)
    assert not token.strip() or token.strip() not in str(raised.value)
