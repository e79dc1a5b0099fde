"""A proxy in front of a server, which loses answers, breaks them off and answers itself."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    """An answer of the proxy's own."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "Connection: close", "", ""]
    return "\r\n".join(lines).encode() + body


class Proxy:
    """One request per connection. `plan` holds what becomes of the next requests; afterwards they pass.

    "pass"; "lose": the server executes it, and its answer is lost; "half": the connection breaks off in the midst of
    the answer; "keep": there is none, until `cut`; bytes: the answer, without asking the server.
    """

    def __init__(self, port: int) -> None:
        self._upstream = port
        self.plan: list[str | bytes] = []
        self.requests: list[bytes] = []
        """The heads of all requests."""
        self.url = ""
        self._writers: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self
            self.cut()
            await asyncio.sleep(0)

    def cut(self) -> None:
        """Break off all connections."""
        for writer in self._writers:
            writer.transport.abort()

    def keys(self) -> list[bytes]:
        """The idempotency keys of the requests, in their order."""
        return re.findall(rb"(?im)^idempotency-key: (\S+)", b"\n".join(self.requests))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._handle(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        what = self.plan.pop(0) if self.plan else "pass"
        if isinstance(what, bytes):
            writer.write(what)
            return await writer.drain()
        if what == "keep":
            await reader.read()
            return None
        upstream, to_server = await asyncio.open_connection("127.0.0.1", self._upstream)
        try:
            to_server.write(
                re.sub(rb"(?i)\r\nconnection: [^\r]*", b"", head)[:-2] + b"Connection: close\r\n\r\n" + body
            )
            if what == "pass":
                while piece := await upstream.read(65536):
                    writer.write(piece)
                    await writer.drain()
                return None
            whole = await upstream.read(-1)
            if what == "half":
                writer.write(whole[: len(whole) - 20])
                await writer.drain()
            return None
        finally:
            to_server.close()
