"""The list of the devices that are signed in: what it shows, to whom, and the end of one of them."""

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import pytest

from tests.conftest import PASSWORD, Person, http, running, settings_for
from tests.support.accounts import refresh_in_body, sessions_table, signed_up
from tests.support.sql_conditions import everything
from todo.accounts.session_list import MAX_SESSIONS
from todo.app import create_app

pytestmark = pytest.mark.anyio

LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36"
)


@dataclass
class Device:
    """A device of a user, which keeps its tokens itself."""

    person: Person
    refresh_token: str

    @classmethod
    def of(cls, client: httpx.AsyncClient, session: dict[str, Any]) -> "Device":
        user = session["user"]
        return cls(Person(client, user["id"], user["email"], session["access_token"]), session["refresh_token"])

    @property
    def id(self) -> str:
        """The id of its session, as its access token says."""
        return str(jwt.decode(self.person.token, options={"verify_signature": False})["sid"])

    async def sessions(self) -> list[dict[str, Any]]:
        response = await self.person.call("GET", "/api/auth/sessions")
        assert response.status_code == 200, response.text
        assert response.headers["cache-control"] == "no-store"
        sessions: list[dict[str, Any]] = response.json()
        return sessions

    async def end(self, id: str) -> httpx.Response:
        return await self.person.call("DELETE", f"/api/auth/sessions/{id}")

    async def refresh(self) -> int:
        response = await refresh_in_body(self.person.client, self.refresh_token)
        if response.status_code == 200:
            self.person.token, self.refresh_token = response.json()["access_token"], response.json()["refresh_token"]
        return response.status_code


async def new_account(client: httpx.AsyncClient, user_agent: str = LINUX) -> Device:
    headers = {"User-Agent": user_agent}
    account = {"email": f"ada-{uuid.uuid4().hex[:8]}@example.com", "password": PASSWORD, "refresh": "body"}
    response = await client.post("/api/auth/signup", json=account, headers=headers)
    assert response.status_code == 201, response.text
    return Device.of(client, response.json())


async def another_device(first: Device, user_agent: str = PHONE) -> Device:
    wanted = {"email": first.person.email, "password": PASSWORD, "refresh": "body"}
    headers = {"User-Agent": user_agent}
    response = await first.person.client.post("/api/auth/signin", json=wanted, headers=headers)
    assert response.status_code == 200, response.text
    return Device.of(first.person.client, response.json())


async def test_every_device_is_listed_with_its_client_and_which_one_asks(browser: httpx.AsyncClient) -> None:
    laptop = await new_account(browser)
    phone = await another_device(laptop)

    shown = await laptop.sessions()

    assert [(each["id"], each["client"], each["current"]) for each in shown] == [
        (phone.id, "Chrome on Android", False),
        (laptop.id, "Firefox on Linux", True),
    ]
    assert {*shown[0]} == {"id", "created_at", "last_used_at", "expires_at", "client", "current"}
    assert [each["current"] for each in await phone.sessions()] == [True, False]


async def test_an_unknown_client_is_null(browser: httpx.AsyncClient) -> None:
    device = await new_account(browser, user_agent="A tool of mine/1.0")

    assert [each["client"] for each in await device.sessions()] == [None]


async def test_the_list_shows_nothing_that_a_refresh_token_could_be_made_of(browser: httpx.AsyncClient) -> None:
    device = await new_account(browser)
    session_id, _, secret = device.refresh_token.partition(".")

    text = str(await device.sessions())

    assert session_id not in text
    assert str(uuid.UUID(session_id)) not in text
    assert secret not in text
    assert LINUX not in text


async def test_a_refresh_moves_the_session_to_the_front(browser: httpx.AsyncClient) -> None:
    laptop = await new_account(browser)
    phone = await another_device(laptop)
    [_, before] = await phone.sessions()
    assert before["last_used_at"] == before["created_at"]

    assert await laptop.refresh() == 200

    [after, other] = await laptop.sessions()
    assert (after["id"], other["id"]) == (before["id"], phone.id)
    assert after["created_at"] == before["created_at"] < after["last_used_at"]
    assert after["expires_at"] > before["expires_at"]
    assert after["client"] == "Firefox on Linux"


async def test_a_refresh_is_noted_without_its_rotation(browser: httpx.AsyncClient, database_url: str) -> None:
    """Which only a server of the release before needs."""
    device = await new_account(browser)
    await device.refresh()
    before = await device.sessions()
    with sessions_table(database_url) as owner:
        owner.execute("update sessions set rotations = '[]' where user_id = %s", [device.person.id])

    assert await device.sessions() == before
    assert before[0]["last_used_at"] > before[0]["created_at"]


