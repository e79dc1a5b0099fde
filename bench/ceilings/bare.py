"""A bare ASGI application with our driver as it comes, our statements and our bytes, and nothing else.

It trusts whoever sends a token that it has seen; it has no errors, no keys and no conditions.
"""

import os
from uuid import UUID, uuid4

import jwt
import msgspec
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg_pool import AsyncConnectionPool
from starlette.types import Receive, Scope, Send

from todo.database import ENTER, ENTER_TO_WRITE, REQUESTS
from todo.flights import Row
from todo.statements import Statement
from todo.tasks import answers
from todo.tasks.actions import COMPLETE, CREATE, READ
from todo.tasks.lists import FLAGS, PAGE, START


class Bare:
    """The application, and the callers that it knows."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}
        self._pool = AsyncConnectionPool[AsyncConnection[Row]](
            os.environ["DATABASE_URL"],
            kwargs={"autocommit": True, "prepare_threshold": 0, "cursor_factory": AsyncRawCursor},
            min_size=16,
            max_size=16,
            open=False,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await self._pool.open()
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
        who = {"user_id": user_id}
        if method == "POST":
            given = msgspec.json.decode((await receive())["body"])
            task = {"id": uuid4(), "title": given["title"], "description": None, "completed": False}
            return 201, answers.as_object((await self._rows(CREATE, who | task))[0])
        if not place:
            page = {"flags": FLAGS["all"], "after_at": START.created_at, "after_id": START.id, "most": 51, "known": []}
            return 200, answers.as_array((await self._rows(PAGE, who | page))[:50])
        id = {"id": UUID(place[0])}
        if method == "GET":
            return 200, answers.as_object((await self._rows(READ, who | id))[0])
        toggle = {"matches": None, "completed": None}
        return 200, answers.as_object((await self._rows(COMPLETE, who | id | toggle))[0])

    async def _rows(self, statement: Statement, params: dict[str, object]) -> list[Row]:
        terms = [REQUESTS, str(params["user_id"]), "10000"]
        enter = ENTER if statement.reads else ENTER_TO_WRITE
        async with self._pool.connection() as connection, connection.pipeline():
            await connection.execute(enter, terms if statement.reads else [*terms, "session", "100000"])
            cursor = await connection.execute(statement.sql, statement.values(params), binary=True)
        return await cursor.fetchall()


app = Bare()
