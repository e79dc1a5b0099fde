"""Bounds in bytes: of pages, of a user's log, of the answers kept for retries, and of what waits to be read."""

import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Person, http, running, settings_for, sign_up
from tests.support.processes import serving, signed_up
from tests.support.sql_conditions import as_table_owner
from tests.tasks.test_lists import follow
from todo.app import create_app
from todo.db.bounded import PAGE_BYTES
from todo.http.large_responses import LIMIT
from todo.tasks.lists import STREAM_PAGE

pytestmark = pytest.mark.anyio

ANSWER_BYTES = 8 * 1024 * 1024
LONG = "🌿" * 10_000
"""As long a description as there may be, in the most bytes: 40 kB."""


def add_long_tasks(url: str, user_id: str, count: int, description: str = LONG) -> None:
    with as_table_owner(url) as owner:
        owner.execute(
            "insert into tasks (user_id, id, title, description)"
            " select %s, gen_random_uuid(), 'task ' || n, %s from generate_series(1, %s) n",
            [user_id, description, count],
        )


@pytest.mark.parametrize("description", [LONG, '"' * 10_000], ids=["bytes", "escapes"])
@pytest.mark.parametrize("status", ["all", "pending", "deleted"])
async def test_a_page_is_bounded_in_bytes_and_its_link_goes_on(
    ada: Person, database_url: str, description: str, status: str
) -> None:
    count = 420 if description == LONG else 450
    add_long_tasks(database_url, ada.id, count, description)
    if status == "deleted":
        with as_table_owner(database_url) as owner:
            owner.execute("update tasks set deleted_at = now() where user_id = %s", [ada.id])

    first = await ada.call("GET", ada.tasks, params={"limit": 1000, "status": status})
    pages = await follow(ada, f"{ada.tasks}?limit=1000&status={status}")

    assert len(first.content) <= ANSWER_BYTES
    assert len(first.json()) < count
    ids = [task["id"] for page in pages for task in page]
    assert len(ids) == len({*ids}) == count


async def test_the_whole_list_is_whole_however_large_its_tasks_are(ada: Person, database_url: str) -> None:
    add_long_tasks(database_url, ada.id, STREAM_PAGE + 30)
    assert len({task["id"] for task in await ada.list()}) == STREAM_PAGE + 30


async def edit_often(person: Person, count: int) -> str:
    task = await person.create(description=LONG)
    for number in range(count):
        answer = await person.put(task["id"], description=f"{number % 10}{LONG[1:]}")
        assert answer.status_code == 200, answer.text
    return str(task["id"])


async def test_changes_and_history_are_bounded_in_bytes(ada: Person) -> None:
    """Each edit logs what the task was and what it is: 80 kB."""
    task_id = await edit_often(ada, 120)

    first = await ada.since(0)
    seen, position = [*first["changes"]], first["revision"]
    while first["more"]:
        first = await ada.since(position)
        seen += first["changes"]
        position = first["revision"]
    histories = await follow(ada, f"{ada.tasks}/{task_id}/history?limit=1000")

    assert [change["revision"] for change in seen] == [*range(1, 122)]
    assert [change["revision"] for page in histories for change in page] == [*range(121, 0, -1)]
    assert len(histories) > 1
    assert all(sum(len(str(change)) for change in page) < ANSWER_BYTES for page in histories)


async def test_changes_from_before_sizes_were_kept_are_measured(ada: Person, database_url: str) -> None:
    await edit_often(ada, 70)
    with as_table_owner(database_url) as owner:
        owner.execute("update changes set size = null, total = null where user_id = %s", [ada.id])

    page = await ada.since(0)

    assert page["more"]
    assert 10 < len(page["changes"]) < 70


async def test_a_compact_page_looks_at_so_many_changes_and_no_more(ada: Person, database_url: str) -> None:
    task = await ada.create()
    with as_table_owner(database_url) as owner:
        owner.execute(
            "insert into changes (user_id, revision, task_id, kind, at, via, before, after, size, total)"
            " select user_id, n, task_id, 'update', at, via, before, after, size, 0 from changes,"
            " generate_series(2, 25000) n where user_id = %s",
            [ada.id],
        )
        owner.execute("update users set revision = 25000 where id = %s", [ada.id])
        owner.execute("alter table tasks disable trigger user")
        owner.execute("update tasks set revision = 25000 where user_id = %s", [ada.id])
        owner.execute("alter table tasks enable trigger user")

    pages = [await ada.since(0, compact=True)]
    while pages[-1]["more"]:
        pages.append(await ada.since(pages[-1]["revision"], compact=True))

    assert [page["revision"] for page in pages] == [10_000, 20_000, 25_000]
    assert [len(page["changes"]) for page in pages] == [0, 0, 1]
    assert pages[-1]["changes"][0]["task_id"] == task["id"]


