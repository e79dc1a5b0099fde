"""The door: who a token lets in, remembered so that knowing somebody again costs next to nothing."""

import hashlib
import time

from todo.accounts import apitokens
from todo.accounts.issuers import OWN, Issuer
from todo.accounts.secrets import API_TOKEN_PREFIX
from todo.accounts.tokens import LONGEST, Caller
from todo.database import Database
from todo.problems import Unauthorized

REMEMBERED = 10_000
"""Callers that are remembered, by a hash of their tokens; the longest known go first."""


class Door:
    """Knows callers by their tokens: of the issuer until they expire, personal ones for 30 s."""

    def __init__(self, issuer: Issuer, database: Database) -> None:
        self.issuer = issuer
        self._database = database
        self._known: dict[bytes, Caller] = {}

    async def caller(self, token: str) -> Caller:
        """Whose token it is. Raises Unauthorized, saying what is wrong with it."""
        if len(token) > LONGEST:
            raise Unauthorized("The access token is too long.")
        digest = hashlib.sha256(token.encode(errors="surrogateescape")).digest()
        known = self._known.get(digest)
        if known is not None and known.until > time.time():
            return known
        if token.startswith(API_TOKEN_PREFIX) and self.issuer.name == OWN:
            found = await apitokens.caller(self._database, token)
        else:
            found = await self.issuer.caller(token)
        self._known.pop(digest, None)
        if len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[digest] = found
        return found
