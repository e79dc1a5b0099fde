"""The e-mail address: confirmed by a link, changed by a link to the new one, and free of races."""

import asyncio
import uuid

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import PASSWORD, Person, http, new_person, sign_up
from tests.mail.conftest import mailing
from tests.mail.test_password_reset import expire, finished, forget, reset
from tests.support.mail_server import MailServer, link_in, text_of, token_in
from tests.support.sql_conditions import as_table_owner, everything

pytestmark = pytest.mark.anyio


def new_address() -> str:
    return f"new-{uuid.uuid4().hex[:8]}@example.com"


async def confirm(client: httpx.AsyncClient, token: str) -> int:
    return (await client.post("/api/auth/email/confirm", json={"token": token})).status_code


async def ask_to_change(person: Person, email: str, password: str = PASSWORD) -> httpx.Response:
    return await person.call("POST", "/api/auth/email", json={"email": email, "password": password})


async def me(person: Person) -> tuple[str, bool]:
    found = (await person.call("GET", "/api/auth/me")).json()
    return found["email"], found["email_confirmed"]


async def test_a_sign_up_sends_a_link_that_confirms_the_address(client: httpx.AsyncClient, mail: MailServer) -> None:
    ada = await sign_up(client, "ada")
    assert await me(ada) == (ada.email, False)
    assert await ada.list() == []  # nobody is locked out meanwhile

    [message] = await asyncio.to_thread(mail.to, ada.email)
    assert "/#confirm=" in link_in(message)
    assert [await confirm(client, token_in(message)) for _ in range(2)] == [204, 410]
    assert await me(ada) == (ada.email, True)


async def test_the_link_is_sent_again_until_the_address_is_confirmed(ada: Person, mail: MailServer) -> None:
    assert (await ada.call("POST", "/api/auth/email/confirmation")).status_code == 202
    [message] = await asyncio.to_thread(mail.to, ada.email)
    assert await confirm(ada.client, token_in(message)) == 204

    again = await ada.call("POST", "/api/auth/email/confirmation")
    assert (again.status_code, again.json()["detail"]) == (409, "This e-mail address is confirmed already.")


async def test_sending_it_again_is_limited(database_url: str, mail: MailServer) -> None:
    async with mailing(database_url, mail, rate_limit="6000/minute") as app, http(app) as client:
        ada = await new_person(app, client, "ada")
        answers = [await ada.call("POST", "/api/auth/email/confirmation") for _ in range(6)]
        assert [answer.status_code for answer in answers] == [202] * 5 + [429]
        bob = await new_person(app, client, "bob")
        changes = [await ask_to_change(bob, new_address()) for _ in range(6)]  # each with a notice to the same address
        assert [answer.status_code for answer in changes] == [202] * 5 + [429]
        wrong = [await ask_to_change(ada, new_address(), "wrong") for _ in range(11)]
        assert [answer.status_code for answer in wrong] == [422] * 10 + [429]


async def test_an_address_changes_when_the_link_to_the_new_one_is_used(ada: Person, mail: MailServer) -> None:
    new = new_address()
    assert (await ask_to_change(ada, new)).status_code == 202
    [notice] = await asyncio.to_thread(mail.to, ada.email)
    [message] = await asyncio.to_thread(mail.to, new)
    assert new in text_of(notice)
    assert "#" not in text_of(notice)
    assert await me(ada) == (ada.email, False)

    assert await confirm(ada.client, token_in(message)) == 204
    assert await me(ada) == (new, True)
    signed_in = [
        (await ada.client.post("/api/auth/signin", json={"email": email, "password": PASSWORD})).status_code
        for email in (ada.email, new)
    ]
    assert signed_in == [401, 200]


async def test_only_who_knows_the_password_changes_the_address(app: FastAPI, ada: Person, mail: MailServer) -> None:
    new = new_address()
    refused = await ask_to_change(ada, new, "wrong")
    await finished(app)

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["loc"] == ["body", "password"]
    assert not [recipient for recipient, _ in mail.received if recipient in (new, ada.email)]


async def test_a_change_that_was_asked_for_with_an_older_password_gets_no_link(
    app: FastAPI, ada: Person, mail: MailServer
) -> None:
    new, about = new_address(), app.state.resources.accounts.mail
    about.send_change(ada.id, new, "the hash of an older password")
    await finished(app)
    assert not [recipient for recipient, _ in mail.received if recipient in (new, ada.email)]
    assert (await ask_to_change(ada, new)).status_code == 202
    assert await asyncio.to_thread(mail.to, new)


@pytest.mark.parametrize(
    "email", ["ada", "", "ada@example.com\r\nBcc: eve@example.com", "Eve <eve@example.com>", "a@b@c.example", None]
)
async def test_what_is_no_address_is_refused(ada: Person, email: str) -> None:
    assert (await ask_to_change(ada, email)).status_code == 422


