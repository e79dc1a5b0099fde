"""A forgotten password: a link by mail, once, for half an hour; and what strangers learn, which is nothing."""

import asyncio
import uuid
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from tests.conftest import PASSWORD, Person, http, running, settings_for, sign_up
from tests.mail.conftest import PUBLIC_URL, mailing
from tests.support.mail_server import MailServer, link_in, text_of, token_in
from tests.support.processes import free_port, run_command
from tests.support.sql_conditions import as_table_owner
from todo.accounts.secrets import link_token_hash
from todo.app import create_app
from todo.db.database import ScopedDatabase
from todo.mail import sender

pytestmark = pytest.mark.anyio

NEW = "a short and loud night"


async def forget(client: httpx.AsyncClient, email: str) -> httpx.Response:
    return await client.post("/api/auth/password/forgot", json={"email": email})


async def reset(client: httpx.AsyncClient, token: str, new: str = NEW) -> httpx.Response:
    return await client.post("/api/auth/password/reset", json={"token": token, "new": new})


async def sign_in(client: httpx.AsyncClient, email: str, password: str) -> int:
    return (await client.post("/api/auth/signin", json={"email": email, "password": password})).status_code


async def mailed_token(person: Person, mail: MailServer, count: int = 1) -> str:
    """The token of the `count`th link that is mailed to them."""
    assert (await forget(person.client, person.email)).status_code == 202
    return token_in((await asyncio.to_thread(mail.to, person.email, count))[-1])


async def finished(app: FastAPI) -> None:
    """Wait until all mail is sent."""
    await asyncio.gather(*app.state.resources.accounts.mail.mailer._jobs)


def expire(url: str, token: str) -> None:
    with as_table_owner(url, "one_time_links") as owner:
        query = "update one_time_links set expires_at = now() - interval '1 second' where hash = %s"
        assert owner.execute(query, [link_token_hash(token)]).rowcount == 1


async def test_a_link_that_was_mailed_sets_a_new_password_once(ada: Person, mail: MailServer) -> None:
    answer = await forget(ada.client, ada.email.upper())
    assert (answer.status_code, answer.headers["cache-control"]) == (202, "no-store")

    [message] = await asyncio.to_thread(mail.to, ada.email)
    assert link_in(message).startswith(f"{PUBLIC_URL}/#reset=")
    assert "30 minutes" in text_of(message)
    assert (await reset(ada.client, token_in(message))).status_code == 204
    assert [await sign_in(ada.client, ada.email, each) for each in (PASSWORD, NEW)] == [401, 200]

    again = await reset(ada.client, token_in(message), PASSWORD + "!")
    assert again.status_code == 410
    assert "ask for a new one" in again.json()["detail"]
    assert await sign_in(ada.client, ada.email, NEW) == 200


async def test_the_link_that_was_mailed_confirms_the_address_too(ada: Person, mail: MailServer) -> None:
    assert (await ada.call("GET", "/api/auth/me")).json()["email_confirmed"] is False
    await reset(ada.client, await mailed_token(ada, mail))
    assert (await ada.call("GET", "/api/auth/me")).json()["email_confirmed"] is True


async def test_a_reset_ends_all_sessions_and_no_api_token(client: httpx.AsyncClient, mail: MailServer) -> None:
    ada = await sign_up(client, "ada")
    in_body = {"email": ada.email, "password": PASSWORD, "refresh": "body"}
    session = (await client.post("/api/auth/signin", json=in_body)).json()
    made = (await ada.call("POST", "/api/auth/tokens", json={"name": "script"})).json()
    [confirmation] = await asyncio.to_thread(mail.to, ada.email)
    await client.post("/api/auth/email/confirm", json={"token": token_in(confirmation)})

    assert (await reset(client, await mailed_token(ada, mail, 2))).status_code == 204

    by_body = {"refresh": "body", "refresh_token": session["refresh_token"]}
    assert (await client.post("/api/auth/refresh", json=by_body)).status_code == 401
    ada.token = made["token"]
    assert await ada.list() == []


