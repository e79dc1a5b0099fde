"""Imports beside other imports and writes, and of an account that is gone."""

import asyncio

import httpx
import psycopg
import pytest

from tests.conftest import Person, sign_up
from tests.transfer.conftest import document, imported, send, task

pytestmark = pytest.mark.anyio


async def test_two_imports_at_once(ada: Person, bob: Person) -> None:
    """Of one user one is refused; two users do not wait for each other's end."""
    file = document([task(f"{number}") for number in range(3000)])

    first, second, other = await asyncio.gather(send(ada, file), send(ada, file), send(bob, file))

    assert sorted([first.status_code, second.status_code]) == [200, 429]
    assert int((first if first.status_code == 429 else second).headers["retry-after"]) > 0
    assert other.status_code == 200
    assert len(await ada.list()) == len(await bob.list()) == 3000


async def test_an_import_that_runs_at_another_process_is_found(ada: Person, database_url: str) -> None:
    with psycopg.connect(database_url) as another:
        another.execute("select pg_advisory_xact_lock(hashtextextended('import ' || %s, 0))", [ada.id])
        refused = await send(ada, document([task("x")]))
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    assert (await imported(ada, document([task("x")])))["created"] == 1


async def test_other_writes_wait_and_none_is_lost(ada: Person) -> None:
    file = document([task(f"{number}") for number in range(3000)])

    async def write() -> list[httpx.Response]:
        return [await ada.post(title=f"by hand {number}") for number in range(30)]

    report, written = await asyncio.gather(imported(ada, file), write())

    assert {each.status_code for each in written} == {201}
    assert report["created"] == 3000
    found = await ada.since(0, limit=1000)
    revisions: list[int] = []
    while True:
        revisions += [each["revision"] for each in found["changes"]]
        if not found["more"]:
            break
        found = await ada.since(found["revision"], limit=1000)
    assert revisions == list(range(1, 3031))


async def test_a_deleted_account_imports_nothing(client: httpx.AsyncClient) -> None:
    gone = await sign_up(client, "gone")
    assert (await gone.call("DELETE", "/api/auth/me")).status_code == 204
    assert (await send(gone, document([task("x")]))).status_code == 401
