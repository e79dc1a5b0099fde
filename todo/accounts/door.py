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
"""Callers that are remembered, by a hash of what they said; the longest known go first."""


class Door:
    """Knows callers by their tokens: of the issuer until they expire, personal ones for 30 s."""

    def __init__(self, issuer: Issuer, database: Database) -> None:
        self.issuer = issuer
        self._database = database
        self._known: dict[bytes, Caller] = {}

    def known(self, said: bytes) -> Caller | None:
        """Who said the same in an Authorization header before, and is not to be looked at again yet."""
        caller = self._known.get(hashlib.sha256(said).digest())
        return caller if caller is not None and caller.until > time.time() else None

    async def caller(self, said: bytes) -> Caller:
        """Whose token it is that an Authorization header has. Raises Unauthorized, saying what is wrong with it."""
        scheme, _, token = said.decode("latin-1").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized
        if len(token) > LONGEST:
            raise Unauthorized("The access token is too long.")
        usual = b"Bearer " + token.encode("latin-1")
        if usual != said and (known := self.known(usual)):
            return known
        if token.startswith(API_TOKEN_PREFIX) and self.issuer.name == OWN:
            found = await apitokens.caller(self._database, token)
        else:
            found = await self.issuer.caller(token)
        digest = hashlib.sha256(usual).digest()  # one place for a token, however it is written
        self._known.pop(digest, None)
        if len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[digest] = found
        return found
