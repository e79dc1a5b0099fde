"""Files of tasks, in and out, and calendar feeds."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import PurePath
from types import NoneType
from typing import BinaryIO
from uuid import UUID

import httpx

from todo.client.answers import not_answered
from todo.client.asynchronous.requests import AsyncRequests
from todo.client.models import Feed, ImportReport
from todo.client.parameters import given
from todo.client.waiting import async_in_thread

PIECE = 65_536
"""Bytes that are sent at a time."""
ANSWER = 300.0
"""Seconds until an import is answered, or until the next piece of an export comes, at most."""

Progress = Callable[[int, int], None]


class AsyncFiles(AsyncRequests):
    """Imports, exports and feeds. Every method raises ApiError and ConnectionFailed."""

    async def import_file(
        self,
        file: BinaryIO,
        *,
        format: str = "auto",
        dry_run: bool = False,
        partial: bool = False,
        time_zone: str | None = None,
        name: str | None = None,
        on_progress: Progress | None = None,
    ) -> ImportReport:
        """Import the tasks of a file that is open for reading bytes, from where it stands; all of them or none.

        Args:
            format: That of the file: json, todoist, ticktick, microsoft, google, todotxt or ics; or auto.
            dry_run: Only say what would become of it.
            partial: Import what can be, although there are rows that cannot.
            name: The file's name, which helps to recognise the format and names a list. By default that of `file`.
            on_progress: Called with the bytes that are sent, and all there are; from 0 again with each attempt.

        Raises Invalid, whose `errors` name the lines. It may be sent again, and imports once: where the first answer
        was lost, the report counts the tasks as `existing`, and has no `revision`.
        """
        if name is None and isinstance(path := getattr(file, "name", None), str) and not path.startswith("<"):
            name = PurePath(path).name
        params = given(
            format=format, time_zone=time_zone or self._time_zone, name=name, dry_run=dry_run, partial=partial
        )
        path = await self._home("import")
        with tempfile.TemporaryFile() as kept:
            if not file.seekable():  # a pipe can be read once only
                await async_in_thread(shutil.copyfileobj, file, kept, PIECE)
                kept.seek(0)
                file = kept
            start, end = file.tell(), file.seek(0, os.SEEK_END)
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(end - start)}
            return await self._write(
                "POST",
                path,
                ImportReport,
                params=params,
                headers=headers,
                content=lambda: _pieces(file, start, end, on_progress),
                silence=ANSWER,
            )

    async def export(self, format: str = "json") -> AsyncIterator[bytes]:
        """All tasks and the trash as a file, in pieces: json, csv, ics, todotxt or markdown.

        Raises ConnectionFailed where it breaks off: what has come is not all.
        """
        opened = self._open("GET", await self._home("export"), params={"format": format}, streamed=True, silence=ANSWER)
        async with opened as response:
            try:
                async for piece in response.aiter_bytes():
                    yield piece
            except httpx.RequestError as error:
                raise not_answered(error, response.request) from None

    async def create_feed(self) -> Feed:
        """Make a calendar feed. Its `url` is shown this once, and opens it without a token."""
        return await self._write("POST", await self._home("feeds"), Feed)

    async def feeds(self) -> list[Feed]:
        """The calendar feeds, without their URLs."""
        return await self._answer("GET", await self._home("feeds"), list[Feed])

    async def delete_feed(self, id: str | UUID) -> None:
        """End a calendar feed."""
        await self._write("DELETE", await self._home("feeds", id), NoneType)


async def _pieces(file: BinaryIO, start: int, end: int, on_progress: Progress | None) -> AsyncIterator[bytes]:
    file.seek(start)
    while piece := await async_in_thread(file.read, min(PIECE, end - file.tell())):
        yield piece
        if on_progress:
            on_progress(file.tell() - start, end - start)
