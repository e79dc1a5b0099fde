"""A copy in a file, which equals the list whatever happens."""

import asyncio
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from tests.client import both
from tests.client.proxy import Proxy
from tests.support.sql_conditions import as_table_owner
from todo.client import Client, LocalCopy, LocalCopyError, Task

pytestmark = pytest.mark.slow


async def listed(client: Any) -> list[Task]:
    return [task async for task in client.list_tasks()]


async def copied(copy: Any) -> list[Task]:
    return [task async for task in copy.tasks()]


async def forget_changes(client: Any, database_url: str) -> None:
    """As after a long absence."""
    with as_table_owner(database_url) as owner:
        owner.execute("delete from changes where user_id = %s", [await client.user_id()])


async def test_a_copy_equals_the_list(ada: Any, tmp_path: Path) -> None:
    one, two = await ada.create("one"), await ada.create("two\u2028lines")
    copy = both.local_copy(ada, tmp_path / "copy.db")
    assert copy.revision is None

    assert await copy.sync() == copy.revision == 2
    assert await copied(copy) == await listed(ada) != []

    await ada.update(one.id, title="uno")
    await ada.delete(two.id)
    gone = await ada.create("gone")
    await ada.delete(gone.id, permanent=True)
    await ada.create("three")
    assert await copy.sync() == 7
    assert await copied(copy) == await listed(ada)

    await ada.restore(two.id)
    await copy.sync()
    assert await copied(copy) == await listed(ada)
    await copy.aclose()
    assert (tmp_path / "copy.db").stat().st_mode & 0o077 == 0


async def test_a_copy_begins_again_where_changes_are_not_kept(ada: Any, tmp_path: Path, database_url: str) -> None:
    await ada.create("one")
    copy = both.local_copy(ada, tmp_path / "copy.db")
    await copy.sync()
    for task in await listed(ada):
        await ada.delete(task.id, permanent=True)
    await ada.create("two")
    await forget_changes(ada, database_url)

    await copy.sync()

    assert [task.title for task in await copied(copy)] == ["two"]


async def test_a_copy_is_read_without_a_server(ada: Any, tmp_path: Path) -> None:
    await ada.create("one")
    copy = both.local_copy(ada, tmp_path / "copy.db")
    await copy.sync()
    await copy.aclose()

    with Client("http://127.0.0.1:1") as nowhere, LocalCopy(nowhere, tmp_path / "copy.db") as again:
        assert [task.title for task in again.tasks()] == ["one"]
        assert again.revision == 1


async def test_a_copy_follows(ada: Any, opened: Callable[..., Any], proxy: Proxy, tmp_path: Path) -> None:
    client = opened(proxy.url, (await ada.create_token("copy")).token)
    copy = both.local_copy(client, tmp_path / "copy.db")
    revisions = []

    async def follow() -> None:
        async with aclosing(copy.follow()) as following:
            async for revision in following:
                revisions.append(revision)
                if revision >= 4:
                    break

    following = asyncio.create_task(follow())
    await asyncio.sleep(0.5)
    for number in range(4):
        await ada.create(f"task {number}")
        if number == 1:
            await asyncio.sleep(1)
            proxy.cut()
    async with asyncio.timeout(30):
        await following

    assert revisions == sorted(set(revisions))
    assert await copied(copy) == await listed(ada)


async def test_a_file_of_another_kind_is_refused(
    ada: Any, opened: Callable[..., Any], url: str, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("a diary")
    (tmp_path / "short").write_text("{")
    sqlite3.connect(tmp_path / "other.db").execute("create table diary (day)").connection.close()
    newer = sqlite3.connect(tmp_path / "newer.db")
    newer.executescript("pragma application_id = 0x746F646F; pragma user_version = 99; create table x (y)")
    newer.close()

    for name, cause in (
        ("text", "is no local copy of tasks"),
        ("short", "is no local copy of tasks"),
        ("other.db", "another program's database"),
        ("newer.db", "a newer version"),
        ("missing/copy.db", "cannot be opened"),
    ):
        with pytest.raises(LocalCopyError, match=cause):
            both.local_copy(ada, tmp_path / name)
    assert (tmp_path / "text").read_text() == "a diary"
    assert (tmp_path / "short").read_text() == "{"

    await both.local_copy(ada, tmp_path / "copy.db").sync()
    bob = opened(url)
    await bob.sign_up(f"bob-{time.monotonic_ns()}@example.com", "a long and quiet afternoon")
    with pytest.raises(LocalCopyError, match="copy of another user"):
        await both.local_copy(bob, tmp_path / "copy.db").sync()


async def test_fields_of_later_versions_are_kept(ada: Any, tmp_path: Path) -> None:
    await ada.create("one")
    copy = both.local_copy(ada, tmp_path / "copy.db")
    await copy.sync()
    with sqlite3.connect(tmp_path / "copy.db") as database:
        [[text]] = database.execute("select json from tasks").fetchall()
    database.close()
    assert text.startswith('{"id":"')
    assert '"position":' in text


SYNC = """
import sys
from todo.client import Client, LocalCopy
url, user_id, token, path = sys.argv[1:]
with Client(url, token, user_id=user_id) as client:
    while True:
        with LocalCopy(client, path) as copy:
            print(copy.sync(), flush=True)
"""


async def test_processes_that_share_a_file_and_are_killed(
    ada: Any, url: str, tmp_path: Path, database_url: str
) -> None:
    """Four write at once, one after the other is killed; the copy is whole at any time, and equals the list at last."""
    path, token = tmp_path / "copy.db", (await ada.create_token("copy")).token
    command = [sys.executable, "-c", SYNC, url, await ada.user_id(), token, str(path)]

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    chance = random.Random(1)
    processes = [start() for _ in range(4)]
    tasks: list[Task] = []
    try:
        deadline = time.monotonic() + 12
        while time.monotonic() < deadline:
            tasks.append(await ada.create(f"task {len(tasks)}"))
            if len(tasks) > 3:
                await ada.delete(tasks.pop(chance.randrange(len(tasks))).id)
            if chance.random() < 0.05:
                await forget_changes(ada, database_url)
            if chance.random() < 0.1:
                victim = processes.pop(0)
                assert victim.poll() is None, victim.stderr and victim.stderr.read()
                victim.send_signal(signal.SIGKILL)
                victim.communicate()
                processes.append(start())
                await asyncio.sleep(chance.random() / 2)
        assert all(each.poll() is None for each in processes)
    finally:
        for each in processes:
            each.kill()
            each.communicate()
    with sqlite3.connect(path) as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
    database.close()
    copy = both.local_copy(ada, path)
    await copy.sync()
    assert await copied(copy) == await listed(ada)
    assert path.stat().st_mode & 0o077 == 0