async def test_a_session_of_the_release_before_is_listed_by_its_last_rotation(
    browser: httpx.AsyncClient, database_url: str
) -> None:
    """A server of that release, beside this one during an upgrade, writes neither of the new columns."""
    device = await new_account(browser)
    await device.refresh()
    await device.refresh()
    [before] = await device.sessions()
    with sessions_table(database_url) as owner:
        assert owner.execute(
            "update sessions set client = null, last_used_at = null where user_id = %s", [device.person.id]
        ).rowcount

    [shown] = await device.sessions()

    assert shown == before | {"client": None}


async def test_an_ended_session_cannot_be_refreshed_and_is_no_longer_listed(browser: httpx.AsyncClient) -> None:
    laptop = await new_account(browser)
    phone = await another_device(laptop)

    response = await laptop.end(phone.id)

    assert (response.status_code, response.content) == (204, b"")
    assert [each["id"] for each in await laptop.sessions()] == [laptop.id]
    assert await phone.refresh() == 401
    assert await phone.person.list() == []  # the access token stays valid for its 15 minutes
    assert await laptop.refresh() == 200
    assert (await laptop.end(phone.id)).status_code == 404


async def test_the_current_session_may_be_ended(browser: httpx.AsyncClient) -> None:
    laptop = await new_account(browser)
    phone = await another_device(laptop)

    assert (await laptop.end(laptop.id)).status_code == 204

    assert await laptop.refresh() == 401
    assert [each["current"] for each in await laptop.sessions()] == [False]
    assert await phone.refresh() == 200


async def test_a_session_of_another_user_is_not_found_and_stays(browser: httpx.AsyncClient, database_url: str) -> None:
    ada, bob = await new_account(browser), await new_account(browser)
    before = everything(database_url, ada.person.id)

    refused, unknown = await bob.end(ada.id), await bob.end(uuid.uuid4().hex)

    assert refused.status_code == unknown.status_code == 404
    assert refused.json()["detail"] == unknown.json()["detail"] == "There is no such session."
    assert everything(database_url, ada.person.id) == before
    assert [each["id"] for each in await bob.sessions()] == [bob.id]
    assert await ada.refresh() == 200


@pytest.mark.parametrize("name", ["x", "nonsense", "%20", "%C3%BC", "%FF", "0" * 31, "0" * 5000])
async def test_what_is_no_id_names_no_session(browser: httpx.AsyncClient, name: str) -> None:
    device = await new_account(browser)

    assert (await device.end(name)).status_code == 404
    assert (await device.end(device.id.upper() + name)).status_code == 404
    assert len(await device.sessions()) == 1


async def test_the_id_that_the_refresh_token_has_ends_nothing(browser: httpx.AsyncClient) -> None:
    device = await new_account(browser)

    assert (await device.end(device.refresh_token.partition(".")[0])).status_code == 404
    assert await device.refresh() == 200


async def test_a_new_password_leaves_the_current_session_alone_in_the_list(browser: httpx.AsyncClient) -> None:
    laptop = await new_account(browser)
    phone = await another_device(laptop)
    await another_device(laptop)
    change = {"current": PASSWORD, "new": "a short and loud night"}

    assert (await phone.person.call("POST", "/api/auth/password", json=change)).status_code == 204

    assert [(each["id"], each["current"]) for each in await phone.sessions()] == [(phone.id, True)]


async def test_signing_out_takes_a_session_off_the_list(browser: httpx.AsyncClient) -> None:
    laptop = await new_account(browser)
    phone = await another_device(laptop)
    body = {"refresh": "body", "refresh_token": phone.refresh_token}

    assert (await browser.post("/api/auth/signout", json=body)).status_code == 204
    assert [each["id"] for each in await laptop.sessions()] == [laptop.id]

    assert (await laptop.person.call("POST", "/api/auth/signout-everywhere")).status_code == 204
    assert await laptop.sessions() == []


async def test_an_expired_session_is_not_listed(browser: httpx.AsyncClient, database_url: str) -> None:
    laptop = await new_account(browser)
    phone = await another_device(laptop)
    with sessions_table(database_url) as owner:
        owner.execute(
            "update sessions set expires_at = now() - interval '1 second' where id = %s",
            [phone.refresh_token.partition(".")[0]],
        )

    assert [each["id"] for each in await laptop.sessions()] == [laptop.id]


