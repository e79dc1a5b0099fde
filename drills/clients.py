"""A client that uses little CPU, so that the server gets it: HTTP/1.1 on one connection, as bytes."""

import asyncio
import contextlib
import json
from typing import Any, NamedTuple, Self

import httpx

from tests.conftest import Person, sign_up


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


async def signed_up(base: str, count: int) -> list[Person]:
    """Sign so many users up."""
    async with httpx.AsyncClient(base_url=base, timeout=30) as http:
        return [await sign_up(http, "user") for _ in range(count)]


class Client:
    """One connection of a user, opened on demand. Raises OSError or IncompleteReadError when it breaks."""

    def __init__(self, port: int, person: Person, **headers: str) -> None:
        self._port = port
        headers = {"Host": "127.0.0.1", "Authorization": f"Bearer {person.token}", **headers}
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.person = person
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def request(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """The response to one request on a path of the user."""
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if content:
            lines += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        head = f"{method} {self.person.home}{path} HTTP/1.1\r\n{self._headers}{lines}\r\n"
        try:
            if self._writer is None:
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
            self._writer.write(head.encode() + content)
            assert self._reader is not None
            response = await self._response(self._reader)
        except BaseException:  # cancellation too: the rest must not be read as the next response
            await self.close()
            raise
        if response.headers.get("connection") == "close":
            await self.close()
        return response

    async def _response(self, reader: asyncio.StreamReader) -> Response:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = b""
        if "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
        elif headers.get("transfer-encoding") == "chunked":
            while size := int(await reader.readuntil(b"\r\n"), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readexactly(2)
        return Response(int(first.split()[1]), headers, body)

    async def close(self) -> None:
        """Close the connection."""
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
