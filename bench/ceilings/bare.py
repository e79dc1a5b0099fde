"""Bare ASGI applications with our statements and our JSON, and nothing else.

`OnPsycopg` uses psycopg's own pipeline and pool, `OnOurPipelines` uses ours. A token that was verified once is trusted
from then on. There is no error handling, no idempotency key and no conditional request.
"""

import os
from typing import Any
from uuid import UUID, uuid4

import jwt
import msgspec
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg_pool import AsyncConnectionPool
from starlette.types import Receive, Scope, Send

from todo.db.pipeline import Query, Row
from todo.db.pool import Pool
from todo.db.roles import ENTER, ENTER_TO_WRITE, REQUESTS
from todo.db.statement import R, Statement, array
from todo.http.json import encode
from todo.settings import Settings
from todo.tasks.actions import COMPLETE, CREATE, READ
from todo.tasks.fields import WRITABLE
from todo.tasks.lists import PAGE, START

LIMIT = 50


class Bare:
    """The application, with a cache of the users of tokens."""

    def __init__(self) -> None:
        self._users: dict[bytes, str] = {}
        self.url = os.environ["DATABASE_URL"]

    async def open(self) -> None:
        """Open the pool of connections."""
        raise NotImplementedError

    async def rows(self, queries: list[Query]) -> list[Row]:
        """Run the queries in one round trip; the rows of the last one."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await self.open()
            await send({"type": "lifespan.startup.complete"})
            return
        token = next(value for name, value in scope["headers"] if name == b"authorization")[7:]
        user_id = self._users.get(token)
        if user_id is None:
            user_id = jwt.decode(token, os.environ["JWT_SECRET"], ["HS256"])["sub"]
            self._users[token] = user_id
        status, body = await self._respond(scope["method"], scope["path"].split("/")[4:], user_id, receive)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _respond(self, method: str, path: list[str], user_id: str, receive: Receive) -> tuple[int, bytes]:
        if method == "POST":
            body = msgspec.json.decode((await receive())["body"])
            task = dict.fromkeys(WRITABLE) | {"id": uuid4(), "title": body["title"], "completed": False, "tags": "{}"}
            return 201, encode((await self._run(CREATE, user_id, **task))[0])
        if not path:
            [page] = await self._run(
                PAGE,
                user_id,
                after_at=START.created_at,
                after_id=START.id,
                limit=LIMIT + 1,
                cached=array(()),
            )
            return 200, encode(page.tasks[:LIMIT])
        task_id = UUID(path[0])
        if method == "GET":
            return 200, encode((await self._run(READ, user_id, id=task_id))[0])
        return 200, encode((await self._run(COMPLETE, user_id, id=task_id, matches=None, completed=None))[0])

    async def _run(self, statement: Statement[R], user_id: str, **params: Any) -> list[R]:
        values = [REQUESTS, user_id, "10000"]
        enter = (
            Query(ENTER, values)
            if statement.read_only
            else Query(ENTER_TO_WRITE, [*values, "session", "100000", "268435456"])
        )
        return statement.typed(await self.rows([enter, statement.query({"user_id": user_id, **params})]))


class OnPsycopg(Bare):
    """With psycopg's own pipeline and pool."""

    async def open(self) -> None:
        self._pool = AsyncConnectionPool[AsyncConnection[Row]](
            self.url,
            kwargs={"autocommit": True, "prepare_threshold": 0, "cursor_factory": AsyncRawCursor},
            min_size=16,
            max_size=16,
            open=False,
        )
        await self._pool.open()

    async def rows(self, queries: list[Query]) -> list[Row]:
        async with self._pool.connection() as connection, connection.pipeline():
            for sql, values in queries:
                cursor = await connection.execute(sql, values, binary=True)
        return await cursor.fetchall()


class OnOurPipelines(Bare):
    """With our own pipeline and pool."""

    async def open(self) -> None:
        self._pool = await Pool(self.url, Settings()).__aenter__()

    async def rows(self, queries: list[Query]) -> list[Row]:
        connection = await self._pool.acquire()
        try:
            outcome = await connection.run_pipeline(queries)
            return connection.rows(outcome.results[-1])
        finally:
            self._pool.release(connection)
