"""Event streams: every change of every writer arrives promptly and once; streams end when they must and cost little."""

import asyncio
import resource
import signal
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from tests.conftest import Person, scratch_database, settings_for, sign_up
from tests.support.events import Stream, streaming, until
from tests.support.processes import Server, served, serving
from tests.support.sql_conditions import as_table_owner
from todo.accounts import api_tokens
from todo.app import create_app
from todo.changes import stream as streams_module
from todo.db import migrate
from todo.http import backpressure

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture(scope="module")
def url(server_url: str) -> Iterator[str]:
    with scratch_database(server_url) as url:
        migrate.upgrade(url)
        yield url


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, url: str) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("stream"), database_url=url, pool_size=2) as running:
        yield running


def base(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}"


@pytest.fixture
async def client(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=base(server), timeout=20) as client:
        yield client


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> Person:
    return await sign_up(client, "ada")


@pytest.fixture
async def bob(client: httpx.AsyncClient) -> Person:
    return await sign_up(client, "bob")


@asynccontextmanager
async def following(server: Server, person: Person, query: str = "", **headers: str) -> AsyncIterator[Stream]:
    path = f"{person.home}/changes/stream{query}"
    async with streaming(base(server), path, person.token, **headers) as stream:
        assert stream.response.status_code == 200, await stream.response.aread()
        yield stream


