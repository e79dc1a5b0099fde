"""The client that tools use: one that says that an agent writes, and whose writes have the keys of the calls."""

from typing import Any, TypeVar

from todo.client import AsyncClient

T = TypeVar("T")

UNNAMED = "MCP client"
NAME_LENGTH = 100


class ToolClient(AsyncClient):
    """A client of the API for one user, used by an agent."""

    def __init__(self, url: str, token: str | None = None, *, agent: str | None = None, **options: Any) -> None:
        super().__init__(url, token, agent=sendable(agent or UNNAMED), **options)

    async def post(
        self,
        shape: type[T],
        *path: object,
        key: str | None = None,
        dry_run: bool = False,
        json: Any = None,
        time_zone: bool = False,
    ) -> T:
        """A write, done once however often it is sent with this key; a dry run changes nothing and needs none.

        With `time_zone` the query names that of the client.
        """
        address, params = await self._home(*path), self._zone() if time_zone else {}
        if dry_run:
            return await self._answer("POST", address, shape, params={**params, "dry_run": True}, json=json)
        key = f"mcp:{key}" if key else None
        return await self._write("POST", address, shape, params=params, json=json, key=key)

    def zone(self, time_zone: str | None) -> dict[str, Any]:
        """The time zone of a call, else that of the client, as a request names it."""
        return {"time_zone": time_zone} if time_zone else self._zone()


def sendable(name: str) -> str:
    """What of a client's name the header can have: 1 to 100 printable characters."""
    printable = "".join(char for char in " ".join(name.split()) if char.isprintable())
    return printable[:NAME_LENGTH].strip() or UNNAMED
