"""A user's name: optional at sign-up, and shown wherever the user is."""

from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from tests.conftest import Person, http
from tests.support.accounts import signed_up
from todo.db.pipeline import Connection

pytestmark = pytest.mark.anyio


async def test_the_name_of_the_sign_up_is_shown_by_every_call_that_shows_the_user(browser: httpx.AsyncClient) -> None:
    response, credentials = await signed_up(browser, name="Ada Lovelace")
    session = response.json()
    ada = Person(browser, session["user"]["id"], credentials["email"], session["access_token"])

    shown = [
        session["user"],
        (await browser.post("/api/auth/signin", json=credentials)).json()["user"],
        (await browser.post("/api/auth/refresh")).json()["user"],
        (await ada.call("GET", "/api/auth/me")).json(),
    ]

    assert [user["name"] for user in shown] == ["Ada Lovelace"] * 4
    fields = {"id", "email", "name", "created_at"}
    assert [set(user) for user in shown] == [fields, fields, fields, fields | {"email_confirmed"}]


@pytest.mark.parametrize("more", [{}, {"name": None}, {"name": ""}, {"name": " \t\n\u3000"}])
async def test_a_user_without_a_name_has_null(browser: httpx.AsyncClient, more: dict[str, Any]) -> None:
    response, _ = await signed_up(browser, **more)

    assert response.json()["user"]["name"] is None


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Ada ", "Ada"),
        ("A", "A"),
        ("é" * 100, "é" * 100),
        ("e\u0301", "é"),
        ("a" * 100 + " " * 300, "a" * 100),
        ("<b>Ada</b> & 'Bob'; 🦊", "<b>Ada</b> & 'Bob'; 🦊"),
    ],
)
async def test_a_name_is_kept_trimmed_and_normalised(browser: httpx.AsyncClient, given: str, kept: str) -> None:
    response, _ = await signed_up(browser, name=given)

    assert response.json()["user"]["name"] == kept


@pytest.mark.parametrize("name", ["a" * 101, "a\nb", "a\x00b", "a\x7fb", 5, True, ["Ada"], {"first": "Ada"}])
async def test_a_name_that_cannot_be_kept_is_refused(client: httpx.AsyncClient, name: Any) -> None:
    body = {"email": "nameless@example.com", "password": "a long and quiet afternoon", "name": name}

    response = await client.post("/api/auth/signup", json=body)

    assert response.status_code == 422
    assert [error["loc"] for error in response.json()["errors"]] == [["body", "name"]]


@pytest.mark.parametrize("name", ["", "a" * 101, " a", "a ", "a\nb", "a\x9fb"])
def test_the_database_refuses_such_names_of_every_writer(database_url: str, name: str) -> None:
    with psycopg.connect(database_url) as owner:
        owner.execute("alter table users no force row level security")
        with pytest.raises(psycopg.errors.CheckViolation, match="ck_users_name"):
            owner.execute("insert into users (id, name) values ('of a name', %s)", [name])
        owner.rollback()


async def test_a_sign_up_with_a_name_makes_no_more_round_trips(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    trips: list[int] = []
    run_pipeline = Connection.run_pipeline

    async def counted(connection: Any, *arguments: Any, **options: Any) -> Any:
        trips.append(1)
        return await run_pipeline(connection, *arguments, **options)

    monkeypatch.setattr(Connection, "run_pipeline", counted)
    counts = []
    for more in ({}, {"name": "Ada"}):
        async with http(app) as client:
            await signed_up(client)  # so that the keys are read
            trips.clear()
            await signed_up(client, **more)
            counts.append(len(trips))

    assert counts[0] == counts[1] > 0
