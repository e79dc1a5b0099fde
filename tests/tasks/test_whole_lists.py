"""The whole list, without a limit: streamed, holding no connection, and never shorter than it is."""

import socket
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from tests.conftest import Person
from tests.support.processes import serving, signed_up
from tests.tasks.test_lists import add
from todo.db import migrate
from todo.problems import Gone
from todo.tasks import lists

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("count", [199, 200, 201, 400, 1234])
async def test_the_whole_list_is_returned_without_a_limit(ada: Person, database_url: str, count: int) -> None:
    add(database_url, ada, count)

    whole = await ada.list()

    assert len({task["id"] for task in whole}) == count
    assert [task["title"] for task in whole] == [f"task {number}" for number in range(count, 0, -1)]


async def test_a_list_that_fails_half_way_is_not_completed(
    ada: Person, app: FastAPI, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(database_url, ada, 1200)
    real_page, calls = lists.page, 0

    async def fails_the_second_time(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("the database was lost")
        return await real_page(*args, **options)

    monkeypatch.setattr(lists, "page", fails_the_second_time)
    transport = httpx.ASGITransport(app)  # which, like a server, ends the response where the application raises
    async with httpx.AsyncClient(transport=transport, base_url="http://todo") as client:
        ada.client = client
        with pytest.raises(RuntimeError, match="the database was lost"):
            await ada.list()


async def test_a_list_whose_account_is_deleted_half_way_is_not_completed(
    ada: Person, app: FastAPI, database_url: str
) -> None:
    add(database_url, ada, 1200)
    db = app.state.resources.database.as_user(ada.id)
    first = await lists.page(db, limit=lists.STREAM_PAGE)
    rest = lists.following_pages(db, first)
    assert len(await anext(rest)) == lists.STREAM_PAGE

    await ada.call("DELETE", "/api/auth/me")

    with pytest.raises(Gone):
        await anext(rest)


@pytest.mark.slow
def test_a_client_that_stops_reading_holds_no_database_connection(tmp_path: Path, database_url: str) -> None:
    """Three clients do not read their whole lists, over a pool of one connection: other requests are served."""
    with serving(tmp_path, database_url=database_url, pool_size=1) as server:
        tasks, token = signed_up(server, f"slow-{server.port}@example.com")
        with psycopg.connect(database_url) as connection:
            connection.execute("alter table tasks no force row level security")
            connection.execute(
                "insert into tasks (user_id, id, title, description)"
                " select %s, gen_random_uuid(), 'x', repeat('long ', 1000) from generate_series(1, 4000)",
                [tasks.split("/")[2]],
            )
            connection.execute("alter table tasks force row level security")
        request = f"GET {tasks} HTTP/1.1\r\nHost: x\r\nAuthorization: {token['Authorization']}\r\n\r\n".encode()
        readers = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(3)]
        for reader in readers:
            reader.sendall(request)
            assert reader.recv(1000).startswith(b"HTTP/1.1 200")
        assert len(server.http.get(f"{tasks}?limit=3", headers=token).json()) == 3
        for reader in readers:
            reader.close()
        assert server.http.get("/health/live").status_code == 200


@pytest.mark.slow
def test_a_list_that_breaks_off_is_an_error_for_the_client(tmp_path: Path, empty_url: str) -> None:
    """The database fails in the middle of a whole list: the client gets an incomplete response, not a short list."""
    migrate.upgrade(empty_url)
    with serving(tmp_path, database_url=empty_url, pool_timeout=1) as server:
        tasks, token = signed_up(server)
        with psycopg.connect(empty_url) as connection:
            connection.execute("alter table tasks no force row level security")
            connection.execute(
                "insert into tasks (user_id, id, title, description)"
                " select %s, gen_random_uuid(), 'x', repeat('long ', 1000) from generate_series(1, 8000)",
                [tasks.split("/")[2]],
            )
            connection.execute("alter table tasks force row level security")

        def read_it_all() -> None:
            with server.http.stream("GET", tasks, headers=token) as response:
                pieces = response.iter_bytes()
                assert next(pieces).startswith(b"[")
                with psycopg.connect(empty_url, autocommit=True) as connection:
                    connection.execute("alter table tasks rename to hidden")
                for _ in pieces:
                    pass

        with pytest.raises(httpx.RemoteProtocolError):
            read_it_all()
