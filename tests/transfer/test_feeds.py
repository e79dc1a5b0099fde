"""Calendar feeds: read without a token by everybody who has the address, until it is revoked."""

import logging
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest
from icalendar import Calendar

from tests.conftest import Person, http, new_person, running, settings_for
from todo.app import create_app
from todo.transfer import feeds

pytestmark = pytest.mark.anyio


async def made(person: Person, **headers: str) -> dict[str, Any]:
    response = await person.call("POST", f"{person.home}/feeds", headers=headers)
    assert response.status_code == 201, response.text
    feed: dict[str, Any] = response.json()
    return feed


def path(feed: dict[str, Any]) -> str:
    return httpx.URL(feed["url"]).path


async def components(client: httpx.AsyncClient, feed: dict[str, Any], kind: str, **params: str) -> dict[str, Any]:
    response = await client.get(path(feed), params=params)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/calendar")
    return {str(each["summary"]): each for each in Calendar.from_ical(response.content).walk(kind)}


async def test_a_feed_shows_the_open_tasks_that_are_due(ada: Person, bob: Person, client: httpx.AsyncClient) -> None:
    feed = await made(ada)
    await bob.create("of bob", due_date="2026-12-01")
    await ada.create("a day, with; signs", due_date="2026-12-01", description="a\nb", tags=["home"], priority="high")
    await ada.create("in Berlin", due_date="2026-12-01T09:00", time_zone="Europe/Berlin", remind_at="2026-12-01T07:30Z")
    await ada.create("an instant", due_date="2026-12-01T09:00:00+02:00")
    await ada.create("a local time", due_date="2026-12-01T09:00")
    await ada.create("without a date")
    await ada.create("done", due_date="2026-12-01", completed=True)
    await ada.delete((await ada.create("in the trash", due_date="2026-12-01"))["id"])

    events = await components(client, feed, "VEVENT")

    assert {*events} == {"a day, with; signs", "in Berlin", "an instant", "a local time"}
    day = events["a day, with; signs"]
    assert (day.start.isoformat(), str(day["description"]), day["priority"]) == ("2026-12-01", "a\nb", 3)
    assert day["transp"] == "TRANSPARENT"
    assert events["in Berlin"].start == datetime(2026, 12, 1, 8, tzinfo=UTC)
    assert events["an instant"].start == datetime(2026, 12, 1, 7, tzinfo=UTC)
    assert events["a local time"].start == datetime(2026, 12, 1, 9)  # noqa: DTZ001 # a local time
    [alarm] = events["in Berlin"].walk("VALARM")
    assert alarm["trigger"].params["VALUE"] == "DATE-TIME"  # without it a trigger is a duration (RFC 5545 §3.8.6.3)
    assert alarm["trigger"].dt == datetime(2026, 12, 1, 7, 30, tzinfo=UTC)
    assert {*await components(client, feed, "VTODO", **{"as": "tasks"})} == {*events}


async def test_the_address_is_shown_once_and_stored_as_a_hash(ada: Person, database_url: str) -> None:
    feed = await made(ada)
    secret = path(feed).removeprefix("/feeds/").removesuffix(".ics")
    listed = (await ada.call("GET", f"{ada.home}/feeds")).json()

    assert len(secret) >= 43
    assert listed == [{"id": feed["id"], "created_at": feed["created_at"], "last_used_at": None}]
    with psycopg.connect(database_url) as owner:
        owner.execute("set local role todo_accounts")
        [(stored,)] = owner.execute("select secret_hash from feeds where user_id = %s", [ada.id]).fetchall()
    assert stored == feeds._hash(secret)


async def test_when_it_was_read_is_shown(ada: Person, client: httpx.AsyncClient) -> None:
    feed = await made(ada)
    await client.get(path(feed))
    [listed] = (await ada.call("GET", f"{ada.home}/feeds")).json()
    assert listed["last_used_at"] > feed["created_at"]


async def test_unknown_and_revoked_are_answered_alike(ada: Person, bob: Person, client: httpx.AsyncClient) -> None:
    feed = await made(ada)
    assert (await bob.call("DELETE", f"{bob.home}/feeds/{feed['id']}")).status_code == 404
    assert (await client.get(path(feed))).status_code == 200
    assert (await ada.call("DELETE", f"{ada.home}/feeds/{feed['id']}")).status_code == 204
    revoked, unknown = [await client.get(each) for each in (path(feed), f"/feeds/{'x' * 43}.ics")]
    assert revoked.status_code == 404
    assert (revoked.content, revoked.headers) == (unknown.content, unknown.headers)
    for odd in ("%00", "é", "a" * 2000):
        assert (await client.get(f"/feeds/{odd}.ics")).status_code == 404


async def test_a_feed_that_has_not_changed_is_not_sent_again(ada: Person, client: httpx.AsyncClient) -> None:
    feed = await made(ada)
    first = await client.get(path(feed))
    again = await client.get(path(feed), headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await ada.create("new", due_date="2026-12-01")
    changed = await client.get(path(feed), headers={"If-None-Match": first.headers["etag"]})
    assert (changed.status_code, changed.headers["etag"] != first.headers["etag"]) == (200, True)


async def test_ten_feeds_at_most(ada: Person) -> None:
    for _ in range(feeds.MAX_FEEDS):
        await made(ada)
    refused = await ada.call("POST", f"{ada.home}/feeds")
    assert (refused.status_code, "10" in refused.json()["detail"]) == (409, True)


async def test_a_feed_is_bounded(ada: Person, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MAX_TASKS", 3)
    monkeypatch.setattr(feeds, "PAGE", 2)
    for day in (5, 3, 1, 2, 4):
        await ada.create(f"{day}", due_date=f"2026-12-0{day}")
    assert [*await components(client, await made(ada), "VEVENT")] == ["1", "2", "3"]
    monkeypatch.setattr(feeds, "MAX_BYTES", 600)  # a task has some 450 bytes
    assert [*await components(client, await made(ada), "VEVENT")] == ["1"]


async def test_the_address_has_the_path_of_the_proxy(database_url: str) -> None:
    async with running(create_app(settings_for(database_url, root_path="/todo"))) as app, http(app) as client:
        ada = await new_person(app, client, "ada")
        feed = await made(ada, Host="example.com")
        assert feed["url"].startswith("http://example.com/todo/feeds/")
        for shown in (path(feed), path(feed).removeprefix("/todo")):
            assert (await client.get(shown)).status_code == 200


async def test_the_secret_is_in_no_log(
    ada: Person, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither where it is answered nor where it fails; tests/http/test_access_log.py has the access log."""
    feed = await made(ada)

    async def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(feeds, "tasks", broken)
    with caplog.at_level(logging.DEBUG):
        assert (await client.get(path(feed))).status_code == 500
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("todo")]
    assert [each for each in ours if "/feeds/{secret}.ics" in each]
    assert [each for each in ours if path(feed).removeprefix("/feeds/")[:20] in each] == []


async def test_guesses_are_limited(database_url: str) -> None:
    async with running(create_app(settings_for(database_url, rate_limit="1000/minute"))) as app, http(app) as client:
        ada = await new_person(app, client, "ada")
        feed = await made(ada)
        statuses = [(await client.get(f"/feeds/{number}.ics")).status_code for number in range(102)]
        assert statuses == [404] * 100 + [429] * 2
        assert (await client.get(path(feed))).status_code == 200  # of which nobody else's guesses are in the way