async def test_a_taken_address_is_told_to_its_owner_alone(
    app: FastAPI, ada: Person, bob: Person, mail: MailServer
) -> None:
    free = await ask_to_change(ada, new_address())
    taken = await ask_to_change(ada, bob.email.upper())
    await finished(app)

    assert (taken.status_code, taken.content) == (free.status_code, free.content)
    [his] = mail.to(bob.email)
    assert "has an account already" in text_of(his)
    assert "#" not in text_of(his)
    hers = [text_of(message).replace(bob.email.upper(), "x") for message in mail.to(ada.email, 2)]
    assert "about to change" in mail.to(ada.email, 2)[1]["Subject"]
    assert hers[1].startswith("Somebody who knows your password asked to change the address of your account to ")


async def test_of_two_who_want_one_address_the_first_to_confirm_gets_it(
    ada: Person, bob: Person, mail: MailServer
) -> None:
    new = new_address()
    await ask_to_change(ada, new)
    first = (await asyncio.to_thread(mail.to, new))[0]
    await ask_to_change(bob, new.upper())
    second = (await asyncio.to_thread(mail.to, new.upper().replace("EXAMPLE.COM", "example.com")))[0]

    statuses = await asyncio.gather(*(confirm(ada.client, token_in(message)) for message in (first, second)))
    assert sorted(statuses) == [204, 409]
    assert sorted(confirmed for _, confirmed in (await me(ada), await me(bob))) == [False, True]


async def test_an_address_that_is_taken_by_a_sign_up_meanwhile_is_kept_by_it(
    client: httpx.AsyncClient, ada: Person, mail: MailServer
) -> None:
    new = new_address()
    await ask_to_change(ada, new)
    [message] = await asyncio.to_thread(mail.to, new)
    await client.post("/api/auth/signup", json={"email": new, "password": PASSWORD})

    answer = await client.post("/api/auth/email/confirm", json={"token": token_in(message)})
    assert (answer.status_code, "another account" in answer.json()["detail"]) == (409, True)
    assert await me(ada) == (ada.email, False)


async def test_after_a_change_no_older_link_works(ada: Person, mail: MailServer) -> None:
    """Neither one to the old address, whose mailbox may be somebody else's now, nor another change."""
    new, other = new_address(), new_address()
    await forget(ada.client, ada.email)
    to_old = token_in((await asyncio.to_thread(mail.to, ada.email))[0])
    await ask_to_change(ada, other)
    to_other = token_in((await asyncio.to_thread(mail.to, other))[0])
    await ask_to_change(ada, new)
    assert await confirm(ada.client, token_in((await asyncio.to_thread(mail.to, new))[0])) == 204

    assert await confirm(ada.client, to_other) == 410
    assert (await reset(ada.client, to_old)).status_code == 410
    assert await me(ada) == (new, True)


async def test_a_link_to_an_address_that_the_administrator_has_changed_does_nothing(
    ada: Person, mail: MailServer, database_url: str
) -> None:
    await forget(ada.client, ada.email)
    token = token_in((await asyncio.to_thread(mail.to, ada.email))[0])
    with as_table_owner(database_url, "users", "credentials") as owner:
        for table, key in (("users", "id"), ("credentials", "user_id")):
            owner.execute(f"update {table} set email = %s where {key} = %s".encode(), [new_address(), ada.id])
    before = everything(database_url, ada.id)

    assert (await reset(ada.client, token)).status_code == 410
    assert everything(database_url, ada.id) == before


async def test_a_link_for_one_purpose_does_not_serve_another(ada: Person, mail: MailServer) -> None:
    await forget(ada.client, ada.email)
    for_reset = token_in((await asyncio.to_thread(mail.to, ada.email))[0])
    assert await confirm(ada.client, for_reset) == 410
    await ada.call("POST", "/api/auth/email/confirmation")
    for_confirmation = token_in((await asyncio.to_thread(mail.to, ada.email, 2))[1])
    assert (await reset(ada.client, for_confirmation)).status_code == 410

    assert (await reset(ada.client, for_reset)).status_code == 204  # neither was used up


async def test_an_expired_link_confirms_nothing(ada: Person, mail: MailServer, database_url: str) -> None:
    await ada.call("POST", "/api/auth/email/confirmation")
    token = token_in((await asyncio.to_thread(mail.to, ada.email))[0])
    expire(database_url, token)

    assert await confirm(ada.client, token) == 410
    assert await me(ada) == (ada.email, False)


async def test_a_change_and_the_deletion_of_the_account_at_the_same_time(
    app: FastAPI, client: httpx.AsyncClient, mail: MailServer
) -> None:
    """Neither waits for the other for ever, and nothing is left."""
    for _ in range(5):
        ada, new = await new_person(app, client, "ada"), new_address()
        await ask_to_change(ada, new)
        token = token_in((await asyncio.to_thread(mail.to, new))[0])
        status, deleted = await asyncio.gather(confirm(client, token), ada.call("DELETE", "/api/auth/me"))
        assert status in {204, 410}
        assert deleted.status_code == 204
        assert (await ada.call("GET", "/api/auth/me")).status_code == 401
