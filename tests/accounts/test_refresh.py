"""Refresh tokens that are sent again: a lost answer and two tabs are served, a copy that is used later is found."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.conftest import PASSWORD
from tests.support.accounts import later, refresh_in_body, sessions_table, signed_up
from tests.support.processes import serving

pytestmark = pytest.mark.anyio


async def first_token(browser: httpx.AsyncClient) -> str:
    response, _ = await signed_up(browser, refresh="body")
    return str(response.json()["refresh_token"])


async def refreshed(browser: httpx.AsyncClient, token: str) -> str:
    response = await refresh_in_body(browser, token)
    assert response.status_code == 200, response.text
    return str(response.json()["refresh_token"])


async def status(browser: httpx.AsyncClient, token: str) -> int:
    return (await refresh_in_body(browser, token)).status_code


async def test_a_lost_answer_is_given_again(browser: httpx.AsyncClient) -> None:
    token = await first_token(browser)
    lost = await refreshed(browser, token)

    again = await refreshed(browser, token)

    assert again == lost
    assert await refreshed(browser, again) not in {token, again}


async def test_a_lost_answer_is_given_again_as_a_cookie(browser: httpx.AsyncClient) -> None:
    await signed_up(browser)
    [(name, first)] = browser.cookies.items()
    assert (await browser.post("/api/auth/refresh")).status_code == 200
    second = browser.cookies[name]
    browser.cookies.clear()
    browser.cookies.set(name, first)

    assert (await browser.post("/api/auth/refresh")).status_code == 200

    assert browser.cookies.jar
    assert [cookie.value for cookie in browser.cookies.jar if cookie.value != first] == [second]


async def test_ten_tabs_that_open_at_once_all_get_the_same_token(browser: httpx.AsyncClient) -> None:
    token = await first_token(browser)

    answers = await asyncio.gather(*(refresh_in_body(browser, token) for _ in range(10)))

    assert [answer.status_code for answer in answers] == [200] * 10
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert await status(browser, answers[0].json()["refresh_token"]) == 200


@pytest.mark.slow
def test_many_threads_and_two_servers_agree_on_the_next_token(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url) as one, serving(tmp_path, database_url=database_url) as two:
        account = {"email": f"tabs-{one.port}@example.com", "password": PASSWORD, "refresh": "body"}
        token = one.http.post("/api/auth/signup", json=account).json()["refresh_token"]
        for _ in range(5):
            barrier = threading.Barrier(16)

            def refresh(number: int, used: str = token, barrier: threading.Barrier = barrier) -> tuple[int, str]:
                server = (one, two)[number % 2]
                barrier.wait()
                answer = server.http.post("/api/auth/refresh", json={"refresh": "body", "refresh_token": used})
                return answer.status_code, answer.json().get("refresh_token", answer.text)

            with ThreadPoolExecutor(16) as threads:
                answers = {*threads.map(refresh, range(16))}
            [(code, token)] = answers
            assert code == 200


async def test_a_tab_that_comes_late_gets_the_newest_token(browser: httpx.AsyncClient) -> None:
    """Three rotations within the time: each earlier token leads to the newest."""
    tokens = [await first_token(browser)]
    for _ in range(3):
        tokens.append(await refreshed(browser, tokens[-1]))
    assert len({*tokens}) == 4

    assert [await refreshed(browser, token) for token in tokens[:3]] == [tokens[3]] * 3
    assert await status(browser, tokens[3]) == 200


async def test_a_copy_that_is_used_later_ends_its_session_and_no_other(
    browser: httpx.AsyncClient, database_url: str
) -> None:
    response, credentials = await signed_up(browser, refresh="body")
    stolen = response.json()["refresh_token"]
    other = (await browser.post("/api/auth/signin", json=credentials | {"refresh": "body"})).json()["refresh_token"]
    newest = await refreshed(browser, stolen)
    later(database_url, stolen, 31)

    assert await status(browser, stolen) == 401
    assert await status(browser, newest) == 401
    assert await status(browser, other) == 200


async def test_a_token_is_answered_again_until_the_time_is_over(browser: httpx.AsyncClient, database_url: str) -> None:
    token = await first_token(browser)
    newest = await refreshed(browser, token)
    later(database_url, token, 20)

    assert await refreshed(browser, token) == newest


async def test_a_copy_of_an_older_token_is_found_although_the_last_rotation_is_new(
    browser: httpx.AsyncClient, database_url: str
) -> None:
    first = await first_token(browser)
    second = await refreshed(browser, first)
    later(database_url, first, 31)
    third = await refreshed(browser, second)
    assert await refreshed(browser, second) == third  # its own time is not over

    assert await status(browser, first) == 401
    assert await status(browser, third) == 401


async def test_a_thief_who_is_quicker_is_found_when_the_owner_comes_back(
    browser: httpx.AsyncClient, database_url: str
) -> None:
    of_both = await first_token(browser)
    of_thief = await refreshed(browser, await refreshed(browser, of_both))
    later(database_url, of_both, 60)

    assert await status(browser, of_both) == 401
    assert await status(browser, of_thief) == 401


async def test_tokens_before_the_last_ones_are_forgotten(browser: httpx.AsyncClient, database_url: str) -> None:
    """More rotations than are kept: the row stays small, and the first token counts as a copy."""
    first = token = await first_token(browser)
    for _ in range(22):
        token = await refreshed(browser, token)
    with sessions_table(database_url) as owner:
        kept = owner.execute(
            "select jsonb_array_length(rotations) from sessions where id = %s", [first.split(".")[0]]
        ).fetchone()

    assert kept == (20,)
    assert await status(browser, first) == 401


async def test_the_database_alone_does_not_make_the_next_token(browser: httpx.AsyncClient, database_url: str) -> None:
    """Its hashes and salts, taken for tokens, are no tokens; and a salt serves one rotation."""
    first = await first_token(browser)
    second = await refreshed(browser, first)
    await refreshed(browser, second)
    with sessions_table(database_url) as owner:
        [(stored,)] = owner.execute("select rotations from sessions where id = %s", [first.split(".")[0]]).fetchall()

    assert len({each["salt"] for each in stored}) == 2
    text = str(stored)
    assert first.split(".")[1] not in text
    assert second.split(".")[1] not in text


async def test_signing_out_with_the_token_before_the_last_ends_the_session(browser: httpx.AsyncClient) -> None:
    """The answer to the last refresh was lost, and then the person signs out."""
    token = await first_token(browser)
    lost = await refreshed(browser, token)

    out = await browser.post("/api/auth/signout", json={"refresh": "body", "refresh_token": token})

    assert out.status_code == 204
    assert await status(browser, lost) == 401


async def test_an_ended_session_is_not_answered_again(browser: httpx.AsyncClient) -> None:
    response, _ = await signed_up(browser, refresh="body")
    token = response.json()["refresh_token"]
    newest = await refreshed(browser, token)
    header = {"Authorization": f"Bearer {response.json()['access_token']}"}
    assert (await browser.post("/api/auth/signout-everywhere", headers=header)).status_code == 204

    assert await status(browser, token) == 401
    assert await status(browser, newest) == 401
