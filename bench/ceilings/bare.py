"""Bare ASGI applications with our statements and bytes, and nothing else: on psycopg as it comes, and on our flights.

They trust whoever sends a token that they have seen; they have no errors, no keys and no conditions.
"""

import os
from typing import Any
from uuid import UUID, uuid4

import jwt
import msgspec
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg_pool import AsyncConnectionPool
from starlette.types import Receive, Scope, Send

from todo.database import ENTER, ENTER_TO_WRITE, REQUESTS
from todo.flights import Row, Step
from todo.pool import Pool
from todo.settings import Settings
from todo.statements import Statement
from todo.tasks import answers
from todo.tasks.actions import COMPLETE, CREATE, READ
from todo.tasks.lists import FLAGS, PAGE, START


class Bare:
    """The application, and the callers that it knows."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}
        self.url = os.environ["DATABASE_URL"]

    async def open(self) -> None:
        """Connect."""
        raise NotImplementedError

    async def rows(self, steps: list[Step]) -> list[Row]:
        """Send both statements in one flight; the rows of the second."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await self.open()
            await send({"type": "lifespan.startup.complete"})
            return
        token = next(value for name, value in scope["headers"] if name == b"authorization")[7:]
        user_id = self._known.get(token)
        if user_id is None:
            user_id = jwt.decode(token, os.environ["JWT_SECRET"], ["HS256"])["sub"]
            self._known[token] = user_id
        status, body = await self._answer(scope["method"], scope["path"].split("/")[4:], user_id, receive)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, method: str, place: list[str], user_id: str, receive: Receive) -> tuple[int, bytes]:
        who: dict[str, Any] = {"user_id": user_id}
        if method == "POST":
            given = msgspec.json.decode((await receive())["body"])
            task = {"id": uuid4(), "title": given["title"], "description": None, "completed": False}
            return 201, answers.as_object((await self._rows(CREATE, who | task))[0])
        if not place:
            page = {
                "flags": FLAGS["all"],
                "after_at": START.created_at,
                "after_id": START.id,
                "most": 51,
                "known": "{}",
            }
            return 200, answers.as_array((await self._rows(PAGE, who | page))[:50])
        task_id = {"id": UUID(place[0])}
        if method == "GET":
            return 200, answers.as_object((await self._rows(READ, who | task_id))[0])
        toggle = {"matches": None, "completed": None}
        return 200, answers.as_object((await self._rows(COMPLETE, who | task_id | toggle))[0])

    async def _rows(self, statement: Statement, params: dict[str, Any]) -> list[Row]:
        terms = [REQUESTS, params["user_id"], "10000"]
        enter = (ENTER, terms) if statement.reads else (ENTER_TO_WRITE, [*terms, "session", "100000"])
        return await self.rows([enter, (statement.sql, statement.values(params))])


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

    async def rows(self, steps: list[Step]) -> list[Row]:
        async with self._pool.connection() as connection, connection.pipeline():
            for sql, values in steps:
                cursor = await connection.execute(sql, values, binary=True)
        return await cursor.fetchall()


class OnFlights(Bare):
    """With our own flights and pool."""

    async def open(self) -> None:
        self._pool = await Pool(self.url, Settings()).__aenter__()

    async def rows(self, steps: list[Step]) -> list[Row]:
        connection = await self._pool.borrow()
        landed = await connection.fly(steps)
        await self._pool.give_back(connection)
        return connection.rows(landed.results[-1])
