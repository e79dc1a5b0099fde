# Written by bin/unasync.py (make client) from ../asynchronous/local_copy.py: edit that.
"""A copy of a user's tasks in a file, which follows the log of changes (docs/how-to/sync.md)."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from todo.client.answers import decoded, next_page, revision_of
from todo.client.errors import Gone
from todo.client.models import Task
from todo.client.store import RawChange, Store
from todo.client.synchronous.client import Client
from todo.client.waiting import in_thread

LISTS = 3
"""How often the list is read during one `sync` at most: after a 410 once should do."""


class LocalCopy:
    """A copy of the tasks outside the trash. Several processes may use the same file."""

    def __init__(self, client: Client, path: str | os.PathLike[str]) -> None:
        """Open the file, or make it, readable for its owner alone. It can be read without a network.

        Raises LocalCopyError for a file that is none.
        """
        self._client = client
        self._store = Store(Path(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, but not the client."""
        self._store.close()

    @property
    def revision(self) -> int | None:
        """The revision that the copy has, None before the first `sync`."""
        return self._store.revision()

    def tasks(self) -> Iterator[Task]:
        """The tasks in the copy, newest first, as they are when the first is asked for."""
        for task in self._store.tasks():
            yield msgspec.json.decode(task, type=Task)

    def sync(self) -> int:
        """Bring the copy up to date, and return its revision.

        What was read is written piece by piece, each of them whole. Raises LocalCopyError where the file is the copy
        of another user or server, ApiError and ConnectionFailed; the copy is then as new as it came.
        """
        in_thread(self._store.claim, self._client.url, self._client.user_id())
        lists, page = 0, None
        while page is None or page.more:
            since = in_thread(self._store.revision)
            if since is None:
                self._read_list()
                continue
            try:
                page = self._client._change_page(since, compact=True)
            except Gone:  # away for longer than changes are kept, or the server was restored from a backup
                lists += 1
                if lists > LISTS:
                    raise
                in_thread(self._store.forget, since)
                continue
            changes = [msgspec.json.decode(change, type=RawChange) for change in page.changes]
            in_thread(self._store.apply, since, changes, page.revision)
        return page.revision

    def follow(self) -> Iterator[int]:
        """Keep the copy up to date, and yield its revision: at first, and after each change. Raises as `sync` does.

        A lost connection is opened again, as `Client.stream` does.
        """
        while True:
            revision = self.sync()
            yield revision
            try:
                with closing(self._client._events(revision)) as events:
                    for event in events:
                        if event.name != "change":
                            continue
                        change = msgspec.json.decode(event.data, type=RawChange)
                        if not in_thread(self._store.apply, revision, [change], change.revision):
                            break  # another process has written: begin where the copy is
                        revision = change.revision
                        yield revision
            except Gone:
                in_thread(self._store.forget, revision)

    def _read_list(self) -> None:
        """Read the whole list; the ETag of its first page is a revision that all of it includes."""
        path, revision = self._client._home("tasks"), None
        params: list[tuple[str, str]] | None = [("limit", "1000")]
        in_thread(self._store.begin_list)
        while params is not None:
            response = self._client._send("GET", path, params=params)
            revision = revision_of(response) if revision is None else revision
            in_thread(self._store.collect, decoded(response, list[msgspec.Raw]))
            params = next_page(response)
        assert revision is not None
        in_thread(self._store.end_list, revision)