class TestEvents:
    async def test_an_event_is_the_entry_of_the_list_of_changes(self, server: Server, ada: Person) -> None:
        async with following(server, ada) as stream:
            assert stream.response.headers["content-type"].startswith("text/event-stream")
            assert stream.response.headers["cache-control"] == "private, no-cache, no-transform"
            task = await ada.create(title="Water the ferns", description="two\nlines")
            await ada.toggle(task["id"])
            arrived = [await stream.next() for _ in range(2)]
            assert [event.data for event in arrived] == (await ada.since(0))["changes"]
            await ada.delete(task["id"], permanent=True)
            arrived.append(await stream.next())

        assert [(event.name, event.id) for event in arrived] == [("change", "1"), ("change", "2"), ("change", "3")]
        listed = (await ada.since(0))["changes"]
        assert [event.data["kind"] for event in arrived] == ["create", "update", "purge"]
        assert arrived[2].data == listed[2]

    async def test_a_stream_starts_after_its_since_or_last_event_id(self, server: Server, ada: Person) -> None:
        for number in range(4):
            await ada.create(title=str(number))

        for query, headers, first in (
            ("?since=2", {}, "3"),
            ("?since=0", {}, "1"),
            ("", {"Last-Event-ID": "3"}, "4"),
            ("?since=0", {"Last-Event-ID": "3"}, "4"),
        ):
            async with following(server, ada, query, **headers) as stream:
                assert (await stream.next()).id == first

        async with following(server, ada) as stream:  # with neither, it starts now
            await ada.create(title="since now")
            assert (await stream.next()).data["task"]["title"] == "since now"

    async def test_more_changes_than_a_page_arrive_completely_and_in_order(
        self, server: Server, ada: Person, url: str
    ) -> None:
        with as_table_owner(url) as owner:
            owner.execute(
                "insert into tasks (user_id, id, title) select %s, gen_random_uuid(), 'x' from generate_series(1, 730)",
                [ada.id],
            )
        async with following(server, ada, "?since=0") as stream:
            assert [(await stream.next()).id for _ in range(730)] == [str(number) for number in range(1, 731)]
            await ada.create()
            assert (await stream.next()).id == "731"

    async def test_a_write_of_psql_arrives_within_a_second(self, server: Server, ada: Person, url: str) -> None:
        waited = []
        async with following(server, ada) as stream:
            for number in range(3):
                with as_table_owner(url) as owner:
                    owner.execute(
                        "insert into tasks (user_id, id, title) values (%s, gen_random_uuid(), %s)",
                        [ada.id, str(number)],
                    )
                began = time.monotonic()
                event = await stream.next()
                waited.append(time.monotonic() - began)
                assert (event.data["task"]["title"], event.data["via"]) == (str(number), "database")
        assert min(waited) < 1, waited

    async def test_each_user_receives_only_their_own_changes(self, server: Server, ada: Person, bob: Person) -> None:
        async with following(server, ada) as hers, following(server, bob) as his:
            await ada.create(title="hers")
            await bob.create(title="his")
            assert (await hers.next()).data["task"]["title"] == "hers"
            assert (await his.next()).data["task"]["title"] == "his"
            with pytest.raises(TimeoutError):
                await hers.next(seconds=1)

    async def test_an_idle_stream_sends_comments(self, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        monkeypatch.setattr(streams_module, "HEARTBEAT", 0.3)
        async with served(create_app(settings_for(url))) as (address, _):
            async with httpx.AsyncClient(base_url=address) as client:
                ada = await sign_up(client, "ada")
            async with streaming(address, f"{ada.home}/changes/stream", ada.token) as stream:
                assert await stream.comment(seconds=5)
                assert await stream.comment(seconds=5)


class TestRefusals:
    @pytest.mark.parametrize(
        ("query", "headers", "status"),
        [
            ("?since=1", {}, 410),
            ("", {"Last-Event-ID": "1"}, 410),
            ("", {"Last-Event-ID": "x"}, 422),
            ("", {"Last-Event-ID": "-1"}, 422),
            ("?since=x", {}, 422),
            ("?since=-1", {}, 422),
        ],
    )
    async def test_an_invalid_start_is_a_problem_document(
        self, ada: Person, query: str, headers: dict[str, str], status: int
    ) -> None:
        response = await ada.call("GET", f"{ada.home}/changes/stream{query}", headers=headers)

        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"

    async def test_a_token_in_the_url_is_ignored(self, ada: Person) -> None:
        path = f"{ada.home}/changes/stream?access_token={ada.token}&token={ada.token}"

        assert (await ada.client.get(path)).status_code == 401


class TestEnds:
    async def test_a_stream_ends_when_its_access_token_expires(self, url: str, tmp_path: Path) -> None:
        with serving(tmp_path, database_url=url, access_token_lifetime=2, jwt_leeway=0) as server:
            async with httpx.AsyncClient(base_url=base(server)) as client:
                ada = await sign_up(client, "ada")
            async with following(server, ada) as stream:
                end = await stream.next()
                assert (end.name, end.data["reason"]) == ("end", "token")
                with pytest.raises(EOFError):
                    await stream.next()

    async def test_a_stream_ends_when_its_api_token_is_revoked(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(api_tokens, "CACHED_FOR", 0.5)
        async with served(create_app(settings_for(url))) as (address, _), httpx.AsyncClient(base_url=address) as client:
            ada = await sign_up(client, "ada")
            made = (await ada.call("POST", "/api/auth/tokens", json={"name": "x"})).json()
            async with streaming(address, f"{ada.home}/changes/stream", made["token"]) as stream:
                await asyncio.sleep(1.2)  # its token was checked again, and the stream stays open
                await ada.create()
                assert (await stream.next()).name == "change"
                await ada.call("DELETE", f"/api/auth/tokens/{made['id']}")
                end = await stream.next()
                assert (end.name, end.data["reason"]) == ("end", "token")

    async def test_a_stream_ends_when_the_account_is_deleted(self, server: Server, ada: Person) -> None:
        await ada.create()
        async with following(server, ada) as stream:
            await ada.call("DELETE", "/api/auth/me")
            end = await stream.next()
            assert (end.name, end.data["reason"]) == ("end", "account")

    async def test_a_stream_ends_when_its_next_change_was_deleted(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(streams_module, "INTERVAL", 3600.0)  # no polling during this test
        app = create_app(settings_for(url))
        async with served(app) as (address, _), httpx.AsyncClient(base_url=address) as client:
            ada = await sign_up(client, "ada")
            async with streaming(address, f"{ada.home}/changes/stream", ada.token) as stream:
                await until(lambda: app.state.resources.streams._watchers)
                await ada.create()
                await ada.create()
                with as_table_owner(url) as owner:
                    owner.execute("delete from changes where user_id = %s and revision = 1", [ada.id])
                streams = app.state.resources.streams
                streams.notify({ada.id: [*streams._watchers[ada.id]]}, {ada.id: 2})
                end = await stream.next()
                assert (end.name, end.data["reason"]) == ("end", "gone")

    @pytest.mark.parametrize("workers", [1, 2])
    async def test_a_stream_ends_when_the_server_stops(self, url: str, tmp_path: Path, workers: int) -> None:
        with serving(tmp_path, database_url=url, workers=workers) as server:
            async with httpx.AsyncClient(base_url=base(server)) as client:
                ada = await sign_up(client, "ada")
            async with following(server, ada) as one, following(server, ada) as two:
                began = time.monotonic()
                server.process.send_signal(signal.SIGTERM)
                for stream in (one, two):
                    end = await stream.next()
                    assert (end.name, end.data["reason"]) == ("end", "shutdown")
                assert await asyncio.to_thread(server.process.wait, 10) == 0
                assert time.monotonic() - began < 8


async def test_clients_that_do_not_read_do_not_delay_the_shutdown(url: str, tmp_path: Path) -> None:
    with serving(tmp_path, database_url=url) as server:
        async with httpx.AsyncClient(base_url=base(server), timeout=30) as client:
            ada = await sign_up(client, "ada")
        add_large_changes(url, ada)
        readers = [client_that_does_not_read(server.port, ada) for _ in range(2)]
        for reader in readers:  # they are being served
            assert (await asyncio.to_thread(reader.recv, 100)).startswith(b"HTTP/1.1 200")
        await asyncio.sleep(1)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(server.process.wait, 20) == 0
        assert time.monotonic() - began < 6
        for reader in readers:
            reader.close()


def add_large_changes(url: str, person: Person) -> None:
    """More changes than the buffers of two sockets hold."""
    with as_table_owner(url) as owner:
        owner.execute(
            "insert into tasks (user_id, id, title, description)"
            " select %s, gen_random_uuid(), 'x', repeat('long ', 1900) from generate_series(1, 1500)",
            [person.id],
        )


def client_that_does_not_read(port: int, person: Person) -> socket.socket:
    """A client that requests the stream and does not read it."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(("127.0.0.1", port))
    reader.sendall(
        f"GET {person.home}/changes/stream?since=0 HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {person.token}\r\n\r\n".encode()
    )
    return reader


async def test_restarts_lose_no_change_and_repeat_none(url: str, tmp_path: Path, server: Server, ada: Person) -> None:
    """A client writes through one server and reads the stream of another, which is stopped or killed and restarted."""
    position, seen = "0", []
    writing = True

    async def write() -> int:
        count = 0
        while writing:
            await ada.create(title=str(count))
            count += 1
        return count

    async with asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(write())
        for how in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
            with serving(tmp_path, database_url=url) as other:
                async with following(other, ada, **{"Last-Event-ID": position}) as stream:
                    for _ in range(25):
                        event = await stream.next()
                        seen.append(int(event.data["revision"]))
                        position = str(event.id)
                    other.process.send_signal(how)
                    try:
                        while (event := await stream.next()).name == "change":
                            seen.append(int(event.data["revision"]))
                            position = str(event.id)
                    except (EOFError, httpx.HTTPError):
                        pass
                await asyncio.to_thread(other.process.wait, 15)
        writing = False
    count = writer.result()
    async with following(server, ada, **{"Last-Event-ID": position}) as stream:
        while len(seen) < count:
            seen.append(int((await stream.next()).data["revision"]))

    assert seen == [*range(1, count + 1)]


async def test_a_client_that_does_not_read_is_disconnected(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backpressure, "READ_TIMEOUT", 1.0)
    app = create_app(settings_for(url))
    async with served(app) as (address, server), httpx.AsyncClient(base_url=address, timeout=30) as client:
        ada = await sign_up(client, "ada")
        add_large_changes(url, ada)
        with client_that_does_not_read(int(address.rpartition(":")[2]), ada):
            memory = psutil.Process().memory_info().rss
            await until(lambda: app.state.resources.streams._watchers)
            await until(lambda: not app.state.resources.streams._watchers, 15)
            await until(lambda: len(server.server_state.connections) <= 1)  # the client's own
            assert psutil.Process().memory_info().rss - memory < 30_000_000
            assert (await ada.call("GET", f"{ada.tasks}?limit=1")).status_code == 200


async def test_a_stream_whose_client_disconnects_is_removed(url: str) -> None:
    app = create_app(settings_for(url))
    async with served(app) as (address, _), httpx.AsyncClient(base_url=address) as client:
        ada = await sign_up(client, "ada")
        async with streaming(address, f"{ada.home}/changes/stream", ada.token):
            await until(lambda: app.state.resources.streams._watchers)
        await until(lambda: not app.state.resources.streams._watchers)
        await until(lambda: app.state.resources.streams._polling is None)


def transactions(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select pg_stat_clear_snapshot()")
        query = "select xact_commit from pg_stat_database where datname = current_database()"
        [[count]] = connection.execute(query).fetchall()
        return int(count)


async def test_concurrent_streams_above_the_limit_are_refused(server: Server, client: httpx.AsyncClient) -> None:
    person = await sign_up(client, "many")
    path = f"{person.home}/changes/stream"
    for _ in range(40):  # a refused stream does not count
        assert (await person.call("GET", f"{path}?since=99")).status_code == 410
    async with AsyncExitStack() as stack:
        opening = [streaming(base(server), path, person.token) for _ in range(48)]
        responses = [stream.response for stream in await asyncio.gather(*map(stack.enter_async_context, opening))]
        assert Counter(response.status_code for response in responses) == {200: 32, 429: 16}
        assert {response.headers.get("retry-after") for response in responses} == {None, "15"}
    for _ in range(100):  # the server notices that they were closed
        async with streaming(base(server), path, person.token) as stream:
            if stream.response.status_code == 200:
                return
        await asyncio.sleep(0.1)
    pytest.fail("closed streams still count")


async def test_a_thousand_streams_cost_few_queries_a_second_and_no_database_connection(
    server_url: str, tmp_path: Path
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))  # for the server too, which inherits it
    try:
        with scratch_database(server_url) as url:
            migrate.upgrade(url)
            with serving(tmp_path, database_url=url, pool_size=2, max_streams_per_user=50) as server:
                async with httpx.AsyncClient(base_url=base(server), timeout=60) as client:
                    people = [await sign_up(client, f"person{number}") for number in range(20)]
                    readers = []
                    for number in range(1000):
                        person = people[number % 20]
                        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                        writer.write(
                            f"GET {person.home}/changes/stream HTTP/1.1\r\nHost: x\r\n"
                            f"Authorization: Bearer {person.token}\r\n\r\n".encode()
                        )
                        readers.append((reader, writer))
                    for reader, _ in readers:
                        assert (await asyncio.wait_for(reader.readuntil(b"retry: 2000"), 60)).startswith(
                            b"HTTP/1.1 200"
                        )

                    rates: list[float] = []
                    while not rates or (rates[-1] >= 6 and len(rates) < 5):  # earlier statistics may be 10 s late
                        before, began = transactions(url), time.monotonic()
                        await asyncio.sleep(4)
                        rates.append((transactions(url) - before) / (time.monotonic() - began))
                    assert rates[-1] < 6, rates  # two to three polls, and the test's own queries

                    assert len(await people[0].list()) == 0  # over a pool of two
                    await people[3].create(title="to fifty at once")
                    arrived = [
                        await asyncio.wait_for(reader.readuntil(b"to fifty at once"), 20)
                        for number, (reader, _) in enumerate(readers)
                        if number % 20 == 3
                    ]
                    assert len(arrived) == 50
                    for _, writer in readers:
                        writer.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
