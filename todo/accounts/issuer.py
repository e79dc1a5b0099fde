"""The built-in accounts as the issuer of access tokens."""

import asyncio
import time
from contextlib import suppress

from todo.accounts import api_tokens
from todo.accounts.secrets import API_TOKEN_PREFIX
from todo.accounts.signing_keys import KEY_ID_LENGTH, KeyPair, KeyRing, PublishedKey, load, publish
from todo.auth.caller import Caller
from todo.auth.issuers import BUILT_IN
from todo.auth.jwt import key_id
from todo.db.database import Database
from todo.problems import Unavailable


class BuiltInIssuer:
    """Issues and verifies our own tokens, and verifies personal API tokens.

    Its key is made when it first signs. Keys that other processes made, or `todo keys rotate` ended, are found
    without a restart.
    """

    REREAD_TO_SIGN = 30.0  # seconds after which the keys are read again before one signs
    REREAD_TO_VERIFY = 60.0  # and before one verifies
    PAUSE = 0.2  # seconds between two reads

    name = BUILT_IN

    def __init__(self, database: Database, lifetime: int, leeway: float) -> None:
        self.lifetime = lifetime
        self.withdrawals = 0
        self._database = database
        self._leeway = leeway
        self._own: KeyPair | None = None
        self._making = asyncio.Lock()
        self._keys = KeyRing([], leeway)
        self._read_at = float("-inf")  # when the last read began
        self._reading: asyncio.Task[None] | None = None

    async def caller(self, token: str) -> Caller:
        """The caller whose token it is. Raises Unauthorized, or Unavailable for an unknown key that cannot be read."""
        if token.startswith(API_TOKEN_PREFIX):
            return await api_tokens.caller(self._database, token)
        kid = key_id(token)
        if self._keys.has(kid):
            with suppress(Unavailable):
                await self._read_since(time.monotonic() - self.REREAD_TO_VERIFY)
        elif kid is not None and len(kid) == KEY_ID_LENGTH:
            await self._read_since(time.monotonic())
        return self._keys.caller(token)

    async def signing_key(self) -> KeyPair:
        """The key of this process, which was not retired REREAD_TO_SIGN seconds ago."""
        await self._read_since(time.monotonic() - self.REREAD_TO_SIGN)
        async with self._making:
            if self._own is None or self._own.kid not in self._keys.signing:
                key, began = KeyPair.new(), time.monotonic()
                self._take(await publish(self._database, key, self.lifetime), began)
                self._own = key
            return self._own

    async def published(self) -> KeyRing:
        """All processes' keys, as they are now, one of this process among them."""
        await self.signing_key()
        await self._read_since(time.monotonic())
        return self._keys

    async def _read_since(self, moment: float) -> None:
        """Read the keys, unless a read that began after `moment` is done; once for all who ask meanwhile.

        A key is published before it signs: such a read knows the key of every token that is there by then.
        """
        while self._read_at < moment:
            if self._reading is None:
                self._reading = asyncio.create_task(self._read())
            await asyncio.shield(self._reading)

    async def _read(self) -> None:
        try:
            await asyncio.sleep(self._read_at + self.PAUSE - time.monotonic())
            began = time.monotonic()
            self._take(await load(self._database, self.lifetime), began)
        finally:
            self._reading = None

    def _take(self, keys: list[PublishedKey], began: float) -> None:
        if began < self._read_at:
            return  # a later read was quicker
        before, self._keys, self._read_at = self._keys, KeyRing(keys, self._leeway), began
        if self._keys.lacks_any_of(before):
            self.withdrawals += 1