async def test_the_cookie_alone_lists_nothing(browser: httpx.AsyncClient) -> None:
    await signed_up(browser)
    assert browser.cookies

    assert (await browser.get("/api/auth/sessions")).status_code == 401
    assert (await browser.delete(f"/api/auth/sessions/{uuid.uuid4().hex}")).status_code == 401


def add_sessions(url: str, user_id: str, count: int) -> None:
    """Sessions that are an hour older for each one: number 1 was used an hour ago."""
    with sessions_table(url) as owner:
        owner.execute(
            "insert into sessions (id, user_id, token_hash, created_at, expires_at, client)"
            " select gen_random_uuid(), %s, '', now() - n * interval '1 hour', now() + interval '30 days', 'n' || n"
            " from generate_series(1, %s) n",
            [user_id, count],
        )


def clients(url: str, user_id: str) -> set[str]:
    with sessions_table(url) as owner:
        return {name for (name,) in owner.execute("select client from sessions where user_id = %s", [user_id])}


async def test_a_sign_in_above_the_limit_ends_the_sessions_that_were_not_used_for_longest(
    browser: httpx.AsyncClient, database_url: str
) -> None:
    """As many as are too many: an older release had no limit. One that was refreshed is not old."""
    laptop = await new_account(browser)
    user_id = laptop.person.id
    add_sessions(database_url, user_id, 150)
    with sessions_table(database_url) as owner:
        owner.execute(
            "update sessions set last_used_at = now() where user_id = %s and client = 'n150'",
            [user_id],
        )

    assert len(await laptop.sessions()) == MAX_SESSIONS == 100
    assert len(clients(database_url, user_id)) == 151
    phone = await another_device(laptop)

    kept = {f"n{number}" for number in range(1, 98)} | {"n150", "Firefox on Linux", "Chrome on Android"}
    assert clients(database_url, user_id) == kept
    assert {each["client"] for each in await phone.sessions()} == kept
    assert await laptop.refresh() == 200


async def test_expired_sessions_do_not_count(browser: httpx.AsyncClient, database_url: str) -> None:
    laptop = await new_account(browser)
    add_sessions(database_url, laptop.person.id, 120)
    with sessions_table(database_url) as owner:
        owner.execute(
            "update sessions set expires_at = now() - interval '1 second' where user_id = %s and client in"
            " (select 'n' || n from generate_series(1, 30) n)",
            [laptop.person.id],
        )

    await another_device(laptop)

    kept = {f"n{number}" for number in range(31, 121)} | {"Firefox on Linux", "Chrome on Android"}
    assert clients(database_url, laptop.person.id) == kept


async def test_sign_ins_at_the_same_time_stay_within_the_limit(browser: httpx.AsyncClient, database_url: str) -> None:
    laptop = await new_account(browser)
    add_sessions(database_url, laptop.person.id, MAX_SESSIONS - 1)

    phones = await asyncio.gather(*(another_device(laptop) for _ in range(6)))

    shown = await laptop.sessions()
    assert len(shown) == MAX_SESSIONS
    with sessions_table(database_url) as owner:
        found = owner.execute("select count(*) from sessions where user_id = %s", [laptop.person.id]).fetchone()
    assert found == (MAX_SESSIONS,)
    assert {phone.id for phone in phones} <= {each["id"] for each in shown}


async def test_the_sessions_of_others_are_not_ended_by_a_sign_in(browser: httpx.AsyncClient, database_url: str) -> None:
    ada, bob = await new_account(browser), await new_account(browser)
    add_sessions(database_url, ada.person.id, MAX_SESSIONS)
    add_sessions(database_url, bob.person.id, MAX_SESSIONS)
    with sessions_table(database_url) as owner:
        owner.execute(
            "update sessions set expires_at = now() - interval '1 second' where user_id = %s and client = 'n1'",
            [ada.person.id],
        )
    before = everything(database_url, ada.person.id)

    await another_device(bob)

    assert everything(database_url, ada.person.id) == before


async def test_the_list_counts_for_the_rate_limit(database_url: str) -> None:
    settings = settings_for(database_url, rate_limit="3/minute")
    async with running(create_app(settings)) as app, http(app) as client:
        device = await new_account(client)
        for _ in range(3):
            await device.sessions()

        assert (await device.person.call("GET", "/api/auth/sessions")).status_code == 429
        assert (await device.end(device.id)).status_code == 429