async def test_a_reset_ends_what_was_made_before_the_address_was_confirmed(
    client: httpx.AsyncClient, mail: MailServer
) -> None:
    """Anybody may have signed up with the address."""
    ada = await sign_up(client, "ada")
    token = (await ada.call("POST", "/api/auth/tokens", json={"name": "script"})).json()["token"]
    feed = (await ada.call("POST", f"{ada.home}/feeds")).json()["url"]

    assert (await reset(client, await mailed_token(ada, mail, 2))).status_code == 204

    ada.token = token
    assert (await ada.call("GET", "/api/auth/me")).status_code == 401
    assert (await client.get(feed)).status_code == 404


async def test_an_unknown_address_gets_the_same_answer_and_no_mail(app: FastAPI, ada: Person, mail: MailServer) -> None:
    unknown = [f"nobody-{uuid.uuid4().hex[:8]}@example.com", "no address", "Ada <ada@example.com>"]
    known, *others = [await forget(ada.client, email) for email in (ada.email, *unknown)]
    await finished(app)

    for other in others:
        assert (other.status_code, other.content) == (known.status_code, known.content)
        assert {**other.headers, "date": ""} == {**known.headers, "date": ""}
    assert [recipient for recipient, _ in mail.received if recipient == ada.email] == [ada.email]
    assert not [recipient for recipient, _ in mail.received if recipient in unknown]


