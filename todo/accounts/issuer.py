"""The built-in accounts as the issuer of access tokens."""

import asyncio
import time

from todo.accounts import api_tokens
from todo.accounts.secrets import API_TOKEN_PREFIX
from todo.accounts.signing_keys import KeyRing, load_keys
from todo.auth.caller import Caller
from todo.auth.issuers import BUILT_IN
from todo.auth.jwt import key_id
from todo.db.database import Database


class BuiltInIssuer:
    """Issues and verifies our own tokens, and verifies personal API tokens.

    Keys that another worker, or `todo keys rotate`, made are found without a restart.
    """

    REREAD = 30.0  # seconds after which the keys are read again before one signs
    REREAD_FOR_UNKNOWN = 2.0  # seconds between two reads for unknown keys

    name = BUILT_IN

    def __init__(self, database: Database, keys: KeyRing, lifetime: int) -> None:
        self.lifetime = lifetime
        self._database = database
        self._keys = keys
        self._read_at = time.monotonic()
        self._reading: asyncio.Task[None] | None = None

    async def caller(self, token: str) -> Caller:
        """The caller whose token it is. Raises Unauthorized."""
        if token.startswith(API_TOKEN_PREFIX):
            return await api_tokens.caller(self._database, token)
        if not self._keys.has(key_id(token)):
            await self._reread(self.REREAD_FOR_UNKNOWN)
        return self._keys.caller(token)

    async def current(self) -> KeyRing:
        """The keys, at most REREAD seconds old."""
        await self._reread(self.REREAD)
        return self._keys

    async def _reread(self, age: float) -> None:
        """Read the keys again when that was longer ago than `age`, once for all requests that ask meanwhile."""
        if self._reading is None and time.monotonic() - self._read_at > age:
            self._reading = asyncio.create_task(self._read())
        if self._reading is not None:
            await asyncio.shield(self._reading)

    async def _read(self) -> None:
        try:
            self._keys = await load_keys(self._database, self.lifetime)
            self._read_at = time.monotonic()
        finally:
            self._reading = None


async def built_in_issuer(database: Database, lifetime: int) -> BuiltInIssuer:
    """The issuer with the keys of this deployment; `lifetime` is that of access tokens, in seconds."""
    return BuiltInIssuer(database, await load_keys(database, lifetime), lifetime)
