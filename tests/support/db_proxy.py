"""A proxy between the application and its database, which counts round trips and can lose data."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlencode, urlsplit


class DatabaseProxy:
    """Counts a round trip whenever the client sends after it has received something."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        folder = query.pop("host", None)
        self.unix = f"{folder}/.s.PGSQL.5432" if folder else None
        self.host, self.port = parts.hostname, parts.port or 5432
        self.url = parts._replace(query=urlencode(query))  # over TLS it would also count TLS's own round trips
        self.round_trips = 0
        self.drop: Callable[[int, bool], bool] | None = None
        """Called with each piece's round trip and whether the client sent it; True drops the piece."""
        self.connections: set[int] = set()
        """Numbers of the connections that were made."""
        self.silent: set[int] = set()
        """Those on which everything is dropped."""
        self._reading = True
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        login = self.url.netloc.rpartition("@")[0]
        async with server:
            yield self.url._replace(netloc=f"{login}@127.0.0.1:{port}").geturl()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # so that sockets are closed before the loop does anything else

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.unix:
            other_reader, other_writer = await asyncio.open_unix_connection(self.unix)
        else:
            other_reader, other_writer = await asyncio.open_connection(self.host, self.port)
        number = len(self.connections)
        self.connections.add(number)
        for pair in ((reader, other_writer, True), (other_reader, writer, False)):
            task = asyncio.create_task(self._copy(*pair, number))
            self._tasks.add(task)

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sending: bool, number: int
    ) -> None:
        try:
            while data := await reader.read(65536):
                self.round_trips += sending and self._reading
                self._reading = not sending
                if number not in self.silent and not (self.drop and self.drop(self.round_trips, sending)):
                    writer.write(data)
        finally:
            writer.close()