@pytest.fixture
def quota() -> dict[str, Any]:
    return {"max_log_bytes_per_user": 1024 * 1024}


def bytes_kept(url: str, query: str, user_id: str) -> int:
    with as_table_owner(url) as owner:
        [kept] = owner.execute(query.encode(), [user_id]).fetchone() or [0]
        return int(kept or 0)


async def test_above_the_quota_of_bytes_the_oldest_changes_go(database_url: str, quota: dict[str, Any]) -> None:
    async with running(create_app(settings_for(database_url, **quota))) as app, http(app) as client:
        ada, bob = await sign_up(client, "ada"), await sign_up(client, "bob")
        await bob.create()
        for _ in range(20):
            await ada.create()
        await edit_often(ada, 40)

        kept = bytes_kept(
            database_url,
            "select sum(octet_length(before::text) + octet_length(after::text)) from changes where user_id = %s",
            ada.id,
        )
        assert kept <= quota["max_log_bytes_per_user"] + 2 * len(LONG.encode())  # but for the last that still fits
        page = await ada.call("GET", f"{ada.home}/changes", params={"since": 0})
        assert page.status_code == 410
        newest = await ada.call("GET", f"{ada.home}/changes", params={"since": 60})
        assert [change["revision"] for change in newest.json()["changes"]] == [61]
        assert len((await bob.since(0))["changes"]) == 1


async def test_small_changes_make_room_for_large_ones(database_url: str, quota: dict[str, Any]) -> None:
    async with running(create_app(settings_for(database_url, **quota))) as app, http(app) as client:
        ada = await sign_up(client, "ada")
        with as_table_owner(database_url) as owner:
            owner.execute(
                "insert into tasks (user_id, id, title)"
                " select %s, gen_random_uuid(), 'x' from generate_series(1, 4000)",
                [ada.id],
            )
        await edit_often(ada, 30)
        kept = bytes_kept(database_url, "select sum(size) from changes where user_id = %s", ada.id)
        assert kept <= quota["max_log_bytes_per_user"] + 2 * len(LONG.encode())  # but for the last that still fits


async def test_above_the_quota_of_bytes_the_oldest_answers_go(database_url: str, quota: dict[str, Any]) -> None:
    async with running(create_app(settings_for(database_url, **quota))) as app, http(app) as client:
        ada = await sign_up(client, "ada")
        task = await ada.create(description=LONG)

        async def same_again(key: int) -> httpx.Response:
            headers = {"Idempotency-Key": f"key-{key}"}
            return await ada.call("PUT", f"{ada.tasks}/{task['id']}", json={"description": LONG}, headers=headers)

        for key in range(60):
            assert (await same_again(key)).status_code == 200

        kept = bytes_kept(database_url, "select sum(octet_length(body)) from idempotency where user_id = %s", ada.id)
        assert kept <= quota["max_log_bytes_per_user"] + 2 * len(LONG.encode())  # but for the last that still fits
        assert (await same_again(59)).headers["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in (await same_again(0)).headers


@pytest.mark.slow
def test_what_a_user_does_not_read_is_bounded_in_bytes(tmp_path: Path, database_url: str) -> None:
    """Readers of one user who do not read are refused above the limit, and served again when some have left."""
    with serving(tmp_path, database_url=database_url) as server:
        tasks, token = signed_up(server, f"reader-{server.port}@example.com")
        other_tasks, other_token = signed_up(server, f"other-{server.port}@example.com")
        add_long_tasks(database_url, tasks.split("/")[2], 110)
        add_long_tasks(database_url, other_tasks.split("/")[2], 110)
        at_most = LIMIT // PAGE_BYTES
        request = (
            f"GET {tasks}?limit=1000 HTTP/1.1\r\nHost: x\r\nAuthorization: {token['Authorization']}\r\n\r\n".encode()
        )
        readers = []
        for _ in range(at_most + 3):
            reader = socket.create_connection(("127.0.0.1", server.port), 10)
            reader.sendall(request)
            readers.append((reader, reader.recv(1000)[9:12]))
        statuses = [status for _, status in readers]
        assert statuses[:2] == [b"200", b"200"]
        assert statuses[-1] == b"429"
        assert server.http.get(f"{other_tasks}?limit=1000", headers=other_token).status_code == 200

        for reader, _ in readers:
            reader.close()
        for _ in range(100):
            answer = server.http.get(f"{tasks}?limit=1000", headers=token)
            if answer.status_code == 200:
                break
        assert answer.status_code == 200
