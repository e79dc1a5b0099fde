"""Imports over real connections: large, slow, broken and killed ones, and the memory that they take."""

import asyncio
import json
import logging
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest

from tests.conftest import new_person, running, settings_for
from tests.support.processes import Server, served, serving, signed_up
from tests.transfer.conftest import document, task
from todo.app import create_app
from todo.http import connection, exchange

pytestmark = pytest.mark.slow

MANY = 100_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("uploads"), database_url=database_url) as running:
        yield running


def signed_up_at(server: Server) -> tuple[str, dict[str, str]]:
    tasks, token = signed_up(server, f"{uuid4().hex}@example.com")
    return tasks.removesuffix("/tasks"), token


def head(home: str, token: dict[str, str], length: int) -> bytes:
    lines = [f"POST {home}/import HTTP/1.1", "Host: x", f"Authorization: {token['Authorization']}"]
    return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode()


def test_a_file_larger_than_other_bodies_comes_in_pieces_and_chunks(server: Server) -> None:
    home, token = signed_up_at(server)
    file = document([task(f"{number}", description="x" * 3_000) for number in range(400)])

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(file), 500):
            yield file[start : start + 500]

    assert len(file) > 1_000_000
    first = server.http.post(f"{home}/import", headers=token, content=chunks())
    again = server.http.post(f"{home}/import", headers=token, content=file)
    assert (first.json()["created"], again.json()["existing"]) == (400, 400)


def test_a_body_that_breaks_off_imports_nothing(server: Server) -> None:
    home, token = signed_up_at(server)
    file = document([task(f"{number}") for number in range(1_000)])
    for _ in range(2):  # the first leaves no place taken
        with socket.create_connection(("127.0.0.1", server.port), 30) as client:
            client.sendall(head(home, token, len(file)) + file[:-100])
            time.sleep(0.2)
    deadline = time.monotonic() + 20
    while (answer := server.http.post(f"{home}/import", headers=token, content=b"[]")).status_code == 429:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert answer.status_code == 200, answer.text
    assert server.http.get(f"{home}/tasks", headers=token).json() == []


def test_the_refusal_of_a_large_file_comes_before_it_is_sent(server: Server) -> None:
    home, token = signed_up_at(server)
    with socket.create_connection(("127.0.0.1", server.port), 30) as client:
        client.sendall(head(home, token, 10**9)[:-2] + b"Expect: 100-continue\r\n\r\n")
        assert client.recv(4000).startswith(b"HTTP/1.1 413")


@pytest.mark.anyio
async def test_slow_uploads_are_served_while_they_go_on_and_not_for_ever(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "REQUEST_TIMEOUT", 0.5)
    monkeypatch.setattr(exchange, "UPLOAD_LEAST", 1000)
    monkeypatch.setattr(exchange, "UPLOAD_TIMEOUT", 4.0)
    file = document([task(f"{number}") for number in range(60)])
    async with running(create_app(settings_for(database_url))) as app, served(app) as (address, _):
        async with httpx.AsyncClient(base_url=address, timeout=20) as client:
            ada = await new_person(app, client, "ada")
        token = {"Authorization": f"Bearer {ada.token}"}

        async def answer(content: bytes, pause: float, piece: int) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
            writer.write(head(ada.home, token, len(content)))
            reading = asyncio.create_task(reader.read(2000))
            for start in range(0, len(content), piece):
                if reading.done():
                    break
                writer.write(content[start : start + piece])
                await asyncio.sleep(pause)
            found = await reading
            writer.close()
            return found

        assert (await answer(file, 0.2, 1000)).startswith(b"HTTP/1.1 200")  # longer than REQUEST_TIMEOUT
        assert (await answer(file, 0.2, 100)).startswith(b"HTTP/1.1 408")
        began = time.monotonic()
        assert (await answer(b" " * 10**6, 0.2, 1000)).startswith(b"HTTP/1.1 408")  # fast enough, and no end
        assert 3 < time.monotonic() - began < 10


def test_a_server_that_is_killed_in_the_middle_has_imported_nothing(tmp_path: Path, database_url: str) -> None:
    file = document([task(f"{number}") for number in range(20_000)])
    with serving(tmp_path, database_url=database_url) as killed:
        tasks, token = signed_up(killed, f"{uuid4().hex}@example.com")
        url = tasks.replace("/tasks", "/import")
        sending = threading.Thread(target=lambda: failing(killed.http, url, token, file))
        sending.start()
        until_it_writes(database_url)
        killed.stop(signal.SIGKILL)
        sending.join(30)
    with serving(tmp_path, database_url=database_url) as server:
        token = {"Authorization": token["Authorization"]}
        assert server.http.get(tasks, headers=token).json() == []
        done = server.http.post(url, headers=token, content=file, timeout=120)
        assert done.json()["created"] == 20_000, done.text


def failing(client: httpx.Client, url: str, token: dict[str, str], file: bytes) -> None:
    with pytest.raises(httpx.TransportError):
        client.post(url, headers=token, content=file, timeout=120)


def until_it_writes(database_url: str) -> None:
    import psycopg

    deadline = time.monotonic() + 60
    with psycopg.connect(database_url, autocommit=True) as watching:
        while not watching.execute(
            "select from pg_stat_activity where query like '%import_tasks%' and pid <> pg_backend_pid()"
            " and datname = current_database() and state = 'active' and xact_start < now() - interval '0.3 s'"
        ).fetchall():
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_hundred_thousand_tasks_are_imported_undone_and_exported_in_bounded_memory(
    tmp_path: Path, database_url: str
) -> None:
    with serving(tmp_path, database_url=database_url) as server:
        tasks, token = signed_up(server, f"{uuid4().hex}@example.com")
        home = tasks.removesuffix("/tasks")
        small = document([task(f"{number}") for number in range(2_000)])
        assert server.http.post(f"{home}/import?dry_run=true", headers=token, content=small).status_code == 200
        process = psutil.Process(server.process.pid)
        before, peak, latencies = process.memory_info().rss, 0, []
        file = document([task(f"task {number}", description="about it " * 10) for number in range(MANY)])
        done = threading.Event()

        def watch() -> None:
            nonlocal peak
            with httpx.Client(base_url=server.http.base_url, timeout=60) as client:
                while not done.is_set():
                    peak = max(peak, process.memory_info().rss)
                    began = time.monotonic()
                    client.get("/health/live")
                    latencies.append(time.monotonic() - began)
                    time.sleep(0.02)

        watching = threading.Thread(target=watch)
        watching.start()
        took = {}
        try:
            began = time.monotonic()
            report = server.http.post(f"{home}/import", headers=token, content=file, timeout=300)
            took["import"] = time.monotonic() - began
            assert report.json().get("created") == MANY, report.text
            began = time.monotonic()
            with server.http.stream("GET", f"{home}/export", headers=token, timeout=300) as export:
                found = json.loads(b"".join(export.iter_bytes()))
            took["export"] = time.monotonic() - began
            began = time.monotonic()
            undone = server.http.post(f"{home}/changes/{report.json()['revision']}/undo", headers=token, timeout=300)
            took["undo"] = time.monotonic() - began
        finally:
            done.set()
            watching.join()
        took |= {"MiB before": before / 2**20, "MiB at most": peak / 2**20, "slowest answer": max(latencies)}
        logging.getLogger(__name__).warning("%s", took)  # shown with -o log_cli=true

        assert [each["title"] for each in found["tasks"]] == [f"task {number}" for number in range(MANY)]
        assert undone.status_code == 200, undone.text
        assert server.http.get(f"{home}/tasks?limit=1", headers=token).json() == []
        assert peak - before < 150 * 2**20