async def test_the_answer_waits_for_no_database_and_no_mail_server(
    app: FastAPI, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So its time is the same for all addresses: every statement and every delivery comes after it."""
    asked: list[str] = []
    real = ScopedDatabase.run

    async def counted(self: ScopedDatabase, statement: Any, /, **params: Any) -> Any:
        asked.append(str(params.get("email")))
        return await real(self, statement, **params)

    monkeypatch.setattr(ScopedDatabase, "run", counted)
    for email in (ada.email, "nobody@example.com"):
        before = len(asked)
        task = asyncio.create_task(forget(ada.client, email))
        while not task.done():
            counts = len(asked)
            await asyncio.sleep(0)
        assert task.result().status_code == 202
        assert counts == before
        await finished(app)
        assert asked[before] == email


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "é" * 20, "ä\x00"])
async def test_a_token_that_is_none_gets_the_answer_of_a_dead_one(
    ada: Person, mail: MailServer, token: str, database_url: str
) -> None:
    expired = await mailed_token(ada, mail)
    expire(database_url, expired)
    answers = [await reset(ada.client, each) for each in (token, expired)]

    assert [answer.status_code for answer in answers] == [410, 410]
    assert answers[0].json() == answers[1].json()
    assert await sign_in(ada.client, ada.email, PASSWORD) == 200


@pytest.mark.parametrize("new", ["short", "password123", "x" * 257, None])
async def test_the_rules_for_passwords_hold_and_a_refused_one_does_not_use_the_link_up(
    ada: Person, mail: MailServer, new: Any
) -> None:
    token = await mailed_token(ada, mail)

    refused = await reset(ada.client, token, new)
    assert refused.status_code == 422
    assert token not in refused.text
    assert (await reset(ada.client, token)).status_code == 204


async def test_two_uses_at_the_same_time_set_one_password(ada: Person, mail: MailServer) -> None:
    token = await mailed_token(ada, mail)
    answers = await asyncio.gather(*(reset(ada.client, token, f"{NEW} {n}") for n in range(4)))

    assert sorted(answer.status_code for answer in answers) == [204, 410, 410, 410]
    signed_in = [await sign_in(ada.client, ada.email, f"{NEW} {n}") for n in range(4)]
    assert sorted(signed_in) == [200, 401, 401, 401]


async def test_three_links_work_and_all_end_when_one_is_used(ada: Person, mail: MailServer) -> None:
    tokens = [await mailed_token(ada, mail, count) for count in range(1, 5)]

    assert (await reset(ada.client, tokens[0])).status_code == 410
    assert (await reset(ada.client, tokens[1])).status_code == 204
    assert [(await reset(ada.client, token)).status_code for token in tokens[2:]] == [410, 410]


async def test_a_change_of_the_password_ends_the_links(ada: Person, mail: MailServer) -> None:
    token = await mailed_token(ada, mail)
    change = await ada.call("POST", "/api/auth/password", json={"current": PASSWORD, "new": NEW})

    assert change.status_code == 204
    assert (await reset(ada.client, token)).status_code == 410


async def test_the_link_of_a_deleted_account_is_dead(ada: Person, mail: MailServer) -> None:
    token = await mailed_token(ada, mail)
    await ada.call("DELETE", "/api/auth/me")

    assert (await reset(ada.client, token)).status_code == 410


async def test_links_are_stored_as_hashes(ada: Person, mail: MailServer, database_url: str) -> None:
    token = await mailed_token(ada, mail)
    with as_table_owner(database_url, "one_time_links") as owner:
        [row] = owner.execute("select l::text, hash from one_time_links l where user_id = %s", [ada.id]).fetchall()
    assert token not in row[0]
    assert row[1] == link_token_hash(token)


async def test_requests_for_links_are_limited_per_pair_recipient_and_address(
    database_url: str, mail: MailServer
) -> None:
    async with mailing(database_url, mail, rate_limit="6000/minute") as app, http(app) as client:
        for email in (f"{uuid.uuid4().hex}@example.com", f"{uuid.uuid4().hex}@example.com"):
            answers = [await forget(client, each) for each in [email, email.upper()] * 3]
            assert [answer.status_code for answer in answers] == [202] * 5 + [429]
            assert int(answers[-1].headers["retry-after"]) > 600
        limits = app.state.resources.rate_limits
        for number in range(5):
            await limits.count_mail(email, f"192.0.2.{number}")
        elsewhere = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=("198.51.100.1", 1)), base_url="http://todo"
        )
        async with elsewhere:
            assert (await forget(elsewhere, email)).status_code == 429
            others = [await forget(elsewhere, f"{n}@example.com") for n in range(30)]
        assert [answer.status_code for answer in others] == [202] * 29 + [429]  # the refused one counts too


async def test_a_mail_server_that_is_down_leaves_the_api_as_it_is(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sender, "PAUSES", (0.0, 0.1))
    nobody = MailServer(free_port())
    async with mailing(database_url, nobody) as app, http(app) as client:
        ada = await sign_up(client, "ada")
        assert (await forget(client, ada.email)).status_code == 202
        await ada.create()
        await finished(app)
    assert caplog.text.count("was not sent: ") == 2
    assert ada.email not in caplog.text


async def test_too_much_waiting_mail_is_refused_for_all_addresses(
    database_url: str, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with mailing(database_url, mail) as app, http(app) as client:
        monkeypatch.setattr(sender, "MAX_WAITING", 0)
        ada = await sign_up(client, "ada")  # which needs no mail
        for email in (ada.email, "nobody@example.com"):
            answer = await forget(client, email)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")


async def test_without_mail_the_answer_says_who_can_help(database_url: str) -> None:
    async with running(create_app(settings_for(database_url))) as app, http(app) as client:
        ada = await sign_up(client, "ada")
        email = {"email": "ada@example.org", "password": PASSWORD}
        for answer in (
            await forget(client, ada.email),
            await ada.call("POST", "/api/auth/email/confirmation"),
            await ada.call("POST", "/api/auth/email", json=email),
        ):
            assert answer.status_code == 404
            assert "`todo user password-link`" in answer.json()["detail"]


@pytest.mark.slow
async def test_the_administrator_makes_a_link_with_and_without_mail(ada: Person, database_url: str) -> None:
    printed = await asyncio.to_thread(run_command, "user", "password-link", ada.email, database_url=database_url)
    assert printed.returncode == 0, printed.stderr
    [link] = printed.stdout.splitlines()
    page, _, token = link.partition("/#reset=")
    assert page == "http://localhost:8000"

    settings = {"database_url": database_url, "public_url": "https://todo.example.com/"}
    printed = await asyncio.to_thread(run_command, "user", "password-link", ada.email.upper(), **settings)
    assert printed.stdout.startswith("https://todo.example.com/#reset=")
    assert (await reset(ada.client, token)).status_code == 204
    assert await sign_in(ada.client, ada.email, NEW) == 200
    assert (await ada.call("GET", "/api/auth/me")).json()["email_confirmed"] is False  # nobody has read mail
    assert (await reset(ada.client, printed.stdout.strip().rpartition("=")[2])).status_code == 410

    unknown = await asyncio.to_thread(run_command, "user", "password-link", "nobody@x.org", database_url=database_url)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "There is no account" in unknown.stderr


async def test_the_role_for_requests_reads_no_link(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("set local role todo_app")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select from one_time_links")
